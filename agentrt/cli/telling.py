"""What ``log --follow`` prints: lines for people, or JSON Lines (docs/cli.md)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from agentrt.reader import Reader
from agentrt.records import Operation, dump_json
from agentrt.showing.entries import Entry, Feed, Fork
from agentrt.showing.marks import HARMS, HELD, QUESTION, STATES
from agentrt.showing.plain import cut, plain
from agentrt.showing.words import counted, ending_text, time_text, titled, told_text

from .looking import documents, put_log
from .render import put

Question = Mapping[str, Any]
"""``id``, ``kind``, ``shown``, ``rule``, ``because``, ``actor``: see ``hosting.state.Pending``."""


class Teller(Protocol):
    def nothing_yet(self) -> None:
        """There is no session."""

    def log(self, reader: Reader, operations: Sequence[Operation], states: Mapping[int, str]) -> None:
        """What was done so far, and how each operation ended, those of others as well."""

    def following(self, reader: Reader, feed: Feed) -> None:
        """From here on this session is followed."""

    def operation(self, reader: Reader, entry: Entry, state: str) -> None:
        """It is now ``state``, a key of ``STATES``."""

    def forked(self, reader: Reader, fork: Fork) -> None: ...
    def ended(self, ending: Mapping[str, Any]) -> None:
        """A run; ``code``, ``reason`` and, where there is one, ``hint``."""

    def asks(self, question: Question) -> None: ...
    def answered(self, question: Question) -> None:
        """Or it is not to be answered any more."""


class WordTeller:
    """For people: every untrusted text is made visible."""

    def nothing_yet(self) -> None:
        put("nothing was done here yet; waiting for the first operation")

    def log(self, reader: Reader, operations: Sequence[Operation], states: Mapping[int, str]) -> None:
        put_log(reader, operations, states)

    def following(self, reader: Reader, feed: Feed) -> None:
        info = reader.info
        waiting = ", ".join(map(str, feed.to_review))
        self._put(f"following session {info.id}{titled(info)}" + (f" — {_TO_REVIEW}: {waiting}" if waiting else ""))

    def operation(self, reader: Reader, entry: Entry, state: str) -> None:
        ended = [] if state == "intent" else [entry.effects, _harm(entry), _reason(reader, entry)]
        # What it was comes last, as nobody knows how long that is.
        told = [
            f"operation {entry.id} {STATES[state].word}",
            *ended,
            f"{plain(entry.actor)}: {told_text(entry.kind, entry.about)}",
        ]
        self._put(" — ".join(filter(None, told)))

    def forked(self, reader: Reader, fork: Fork) -> None:
        at = f"operation {fork.operation}" if fork.operation else "the start"
        self._put(f"session {fork.session} forked at {at}, it has {counted(fork.operations, 'operation')}")

    def ended(self, ending: Mapping[str, Any]) -> None:
        hint = f" — {plain(str(ending['hint']))}" if ending.get("hint") else ""
        self._put(f"the agent is at its end — {plain(ending_text(str(ending['code']), str(ending['reason'])))}{hint}")

    def asks(self, question: Question) -> None:
        word = HELD.word if question.get("kind") == "hold" else QUESTION.word
        because = ": ".join(plain(str(question[key])) for key in ("rule", "because") if question.get(key))
        told = [f"{question.get('actor', '')} {word}".strip(), because]
        self._put(f"{plain(' — '.join(filter(None, told)))}: {plain(str(question.get('shown', '')))}")

    def answered(self, question: Question) -> None:
        self._put(f"waits no more: {plain(str(question.get('shown', '')))}")

    def _put(self, text: str) -> None:
        put(cut(f"{time_text(time.time())}  {text}", _LONGEST))


_LONGEST = 1_000
"""Columns of a line. It is not cut to the terminal: who has it read aloud wants all of it."""
_TO_REVIEW = STATES["pending"].word


def _harm(entry: Entry) -> str:
    """Never left out: what undo does not simply take back."""
    return HARMS[entry.worst].word if entry.worst is not None else ""


def _reason(reader: Reader, entry: Entry) -> str:
    """Why it did not do what was asked."""
    if entry.status == "settled":
        return ""
    operation = reader.show(entry.id)
    error = operation.observation.error if operation.observation is not None else ""
    return plain(error or operation.note)


class JsonTeller:
    """One document a line."""

    def nothing_yet(self) -> None:
        self._put("waiting")

    def log(self, reader: Reader, operations: Sequence[Operation], states: Mapping[int, str]) -> None:
        for document in documents(reader, operations):
            self._put("operation", state=states[document["id"]], operation=document)

    def following(self, reader: Reader, feed: Feed) -> None:
        info = reader.info
        place = {"parent": info.parent, "parent_operation": info.parent_operation}
        self._put("following", session=info.id, title=info.title, **place, to_review=feed.to_review)

    def operation(self, reader: Reader, entry: Entry, state: str) -> None:
        (document,) = documents(reader, [reader.show(entry.id)])
        document["observation"] = document["observation"] and document["observation"] | {"output": ""}
        self._put("operation", state=state, operation=document)

    def forked(self, reader: Reader, fork: Fork) -> None:
        self._put("forked", session=fork.session, title=fork.title, operation=fork.operation)

    def ended(self, ending: Mapping[str, Any]) -> None:
        self._put("ended", ending=ending)

    def asks(self, question: Question) -> None:
        self._put("asks", question=question)

    def answered(self, question: Question) -> None:
        self._put("answered", question=question)

    def _put(self, event: str, **about: object) -> None:
        put(dump_json({"event": event, **about}))
