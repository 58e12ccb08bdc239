"""Rules on effects, once an action has run: which of them one speaks of."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import Field

from agentrt.documents import Written
from agentrt.records import Effect, FileEffect, Request, RequestEffect, RowsEffect, SchemaEffect, Text
from agentrt.records.effects import Reversibility
from agentrt.records.operations import Judge

from .patterns import host_matches, path_matches
from .reading import Acted
from .rules import all_are, one_may_be
from .values import Commands, Hosts, Lines, Methods, Names, Paths, Tables

_Change = Literal["created", "modified", "deleted", "renamed", "mode", "sent", "refused", "queued"]
_LIST = Field(strict=False, min_length=1)


class EffectRule(Written):
    """Everything that is given must fit; left out: whatever it is. With ``paths`` it speaks of files, with ``hosts`` or
    ``methods`` of requests, with ``tables`` of databases."""

    verdict: Judge
    actions: Names | None = None
    """An action of one of these kinds did it."""
    run: Commands | None = None
    """It ran one of these; of a rule that accepts: nothing but these."""
    change: Annotated[tuple[_Change, ...], _LIST] | None = None
    paths: Paths | None = None
    hosts: Hosts | None = None
    methods: Methods | None = None
    """Of what went through where TLS stayed closed nothing was seen: all but ``accept`` speak of it."""
    tables: Tables | None = None
    """Of databases: their rows, and what they are. Of a schema the names of all else in it count as well."""
    reversibility: Annotated[tuple[Reversibility, ...], _LIST] | None = None
    plain: bool = False
    """It is of an ordinary file or folder: see ``is_plain``."""
    because: Text = ""
    match: Lines = ()
    not_match: Lines = ()

    @property
    def is_of_actions(self) -> bool:
        """Not of whatever did it."""
        return self.actions is not None or self.run is not None

    def is_about(self, acted: Acted) -> bool:
        """Whether it speaks of what this action did, if it did what the rule asks for."""
        if self.actions is not None and acted.kind not in self.actions:
            return False
        if self.run is None:
            return True
        return all_are(acted.asked, self.run) if self.verdict == "accept" else one_may_be(acted.asked, self.run)

    def fits(self, effect: Effect) -> bool:
        """Whether it speaks of what happened, whatever did it."""
        if self.change is not None and effect.change not in self.change:
            return False
        if self.reversibility is not None and effect.reversibility not in self.reversibility:
            return False
        of_files, of_requests = self.paths is not None or self.plain, (self.hosts or self.methods) is not None
        if isinstance(effect, RequestEffect):
            return not of_files and self.tables is None and self._reaches(effect)
        if isinstance(effect, RowsEffect | SchemaEffect):
            return not of_files and not of_requests and self._is_of(effect)
        places = [effect.path, *([effect.renamed_from] if effect.renamed_from is not None else [])]
        if of_requests or self.tables is not None or (self.plain and not is_plain(effect)):
            return False
        if self.paths is None:
            return True
        named = [any(path_matches(pattern, path) for pattern in self.paths) for path in places]
        return all(named) if self.verdict == "accept" else any(named)

    def _is_of(self, effect: RowsEffect | SchemaEffect) -> bool:
        name = effect.table if isinstance(effect, RowsEffect) else effect.name
        return self.tables is None or any(fnmatchcase(f"{effect.database}.{name}", table) for table in self.tables)

    def _reaches(self, effect: RequestEffect) -> bool:
        surely = self.verdict == "accept"
        if self.methods is not None and effect.method not in self.methods and (surely or effect.method != "CONNECT"):
            return False
        host = host_of(effect.url)
        return self.hosts is None or any(host_matches(pattern, host, surely=surely) for pattern in self.hosts)


def host_of(url: str) -> str:
    """Of ``scheme://host[:port]/path``, of ``host:port`` and of ``user@host:path``."""
    place = re.sub(r"^\w+://", "", url).partition("/")[0].rpartition("@")[2]
    return place[1:].partition("]")[0] if place.startswith("[") else place.partition(":")[0]


def is_plain(effect: FileEffect) -> bool:
    """No link or device, nothing executable or set-id, before or after, and nothing of a ``.git``."""
    if effect.change == "mode" or ".git" in f"{effect.path}/{effect.renamed_from or ''}".split("/"):
        return False
    barred = {"file": 0o7111, "directory": 0o7000}
    states = [state for state in (effect.before, effect.after) if state is not None]
    return all(state.type in barred and not state.mode & barred[state.type] for state in states)


def is_harmless(effect: Effect) -> bool:
    """What no rule needs to speak of: it was not sent, and is not to be; or only asked."""
    if not isinstance(effect, RequestEffect) or effect.change == "queued":
        return False
    return effect.change == "refused" or effect.reversibility == "reversible"


def about(effect: Effect, because: str) -> str:
    """What happened, and what a rule says of it."""
    if isinstance(effect, RowsEffect):
        said = f"{effect.count:,} row{'s' * (effect.count != 1)} of {effect.database}: {effect.table} changed"
    elif isinstance(effect, SchemaEffect):
        said = f"the {effect.object} {effect.name} of {effect.database} was {effect.change}"
    elif isinstance(effect, RequestEffect):
        said = f"{effect.method} {effect.url} was {effect.change}"
    elif effect.change == "mode":
        said = f"the mode of {effect.path} was changed"
    else:
        said = f"{effect.path} was {effect.change}"
    return f"{said}: {because}" if because else said


def parse_effect(text: str) -> Effect:
    """``deleted src/a.py``, ``sent POST https://x.org/y``, ``deleted rows of app.users``, ``created table app.t``.

    Raises ``ValueError``.
    """
    change, _, rest = text.partition(" ")
    if change in ("sent", "refused"):
        request, url = Request.parse(rest), rest.partition(" ")[2]
        fields = {"change": change, "method": request.method, "url": url, "reversibility": of_method(request.method)}
        return RequestEffect.model_validate(fields)
    if change not in ("created", "modified", "deleted", "renamed", "mode") or not rest:
        raise ValueError(
            f'expected what happened, such as deleted src/a.py or sent POST https://example.com/x, not text "{text}"'
        )
    if found := re.fullmatch(r"(rows of|table|index|view|trigger) ([a-z][a-z0-9_-]*)\.(.+)", rest):
        what, database, name = found.groups()
        if what == "rows of":
            return RowsEffect.model_validate({"database": database, "table": name, "change": change})
        fields = {"database": database, "object": what, "name": name, "change": change}
        return SchemaEffect.model_validate(fields)
    return FileEffect.model_validate({"path": rest, "change": change})


def of_method(method: str) -> Reversibility:
    """What a request does out there, as far as its method tells."""
    if method == "CONNECT":
        return "unknown"
    return "reversible" if method in ("GET", "HEAD", "OPTIONS") else "irreversible"
