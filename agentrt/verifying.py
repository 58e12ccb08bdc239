"""Does undo hold? Every view of a session is restored in a second sandbox and compared with what was recorded.

    decided by the view's layers      → must be as recorded
    decided by the workspace          → as recorded, or what is in the workspace now: then the user changed it
    to be put there by turning an apply → as recorded, or what the apply found there: then the user had changed it

Nothing is touched: not the journal, not the workspace, not where the session stands.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING

from agentrt import outside
from agentrt.collecting import gone
from agentrt.errors import AgentrtError, SandboxUnavailable
from agentrt.history.aside import Kept, kept
from agentrt.history.bases import ancestry
from agentrt.history.beneath import Beneath
from agentrt.history.expected import Expected, Recorded, recorded
from agentrt.history.states import alike, look
from agentrt.inside import Inside
from agentrt.records import FileState, PathConflict, Record, Text, View

if TYPE_CHECKING:
    from agentrt.runtime import Runtime


class WrongPath(Record):
    """A path that a view does not show as it was recorded."""

    path: Text
    expected: tuple[FileState | None, ...]
    """Any of these; None: nothing. Several where the user changed the path while no operation had touched it."""
    found: FileState | None


class CheckedView(Record):
    """What became of one view."""

    operations: tuple[int, ...]
    """The session stood on it after these; 0 is its start."""
    compared: int = 0
    """Paths that were looked at and could be compared."""
    wrong: tuple[WrongPath, ...] = ()
    edited: tuple[Text, ...] = ()
    """Compared paths that the user's workspace decides, and that were changed there by someone else."""
    not_comparable: tuple[Text, ...] = ()
    """Paths in folders that no process in the sandbox may enter, and what was purged."""
    damage: Text = ""
    """Why the view cannot be restored."""
    collected: Text = ""
    """When and why its files were given up: nothing goes to it any more."""

    @property
    def ok(self) -> bool:
        return not self.wrong and not self.damage


class CheckedDatabase(Record):
    """Whether all that stands in one database could be taken back: it was tried, and rolled back."""

    name: str
    operations: tuple[int, ...]
    """What stands there of these, oldest first."""
    changed: tuple[PathConflict, ...] = ()
    """What somebody else changed since: undo would refuse to go over it."""
    damage: Text = ""
    """Why nothing can be taken back, or why that is not known."""


class Verification(Record):
    """All views of a session, by the first operation that led to them; and the databases in which something stands."""

    views: tuple[CheckedView, ...]
    databases: tuple[CheckedDatabase, ...] = ()

    @property
    def ok(self) -> bool:
        return all(view.ok for view in self.views) and not any(database.damage for database in self.databases)


async def verify(runtime: Runtime) -> Verification:
    """See ``Runtime.verify_undo``. The caller holds ``runtime.turn``."""
    inherited = [
        op for op in ancestry(runtime.journal, runtime.session, runtime.info.start) if op.session != runtime.session
    ]
    session = recorded(runtime.info.start, runtime.log(), inherited)
    sandbox = await runtime.sandbox.fork(runtime.view.snapshot)
    try:
        views = await _Verifying(runtime, session, Inside(sandbox)).all()
    finally:
        await sandbox.close()
    return Verification(views=views, databases=tuple([one async for one in _databases(runtime)]))


async def _databases(runtime: Runtime) -> AsyncIterator[CheckedDatabase]:
    view = runtime.view
    steps = outside.between(view, view.model_copy(update={"marks": ()}), runtime.show)
    standing = {name: tuple(op for op in view.marks if name in runtime.show(op).resources) for name in steps}
    for name, its in steps.items():
        try:
            _, conflicts = await outside.plan(runtime, {name: its})
        except AgentrtError as error:
            yield CheckedDatabase(name=name, operations=standing[name], damage=str(error))
        else:
            yield CheckedDatabase(name=name, operations=standing[name], changed=tuple(conflicts))


class _Verifying:
    def __init__(self, runtime: Runtime, session: Recorded, inside: Inside) -> None:
        self._store, self._layer, self._standing = runtime.store, runtime.layer, runtime.view.applied
        self._session, self._inside = session, inside
        self._removals = runtime.journal.removals()
        self._name = runtime.session
        self._workspace: dict[str, FileState | None] = {}
        self._aside: dict[int, Mapping[str, Kept]] = {}

    async def all(self) -> tuple[CheckedView, ...]:
        return tuple([await self._view(view) for view in self._session.views])

    async def _view(self, expected: Expected) -> CheckedView:
        operations, paths = tuple(expected.operations), sorted(self._session.bases)
        if removal := self._removals.of_view(self._name, expected.view):
            return CheckedView(operations=operations, collected=gone(removal))
        purged = {path for path in paths if self._is_purged(path)}
        try:
            turned = await asyncio.to_thread(self._turned, expected.view)
            states, out_of_reach = await self._inside.look(expected.view.snapshot, paths)
            out_of_reach = {*out_of_reach, *purged}
        except SandboxUnavailable:
            raise
        except (AgentrtError, OSError) as error:
            return CheckedView(operations=operations, damage=str(error))
        wrong: list[WrongPath] = []
        edited: list[str] = []
        for path in paths:
            if path in out_of_reach:
                continue
            wanted = self._wanted(expected, path)
            found, theirs = states[path], list[FileState | None]()
            if path not in expected.covered and not (path in expected.kept and _is_any(found, wanted)):
                found, theirs = await self._below(path, found, turned.get(path, ()))
            if _is_any(found, wanted):
                continue
            if _is_any(found, theirs):
                edited.append(path)
            else:
                wrong.append(WrongPath(path=path, expected=tuple(wanted), found=found))
        return CheckedView(
            operations=operations,
            compared=len(paths) - len(out_of_reach),
            wrong=tuple(wrong),
            edited=tuple(edited),
            not_comparable=tuple(sorted(out_of_reach)),
        )

    def _is_purged(self, path: str) -> bool:
        return any(path == p.name or path.startswith(f"{p.name}/") for p in self._removals.paths())

    def _wanted(self, expected: Expected, path: str) -> Sequence[FileState | None]:
        return [expected.states[path]] if path in expected.states else self._session.bases[path]

    async def _below(
        self, path: str, found: FileState | None, turned: Sequence[Kept]
    ) -> tuple[FileState | None, list[FileState | None]]:
        """What a path will be that the workspace decides, and what it may be if the user changed it."""
        if not turned:
            return found, [] if path.startswith("/") else [await asyncio.to_thread(self._real, path)]
        written: FileState | None = found
        for one in turned:
            if not one.in_place:
                found, written = one.found, one.written
            elif found is not None and written is not None and one.written is not None:
                found, written = (state.model_copy(update={"mode": one.written.mode}) for state in (found, written))
        return found, [written]

    def _turned(self, view: View) -> dict[str, list[Kept]]:
        """By path, the applies that are turned on the way to a view, in order. Raises ``JournalError``, ``OSError``."""
        take_back = [op for op in reversed(self._standing) if op not in view.applied]
        put_back = [op for op in view.applied if op not in self._standing]
        found: dict[str, list[Kept]] = {}
        for op in (*take_back, *put_back):
            if op not in self._aside:
                self._aside[op] = kept(self._store.aside / self._layer(op))
            for path, one in self._aside[op].items():
                found.setdefault(path, []).append(one)
        return found

    def _real(self, path: str) -> FileState | None:
        """What is in the user's workspace."""
        if path not in self._workspace:
            with Beneath(self._store.workspace) as tree:
                try:
                    self._workspace[path] = look(tree, os.fsencode(path))
                except OSError:  # nothing is at this very path, or nobody knows
                    self._workspace[path] = None
        return self._workspace[path]


def _is_any(state: FileState | None, others: Sequence[FileState | None]) -> bool:
    return any(alike(state, other) for other in others)
