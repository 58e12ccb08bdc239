"""What the journal has of a conversation, as blocks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentrt.agent.builtin import ASK, TALK
from agentrt.agent.conversation import AGENT, ENDED, PLAN, SCORE, SUBMIT
from agentrt.records import Message
from agentrt.showing.entries import Entry
from agentrt.showing.plain import plain
from agentrt.showing.words import about_text, ending_text

from .blocks import MOST, Action, Asked, Block, Note, Said
from .worded import Result, done, text_of, whose

Print = tuple[str, str, tuple[str, ...]]
"""What a turn is known by: actor, text, calls."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A turn that the journal has."""

    message: int
    print: Print
    answered: frozenset[str]
    """The calls that were."""


@dataclass
class Journaled:
    """Reads messages once, oldest first."""

    entries: Sequence[Entry]
    start: int
    """The last message of the session this one was forked from, whose operations are not ``entries``."""
    stands: Collection[int] | None
    most: int | None = None
    """Messages that are read at most, and operations that are shown beside them: the last ones."""
    own: Mapping[int, Result] = field(default_factory=dict)
    """What came of acts by hand, by operation, as far as it is shown."""
    blocks: list[Block] = field(default_factory=list)
    turns: list[Planned] = field(default_factory=list)
    _open: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _answered: set[str] = field(default_factory=set)
    _last: tuple[int, Print] | None = None
    _ended: Block | None = None
    """How a run ended, until something follows: what the last one came to is told with the session's state."""

    def read(self, messages: Sequence[Message]) -> None:
        own = {message.operation for message in messages if message.operation and message.id > self.start}
        first, last = min(own, default=0), max(own, default=0)
        later = self.entries[first:] if self.most is not None and len(messages) >= self.most else self.entries
        loose = [entry for entry in later if entry.id not in own and _is_told(entry, last)]
        loose = loose if self.most is None else loose[-self.most :]
        for message in messages:
            while message.id > self.start and message.operation and loose and loose[0].id < message.operation:
                self.blocks.append(self._done(loose.pop(0)))
            self.blocks += self._blocks(message)
        self._turn_over()
        self.blocks += map(self._done, loose)

    def _turn_over(self) -> None:
        if self._last is not None:
            self.turns.append(Planned(*self._last, frozenset(self._answered)))

    def _blocks(self, message: Message) -> Iterator[Block]:
        role, body, key = message.role, message.body, f"m{message.id}"
        text = text_of(body.get("text"))
        if self._ended is not None:
            yield self._ended
            self._ended = None
        if role == "task":
            yield Asked(key, text)
        elif role == "planner":
            yield from self._turn(message, text)
        elif role == "observation":
            yield from self._observed(message, text)
        elif role == "notice":
            asked = body.get("asked")
            yield Asked(key, text_of(asked)) if asked else Note(key, text)
        elif role == TALK:
            yield Said(key, whose(body.get("actor")), text, to=plain(str(body.get("to", ""))))
        elif role == SCORE:
            yield Note(key, f"{body.get('held')} of {body.get('checked')} rules hold")
        elif role == ENDED and body.get("code") != "submit":
            self._ended = Note(key, ending_text(str(body.get("code")), str(body.get("reason", "")))[:MOST])
        elif role == "compaction":
            yield Note(key, f"{named(body.get('actor'))}the conversation was cut down for the model")

    def _turn(self, message: Message, text: str) -> Iterator[Block]:
        self._turn_over()
        actor, actions = message.body.get("actor"), message.body.get("actions") or ()
        self._open |= {f"{actor}/{action.get('call')}": action for action in actions}
        self._answered, self._last = set(), (message.id, print_of(message.body))
        if text.strip():
            yield Said(f"m{message.id}", whose(actor), text)
        if message.body.get("ending") == "truncated":
            yield Note(f"m{message.id}t", "the answer came to its limit and was cut off", "warn")

    def _observed(self, message: Message, text: str) -> Iterator[Block]:
        body, key = message.body, f"m{message.id}"
        call, actor = str(body.get("call")), body.get("actor", AGENT)
        action = self._open.pop(f"{actor}/{call}", None)
        self._answered.add(call)
        kind = str((action or {}).get("kind", ""))
        entry = self._entry(message)
        if kind in (PLAN, ASK, SUBMIT, TALK):
            yield from answered(key, str(actor), action or {}, text, failed=bool(body.get("failed")))
        elif entry is not None:
            yield self._done(entry, body)
        else:
            failed = bool(body.get("failed"))
            about = about_text("act", {"kind": kind, **arguments_of(action)}, ()) if kind else ""
            more = text if message.operation is None else ""
            state = "failed" if failed else "done"
            changed = plain(str(body.get("changed", "")))
            yield Action(key, whose(actor), about, state, effects=changed, failed=failed, more=more)

    def _entry(self, message: Message) -> Entry | None:
        number = message.operation if message.id > self.start else None
        return self.entries[number - 1] if number and number <= len(self.entries) else None

    def _done(self, entry: Entry, body: Mapping[str, Any] | None = None) -> Action:
        undone = entry.kind == "act" and self.stands is not None and entry.id not in self.stands
        return done(entry, exit_code=(body or {}).get("exit_code"), undone=undone, result=self.own.get(entry.id))


def answered(key: str, actor: str, action: Mapping[str, Any], text: str, *, failed: bool) -> Iterator[Block]:
    """An action about the conversation itself; what was talked is a message of its own."""
    kind, asked = str(action.get("kind")), arguments_of(action)
    if kind == PLAN:
        yield Action(key, whose(actor), "plan", "done", more="\n".join(map(text_of, _list(asked.get("steps")))))
    elif kind == ASK:
        yield Action(key, whose(actor), f"asks: {plain(str(asked.get('question', '')))}"[:MOST], "done", more=text)
    elif kind == SUBMIT:
        more = text if failed else text_of(asked.get("text"))
        yield Action(key, whose(actor), "hands the work in", "failed" if failed else "done", more=more, failed=failed)


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _is_told(entry: Entry, last: int) -> bool:
    """Whether it is shown though no message is about it: what people did by hand, and what no message tells of yet."""
    if entry.verification or entry.kind not in ("act", "apply", "accept", "reject"):
        return False
    return entry.kind != "act" or entry.actor == "user" or entry.id > last


def print_of(turn: Mapping[str, Any]) -> Print:
    calls = tuple(str(action.get("call")) for action in turn.get("actions") or ())
    return str(turn.get("actor", AGENT)), str(turn.get("text", "")), calls


def arguments_of(action: Mapping[str, Any] | None) -> Mapping[str, Any]:
    found = (action or {}).get("arguments")
    return found if isinstance(found, Mapping) else {}


def named(actor: object) -> str:
    return f"{whose(actor)}: " if whose(actor) else ""
