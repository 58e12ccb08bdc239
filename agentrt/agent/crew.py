"""The crew: several agents on one workspace, and whose turn is next.

Whose turn it is follows from the conversation alone, so a run that was cut off, or taken back by an undo, goes on with
whoever would have been next. An agent that proposes nothing rests until somebody talks to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from agentrt.contracts import Planner
from agentrt.records import Message

from .builtin import TALK
from .conversation import AGENT, EVERYBODY, cut_off
from .parser import Parser

Schedule = Literal["round_robin", "token_based", "priority"]


@dataclass(frozen=True)
class Member:
    """One agent."""

    name: str
    planner: Planner
    parser: Parser
    priority: int = 0
    """Of ``priority``: the highest goes first."""


@dataclass(frozen=True)
class Crew:
    """Those who work on a task; one that works alone is a crew of one."""

    members: Sequence[Member]
    schedule: Schedule = "round_robin"

    def __getitem__(self, name: str) -> Member:
        """Raises ``KeyError``."""
        return {member.name: member for member in self.members}[name]

    @property
    def alone(self) -> bool:
        return len(self.members) == 1

    def next(self, conversation: Sequence[Message]) -> Member | None:
        """Whose turn it is; None where all rest."""
        if self.alone:  # asked before every turn, of a conversation that may be long
            return None if _rests(conversation) else self.members[0]
        names = [member.name for member in self.members]
        seen = _seen(conversation, names)
        if seen.last in names and cut_off(conversation):  # before anybody builds on what is missing
            return self[seen.last]
        awake = [name for name in names if name not in seen.resting]
        chosen = _SCHEDULERS[self.schedule](seen, awake, {member.name: member.priority for member in self.members})
        return self[chosen] if chosen is not None else None


def _rests(conversation: Sequence[Message]) -> bool:
    """Whether one that works alone proposed nothing when it was asked last."""
    for message in reversed(conversation):
        if message.role == "notice" and not message.body.get("outcome"):
            return False
        if message.role == "planner":
            return not message.body.get("actions") and message.body.get("ending", "complete") == "complete"
    return False


@dataclass
class _Seen:
    names: Sequence[str]
    last: str | None
    """Who had the last turn."""
    resting: set[str]
    handed_to: str | None
    """Whom the last turn handed over to."""

    def after_last(self, awake: Sequence[str]) -> str | None:
        """The first that is awake behind the last one, in their order, round and round."""
        at = self.names.index(self.last) + 1 if self.last in self.names else 0
        return next((name for name in [*self.names[at:], *self.names[:at]] if name in awake), None)


def _seen(conversation: Sequence[Message], names: Sequence[str]) -> _Seen:
    seen = _Seen(names, None, set(), None)
    for message in conversation:
        if message.role == "planner":
            seen.last = str(message.body.get("actor", AGENT))
            seen.handed_to = None
            # A turn that was cut off or refused is no decision to rest.
            if not message.body.get("actions") and message.body.get("ending", "complete") == "complete":
                seen.resting.add(seen.last)
            else:
                seen.resting.discard(seen.last)
        elif message.role == TALK:
            speaker, to = message.body["actor"], message.body["to"]
            heard = [name for name in names if name != speaker and to in (name, EVERYBODY)]
            seen.resting -= set(heard)
            if message.body.get("hand_over"):
                seen.resting.add(speaker)
                seen.handed_to = heard[0] if to != EVERYBODY and heard else None
        elif message.role == "notice" and not message.body.get("outcome"):
            seen.resting.clear()  # a person has a say, or the task is not done: everybody should hear of it
    return seen


def _round_robin(seen: _Seen, awake: Sequence[str], priorities: Mapping[str, int]) -> str | None:
    """One turn each, in the order of the task."""
    return seen.after_last(awake)


def _token_based(seen: _Seen, awake: Sequence[str], priorities: Mapping[str, int]) -> str | None:
    """Who has the token keeps it until it rests or hands it over."""
    if seen.handed_to in awake:
        return seen.handed_to
    return seen.last if seen.last in awake else seen.after_last(awake)


def _priority(seen: _Seen, awake: Sequence[str], priorities: Mapping[str, int]) -> str | None:
    """The highest priority of those that do not rest; of equal ones the first."""
    return max(awake, key=lambda name: priorities[name], default=None)


_SCHEDULERS: Mapping[Schedule, Callable[[_Seen, Sequence[str], Mapping[str, int]], str | None]] = {
    "round_robin": _round_robin,
    "token_based": _token_based,
    "priority": _priority,
}
