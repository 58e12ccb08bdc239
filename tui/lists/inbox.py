"""What waits for a person, riskiest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from agentrt.showing.entries import Entry
from agentrt.showing.marks import HARMS, HELD, QUESTION, STATES, Mark
from agentrt.showing.plain import plain
from agentrt.showing.words import counted

from .rows import NARROW, Columns, Key, Part, Role, fitted
from .timeline import told

_MANY = 20
"""Files of one operation that are worth a look for their number alone."""
_QUESTIONS = {"hold": (HELD, "held"), "ask": (QUESTION, "asks"), "inquire": (QUESTION, "a question")}
"""The riskiest first: what is held goes out. All of them stand before what is done already, as somebody waits."""

_OUTSIDE = "outside the workspace"
_SHORT = {_OUTSIDE: "outside"}
"""For narrow lists."""


class Asked(Protocol):
    """A question as the host has it (``agentrt.hosting.state.Pending``): what is read of it here."""

    @property
    def id(self) -> int | str: ...
    @property
    def kind(self) -> Literal["ask", "hold", "inquire"]: ...
    @property
    def shown(self) -> str: ...
    @property
    def actor(self) -> str: ...
    @property
    def asked(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Item:
    """Something that waits. All texts are safe to show."""

    key: Key
    mark: Mark
    actor: str
    text: str
    why: str
    """In a word or two, why it stands where it stands; "" for what is like most."""
    rank: tuple[int, float, int]
    """Sorted by it: risk, since when it waits, number."""

    @property
    def number(self) -> int | None:
        return self.key.of if isinstance(self.key.of, int) and self.key.what == "operation" else None


def inbox(questions: Iterable[Asked], entries: Sequence[Entry], to_review: Iterable[int]) -> list[Item]:
    """The riskiest first, and among equals the oldest. ``entries[i].id`` is ``i + 1``."""
    asked = [_question(question, number) for number, question in enumerate(questions)]
    return sorted([*asked, *(_operation(entries[op - 1]) for op in to_review)], key=lambda item: item.rank)


def columns(items: Iterable[Item]) -> Columns:
    """What the rows of these share."""
    items = list(items)
    return Columns.of(max((item.number or 0 for item in items), default=0), (item.actor for item in items))


def line(item: Item, shared: Columns, width: int) -> list[Part]:
    """One row in ``width`` columns."""
    role: Role = "harm" if item.mark is HARMS["irreversible"] else "warn"
    lead = [Part(f"{shared.number(item.number)}{item.mark.glyph} ", role if item.why else "")]
    why = _SHORT.get(item.why, item.why) if width < NARROW else item.why
    tags = [Part(why, role)] if why else []
    return fitted(width, [*lead, *shared.actor(item.actor, width)], tags, [], Part(item.text), Part(""))


def next_item(items: Sequence[Item], current: Key | None) -> Key | None:
    """The one after ``current``, after the last one the first; the riskiest where ``current`` does not wait."""
    if not items:
        return None
    at = next((number for number, item in enumerate(items) if item.key == current), -1)
    return items[(at + 1) % len(items)].key


def _question(question: Asked, number: int) -> Item:
    mark, why = _QUESTIONS[question.kind]
    risk = list(_QUESTIONS).index(question.kind)
    rank = (risk, question.asked, number)
    return Item(Key("question", question.id), mark, plain(question.actor), plain(question.shown), why, rank)


def _operation(entry: Entry) -> Item:
    risk, mark, why = _risk(entry)
    rank = (len(_QUESTIONS) + risk, entry.started, entry.id)
    return Item(Key("operation", entry.id), mark, plain(entry.actor), told(entry), why, rank)


def _risk(entry: Entry) -> tuple[int, Mark, str]:
    """How far down it belongs, the glyph and the word for it."""
    if entry.queued:
        return 0, STATES["pending"], "to be sent"
    if entry.held:
        return 0, STATES["pending"], "to be committed"
    for risk, harm in enumerate(("irreversible", "unknown", "compensable"), 1):
        if entry.worst == harm:
            return risk, HARMS[harm], HARMS[harm].word
    mark = STATES["pending"]
    if entry.outside:
        return 4, mark, _OUTSIDE
    if entry.deleted:
        return 5, mark, f"deletes {entry.deleted:,}"
    if entry.files >= _MANY:
        return 6, mark, counted(entry.files, "file")
    return 7, mark, ""
