"""What an apply left outside the sandbox, files and commit together: taken out and put back, whole or not at all.

The same functions as ``history.apply`` has for files. An apply may be files only, a commit only (a branch), or both.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agentrt.errors import AgentrtError, Conflict
from agentrt.history import apply as files
from agentrt.history.apply import Recovery
from agentrt.history.ledger import Standing
from agentrt.records import FileEffect, PathConflict
from agentrt.repository import made, turn
from agentrt.repository.made import Made


def commit(aside: Path, root: Path, to_make: Made) -> None:
    """Beside the files of ``aside``, which are in the workspace already, put a commit in. Raises as ``put_back``."""
    made.save(aside, to_make)
    with turn.turn(aside, root, "after"):
        pass


def take_back(aside: Path, root: Path) -> tuple[FileEffect, ...]:
    """What that changed in the workspace. Raises ``Conflict``, ``DiskFull``, ``OSError``; then nothing is changed."""
    return _turned(aside, root, "before")


def put_back(aside: Path, root: Path) -> tuple[FileEffect, ...]:
    """The inverse of ``take_back``, with the same errors."""
    return _turned(aside, root, "after")


def obstacles(aside: Path, root: Path) -> tuple[PathConflict, ...]:
    """What the one of the two that is next would raise; nothing is touched."""
    found = files.obstacles(aside, root) if files.standing(aside) is not None else ()
    try:
        in_git = turn.obstacle(aside, root)
    except AgentrtError as error:
        in_git = PathConflict(path=_ref(aside), ours="to be moved", theirs=str(error))
    return found if in_git is None else (*found, in_git)


def merges(aside: Path, root: Path) -> tuple[str, ...]:
    """The paths it would merge with what somebody changed since; nothing is touched."""
    return files.merges(aside, root) if files.standing(aside) is not None else ()


def recover(aside: Path, root: Path) -> Recovery:
    """After a crash in any of this: both parts on the same side. Raises ``OSError``, ``JournalError``."""
    found = files.recover(aside, root)
    commit = made.load(aside)
    if commit is None:
        return found
    try:
        turn.recover(aside, root)
    except AgentrtError as error:
        left = PathConflict(path=commit.ref, ours="to be put back", theirs=str(error))
        return replace(found, left=(*found.left, left), standing=None)
    if found.standing is None or found.standing == commit.standing:
        return replace(found, standing=commit.standing)
    try:
        (files.take_back if commit.standing == "before" else files.put_back)(aside, root)
    except Conflict as conflict:
        return replace(found, left=(*found.left, *conflict.conflicts), standing=None)
    return replace(found, standing=commit.standing)


def told(aside: Path) -> str:
    """What stands in the repository, in a few words; empty where the apply made no commit."""
    commit = made.load(aside)
    if commit is None:
        return ""
    if commit.kind == "commit":
        return f"{commit.branch} is at {(commit.tip(commit.standing) or '')[:10]}"
    return f"branch {commit.branch} {'made' if commit.standing == 'after' else 'deleted'}"


def _turned(aside: Path, root: Path, to: Standing) -> tuple[FileEffect, ...]:
    way = files.take_back if to == "before" else files.put_back
    back = files.put_back if to == "before" else files.take_back
    if files.standing(aside) is None:
        with turn.turn(aside, root, to):
            return ()
    effects = None
    try:
        with turn.turn(aside, root, to):
            effects = way(aside, root)
    except BaseException:
        if effects is not None:
            back(aside, root)
        raise
    return effects


def _ref(aside: Path) -> str:
    commit = made.load(aside)
    return "git" if commit is None else commit.ref
