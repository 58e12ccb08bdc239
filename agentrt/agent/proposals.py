"""From what a planner worded to an action a tool can carry out, or to words that say what was wrong and meant."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Literal

from agentrt.arguments import read_action, takes
from agentrt.contracts import Tool
from agentrt.documents import Document
from agentrt.records import Action, ProposedAction, Text, ToolSpec

SUBMIT = "submit"


class Submit(Action):
    """Hand the work in: the one action that no tool carries out."""

    kind: Literal["submit"] = "submit"
    text: Text = ""
    """What was done, for the person who asked."""


def specs(tools: Mapping[str, Tool]) -> list[ToolSpec]:
    """What a planner may propose, ``submit`` last."""
    submit = _spec(SUBMIT, "Hand the work in: the task is done. Ends the conversation.", Submit)
    return [*(_spec(tool.name, tool.description, tool.action) for tool in tools.values()), submit]


def check(proposed: ProposedAction, tools: Mapping[str, Tool]) -> Action | str:
    """The action, or what is wrong with the proposal and what was probably meant."""
    tool = tools.get(proposed.kind)
    if tool is None:
        return _unknown(proposed.kind, [*tools, SUBMIT])
    action, mistakes = read_action(tool.action, proposed.kind, Document.of(proposed.arguments, proposed.kind))
    if action is not None:
        return action
    told = "; ".join(m.message + (f" ({m.hint})" if m.hint else "") for m in mistakes)
    return f"{told}.\n`{proposed.kind}` takes: {takes(tool.action)}."


def _spec(name: str, description: str, action: type[Action]) -> ToolSpec:
    schema = action.model_json_schema()
    schema.get("properties", {}).pop("kind", None)
    if "required" in schema:
        schema["required"] = [name for name in schema["required"] if name != "kind"]
    return ToolSpec(name=name, description=description, parameters=schema)


def _unknown(kind: str, known: list[str]) -> str:
    close = difflib.get_close_matches(kind, known, n=1)
    meant = f" Did you mean `{close[0]}`?" if close else ""
    return f'no action is called "{kind}".{meant} There is: {", ".join(known)}.'
