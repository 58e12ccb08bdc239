"""From a folder and a few names to a runtime: the lock, the journal, the session, the plug-ins; what was cut off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Generator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from agentrt import databases as named
from agentrt import plugins
from agentrt.collecting import Room
from agentrt.contracts import Ask, Confinement, OpenPolicy, Opinion, Policy, Sandbox
from agentrt.databases import DatabasesChoice
from agentrt.errors import SessionBusy, UsageError
from agentrt.history import room
from agentrt.history.journal import Journal
from agentrt.history.store import Lock, Store, create, locate
from agentrt.holding import SessionDatabase
from agentrt.housing import House, SandboxChoice, house_of, remember, sandbox_name
from agentrt.narrowing import Rules
from agentrt.turns import Ground

if TYPE_CHECKING:
    from agentrt.outward import Outward
    from agentrt.runtime import Runtime

PolicyChoice = str | Mapping[str, object] | Policy
"""A pack's name, a file, what such a file would hold; or a policy itself."""
R = TypeVar("R", bound="Runtime")
_PATIENCE = 10.0
"""Seconds to wait for another process that works on the same workspace."""


@dataclass(frozen=True)
class Opened:
    """The store's exclusive things, and who shares them: runtimes of this process, forked from each other."""

    store: Store
    lock: Lock
    journal: Journal
    room: Room
    ground: Ground = field(default_factory=Ground)
    sessions: set[str] = field(default_factory=set)
    """Those that are open."""

    def leave(self, session: str) -> None:
        """The last one closes it."""
        self.sessions.discard(session)
        if not self.sessions:
            self.close()

    def close(self) -> None:
        self.room.leave()
        self.journal.close()
        self.lock.close()


class Opening(Generic[R]):
    """What ``Runtime.open`` gives: to be awaited, or entered."""

    def __init__(self, opens: Callable[[], Coroutine[Any, Any, R]]) -> None:
        self._opens = opens
        self._runtime: R | None = None

    def __await__(self) -> Generator[Any, None, R]:
        return self._opens().__await__()

    async def __aenter__(self) -> R:
        self._runtime = await self
        return self._runtime

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runtime is not None:
            await self._runtime.close()


async def open_runtime(
    kind: type[R],
    workspace: Path | str,
    *,
    policy: PolicyChoice,
    sandbox: SandboxChoice | None,
    databases: DatabasesChoice | None,
    session: str | None,
    ask: Ask | None,
    opinion: Opinion | None,
    folder: Path | None,
    to_act: bool,
) -> R:
    """See ``Runtime.open``."""
    from agentrt.uninterrupted import uninterrupted

    store = locate(workspace)
    # Mistakes in what was asked for come before anything is made or waited for.
    means = _means(store, policy=policy, sandbox=sandbox, databases=databases, folder=folder, to_act=to_act)
    opened = await _take(store, reserve=to_act)
    try:
        chosen = _session(opened.journal, session)
        found = means.databases(opened.journal, chosen)
        box = means.box(opened.journal, chosen)
        runtime = kind(
            opened,
            chosen,
            rules=means.rules,
            sandbox=box,
            outward=means.outward,
            databases=found,
            ask=ask,
            opinion=opinion,
        )
        try:
            await _begin(runtime, means)
            if to_act:  # who wants to undo, or to know what would be collected, loses nothing by it
                runtime.notes += await uninterrupted(opened.room.keep_within(box))
        except BaseException:
            await box.close()
            raise
    except BaseException:
        opened.close()
        raise
    return runtime


async def open_beside(
    other: R,
    session: str,
    *,
    policy: PolicyChoice,
    sandbox: SandboxChoice | None,
    databases: DatabasesChoice | None = None,
    folder: Path | None,
    to_act: bool = True,
) -> R:
    """A further session of the workspace that ``other`` has open, with policy and sandbox of its own; both must be
    closed. Raises as ``Runtime.open``; ``SessionBusy`` where that session is open already."""
    opened = other.opened
    if session in opened.sessions:
        raise SessionBusy(f"session {session} is open already", hint="close the runtime that has it open first")
    means = _means(other.store, policy=policy, sandbox=sandbox, databases=databases, folder=folder, to_act=to_act)
    chosen = opened.journal.session(session).id
    found = means.databases(opened.journal, chosen)
    box = means.box(opened.journal, chosen)
    runtime = type(other)(opened, chosen, rules=means.rules, sandbox=box, outward=means.outward, databases=found)
    try:
        async with runtime.turn:
            if session in opened.journal.cut_off() and list(runtime.operations.values())[-1].kind != "act":
                await runtime.turn.alone()  # the workspace may have to be put right
            await _begin(runtime, means)
    except BaseException:
        await runtime.close()
        raise
    return runtime


@dataclass(frozen=True)
class _Means:
    """What a session works with."""

    rules: Rules
    unread: tuple[str, ...]
    """Lines for a person, where what the policy says is not known."""
    outward: Outward | None
    box: Callable[[Journal, str], Sandbox]
    databases: Callable[[Journal, str], Mapping[str, SessionDatabase]]


def _means(
    store: Store,
    *,
    policy: PolicyChoice,
    sandbox: SandboxChoice | None,
    databases: DatabasesChoice | None,
    folder: Path | None,
    to_act: bool,
) -> _Means:
    """Nothing is made for it. Raises what the choices are wrong in, and ``DiskFull``."""
    folder = folder or Path.cwd()
    rules, unread = _rules(partial(open_policy, policy, folder, store.workspace), to_act)
    confinement = rules.given.confinement
    # Who only takes back or applies needs no secret, and so no passphrase.
    outward = outward_of(confinement, store) if to_act else None
    House(sandbox if sandbox is not None else sandbox_name(), folder).opener()
    named.Choice(databases or {}, folder).checked()
    if to_act:
        room.check_floor(store)

    def box(journal: Journal, session: str) -> Sandbox:
        house = house_of(journal, session, sandbox, folder)
        made = house.open(store, outward.confinement(confinement) if outward else confinement)
        if to_act:
            remember(journal, session, house)
        return made

    def opened(journal: Journal, session: str) -> Mapping[str, SessionDatabase]:
        chosen = named.choice_of(journal, session, databases, folder)
        found = chosen.open(store.aside)
        if to_act:
            if outward is not None and isinstance(policy, str | Mapping):
                chosen = replace(chosen, policy=policy, policy_folder=folder)
            named.remember(journal, session, chosen)
        return found

    return _Means(rules, unread, outward, box, opened)


async def _begin(runtime: Runtime, means: _Means) -> None:
    """What was cut off is put right, the sandbox starts, and what waited too long for review waits no more."""
    from agentrt.recovery import recover
    from agentrt.reviewing import keep_times
    from agentrt.uninterrupted import uninterrupted

    runtime.notes = (*means.unread, *await uninterrupted(recover(runtime)))
    await runtime.sandbox.start(runtime.view.snapshot)
    runtime.notes += await uninterrupted(keep_times(runtime))


def _rules(read: Callable[[], Policy], to_act: bool) -> tuple[Rules, tuple[str, ...]]:
    """And a line for a person where what the policy says is not known. Raises what ``read`` raises."""
    try:
        return Rules(read), ()
    except UsageError as error:
        if to_act:
            raise
        from agentrt.unread import Unread

        instead = Unread(error)  # a mistake in a file, perhaps one that was pulled, keeps nobody from undoing
        return Rules(lambda: instead), (f"{error}; this went on without it, as nothing is run",)


def open_policy(choice: PolicyChoice, folder: Path, workspace: Path | None = None) -> Policy:
    """Raises ``PluginError``, ``DocumentError``, ``UsageError``."""
    if not isinstance(choice, str | Mapping):
        return choice
    packs = cast(OpenPolicy, plugins.find("agentrt.policies", "packs"))
    return packs(choice, folder=folder, workspace=workspace)


def outward_of(confinement: Confinement, store: Store) -> Outward | None:
    """What a network needs is imported where there is one. Raises ``UsageError`` for a secret that is not there."""
    if confinement.network == "none":
        return None
    from agentrt.outward import Outward

    return Outward.of(confinement, store.root)


async def _take(store: Store, *, reserve: bool) -> Opened:
    create(store)
    (room.keep_reserve if reserve else room.spend_reserve)(store)
    lock, deadline = Lock(store), time.monotonic() + _PATIENCE
    while True:
        try:
            lock.acquire(seconds=0)
            break
        except SessionBusy:
            if time.monotonic() >= deadline:
                raise
        await asyncio.sleep(0.02)
    try:
        journal = Journal.open(store.journal)
        try:
            return Opened(store, lock, journal, Room(store, journal))
        except BaseException:
            journal.close()
            raise
    except BaseException:
        lock.close()
        raise


def _session(journal: Journal, asked: str | None) -> str:
    if asked is not None:
        return journal.session(asked).id
    return journal.current() or journal.create_session().id
