"""What is said between a planner and the runtime."""

from __future__ import annotations

from typing import Any, Literal

from .base import Record, Text


class ProposedAction(Record):
    """An action as the planner worded it, not yet checked against any tool."""

    call: str
    """The planner's own name for this request; its observation is addressed to it."""
    kind: Text
    arguments: dict[str, Any]
    malformed: Text = ""
    """Why what the planner sent could not even be read as arguments; empty where it could."""


class Usage(Record):
    """What turns of a planner took."""

    input_tokens: int = 0
    """All that was sent, from a cache or not."""
    cached_tokens: int = 0
    """Of these the ones that came from the vendor's cache."""
    cache_written_tokens: int = 0
    """Of these the ones that were written to it."""
    output_tokens: int = 0
    """All that came, reasoning included."""
    reasoning_tokens: int = 0
    """Of these the reasoning, where the vendor says."""
    cost_usd: float | None = None
    """None where no price is known."""

    def __add__(self, other: Usage) -> Usage:
        costs = [usage.cost_usd for usage in (self, other) if usage.cost_usd is not None]
        counts = {name: getattr(self, name) + getattr(other, name) for name in Usage.model_fields if name != "cost_usd"}
        return Usage(**counts, cost_usd=sum(costs) if costs else None)


class Turn(Record):
    """One answer of a planner."""

    text: Text = ""
    actions: tuple[ProposedAction, ...] = ()
    usage: Usage = Usage()
    actor: str = "agent"
    """Whose turn it was; the loop says so, not the planner."""
    ending: Literal["complete", "truncated", "refused"] = "complete"
    """truncated: it came to the limit of output. refused: the model declines to go on."""
    model: Text = ""
    """What answered, as the vendor names it."""
    native: dict[str, Any] | None = None
    """The answer in the planner's own form, with the reasoning its API wants back. Nobody else reads it."""


class Message(Record):
    """One entry of the conversation, as the journal keeps it."""

    id: int
    role: str
    """``task``, ``planner``, ``observation``, ``notice`` (of people and the runtime), ``talk``, ``compaction``,
    ``score`` (no planner is told)."""
    body: dict[str, Any]
    """As ``agentrt.agent.conversation`` makes them; planner: a Turn."""
    operation: int | None = None


class ToolSpec(Record):
    """How a tool is offered to a planner."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON Schema of the action's fields, without ``kind``."""
