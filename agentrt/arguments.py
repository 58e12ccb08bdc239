"""From the words of a request to a tool's typed action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from agentrt import plugins
from agentrt.contracts import Tool
from agentrt.documents import Document
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


def action_of(tool: Tool, kind: str, arguments: Mapping[str, Any]) -> Action:
    """Raises ``UsageError`` naming the argument that is wrong, unknown (and the nearest there is) or missing."""
    if "kind" in arguments:
        raise UsageError(f"{kind}: unknown argument `kind`", hint="it is the name of the action itself")
    given = {**arguments, "kind": kind}
    try:
        return tool.action.model_validate(given)
    except ValidationError as error:
        from agentrt._mistakes import mistakes_of

        mistakes = mistakes_of(tool.action, Document.of(given, kind), error)
        # A misspelt argument is also a missing one: what was written tells more than what was not.
        _, message, hint = next((m for m in mistakes if m[1].startswith("unknown key")), mistakes[0])
        takes = ", ".join(f"`{name}`" for name in tool.action.model_fields if name != "kind")
        message = message.replace("unknown key", "unknown argument")
        raise UsageError(f"{kind}: {message}", hint=hint or f"it takes {takes}") from None
