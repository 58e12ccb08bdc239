"""The user's tools inside: which folders of the host to show, and which environment to give.

System folders are always there. Interpreters and compilers often live in the home, which is not; they are found
through PATH, through the workspace's virtual environment and in the places their installers use. Each is shown
read-only at its own path. The environment is an allow-list.
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
    found = set(confinement.bind)
    found.update((sys.prefix, sys.base_prefix))  # agentrt's own helpers, and the interpreter it runs on
    for name, variable in _MANAGERS:
        folder = environment.get(variable, "") if variable else ""
        found.add(folder or str(home / name))
    for entry in _path(environment):
        found.update(_toolchain(Path(entry), home))
    for name in (".venv", "venv", "env"):
        found.update(_environment(workspace / name))
    hidden = {os.path.realpath(path) for path in confinement.hide}
    real = {
        path for path in found if os.path.isabs(path) and os.path.exists(path) and os.path.realpath(path) not in hidden
    }
    return _outermost(path for path in real if _may_show(path, home, workspace))


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
        folder = str(home / name)
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


def _toolchain(entry: Path, home: Path) -> Iterator[str]:
    """What a folder of programs needs to be seen with: itself, its prefix, and where its links lead."""
    if not os.path.isdir(entry) or _in_system(str(entry)):
        return
    prefix = entry.parent
    is_prefix = any(
        (prefix / name).exists() for name in ("conda-meta", "pyvenv.cfg", "lib/node_modules", "lib/python3")
    )
    yield str(prefix if is_prefix and prefix != home and prefix != home / ".local" else entry)
    try:
        names = list(os.scandir(entry))
    except OSError:
        return
    for name in names:
        if name.is_symlink() and os.path.dirname(os.readlink(name.path)):  # not a second name beside the first
            yield from _linked(name.path)


def _environment(folder: Path) -> Iterator[str]:
    """A virtual environment points to the interpreter it was made with."""
    if os.path.isfile(folder / "pyvenv.cfg"):
        for name in ("python", "python3"):
            yield from _linked(str(folder / "bin" / name))


def _linked(path: str) -> Iterator[str]:
    """Every stop of a chain of links that lies outside the system: for ``…/bin/x`` the prefix, else the file."""
    for _ in range(_MOST_LINKS):
        if not os.path.islink(path):
            return
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
        if _in_system(path) or not os.path.exists(path):
            return
        folder = os.path.dirname(path)
        yield os.path.dirname(folder) if os.path.basename(folder) == "bin" else path


def _may_show(path: str, home: Path, workspace: Path) -> bool:
    """Never the home, anything around it, or anything around the workspace."""
    return not (
        _in_system(path)
        or _within(str(home), path)
        or path in ("/", "/home", "/root", "/tmp", "/var", "/run", "/proc", "/sys", "/dev", str(home / ".local"))
        or _within(str(workspace), path)
        or _within(path, str(workspace))
    )


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
