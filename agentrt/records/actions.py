"""What an agent asks for.

A tool defines its own action: a subclass of ``Action`` whose ``kind`` is a ``Literal`` of the tool's name. In the
journal an action is the plain mapping of its fields, so it can be read back without the tool.
"""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from .base import Record, Text


class Action(Record):
    """A typed request. ``kind`` names the tool that carries it out."""

    # What stands under a field tells a planner about it. Reading sources takes time: other records go without.
    model_config = ConfigDict(use_attribute_docstrings=True)

    kind: str


class ProposedAction(Record):
    """An action as the planner worded it, not yet checked against any tool."""

    call: str
    """The planner's own name for this request; its observation is addressed to it."""
    kind: Text
    arguments: dict[str, Any]


class Usage(Record):
    """What a turn of the planner cost."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    """None where the price is not known."""


class Turn(Record):
    """One answer of a planner."""

    text: Text = ""
    actions: tuple[ProposedAction, ...] = ()
    usage: Usage = Usage()


class Message(Record):
    """One entry of the conversation, as the journal keeps it."""

    id: int
    role: str
    """``task``, ``planner``, ``observation`` or ``notice`` (what people and the runtime tell the planner)."""
    body: dict[str, Any]
    """task: {text}; planner: a Turn; observation: {call, text, operation}; notice: {text}."""
    operation: int | None = None


class ToolSpec(Record):
    """How a tool is offered to a planner."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON Schema of the action's fields, without ``kind``."""
