"""The user's tools inside: which folders of the host to show, and which environment to give.

System folders are always there. Interpreters and compilers often live in the home, which is not; they are found
through PATH, through the workspace's virtual environment and in the places their installers use. Each is shown
read-only at its own path. The environment is an allow-list.

PATH and the installers' places are the user's own. What lies in the workspace an agent may have written (and had
applied): a link from there is followed to one thing only, an interpreter's own installation, known as such by what it
holds. It can never choose what else is shown.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from agentrt.contracts import Confinement

from .inside.root import HOME

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/opt", "/nix")
_STANDARD_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PASSED = (
    "LANG",
    "LANGUAGE",
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "TZ",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "GOROOT",
    "JAVA_HOME",
)
# Shown whole because their programs look for their own parts through the variable: folder below home, variable.
_MANAGERS = (
    (".pyenv", "PYENV_ROOT"),
    (".rustup", "RUSTUP_HOME"),
    (".nvm", "NVM_DIR"),
    (".asdf", "ASDF_DATA_DIR"),
    (".sdkman", "SDKMAN_DIR"),
    (".volta", "VOLTA_HOME"),
    (".local/share/mise", "MISE_DATA_DIR"),
    (".local/share/uv/python", ""),
    (".local/share/uv/tools", ""),
    (".local/share/pipx", ""),
    (".local/pipx", ""),
)
_MOST_LINKS = 40


def find(workspace: Path, confinement: Confinement, environment: Mapping[str, str]) -> list[str]:
    """Folders and files to show, sorted, none inside another, none that is always there."""
    home = Path(environment.get("HOME") or Path.home())
    inside = os.path.realpath(workspace)
    found = set(confinement.bind)
    found.update((sys.prefix, sys.base_prefix))  # agentrt's own helpers, and the interpreter it runs on
    for name, variable in _MANAGERS:
        folder = environment.get(variable, "") if variable else ""
        found.add(folder or str(home / name))
    environments = {inside + "/" + name for name in (".venv", "venv", "env")}
    for entry in _path(environment):
        if _through(entry, inside):
            environments.add(os.path.dirname(os.path.realpath(entry)))
        else:
            found.update(_toolchain(Path(entry), home, inside))
    for folder in environments:
        found.update(_base_of(folder))
    hidden = {os.path.realpath(path) for path in confinement.hide}
    return _outermost(
        path
        for path in found
        if os.path.isabs(path) and os.path.exists(path) and _may_show(path, home, workspace)
        if not any(_within(os.path.realpath(path), place) for place in hidden)
    )


def environment(workspace: Path, shows: Iterable[str], host: Mapping[str, str]) -> dict[str, str]:
    """The allow-listed environment of an action, with a PATH of what can be seen inside."""
    shown = [*_SYSTEM, *shows, str(workspace)]
    path = [entry for entry in _path(host) if any(_within(entry, place) for place in shown)]
    path += [entry for entry in _STANDARD_PATH.split(":") if entry not in path]
    home = Path(host.get("HOME") or Path.home())
    given = {
        name: value
        for name, value in host.items()
        if name in _PASSED or name.startswith("LC_")
        if not value.startswith("/") or any(_within(value, place) for place in shown)
    }
    for name, variable in _MANAGERS:
        folder = host.get(variable) or str(home / name)
        if variable and any(_within(folder, place) for place in shown) and os.path.isdir(folder):
            given[variable] = folder
    return given | {
        "PATH": ":".join(path),
        "HOME": os.fsdecode(HOME),
        "USER": host.get("USER", "agent"),
        "LOGNAME": host.get("LOGNAME", host.get("USER", "agent")),
        "SHELL": "/bin/bash",
        "TMPDIR": "/tmp",
    }


def _path(environment: Mapping[str, str]) -> list[str]:
    return [entry for entry in environment.get("PATH", "").split(":") if os.path.isabs(entry)]


def _toolchain(entry: Path, home: Path, workspace: str) -> Iterator[str]:
    """What a folder of programs needs to be seen with: itself, its prefix, and where its links lead."""
    if not os.path.isdir(entry) or _in_system(str(entry)):
        return
    prefix = entry.parent
    is_prefix = _holds(prefix, "conda-meta", "pyvenv.cfg", "lib/node_modules", "lib/python3*")
    yield str(prefix if is_prefix and prefix != home and prefix != home / ".local" else entry)
    try:
        names = list(os.scandir(entry))
    except OSError:
        return
    for name in names:
        if name.is_symlink() and os.path.dirname(os.readlink(name.path)):  # not a second name beside the first
            yield from _linked(name.path, workspace)


def _base_of(folder: str) -> Iterator[str]:
    """The installation that a virtual environment in the workspace was made from, if it is one."""
    program = os.path.realpath(folder + "/bin/python")
    prefix = Path(program).parent.parent
    if os.access(program, os.X_OK) and os.path.isfile(program) and _holds(prefix, "lib/python3*/os.py"):
        yield str(prefix)


def _holds(prefix: Path, *patterns: str) -> bool:
    return any(next(prefix.glob(pattern), None) for pattern in patterns)


def _linked(path: str, workspace: str) -> Iterator[str]:
    """Every stop of a chain of links that lies outside the system: an installation's prefix, or just the file."""
    for _ in range(_MOST_LINKS):
        if not os.path.islink(path):
            return
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
        if _in_system(path) or not os.path.exists(path) or _through(path, workspace):
            return
        folder = Path(path).parent
        installed = folder.name == "bin" and _holds(folder.parent, "lib", "libexec", "pkg")
        yield str(folder.parent) if installed else path


def _may_show(path: str, home: Path, workspace: Path) -> bool:
    """Never the home, anything around it, or anything around the workspace, by whatever name."""
    real, real_home, real_workspace = (os.path.realpath(each) for each in (path, home, workspace))
    if _through(path, real_workspace):
        return False
    never = ("/", "/home", "/root", "/tmp", "/var", "/run", "/proc", "/sys", "/dev", real_home + "/.local")
    return not (
        _in_system(path)
        or real in never
        or _within(real_home, real)
        or _within(real_workspace, real)
        or any(_within(real, place) for place in ("/proc", "/sys", "/dev"))
    )


def _through(path: str, workspace: str) -> bool:
    """Is any name looked up in the workspace on the way to ``path``? Then an agent may have set where it leads."""
    place, names, links = "/", path.split("/")[::-1], 0
    while names:
        name = names.pop()
        if name in ("", "."):
            continue
        step = os.path.normpath(os.path.join(place, name))
        if _within(step, workspace):
            return True
        if os.path.islink(step) and links < _MOST_LINKS:
            links += 1
            target = os.readlink(step)
            names += target.split("/")[::-1]
            place = "/" if target.startswith("/") else place
        else:
            place = step
    return False


def _outermost(paths: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for path in sorted(paths):
        if not any(_within(path, other) for other in kept):
            kept.append(path)
    return kept


def _in_system(path: str) -> bool:
    return any(_within(path, place) for place in _SYSTEM)


def _within(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip("/") + "/")
