"""The databases of a session: by the names a task gives them, opened where they are used."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlsplit

from agentrt import plugins
from agentrt.contracts import (
    HTTP,
    PUSH,
    Database,
    Http,
    Line,
    OpenDatabase,
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
from agentrt.history.journal import Journal
from agentrt.records import Effect, PathConflict, dump_json

GROUP = "agentrt.databases"
RESOURCES = "agentrt.resources"
OUT = (HTTP, PUSH)
"""What leaves this machine: neither is a database."""
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_SECRET = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class Choice:
    """Databases to be opened."""

    urls: Mapping[str, str] = field(default_factory=dict)
    """By name. ``${NAME}`` in one stands for a secret."""
    folder: Path = Path()
    """What files in them are relative to."""
    policy: str | Mapping[str, object] | None = None
    """By which requests were let out: by it they are taken back. None: it was neither a name nor a mapping."""
    policy_folder: Path = Path()

    def checked(self) -> Choice:
        """Raises ``UsageError`` for what cannot be right, whatever is there."""
        for name, url in self.urls.items():
            check(name, url)
        return self

    def open(self, aside: Path) -> dict[str, Database]:
        """Nothing is connected to yet. Raises ``UsageError``, ``PluginError``."""
        return {name: self._one(name, url, aside) for name, url in self.urls.items()}

    def written(self) -> str:
        """For the journal."""
        written: dict[str, object] = {"urls": dict(self.urls), "folder": os.path.abspath(self.folder)}
        if self.policy is not None:
            written |= {"policy": self.policy, "policy_folder": os.path.abspath(self.policy_folder)}
        return dump_json(written)

    def _one(self, name: str, url: str, aside: Path) -> Database:
        check(name, url)
        factory = cast(OpenDatabase, plugins.find(GROUP, urlsplit(url).scheme))
        return factory(_with_secrets(url), name=name, folder=self.folder, aside=aside)


def check(name: str, url: object) -> None:
    """Raises ``UsageError`` unless it can be a database's name, and its URL."""
    if not _NAME.fullmatch(name) or name in OUT:
        raise UsageError(
            f"{dump_json(name)} cannot be a database's name",
            hint="small letters, digits, _ and -, a letter first; and neither http nor push",
        )
    known = plugins.names(GROUP)
    if not isinstance(url, str) or "://" not in url:
        raise UsageError(f"{name} needs a URL", hint=f"such as sqlite:///{name}.db; there is: {', '.join(known)}")
    scheme = url.partition("://")[0]
    if scheme not in known:
        raise UsageError(f'no database is called "{scheme}"', hint=nearest(scheme, known))
    try:
        password = urlsplit(url).password
    except ValueError as error:
        raise UsageError(f"the URL of {name} cannot be read: {error}") from error
    if password and not _SECRET.fullmatch(password):
        # It would be in the journal, in reports, and wherever the task file goes.
        raise UsageError(
            f"the URL of {name} has a password in it",
            hint="`agentrt secrets set NAME` keeps it; write ${NAME} in its place",
        )


def choice_of(journal: Journal, session: str, asked: Mapping[str, str] | None, folder: Path) -> Choice:
    """The databases of ``session``: those ``asked`` for, else those it had last, or what it was forked from."""
    recorded = journal.resources(session)
    found: dict[str, Any] = json.loads(recorded) if recorded is not None else {"urls": {}, "folder": ""}
    policy, policy_folder = found.get("policy"), Path(found.get("policy_folder", ""))
    if asked is not None:
        return Choice(asked, folder, policy, policy_folder)
    return Choice(found["urls"], Path(found["folder"]), policy, policy_folder)


def remember(journal: Journal, session: str, choice: Choice) -> None:
    """That the session goes on with them. Neither a database that it changed is forgotten, nor how it got out."""
    recorded = journal.resources(session)
    if (choice.urls or choice.policy is not None) and choice.written() != recorded:
        journal.choose_resources(session, choice.written())


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


def of(databases: Mapping[str, Database], name: str) -> Database:
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


def _with_secrets(url: str) -> str:
    names = _SECRET.findall(url)
    if not names:
        return url
    from agentrt.secrets import store

    values = {secret.name: secret.value for secret in store.load(names)}
    return _SECRET.sub(lambda found: quote(values[found.group(1)], safe=""), url)
