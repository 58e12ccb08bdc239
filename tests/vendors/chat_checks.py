"""What Chat Completions refuses, in its words. More parameters than OpenAI's are taken: compatible servers have theirs."""

from __future__ import annotations

from typing import Any

from vendors.openai_tools import check_function, check_key, check_length
from vendors.refusal import Refusal
from vendors.request import Request
from vendors.state import State

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
PARTS = frozenset({"text", "image_url", "input_audio", "file", "refusal"})


def check(request: Request, state: State) -> None:
    """Raises ``Refusal``."""
    check_key(request, state)
    body = request.body
    for name in ("model", "messages"):
        if not body.get(name):
            raise Refusal(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
    if body.get("stream_options") is not None and not request.streamed:
        said = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise Refusal(said, param="stream_options")
    for n, tool in enumerate(body.get("tools") or []):
        kind = tool.get("type")
        if kind not in ("function", "custom"):
            said = f"Invalid value: '{kind}'. Supported values are: 'function' and 'custom'."
            raise Refusal(said, param=f"tools[{n}].type", code="invalid_value")
        if kind == "function":
            check_function(f"tools[{n}].function", tool.get("function") or {})
    if body.get("tool_choice") is not None and not body.get("tools"):
        said = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
        raise Refusal(said, param="tool_choice")
    for n, message in enumerate(body["messages"]):
        _check_message(n, message)
    _check_calls(body["messages"])


def _check_message(n: int, message: dict[str, Any]) -> None:
    where, role, content = f"messages[{n}]", message.get("role"), message.get("content")
    if role not in ROLES:
        supported = ", ".join(f"'{one}'" for one in ROLES)
        said = f"Invalid value: '{role}'. Supported values are: {supported}."
        raise Refusal(said, param=f"{where}.role", code="invalid_value")
    if content is None and not (role == "assistant" and (message.get("tool_calls") or message.get("refusal"))):
        said = "Invalid value for 'content': expected a string, got null."
        raise Refusal(said, param=f"messages.[{n}].content")
    for m, part in enumerate(content if isinstance(content, list) else []):
        if part.get("type") not in PARTS:
            said = f"Invalid value: '{part.get('type')}'."
            raise Refusal(said, param=f"{where}.content[{m}].type", code="invalid_value")
    if message.get("tool_calls") == []:
        said = f"Invalid '{where}.tool_calls': empty array. Expected an array with minimum length 1, but got an empty array instead."
        raise Refusal(said, param=f"{where}.tool_calls", code="empty_array")
    for m, call in enumerate(message.get("tool_calls") or []):
        at = f"{where}.tool_calls[{m}]"
        check_length(f"{at}.id", call.get("id") or "", 40)
        if call.get("type") == "function" and not isinstance((call.get("function") or {}).get("arguments"), str):
            name = f"{at}.function.arguments"
            raise Refusal(f"Invalid type for '{name}': expected a string.", param=name, code="invalid_type")


def _check_calls(messages: list[dict[str, Any]]) -> None:
    waiting: list[str] = []
    asked: list[str] = []
    for n, message in enumerate([*messages, {"role": "end"}]):
        if message["role"] == "tool":
            name = message.get("tool_call_id")
            if name not in asked:
                said = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
                raise Refusal(f"Invalid parameter: {said}", param=f"messages.[{n}].role")
            waiting = [call for call in waiting if call != name]
            continue
        if waiting:
            said = "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'."
            missing = f"The following tool_call_ids did not have response messages: {', '.join(waiting)}"
            raise Refusal(f"{said} {missing}", param=f"messages.[{n}].role")
        asked = waiting = [call["id"] for call in message.get("tool_calls") or []]
