"""From what a planner worded to an action a tool can carry out, or to words that say what was wrong and meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from agentrt import documents
from agentrt.contracts import Tool
from agentrt.documents import Document
from agentrt.records import Action, ProposedAction, ToolSpec

SUBMIT = ToolSpec(
    name="submit",
    description="Hand the work in: the task is done. Ends the conversation.",
    parameters={
        "type": "object",
        "properties": {"text": {"type": "string", "description": "What was done, for the person who asked."}},
        "additionalProperties": False,
    },
)


def specs(tools: Mapping[str, Tool]) -> list[ToolSpec]:
    """What a planner may propose, ``submit`` last."""
    return [_spec(tool) for tool in tools.values()] + [SUBMIT]


def check(proposed: ProposedAction, tools: Mapping[str, Tool]) -> Action | str:
    """The action, or what is wrong with the proposal and what was probably meant."""
    tool = tools.get(proposed.kind)
    if tool is None:
        return _unknown(proposed.kind, [*tools, SUBMIT.name])
    if "kind" in proposed.arguments:
        return f"`{proposed.kind}` takes no argument `kind`."
    given = {**proposed.arguments, "kind": proposed.kind}
    action, mistakes = documents.check(tool.action, Document.of(given, proposed.kind))
    if action is not None:
        return action
    # A planner has arguments where a file has keys, and `kind` is not one of them.
    told = "; ".join(m.message + (f" ({m.hint})" if m.hint else "") for m in mistakes)
    wrong = told.replace("unknown key", "unknown argument").replace("`kind`, ", "")
    return f"{wrong}.\n`{proposed.kind}` takes: {', '.join(_usage(tool))}."


def _spec(tool: Tool) -> ToolSpec:
    schema = tool.action.model_json_schema()
    schema.get("properties", {}).pop("kind", None)
    if "required" in schema:
        schema["required"] = [name for name in schema["required"] if name != "kind"]
    return ToolSpec(name=tool.name, description=tool.description, parameters=schema)


def _unknown(kind: str, known: list[str]) -> str:
    close = difflib.get_close_matches(kind, known, n=1)
    meant = f" Did you mean `{close[0]}`?" if close else ""
    return f'no action is called "{kind}".{meant} There is: {", ".join(known)}.'


def _usage(tool: Tool) -> Iterable[str]:
    for name, field in tool.action.model_fields.items():
        if name != "kind":
            yield f"`{name}`" if field.is_required() else f"`{name}` (optional)"
