"""Git of the host, run on the user's own repository in a way that executes nothing an agent could have written.

Plain ``git`` plumbing: every library for it starts the same programs, with less say in how. What git might execute,
and why it does not here:

    hooks                  ``core.hooksPath`` leads nowhere. They are the user's, but they run scripts and read
                           configuration from the work tree, which is where an agent's files are being written
    fsmonitor              off: a program named by configuration, which may be included from the work tree
    filters                a path with one is refused before it is read (``draft``); attributes can only choose among
                           programs the configuration names, but those, too, may live in the work tree
    remotes, credentials   nothing may be fetched: a partial clone says what is missing
    aliases, pagers,       not for plumbing whose output is a pipe
    editors, signing
    a planted repository   only a ``.git`` above or in the workspace counts, and ``apply`` never writes one by itself;
                           files that look like a bare repository do not count (``safe.bareRepository``)
    GIT_… variables        only who the user is and where the configuration lies
    another git            folders of ``PATH`` that are relative, or in the work tree, are passed over
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from agentrt.errors import AgentrtError, Conflict, UsageError

_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "safe.bareRepository": "explicit",
    "core.splitIndex": "false",  # a temporary index would leave its half in the repository
    "core.fsync": "all",  # what the journal calls done is on the disk
    "core.fsyncMethod": "batch",
    "i18n.commitEncoding": "UTF-8",
}
_KEPT = ("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG")
_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
}


class GitFailed(Conflict):
    """Git would not; its own words say why. Nothing was touched."""


@dataclass(frozen=True)
class Repository:
    """One that has a work tree and holds the workspace."""

    top: Path
    """The top of its work tree."""
    git_dir: Path
    """Its ``.git``; of a linked work tree, that work tree's own part."""
    prefix: bytes
    """What stands in front of the workspace's paths: empty, or with a slash at its end."""

    @property
    def index(self) -> Path:
        return self.git_dir / "index"

    def run(
        self,
        *arguments: str | bytes,
        stdin: bytes = b"",
        work: Path | None = None,
        index: Path | None = None,
        env: Mapping[str, str] | None = None,
        fine: tuple[int, ...] = (0,),
    ) -> bytes:
        """What git prints. ``work`` and ``index`` stand in for the user's own; ``fine`` are exit codes.

        Raises ``GitFailed``, ``UsageError``.
        """
        done = self._started(arguments, stdin, work, index, env)
        if done.returncode not in fine:
            raise GitFailed(f"git {_command(arguments)}: {_said(done.stderr)}", hint="nothing was touched")
        return done.stdout

    def ask(self, *arguments: str | bytes) -> bytes | None:
        """What git prints, without the newline at its end; None where it says no. Raises ``UsageError``."""
        done = self._started(arguments, b"", None, None, None)
        return done.stdout.removesuffix(b"\n") if done.returncode == 0 else None

    def _started(
        self,
        arguments: Sequence[str | bytes],
        stdin: bytes,
        work: Path | None,
        index: Path | None,
        env: Mapping[str, str] | None,
    ) -> subprocess.CompletedProcess[bytes]:
        where = [f"--git-dir={self.git_dir}", f"--work-tree={work or self.top}"]
        more = {"GIT_INDEX_FILE": str(index)} if index is not None else {}
        return _start([*where, *arguments], self.top, work or self.top, stdin, {**more, **(env or {})})


def top_of(workspace: Path) -> Path | None:
    """The nearest folder with a ``.git`` that is, or holds, the workspace. Git is not needed for this."""
    return next((folder for folder in (workspace, *workspace.parents) if os.path.lexists(folder / ".git")), None)


def find(workspace: Path) -> Repository:
    """The repository that holds the workspace. Raises ``UsageError`` where there is none to work with."""
    if any(part.lower() == ".git" for part in workspace.parts):
        raise UsageError(f"{workspace} is inside a .git folder", hint="only a work tree has branches to commit to")
    top = top_of(workspace)
    if top is None:
        raise UsageError(f"{workspace} is in no git repository with a work tree", hint="--as files, or: git init")
    # Asked from the top, git finds this very .git, and checks that we may trust its owner.
    asked = ["rev-parse", "--absolute-git-dir", "--is-bare-repository", "--show-toplevel"]
    done = _start(asked, top, top, b"", {})
    said = done.stdout.split(b"\n")
    if len(said) > 1 and said[1] == b"true":
        raise UsageError(f"{top}/.git is a bare repository, without a work tree", hint="--as files, or --as patch")
    if done.returncode != 0:
        raise UsageError(f"git cannot work in {top}: {_said(done.stderr)}", hint="--as files, or --as patch")
    git_dir, found = Path(os.fsdecode(said[0])), Path(os.fsdecode(b"\n".join(said[2:]).removesuffix(b"\n")))
    if found.resolve() != top.resolve():
        raise UsageError(f"{top}/.git is not a repository of {top}", hint="--as files, or --as patch")
    below = os.path.relpath(workspace, top)
    return Repository(top, git_dir, b"" if below == "." else os.fsencode(below) + b"/")


def object_format(workspace: Path) -> str:
    """The hash a repository around the workspace names objects by; ``sha1`` where there is none."""
    with suppress(AgentrtError):
        if top_of(workspace) is not None and (said := find(workspace).ask("rev-parse", "--show-object-format")):
            return said.decode("ascii", "replace")
    return "sha1"


class Programs(NamedTuple):
    git: str
    path: str
    """What it finds other programs by."""


def programs(top: Path) -> Programs:
    """The user's own, none of which lies in the work tree. Raises ``UsageError`` where there is no git."""
    path = _path(top)
    git = shutil.which("git", path=path)
    if git is None:
        raise UsageError("git is not installed here", hint="install it, or use --as files or --as patch")
    return Programs(git, path)


def _start(
    arguments: Sequence[str | bytes], top: Path, cwd: Path, stdin: bytes, more: Mapping[str, str]
) -> subprocess.CompletedProcess[bytes]:
    git, path = programs(top)
    settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name.startswith(_KEPT)}
    return subprocess.run(
        [git, *settings, *arguments],
        cwd=cwd,
        input=stdin,
        env={**own, **_ENVIRONMENT, **more, "PATH": path},
        capture_output=True,
        check=False,
    )


def _path(top: Path) -> str:
    folders = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)]
    real = top.resolve()
    return os.pathsep.join(str(f) for f in folders if f.is_absolute() and real not in (r := f.resolve(), *r.parents))


def _command(arguments: Sequence[str | bytes]) -> str:
    place = 0
    while arguments[place] == "-c":
        place += 2
    return os.fsdecode(arguments[place])


def _said(errors: bytes) -> str:
    lines = [line for line in errors.decode("utf-8", "surrogateescape").splitlines() if line.strip()]
    return lines[0].removeprefix("fatal: ").removeprefix("error: ") if lines else "it failed without a word"
