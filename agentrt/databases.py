"""The databases of a session: by the names a task gives them, opened where they are used."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, cast
from urllib.parse import quote, urlsplit

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from agentrt import plugins
from agentrt.contracts import OpenDatabase
from agentrt.documents import Written, describe, nearest
from agentrt.errors import UsageError
from agentrt.history.journal import Journal
from agentrt.holding import SessionDatabase
from agentrt.records import dump_json
from agentrt.resources import OUT
from agentrt.units import Wait

GROUP = "agentrt.databases"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_SECRET = re.compile(r"\$\{(\w+)\}")


class DatabaseSpec(Written):
    """A database as a task names it; a URL alone is one, too."""

    url: str
    """``sqlite:///app.db``. ``${NAME}`` in it is a secret."""
    hold: Wait | None = None
    """What is done there waits in the outbox until somebody releases it; or so long, unless somebody drops it."""

    @property
    def written(self) -> object:
        """As a task file has it."""
        if self.hold is None:
            return self.url
        return {"url": self.url, "hold": True if self.hold == math.inf else self.hold}


def _spec(value: object) -> object:
    if isinstance(value, str):
        return {"url": value}
    if isinstance(value, Mapping | DatabaseSpec):
        return value
    raise ValueError(f"expected a URL, or a mapping such as {{url: URL, hold: true}}, not {describe(value)}")


Spec = Annotated[DatabaseSpec, BeforeValidator(_spec)]
DatabasesChoice = Mapping[str, str | Mapping[str, object] | DatabaseSpec]
"""By name, as a task has them."""
_SPEC: TypeAdapter[DatabaseSpec] = TypeAdapter(Spec)


@dataclass(frozen=True)
class Choice:
    """Databases to be opened."""

    databases: DatabasesChoice = field(default_factory=dict)
    folder: Path = Path()
    """What files in them are relative to."""
    policy: str | Mapping[str, object] | None = None
    """By which requests were let out: by it they are taken back. None: it was neither a name nor a mapping."""
    policy_folder: Path = Path()

    def checked(self) -> Choice:
        """Raises ``UsageError`` for what cannot be right, whatever is there."""
        for name, asked in self.databases.items():
            check(name, asked)
        return self

    def open(self, aside: Path) -> dict[str, SessionDatabase]:
        """Nothing is connected to yet. Raises ``UsageError``, ``PluginError``."""
        return {name: self._one(check(name, asked), name, aside) for name, asked in self.databases.items()}

    def written(self) -> str:
        """For the journal."""
        asked = {name: check(name, asked).written for name, asked in self.databases.items()}
        written: dict[str, object] = {"urls": asked, "folder": os.path.abspath(self.folder)}
        if self.policy is not None:
            written |= {"policy": self.policy, "policy_folder": os.path.abspath(self.policy_folder)}
        return dump_json(written)

    def _one(self, spec: DatabaseSpec, name: str, aside: Path) -> SessionDatabase:
        factory = cast(OpenDatabase, plugins.find(GROUP, urlsplit(spec.url).scheme))
        database = factory(_with_secrets(spec.url), name=name, folder=self.folder, aside=aside)
        return SessionDatabase(database, aside, spec.hold)


def check(name: str, asked: object) -> DatabaseSpec:
    """Raises ``UsageError`` unless it can be a database's name, and what a task says of one."""
    if not _NAME.fullmatch(name) or name in OUT:
        raise UsageError(
            f"{dump_json(name)} cannot be a database's name",
            hint="small letters, digits, _ and -, a letter first; and neither http nor push",
        )
    known = plugins.names(GROUP)
    try:
        spec = _SPEC.validate_python(asked)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, ("databases", name, *first["loc"])))
        raise UsageError(f"{where}: {first['msg']}", hint="a URL, or {url: …, hold: true}") from error
    url = spec.url
    if "://" not in url:
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
    return spec


def choice_of(journal: Journal, session: str, asked: DatabasesChoice | None, folder: Path) -> Choice:
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
    if (choice.databases or choice.policy is not None) and choice.written() != recorded:
        journal.choose_resources(session, choice.written())


def _with_secrets(url: str) -> str:
    names = _SECRET.findall(url)
    if not names:
        return url
    from agentrt.secrets import store

    values = {secret.name: secret.value for secret in store.load(names)}
    return _SECRET.sub(lambda found: quote(values[found.group(1)], safe=""), url)
