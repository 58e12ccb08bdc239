"""From the words of a request to a tool's typed action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, ValidationError

from agentrt import plugins
from agentrt.contracts import Database, Fitting, Tool
from agentrt.documents import Document, Mistake
from agentrt.errors import PluginError, UsageError
from agentrt.records import Action

GROUP = "agentrt.tools"


def load_tool(kind: str) -> Tool:
    """The tool of that name. Raises ``PluginError``."""
    found = plugins.find(GROUP, kind)
    tool = found() if isinstance(found, type) else found
    if not (isinstance(getattr(tool, "action", None), type) and callable(getattr(tool, "run", None))):
        raise PluginError(f'"{kind}" in {GROUP} is no tool', hint="it needs `name`, `action` and `run`")
    checked: Tool = tool  # type: ignore[assignment]  # a protocol, checked by what it has
    return checked


def load_tools(databases: Mapping[str, Database], *, network: bool) -> dict[str, Tool]:
    """Those that are of use in a session with these databases and with a network, or none, by name. Raises
    ``PluginError``."""
    tools = {kind: load_tool(kind) for kind in plugins.names(GROUP)}
    fitted = {
        kind: tool.fitted(databases, network=network) if isinstance(tool, Fitting) else tool
        for kind, tool in tools.items()
    }
    return {kind: tool for kind, tool in fitted.items() if tool is not None}


def action_of(tool: Tool, kind: str, arguments: Mapping[str, Any]) -> Action:
    """Raises ``UsageError`` naming the argument that is wrong, unknown (and the nearest there is) or missing."""
    action, mistakes = read_action(tool.action, kind, Document.of(arguments, kind))
    if action is not None:
        return action
    # A misspelt argument is also a missing one: what was written tells more than what was not.
    _, message, hint = next((m for m in mistakes if m.message.startswith("unknown")), mistakes[0])
    raise UsageError(f"{kind}: {message}", hint=hint or f"it takes {takes(tool.action)}")


def read_action(model: type[Action], kind: str, arguments: Document) -> tuple[Action | None, list[Mistake]]:
    """The action, or every mistake in its arguments, by position."""
    if "kind" in arguments.data:
        place = arguments.where(("kind",), key=True)
        return None, [Mistake(place, "unknown argument `kind`", "it is the name of the action itself")]
    try:
        return model.model_validate({**arguments.data, "kind": kind}), []
    except ValidationError as error:
        from agentrt._mistakes import mistakes_of

        mistakes = mistakes_of(model, arguments, error, hidden={"kind"})
        return None, [m._replace(message=m.message.replace("unknown key", "unknown argument", 1)) for m in mistakes]


def recorded(fields: Mapping[str, Any]) -> Action:
    """An action of any kind, as the journal has it: its tool need not be there."""
    return _Recorded.from_dict(dict(fields))


class _Recorded(Action):
    model_config = ConfigDict(extra="allow")


def takes(model: type[Action]) -> str:
    """The arguments of an action, in words."""
    fields = ((name, field) for name, field in model.model_fields.items() if name != "kind")
    return ", ".join(f"`{name}`" if field.is_required() else f"`{name}` (optional)" for name, field in fields)
