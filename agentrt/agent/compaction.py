"""Compaction: a conversation that gets too long for its planner goes on with what matters of it.

The task and its rules stay as they are, and the plan stands in the reminder; of the rest the last turns stay word for
word, and for what came before stands: what the planner itself makes of it, where it can say so, what was done and what
came of it, what was taken back, and what waits for a person. It is an operation, and the journal keeps every message:
an undo to before it brings the whole conversation back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from agentrt.contracts import Planner, Summarizer
from agentrt.errors import PlannerError
from agentrt.records import Message, Operation, Turn, dump_json
from agentrt.runtime import Runtime

from . import conversation
from .builtin import TALK
from .describing import printable
from .events import ConversationCompacted

_CHARACTERS = 4
"""Of a token, about, where no server has counted."""
_KEPT = 0.3
"""Of the room, for the last turns word for word."""
_DIGEST = 0.15
"""Of the room, for what was done."""
_FRAME = 8
"""Tokens of a message besides its text."""
_LINE = 200
_TOLD, _SAYINGS = 1000, 50
KIND = "compaction"


class Sight:
    """What one agent said and was told, and about how many tokens its planner is sent of it.

    Followed as the conversation goes on, so that a turn costs what is new, however long it all is.
    """

    def __init__(self, actor: str) -> None:
        self.line: list[Message] = []
        """As ``conversation.line_of`` gives it. Not to be changed."""
        self.tokens = 0
        self._actor, self._followed, self._last = actor, 0, 0

    def follow(self, said: Sequence[Message]) -> None:
        """``said`` is all of the conversation."""
        if not 0 < self._followed <= len(said) or said[self._followed - 1].id != self._last:
            self.line, self.tokens, self._followed = [], 0, 0
        new = conversation.line_of(said[self._followed :], self._actor)
        self.line = [*self.line, *new] if new else self.line
        if any(message.role == KIND for message in new):
            self.tokens = tokens(self.line)
        else:
            for message in new:
                self.tokens = _counted(message) or self.tokens + _size(message)
        self._followed, self._last = len(said), said[-1].id if said else 0


def tokens(line: Sequence[Message]) -> int:
    """About how many a planner is sent for its line: what its server counted for the last turn, and what came since."""
    size = 0
    for message in reversed(conversation.compacted(line)):
        if counted := _counted(message):
            return counted + size
        size += _size(message)
    return size


def _counted(message: Message) -> int:
    """What a planner's server counted for its turn; 0 for all else."""
    usage = message.body.get("usage") if message.role == "planner" else None
    return int(usage["input_tokens"] + usage.get("output_tokens", 0)) if usage and usage.get("input_tokens") else 0


def _size(message: Message) -> int:
    body = message.body
    characters = len(body.get("text", ""))
    if message.role == "planner":  # its native form says the same once more
        characters += sum(_length(action["arguments"]) for action in body.get("actions", ()))
    return characters // _CHARACTERS + _FRAME


def _length(value: object) -> int:
    """Of the texts in arguments: counted rather than written down, as this is asked before every turn."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(key) + _length(inner) for key, inner in value.items())
    return sum(map(_length, value)) if isinstance(value, list | tuple) else 1


async def compact(
    runtime: Runtime, planner: Planner, line: Sequence[Message], actor: str, room: int
) -> tuple[ConversationCompacted, Turn | None] | None:
    """Make ``line``, of ``actor``, fit for ``room`` tokens. None where there is nothing to leave out.

    With it comes the turn in which the planner made its summary, if it did; it counts like others.
    Raises ``JournalError``, ``DiskFull``.
    """
    seen = conversation.compacted(line)
    since = _tail(seen, int(room * _KEPT))
    if since is None:
        return None
    # The whole line, not what an earlier compaction left of it: nothing is told at third hand.
    gone = [message for message in line[1:] if message.id < since]
    summary = await _summary(planner, line)
    parts = [
        "This conversation got long. What was said before this point is left out; this is what there is to know of it.",
        summary.text.strip() if summary is not None else "",
        _list("What was done, and what came of it:", _digest(gone, int(room * _DIGEST) * _CHARACTERS)),
        _list("What you were told meanwhile:", _told(gone)),
        _list("This waits for a person's review:", list(map(_named, runtime.to_review()))),
    ]
    before = tokens(line)
    usage = summary.usage if summary is not None else None
    body = conversation.compaction("\n\n".join(filter(None, parts)), since, actor, usage)
    operation = runtime.note(KIND, actor=actor, role=KIND, body=body)
    kept = conversation.compacted(conversation.line_of(runtime.conversation(), actor))
    event = ConversationCompacted(
        actor=actor, operation=operation.id, tokens_before=before, tokens_after=sum(map(_size, kept))
    )
    return event, summary


def _tail(seen: Sequence[Message], room: int) -> int | None:
    """The message from which on all is kept: the earliest turn that fits, at least the last one."""
    size, since = 0, None
    for message in reversed(seen[1:]):
        size += _size(message)
        if message.role == "planner":
            if since is not None and size > room:
                break
            since = message.id
        if message.role == KIND:
            break
    first = next((message.id for message in seen[1:] if message.role == "planner"), None)
    return since if since != first else None


async def _summary(planner: Planner, line: Sequence[Message]) -> Turn | None:
    """What the planner would keep in mind. It is an extra: a planner that cannot say so loses nothing else."""
    if not isinstance(planner, Summarizer):
        return None
    try:
        return await planner.summarize(line)
    except PlannerError:
        return None


def _digest(gone: Sequence[Message], room: int) -> list[str]:
    """A line for each action, in their order. Those that changed files are kept first, then the latest ones."""
    actions = list(_actions(gone))
    kept, size = set[int](), 0
    for at in sorted(range(len(actions)), key=lambda at: (actions[at].changed, at), reverse=True):
        size += len(actions[at].text) + 1
        if size > room:
            break
        kept.add(at)
    lines = [actions[at].text for at in sorted(kept)]
    left_out = len(actions) - len(kept)
    return [f"({left_out:,} more are left out)", *lines] if left_out else lines


class _Done(NamedTuple):
    changed: bool
    text: str


def _actions(gone: Sequence[Message]) -> Iterator[_Done]:
    for at, message in enumerate(gone):
        if message.role != "planner":
            continue
        # Only what follows it: another turn's calls may be named alike.
        following = takewhile(lambda other: other.role != "planner", gone[at + 1 :])
        answers = {other.body["call"]: other.body for other in following if other.role == "observation"}
        for action in message.body.get("actions", ()):
            told = answers.get(action["call"], {})
            changed = told.get("changed", "")
            came = changed or _cut(printable(str(told.get("text", "no outcome is known"))), _LINE)
            state = "failed: " if told.get("failed") else ""
            number = f" (operation {told['operation']})" if told.get("operation") else ""
            asked = _cut(printable(dump_json(action["arguments"])), _LINE)
            yield _Done(bool(changed), f"- {action['kind']} {asked}{number}: {state}{came}")


def _told(gone: Sequence[Message]) -> list[str]:
    """By people, the runtime and others of the crew: what was undone and why is among it."""
    said = [
        f"{message.body['actor']} says: {message.body['text']}" if message.role == TALK else message.body["text"]
        for message in gone
        if message.role in ("notice", TALK)
    ]
    return [f"- {_cut(text, _TOLD)}" for text in said[-_SAYINGS:]]


def _cut(text: str, most: int) -> str:
    """Its beginning, without the word that the cut goes through: half of what a policy hides from models is not found
    by what finds the whole, and would be sent."""
    return text if len(text) <= most else re.sub(r"\S{1,80}\Z", "", text[:most]) + "…"


def _list(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, *lines]) if lines else ""


def _named(operation: Operation) -> str:
    return f"- operation {operation.id}"
