"""What the Responses API refuses, in its words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vendors.openai_tools import check_function, check_key, check_length
from vendors.refusal import Refusal
from vendors.request import Request
from vendors.state import State

PARAMETERS = frozenset(
    [
        "access_programs",
        "background",
        "background_options",
        "context_management",
        "conversation",
        "image",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "moderation",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    ]
)
CALLS = {
    "function_call": "function call",
    "custom_tool_call": "custom tool call",
    "shell_call": "shell call",
    "apply_patch_call": "apply patch call",
    "computer_call": "computer call",
}
"""Items that must have an output, and what they are called in messages. The output's type is theirs with ``_output``."""
OTHERS = frozenset(
    [
        "message",
        "reasoning",
        "item_reference",
        "local_shell_call",
        "local_shell_call_output",
        "file_search_call",
        "web_search_call",
        "tool_search_call",
        "tool_search_output",
        "additional_tools",
        "configuration_update",
        "compaction",
        "image_generation_call",
        "code_interpreter_call",
        "mcp_list_tools",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "compaction_trigger",
        "program",
        "program_output",
    ]
)
TOOLS = frozenset(
    [
        "function",
        "file_search",
        "computer",
        "computer_use_preview",
        "web_search",
        "web_search_2025_08_26",
        "web_search_preview",
        "web_search_preview_2025_03_11",
        "mcp",
        "code_interpreter",
        "programmatic_tool_calling",
        "image_generation",
        "local_shell",
        "shell",
        "custom",
        "namespace",
        "tool_search",
        "apply_patch",
    ]
)
PREFIXES = {"function_call": "fc", "message": "msg", "reasoning": "rs", "custom_tool_call": "ctc"}
PARTS = {"assistant": ("output_text", "refusal")}
SAID_PARTS = ("input_text", "input_image", "input_file", "input_audio")
LEAST_OUTPUT = 16


def check(request: Request, state: State) -> None:
    """Raises ``Refusal``."""
    check_key(request, state)
    body = request.body
    for name in body:
        if name not in PARAMETERS:
            raise Refusal(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    if not body.get("model"):
        raise Refusal("Missing required parameter: 'model'.", param="model", code="missing_required_parameter")
    before = body.get("previous_response_id")
    if before is not None and before not in state.stored:
        said = f"Previous response with id '{before}' not found."
        raise Refusal(said, param="previous_response_id", code="previous_response_not_found")
    if (most := body.get("max_output_tokens")) is not None and most < LEAST_OUTPUT:
        said = f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= {LEAST_OUTPUT}, but got {most} instead."
        raise Refusal(said, param="max_output_tokens", code="integer_below_min_value")
    for n, tool in enumerate(body.get("tools") or []):
        if tool.get("type") not in TOOLS:
            raise _bad_value(f"tools[{n}].type", tool.get("type"), TOOLS)
        if tool["type"] == "function":
            check_function(f"tools[{n}]", tool)
    if not body.get("input") and before is None:
        raise Refusal("Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    items = request.items
    for n, item in enumerate(items):
        _check_item(f"input[{n}]", item, body, state)
    whole = conversation(request, state)
    _check_outputs(whole)
    _check_reasoning(whole, state)


def conversation(request: Request, state: State) -> list[dict[str, Any]]:
    """The input after what was stored before it."""
    before = request.body.get("previous_response_id")
    return [*(state.stored[before] if before else ()), *request.items]


def _bad_value(where: str, value: Any, supported: Iterator[str] | Any) -> Refusal:
    values = ", ".join(f"'{one}'" for one in sorted(supported))
    return Refusal(f"Invalid value: '{value}'. Supported values are: {values}.", param=where, code="invalid_value")


def _kind(item: dict[str, Any]) -> str:
    return str(item.get("type", "message" if "role" in item else "item_reference"))


def _check_item(where: str, item: dict[str, Any], body: dict[str, Any], state: State) -> None:
    kind = _kind(item)
    outputs = [f"{call}_output" for call in CALLS]
    if kind not in OTHERS and kind not in CALLS and kind not in outputs:
        raise _bad_value(where, kind, [*OTHERS, *CALLS, *outputs])
    if kind in CALLS or kind in outputs:
        if not item.get("call_id"):
            name = f"{where}.call_id"
            raise Refusal(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
        check_length(f"{where}.call_id", item["call_id"])
    prefix, name = PREFIXES.get(kind), item.get("id")
    if prefix and name is not None and not name.startswith(prefix):
        said = f"Invalid '{where}.id': '{name}'. Expected an ID that begins with '{prefix}'."
        raise Refusal(said, param=f"{where}.id", code="invalid_value")
    if kind == "message":
        _check_message(where, item)
    if kind == "function_call" and not isinstance(item.get("arguments"), str):
        name = f"{where}.arguments"
        raise Refusal(f"Invalid type for '{name}': expected a string.", param=name, code="invalid_type")
    if kind == "item_reference":
        raise _not_found(item.get("id"), body)
    if kind == "reasoning":
        _check_encrypted(item, body, state)


def _check_message(where: str, item: dict[str, Any]) -> None:
    role = item.get("role")
    if role not in ("user", "assistant", "system", "developer"):
        raise _bad_value(f"{where}.role", role, ("user", "assistant", "system", "developer"))
    content = item.get("content")
    if not isinstance(content, str | list):
        name = f"{where}.content"
        raise Refusal(f"Invalid type for '{name}': expected a string or an array.", param=name, code="invalid_type")
    allowed = PARTS.get(role, SAID_PARTS)
    for m, part in enumerate(content if isinstance(content, list) else []):
        if part.get("type") not in allowed:
            raise _bad_value(f"{where}.content[{m}]", part.get("type"), allowed)


def _not_found(name: Any, body: dict[str, Any]) -> Refusal:
    said = f"Item with id '{name}' not found."
    if body.get("store") is False:
        said += " Items are not persisted when `store` is set to false."
        said += " Try again with `store` set to true, or remove this item from your input."
    return Refusal(said, 404, param="input")


def _check_encrypted(item: dict[str, Any], body: dict[str, Any], state: State) -> None:
    held = item.get("encrypted_content")
    if held is None:
        kept = {one.get("id") for items in state.stored.values() for one in items}
        if item.get("id") not in kept:
            raise _not_found(item.get("id"), body)
    elif held not in state.reasoning:
        shown = f"{held[:4]}...{held[-4:]}"
        said = f"The encrypted content {shown} could not be verified."
        raise Refusal(said, code="invalid_encrypted_content")


def _check_outputs(items: list[dict[str, Any]]) -> None:
    calls: dict[str, str] = {}
    answered: set[str] = set()
    for item in items:
        kind = _kind(item)
        if kind in CALLS:
            calls[item["call_id"]] = kind
        elif (call := kind.removesuffix("_output")) in CALLS and kind.endswith("_output"):
            if calls.get(item["call_id"]) != call:
                said = f"No tool call found for {CALLS[call]} output with call_id {item['call_id']}."
                raise Refusal(said, param="input")
            answered.add(item["call_id"])
    for name, kind in calls.items():
        if name not in answered:
            raise Refusal(f"No tool output found for {CALLS[kind]} {name}.", param="input")


def _check_reasoning(items: list[dict[str, Any]], state: State) -> None:
    """A reasoning item goes with what followed it, and what followed it with the reasoning item."""
    given: set[str] = set()
    for n, item in enumerate(items):
        kind = _kind(item)
        if kind == "reasoning":
            name = state.reasoning.get(item.get("encrypted_content") or "") or item.get("id")
            given.add(str(name))
            after = items[n + 1] if n + 1 < len(items) else {}
            if not after or (_kind(after) == "message" and after.get("role") != "assistant"):
                said = f"Item '{name}' of type 'reasoning' was provided without its required following item."
                raise Refusal(said, param="input")
        elif kind in CALLS or kind == "message":
            needed = state.reasoned.get(item.get("call_id") or item.get("id") or "")
            if needed and needed not in given:
                name = item.get("id") or item["call_id"]
                said = f"Item '{name}' of type '{kind}' was provided without its required 'reasoning' item: '{needed}'."
                raise Refusal(said, param="input")
