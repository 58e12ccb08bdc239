"""What actions use outside the sandbox, kept or discarded together; and what is taken back of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from agentrt import plugins
from agentrt.contracts import (
    HTTP,
    PUSH,
    Database,
    Http,
    Line,
    OpenHttp,
    OpenPushes,
    Outbox,
    Past,
    Pushes,
    Resource,
    Step,
)
from agentrt.documents import nearest
from agentrt.errors import Conflict, UsageError
from agentrt.holding import SessionDatabase
from agentrt.records import Effect, PathConflict

RESOURCES = "agentrt.resources"
OUT = (HTTP, PUSH)
"""What leaves this machine: neither is a database."""


def open_http(aside: Path) -> Http:
    """Of one operation; what it did is on disk. Raises ``PluginError``."""
    return cast(OpenHttp, plugins.find(RESOURCES, HTTP))(aside=aside)


def open_pushes(aside: Path, workspace: Path) -> Pushes:
    """Of one operation, as ``open_http``. Raises ``PluginError``."""
    return cast(OpenPushes, plugins.find(RESOURCES, PUSH))(aside=aside, workspace=workspace)


class Begun:
    """What one action uses outside the sandbox: begun when it first asks for it, kept or discarded together."""

    def __init__(self, databases: Mapping[str, Database], mark: str, aside: Path) -> None:
        self._databases, self._mark, self._aside = databases, mark, aside
        self.line: Line | None = None
        """The action's way out."""
        self.past: Callable[[], Sequence[Past]] = tuple
        """Operations that sent something, and lie behind."""
        self.pushing: Callable[[], Pushes] | None = None
        """What opens the action's way to remotes."""
        self._out: dict[str, Outbox] = {}
        self._begun: dict[str, Database] = {}
        self._sealed: dict[str, Database] = {}
        self._kept: list[Database] = []
        self._effects: list[Effect] = []

    async def get(self, name: str) -> Database:
        """Raises ``UsageError`` where there is none of that name."""
        if name not in self._databases:
            raise _unknown(name, self._databases)
        if name not in self._begun:
            await self._databases[name].begin(self._mark)
            self._begun[name] = self._databases[name]
        return self._begun[name]

    async def http(self) -> Http:
        """Raises ``UsageError`` where there is no network."""
        if self.line is None:
            raise UsageError("there is no network here", hint="a policy names what may be reached: `network:`")
        if (begun := self._out.get(HTTP)) is not None:
            return cast(Http, begun)
        http = self._out[HTTP] = open_http(self._aside)
        await http.begin(self._mark)
        http.through(self.line)
        http.behind(self.past)
        return http

    async def pushes(self) -> Pushes:
        """Raises ``UsageError`` where nothing is pushed."""
        if self.pushing is None:
            raise UsageError("nothing is pushed from here")
        if (begun := self._out.get(PUSH)) is not None:
            return cast(Pushes, begun)
        pushes = self._out[PUSH] = self.pushing()
        await pushes.begin(self._mark)
        return pushes

    async def seal(self) -> list[Effect]:
        """What was done in the databases; nobody else sees it yet, where a database can do that."""
        effects: list[Effect] = []
        for name, database in self._begun.items():
            found = await database.seal()
            if found:
                self._sealed[name] = database
            effects += found
        self._effects = effects
        return effects

    @property
    def left(self) -> list[Effect]:
        """What it changed, where that could not be taken back: whether it stands is not known."""
        return [effect.model_copy(update={"reversibility": "unknown"}) for effect in self._effects]

    @property
    def changed(self) -> bool:
        return bool(self._sealed) or any(one.touched for one in self._out.values())

    async def commit(self) -> None:
        """It stands. Where it raises, nothing of it does."""
        for database in self._begun.values():
            await database.commit()
            self._kept.append(database)

    async def discard(self) -> None:
        """Nothing stands of what was not committed."""
        for database in self._begun.values():
            if database not in self._kept:
                await database.discard()

    async def take_back(self) -> None:
        """Nor of what was, and of what requests did as soon as they were sent. Raises ``Conflict``, ``ResourceError``,
        ``Unanswered``."""
        for name, one in list(self._out.items()):
            if one.touched:
                await take(one, [Step(self._mark, "back")])
            del self._out[name]
        while self._kept:
            database = self._kept.pop()
            if database in self._sealed.values():
                await take(database, [Step(self._mark, "back")])


def called(name: str) -> str:
    """For people, as the object of a sentence."""
    return {HTTP: "what requests did", PUSH: "what was pushed"}.get(name) or f"the database {name}"


def of(databases: Mapping[str, SessionDatabase], name: str) -> SessionDatabase:
    """One that an earlier operation changed. Raises ``UsageError`` where the session does not have it any more."""
    if name not in databases:
        raise UsageError(
            f"the database {name} was changed, and this session does not know where it is",
            hint="open it with the databases it was begun with",
        )
    return databases[name]


async def take(resource: Resource, steps: Sequence[Step]) -> Sequence[Effect]:
    """Take these steps; what that did. Raises ``Conflict``, ``ResourceError``: then nothing is done."""
    planned = await resource.plan_undo(steps)
    if planned.conflicts:
        raise against("this", planned.conflicts)
    await resource.undo()
    return planned.effects


def against(what: str, conflicts: Sequence[PathConflict]) -> Conflict:
    """What somebody else changed since stands against it."""
    more = f" and {len(conflicts) - 1} more" if len(conflicts) > 1 else ""
    return Conflict(
        f"{what} would overwrite what somebody else changed since: {conflicts[0].path}{more}",
        conflicts=conflicts,
        hint="put that back as it was; nothing was touched",
    )


async def close(databases: Mapping[str, Database]) -> None:
    """Let go of them all."""
    for database in databases.values():
        await database.close()


def inverse(steps: Sequence[Step]) -> list[Step]:
    """What takes these back."""
    return [Step(step.mark, "forth" if step.way == "back" else "back") for step in reversed(steps)]


def _unknown(name: str, databases: Mapping[str, Database]) -> UsageError:
    if not databases:
        return UsageError(
            "this session has no databases", hint="a task names them: `databases: {app: sqlite:///app.db}`"
        )
    return UsageError(
        f'no database is called "{name}"', hint=nearest(name, databases) or f"there is: {', '.join(databases)}"
    )
