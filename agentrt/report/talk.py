"""What was said in a session, also what an undo took back, and what saying it has cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentrt.agent.builtin import BUILTIN
from agentrt.agent.conversation import AGENT, ENDED
from agentrt.reader import Reader
from agentrt.records import Message, Operation, Usage
from agentrt.showing.words import ending_text

from .cuts import Shown, one_line, shown


@dataclass(frozen=True)
class Said:
    """Words of an agent, of a person, or of the runtime."""

    id: int
    """Of its message; they grow with time."""
    by: str
    about: str
    """What kind of words; empty for what an agent says by itself."""
    text: Shown
    folded: bool | None = None
    """None: if it is long."""


@dataclass
class Talk:
    """All of it, oldest first."""

    said: Sequence[Said]
    usage: Usage
    turns: int


def talk_of(reader: Reader, operations: Sequence[Operation]) -> Talk:
    """Raises ``JournalError``."""
    said: list[Said] = []
    usage, turns = Usage(), 0
    start = reader.info.start.conversation  # a fork's planner did not pay for what was said before
    for message in _messages(reader, operations):
        body = message.body
        if message.id > start and (took := body.get("usage")):
            usage += Usage.from_dict(took)
            turns += message.role == "planner"
        said += _said(message, body)
    return Talk(said, usage, turns)


def _messages(reader: Reader, operations: Sequence[Operation]) -> list[Message]:
    """They are a tree. Whatever follows a message has a higher number, so the highest heads lead to most of them."""
    heads = {view.conversation for operation in operations for view in (operation.before, operation.after)}
    found: dict[int, Message] = {}
    for head in sorted({*heads, reader.view.conversation} - {0}, reverse=True):
        if head not in found:
            found |= {message.id: message for message in reader.journal.conversation(head)}
    return [found[id] for id in sorted(found)]


def _said(message: Message, body: Mapping[str, Any]) -> Iterator[Said]:
    by, text = one_line(str(body.get("actor", AGENT))), shown(str(body.get("text") or ""))
    if message.role == "planner":
        if body.get("text"):
            yield Said(message.id, by, "", text)
        for action in body.get("actions", ()):
            if action["kind"] in BUILTIN:
                yield Said(message.id, by, one_line(action["kind"]), shown(_arguments(action["arguments"])))
    elif message.role == "task":
        yield Said(message.id, "the task", "", text)
    elif message.role == "notice" and "asked" in body:
        yield Said(message.id, "a person", "", shown(str(body["asked"])))
    elif message.role == "notice":
        yield Said(message.id, "agentrt", "tells the agent", text)
    elif message.role == "observation" and body.get("operation") is None:
        yield Said(message.id, "agentrt", f"answers {by}", text)
    elif message.role == ENDED:
        yield Said(message.id, "agentrt", "the run is over", shown(ending_text(str(body["code"]), str(body["reason"]))))
    elif message.role == "compaction":
        yield Said(message.id, by, "what was said so far, cut down to fit its model", text, folded=True)


def _arguments(arguments: Mapping[str, Any]) -> str:
    """``text``, ``steps``, ``question`` … by themselves; several with their names."""
    told = {name: value for name, value in arguments.items() if value not in (None, "", False)}
    texts = {
        name: "\n".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in told.items()
    }
    return (
        next(iter(texts.values())) if len(texts) == 1 else "\n".join(f"{name}: {text}" for name, text in texts.items())
    )
