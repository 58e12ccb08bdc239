"""An action that changes definitions: it runs in a scratch schema, and what came of it is done by a ``Switch``."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from agentrt.contracts import Answered, Parameters
from agentrt.errors import ResourceError, UsageError

from ..rows import Move
from .links import Links
from .place import Place, literal
from .reach import Schema
from .record import Record
from .scratch import Scratch
from .session import Session
from .switch import Switch
from .words import HINT, Statement, split

_VERBS = {"CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE"}
_THINGS = {"TABLE", "TABLES", "INDEX", "VIEW", "TRIGGER"}
_OTHERS = {
    "SEQUENCE", "PROCEDURE", "FUNCTION", "EVENT", "DATABASE", "SCHEMA", "USER", "ROLE", "SERVER", "PACKAGE", "INSTANCE",
    "TEMPORARY", "TABLESPACE", "LOGFILE",
}  # fmt: skip
_ALONE = "run it in an action of its own"


def defines(statements: object) -> bool:
    """Whether it is an action of definitions: its first statement says so."""
    found = split(statements) if isinstance(statements, str) else []
    return bool(found) and _thing(found[0]) in _THINGS


def _thing(statement: Statement) -> str:
    """``TABLE``, ``VIEW`` … where it defines one; else nothing."""
    words = [token.keyword for token in statement.tokens]
    if words[0] not in _VERBS:
        return ""
    if words[0] == "TRUNCATE":
        return "TABLE"
    return next((word for word in words[1:] if word in _THINGS | _OTHERS), "")


def check(statement: Statement) -> None:
    """Raises ``UsageError`` where it is no definition that is taken back."""
    words = [token.keyword for token in statement.tokens]
    thing = _thing(statement)
    if thing not in _THINGS:
        if thing or words[0] in _VERBS:
            statement.check()
        raise UsageError(f"{words[0] or statement.tokens[0].text} goes not together with definitions", hint=_ALONE)
    for one, then in pairwise(words):
        if one == "INTO" and then in ("OUTFILE", "DUMPFILE"):
            raise UsageError(f"INTO {then} is refused: it writes a file of the server", hint=HINT)
        if one in ("DATA", "INDEX") and then == "DIRECTORY":
            raise UsageError(f"{one} DIRECTORY is refused: it makes files outside of the database's own", hint=HINT)
    for at, word in enumerate(words):
        if word == "ENGINE":
            said = next((each for each in statement.tokens[at + 1 :] if each.text != "="), None)
            if said is not None and said.name != "innodb" and said.text.strip("'\"").casefold() != "innodb":
                raise UsageError(f"an engine that is not InnoDB is refused: {said.text}", hint=HINT)
        if word in ("DISCARD", "IMPORT") and words[at + 1 : at + 2] == ["TABLESPACE"]:
            raise UsageError(f"{word} TABLESPACE is refused: it is about files of the server", hint=HINT)


def _rows(statement: Statement) -> bool:
    """It is about rows, too: of tables that it names."""
    words = [token.keyword for token in statement.tokens]
    thing = _thing(statement)
    if words[0] == "RENAME":
        return words.count("TO") > 1  # which may exchange names
    if thing in ("VIEW", "TRIGGER"):
        return False
    if words[0] == "CREATE" and thing == "TABLE":
        return bool({"REPLACE", "SELECT", "WITH", "VALUES"} & set(words))
    return True


class Defining(Session):
    """A ``Session`` whose statements define. ``file``: what undo needs is named like that."""

    def __init__(self, place: Place, links: Links, file: Path) -> None:
        super().__init__(place, links)
        self._way = way_file(file)
        self._scratch = Scratch(place, scratch_file(file))
        self._record: Record | None = None

    def execute(self, statements: str, parameters: Parameters, rows: int) -> list[Answered]:
        """As ``Session.execute``."""
        found = split(statements)
        if not found:
            raise UsageError("there is no statement")
        if parameters and len(found) > 1:
            raise UsageError("parameters go with one statement, and here are several", hint="run them one by one")
        if parameters:
            found = [found[0].bound(parameters, literal)]
        for statement in found:
            check(statement)
        with self._place.plain():
            link = self._link = self._scratch.open()
            if self._schema is None:
                with self._links.others() as others:
                    self._schema = Schema.read(others)
            for statement in found:
                for qualifier in statement.qualifiers & self._schema.schemas:
                    raise UsageError(
                        f"it names the schema {qualifier}", hint="write names without it; others are refused"
                    )
            names = frozenset().union(*(statement.names for statement in found))
            self._scratch.bring(self._schema, names, any(map(_rows, found)))
            answered = []
            for statement in found:
                if self._ended.is_set():
                    raise ResourceError("it was cancelled")
                answered.append(self._answer(link, statement, rows))
            self._scratch.described()
            return answered

    def seal(self) -> Record | None:
        """What was done, in the scratch schema, which is dropped. Raises ``UsageError``, ``ResourceError``."""
        with self._place.plain():
            found = self._scratch.altered()
            self._drop()
        self._record = None if found is None else Record((), altered=found)
        return self._record

    def commit(self) -> None:
        """It is done where others see it. Raises ``ResourceError``: then nothing is, unless it says so."""
        if self._record is None:
            return
        with self._place.outage():
            switch = Switch(self._place, self._way)
            try:
                if conflicts := switch.plan([Move(self._record, "after")]):
                    path, theirs = conflicts[0].path, conflicts[0].theirs
                    raise ResourceError(
                        f"{self._place.said}: {path} was changed by others meanwhile: {theirs}",
                        hint="nothing was changed; do it again",
                    )
                switch.finish()
            finally:
                switch.close()

    def _drop(self) -> None:
        with self._over:
            self._link = None
            self._scratch.close()

    def close(self) -> None:
        """Nothing stands that was not committed."""
        with self._place.outage():
            self._drop()


def way_file(file: Path) -> Path:
    """Beside what undo needs, while definitions are exchanged."""
    return file.with_suffix(".way.json")


def scratch_file(file: Path) -> Path:
    """Beside what undo needs, while there is a scratch schema."""
    return file.with_suffix(".scratch.json")
