"""What an action would run and touch, as far as it can be read beforehand."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, replace

from agentrt.records import Action

from .patterns import Words

_HARMLESS = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr"})


@dataclass(frozen=True, slots=True)
class Asked:
    """An action as rules see it."""

    kind: str
    runs: tuple[Words, ...] = ()
    """Programs with their arguments; None: words that are only known at run time."""
    unknown: tuple[str, ...] = ()
    """Why not everything that it may run is in ``runs``."""
    runners: tuple[Words, ...] = ()
    """Those of ``runs`` of which it is not known what they run in turn: as many as ``unknown``, if it is only that."""
    paths: frozenset[str | None] = frozenset()
    """What it names that may be a path, relative to the workspace, or absolute outside of it; None: it is not known."""
    writes: bool = False
    """The shell itself would write a file for it."""
    provisional: bool = False
    """It was read in a quick way, which may be wrong."""

    def unread(self) -> Asked:
        """The same, if nothing could be read of it."""
        return replace(self, runs=(), unknown=("it was not read",), runners=(), provisional=False)


def read(action: Action, workspace: str, *, quickly: bool = False) -> Asked:
    """``quickly``: without what makes it certain."""
    fields = action.to_dict()
    root = os.path.normpath(workspace)
    path = fields.get("path")
    paths: set[str | None] = {_placed(path, root, root)} if isinstance(path, str) else set()
    args, command = fields.get("args"), fields.get("command")
    if isinstance(args, list | tuple):  # those of a program that is called as the action is
        command = shlex.join((action.kind, *args))
    if not isinstance(command, str):
        return Asked(action.kind, paths=frozenset(paths))
    from .shell import read as read_shell

    reading = read_shell(command, confirm=not quickly)
    folder = os.path.join(root, fields.get("cwd") or "")
    for run in reading.commands:
        paths |= _paths([*run.argv[1:], *run.reads, *run.writes], folder, root)
    return Asked(
        action.kind,
        tuple(run.argv for run in reading.commands if run.argv),
        tuple(f"{opaque.because} ({opaque.line}:{opaque.column})" for opaque in reading.opaque),
        tuple(opaque.of for opaque in reading.opaque if opaque.of),
        frozenset(paths),
        any(path not in _HARMLESS for run in reading.commands for path in run.writes),
        provisional=quickly,
    )


def _paths(words: Words, folder: str, root: str) -> set[str | None]:
    """Words, and what stands behind a ``=`` in one."""
    found: set[str | None] = set()
    for word in words:
        found |= {None} if word is None else {_placed(part, folder, root) for part in (word, word.partition("=")[2])}
    return found


def _placed(path: str, folder: str, root: str) -> str:
    full = os.path.normpath(os.path.join(folder, path))
    return os.path.relpath(full, root) if full.startswith(f"{root}/") else full
