"""What is said between a task, a planner and the runtime: the bodies of messages, and how to read them back.

The journal keeps the messages; nothing here remembers anything. So a conversation that was taken back by an undo
is simply shorter, and whoever continues it does so from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from agentrt.records import Effect, FileEffect, Message, Operation, ProposedAction, RequestEffect, Turn

SHOWN_PATHS = 10


def task(objective: str) -> dict[str, Any]:
    """Body of the first message."""
    return {"text": objective}


def observation(call: str, text: str, operation: int | None = None) -> dict[str, Any]:
    """Body of the answer to the planner's request ``call``."""
    return {"call": call, "text": text, "operation": operation}


def last_turn(conversation: Sequence[Message]) -> Turn | None:
    """What the planner said last."""
    for message in reversed(conversation):
        if message.role == "planner":
            return Turn.from_dict(message.body)
    return None


def since_last_turn(conversation: Sequence[Message], role: str = "observation") -> list[Message]:
    """The messages of one role that came after what the planner said last."""
    found: list[Message] = []
    for message in reversed(conversation):
        if message.role == "planner":
            break
        if message.role == role:
            found.append(message)
    return found[::-1]


def pending(conversation: Sequence[Message]) -> list[ProposedAction]:
    """The last turn's actions that have no observation: still to do, cut off, or undone."""
    turn = last_turn(conversation)
    if turn is None:
        return []
    answered = {message.body["call"] for message in since_last_turn(conversation)}
    return [action for action in turn.actions if action.call not in answered]


def describe_operation(operation: Operation) -> str:
    """What a planner is told about one of its actions."""
    seen, parts = operation.observation, []
    if operation.status == "intent":
        parts.append("Cut off: it may have run; nothing it did is kept.")
    if seen is not None:
        if seen.exit_code is not None:
            parts.append(f"exit code {seen.exit_code}")
        if seen.output:
            parts.append(seen.output.rstrip("\n"))
        if seen.error:
            parts.append(f"error: {seen.error}")
    # What was rolled back changed no file, but what it sent is sent.
    if effects := operation.effects if operation.status == "settled" else operation.requests:
        parts.append(f"[{describe_effects(effects)}]")
    return "\n".join(parts) or "done"


def describe_effects(effects: Iterable[Effect]) -> str:
    """``modified a.py; created b.py``, in a few words however many there are."""
    effects = list(effects)
    files = [effect for effect in effects if isinstance(effect, FileEffect)]
    inside = [effect for effect in files if effect.in_workspace]
    if len(inside) <= SHOWN_PATHS:
        words = [f"{_VERBS[effect.change]} {printable(effect.path)}" for effect in inside]
    else:
        counts = Counter(effect.change for effect in inside)
        words = [f"{_VERBS[change]} {_paths(number)}" for change, number in counts.most_common()]
    if outside := len(files) - len(inside):
        words.append(f"changed {_paths(outside)} outside the workspace")
    return "; ".join([*words, *_requests([effect for effect in effects if isinstance(effect, RequestEffect)])])


def _requests(requests: Sequence[RequestEffect]) -> list[str]:
    """What was refused is told with its reason, once for each."""
    sent = sum(request.change == "sent" for request in requests)
    refused = {
        f"refused: {printable(request.method)} {printable(request.url)}: {printable(request.because)}": None
        for request in requests
        if request.change == "refused"
    }
    more = [f"{len(refused) - SHOWN_PATHS:,} more were refused"] if len(refused) > SHOWN_PATHS else []
    return [*([f"sent {sent:,} request{'s' * (sent != 1)}"] if sent else []), *list(refused)[:SHOWN_PATHS], *more]


def printable(text: str) -> str:
    """Text on one line that any terminal and any planner can take."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


_VERBS = {
    "created": "created",
    "modified": "modified",
    "deleted": "deleted",
    "renamed": "renamed",
    "mode": "changed the mode of",
}


def _paths(number: int) -> str:
    return f"{number:,} path{'' if number == 1 else 's'}"
