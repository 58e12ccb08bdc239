"""Where the user's repository stands: its HEAD, its branches, and what a commit and the index have at a path."""

from __future__ import annotations

import os
from dataclasses import dataclass

from agentrt.errors import Conflict, UsageError

from .host import Repository

Entry = tuple[str, str]
"""Mode and object name, as git prints them."""
_UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
}


@dataclass(frozen=True)
class Head:
    commit: str
    ref: str | None
    """The branch it is on, in full; None where it is detached."""


def head_of(repository: Repository) -> Head:
    """Raises ``Conflict`` where there is no commit yet."""
    commit = repository.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if commit is None:
        raise Conflict(
            f"{repository.top} has no commit yet that another could follow",
            hint="make the first one yourself (git commit --allow-empty -m start), or --as files",
        )
    ref = repository.ask("symbolic-ref", "--quiet", "HEAD")
    return Head(commit.decode("ascii"), None if ref is None else os.fsdecode(ref))


def branch_of(repository: Repository) -> Head:
    """A HEAD that may be moved. Raises ``Conflict``."""
    head = head_of(repository)
    if head.ref is None:
        raise Conflict(
            f"HEAD of {repository.top} is detached: there is no branch to commit to",
            hint="git switch to a branch, or --as branch:NAME",
        )
    for name, what in _UNDER_WAY.items():
        if os.path.lexists(repository.git_dir / name):
            raise Conflict(f"{what} is under way in {repository.top}", hint="end it first, or --as branch:NAME")
    if os.path.lexists(repository.git_dir / "index.lock"):
        raise Conflict(
            f"{repository.git_dir}/index.lock is there: another git is at work",
            hint="wait for it; if none is at work any more, remove that file",
        )
    return head


def ref_of(repository: Repository, branch: str) -> str:
    """The full name of a branch to be made. Raises ``UsageError`` (no such name can be), ``Conflict`` (it exists)."""
    ref = named(repository, branch, hint="as in --as branch:fix-tests")
    if tip_of(repository, ref) is not None:
        raise Conflict(f"there is a branch {branch} already", hint="name another; none is overwritten")
    return ref


def named(repository: Repository, branch: str, *, hint: str) -> str:
    """The full name of a branch, there or not. Raises ``UsageError`` where none can be called that."""
    ref = f"refs/heads/{branch}"
    # What `git branch` refuses beyond what a ref may not be called.
    if branch in ("", "HEAD") or branch.startswith("-") or "\0" in branch:
        raise UsageError(f"{branch!r} is no name for a branch", hint=hint)
    if repository.ask("check-ref-format", os.fsencode(ref)) is None:
        raise UsageError(f"{branch!r} is no name for a branch", hint="git check-ref-format --help has the rules")
    return ref


def tip_of(repository: Repository, ref: str) -> str | None:
    found = repository.ask("rev-parse", "--verify", "--quiet", os.fsencode(ref))
    return None if found is None else found.decode("ascii")


def checked_out(repository: Repository, ref: str) -> str | None:
    """The work tree that has the branch checked out."""
    found = repository.ask("for-each-ref", "--format=%(worktreepath)", os.fsencode(ref))
    return os.fsdecode(found) if found else None


def tree_of(repository: Repository, commit: str) -> dict[bytes, Entry]:
    """Every path of a commit, from the top."""
    found = {}
    for line in repository.run("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")[:-1]:
        about, _, path = line.partition(b"\t")
        mode, _, name = about.split(b" ")
        found[path] = (mode.decode("ascii"), name.decode("ascii"))
    return found


def index_of(repository: Repository) -> dict[bytes, Entry | None]:
    """Every path of the user's index; None for one that is in the middle of a merge."""
    found: dict[bytes, Entry | None] = {}
    for line in repository.run("ls-files", "--stage", "-z", "--full-name").split(b"\0")[:-1]:
        about, _, path = line.partition(b"\t")
        mode, name, stage = about.decode("ascii").split(" ")
        found[path] = (mode, name) if stage == "0" else None
    return found


def between(repository: Repository, first: str, second: str) -> dict[bytes, tuple[Entry | None, Entry | None]]:
    """What differs between two commits: by path, what either has."""
    words = repository.run("diff-tree", "-r", "-z", "--no-renames", "--no-commit-id", first, second).split(b"\0")
    found = {}
    for about, path in zip(words[:-1:2], words[1::2], strict=True):
        old_mode, new_mode, old, new, _ = about.decode("ascii").removeprefix(":").split(" ")
        found[path] = (_entry(old_mode, old), _entry(new_mode, new))
    return found


def _entry(mode: str, name: str) -> Entry | None:
    return None if mode == "000000" else (mode, name)


def index_lines(entries: dict[bytes, Entry | None], length: int) -> bytes:
    """For ``update-index -z --index-info``; what goes stands before what comes. ``length``: of an object's name."""
    nothing = ("0", "0" * length)
    lines = sorted(((entry is not None), path, entry or nothing) for path, entry in entries.items())
    return b"".join(f"{mode} {name}\t".encode("ascii") + path + b"\0" for _, path, (mode, name) in lines)
