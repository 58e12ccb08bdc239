"""What an action would run and touch, as far as it can be read beforehand."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from agentrt.records import Action

from .hosts import hosts_of
from .patterns import Words
from .programs import MOVING, is_of_the_shell, real_path
from .remotes import remotes_of

if TYPE_CHECKING:
    from .shell import Command

WAITING = frozenset({"push"})
"""Kinds of actions that wait in the outbox unless a rule that names them says otherwise: others see at once what such a
one does, whatever takes it back."""
_HARMLESS = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr"})


@dataclass(frozen=True)
class Asked:
    """An action as rules see it. What costs time to find out is found out when a rule asks for it."""

    kind: str
    commands: tuple[Command, ...] = ()
    """All that may run."""
    unknown: tuple[str, ...] = ()
    """Why not everything that it may run is in ``runs``."""
    runners: tuple[Words, ...] = ()
    """Those of ``runs`` of which it is not known what they run in turn: as many as ``unknown``, if it is only that."""
    paths: frozenset[str | None] = frozenset()
    """What it names that may be a path, relative to the workspace, or absolute outside of it; None: it is not known."""
    url: str | None = None
    """Of an action that is a request itself."""
    fed: bool = False
    """A program may be given text that stands in the command line, as its input."""
    root: str = "/"
    """The workspace."""
    folder: str = "/"
    """Where it starts."""
    remote: str | None = None
    """Of an action that is a push itself."""
    provisional: bool = False
    """It was read in a quick way, which may be wrong."""

    @cached_property
    def runs(self) -> tuple[Words, ...]:
        """Programs with their arguments; None: words that are only known at run time."""
        return tuple(command.argv for command in self.commands if command.argv)

    @cached_property
    def writes(self) -> bool:
        """The shell itself would write a file for it."""
        return any(path not in _HARMLESS for command in self.commands for path in command.writes)

    @cached_property
    def hosts(self) -> frozenset[str | None]:
        """That it names; None: it may be any."""
        words = [*self.runs, *([("", self.url)] if self.url is not None else [])]
        return frozenset(host for argv in words for host in hosts_of(argv))

    @cached_property
    def remotes(self) -> frozenset[str | None]:
        """That it names for git; None: it may be any."""
        own = [self.remote] if self.remote is not None else []
        return frozenset([*own, *(remote for argv in self.runs for remote in remotes_of(argv))])

    @cached_property
    def programs(self) -> dict[str, str | None]:
        """The file of each program it runs, by the name it runs it by; builtins of the shell have none."""
        names = dict.fromkeys(argv[0] or "" for argv in self.runs)
        folder = None if MOVING & names.keys() else self.folder
        return {name: real_path(name, folder, self.root) for name in names if not is_of_the_shell(name)}

    def unread(self) -> Asked:
        """The same, if nothing could be read of it."""
        return replace(self, commands=(), unknown=("it was not read",), runners=(), provisional=False)


class Acted:
    """An action that ran, as rules on what it did see it: read when one of them asks for it."""

    def __init__(self, action: Action, workspace: str) -> None:
        self.kind = action.kind
        self._action, self._workspace = action, workspace

    @cached_property
    def asked(self) -> Asked:
        return read(self._action, self._workspace)


def read(action: Action, workspace: str, *, quickly: bool = False) -> Asked:
    """``quickly``: without what makes it certain."""
    fields = action.to_dict()
    root = os.path.normpath(workspace)
    path, url = fields.get("path"), fields.get("url")
    paths: set[str | None] = {_placed(path, root, root)} if isinstance(path, str) else set()
    args, command = fields.get("args"), fields.get("command")
    if isinstance(args, list | tuple):  # those of a program that is called as the action is
        command = shlex.join((action.kind, *args))
    url = url if isinstance(url, str) else None
    if not isinstance(command, str):
        remote = fields.get("remote") if action.kind in WAITING else None
        return Asked(action.kind, paths=frozenset(paths), url=url, remote=remote, root=root, folder=root)
    from .shell import read as read_shell

    reading = read_shell(command, confirm=not quickly)
    folder = os.path.join(root, fields.get("cwd") or "")
    for run in reading.commands:
        paths |= _paths([*run.argv[1:], *run.reads, *run.writes], folder, root)
    return Asked(
        action.kind,
        reading.commands,
        tuple(f"{opaque.because} ({opaque.line}:{opaque.column})" for opaque in reading.opaque),
        tuple(opaque.of for opaque in reading.opaque if opaque.of),
        frozenset(paths),
        url,
        any("<<" in text for text in (command, *(word or "" for run in reading.commands for word in run.argv))),
        root,
        folder,
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
