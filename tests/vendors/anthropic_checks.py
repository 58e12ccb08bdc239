"""What the Messages API refuses, in its words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from vendors.anthropic_turns import check_turns
from vendors.refusal import Refusal
from vendors.request import Request
from vendors.state import State

PARAMETERS = frozenset(
    [
        "max_tokens",
        "messages",
        "model",
        "cache_control",
        "container",
        "diagnostics",
        "inference_geo",
        "metadata",
        "output_config",
        "service_tier",
        "speed",
        "stop_sequences",
        "stream",
        "system",
        "thinking",
        "tool_choice",
        "tools",
        "user_profile_id",
        "workspace_id",
    ]
)
TOOLS = (
    "bash_20250124",
    "browser_toolset_20260801",
    "code_execution_20250522",
    "code_execution_20250825",
    "code_execution_20260120",
    "code_execution_20260521",
    "computer_toolset_20260801",
    "custom",
    "memory_20250818",
    "text_editor_20250124",
    "text_editor_20250429",
    "text_editor_20250728",
    "tool_search_tool_bm25",
    "tool_search_tool_bm25_20251119",
    "tool_search_tool_regex",
    "tool_search_tool_regex_20251119",
    "web_fetch_20250910",
    "web_fetch_20260209",
    "web_fetch_20260309",
    "web_fetch_20260318",
    "web_search_20250305",
    "web_search_20260209",
    "web_search_20260318",
)
NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
LEAST_BUDGET = 1024
MOST_BREAKPOINTS = 4


def check(request: Request, state: State) -> None:
    """Raises ``Refusal``."""
    check_key(request, state)
    if "anthropic-version" not in request.headers:
        raise Refusal("anthropic-version: header is required")
    body = request.body
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            raise Refusal(f"{name}: Field required")
    for name in body:
        if name not in PARAMETERS:
            raise Refusal(f"{name}: Extra inputs are not permitted")
    if not isinstance(body["max_tokens"], int) or body["max_tokens"] < 1:
        raise Refusal("max_tokens: Input should be greater than or equal to 1")
    _check_thinking(body)
    _check_tools(body)
    _check_system(body)
    check_turns(body, state)
    _check_breakpoints(body)


def check_key(request: Request, state: State) -> None:
    """A key comes as ``x-api-key`` or, as newer clients send it, as a bearer's. Raises ``Refusal``."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    key = request.headers.get("x-api-key") or (bearer if scheme.lower() == "bearer" else "")
    if not key:
        raise Refusal("x-api-key header is required", 401)
    if state.key is not None and key != state.key:
        raise Refusal(f"invalid x-api-key: {key}" if state.echo_key else "invalid x-api-key", 401)


def _check_thinking(body: dict[str, Any]) -> None:
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type")
    if kind not in ("enabled", "disabled", "adaptive", "between_tools"):
        tags = "'adaptive', 'between_tools', 'disabled', 'enabled'"
        raise Refusal(
            f"thinking: Input tag '{kind}' found using 'type' does not match any of the expected tags: {tags}"
        )
    if kind == "enabled":
        if "budget_tokens" not in thinking:
            raise Refusal("thinking.enabled.budget_tokens: Field required")
        if thinking["budget_tokens"] < LEAST_BUDGET:
            least = f"Input should be greater than or equal to {LEAST_BUDGET}"
            raise Refusal(f"thinking.enabled.budget_tokens: {least}")
        if thinking["budget_tokens"] >= body["max_tokens"]:
            raise Refusal("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if kind == "enabled" and (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        raise Refusal("Thinking may not be enabled when tool_choice forces tool use.")


def _check_tools(body: dict[str, Any]) -> None:
    names: list[str] = []
    for n, tool in enumerate(body.get("tools") or []):
        kind = tool.get("type") or "custom"
        if kind not in TOOLS:
            tags = ", ".join(f"'{tag}'" for tag in TOOLS)
            found = f"Input tag '{kind}' found using 'type' does not match any of the expected tags"
            raise Refusal(f"tools.{n}: {found}: {tags}")
        if kind == "custom":
            for name in ("name", "input_schema"):
                if name not in tool:
                    raise Refusal(f"tools.{n}.custom.{name}: Field required")
            if not NAME.fullmatch(tool["name"]):
                pattern = "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"
                raise Refusal(f"tools.{n}.custom.name: {pattern}")
            if tool["input_schema"].get("type") != "object":
                raise Refusal(f"tools.{n}.custom.input_schema.type: Input should be 'object'")
        if "name" in tool:
            names.append(tool["name"])
    if len(names) != len(set(names)):
        raise Refusal("tools: Tool names must be unique.")
    choice = body.get("tool_choice") or {}
    if choice.get("type") == "tool" and choice.get("name") not in names:
        raise Refusal(f"Tool '{choice.get('name')}' not found in provided tools")


def _check_system(body: dict[str, Any]) -> None:
    system = body.get("system")
    if isinstance(system, list) and any(not block.get("text") for block in system):
        raise Refusal("system: text content blocks must be non-empty")


def _check_breakpoints(body: dict[str, Any]) -> None:
    found = sum(1 for block in _marked(body) if block.get("cache_control"))
    if found > MOST_BREAKPOINTS:
        most = f"A maximum of {MOST_BREAKPOINTS} blocks with cache_control may be provided"
        raise Refusal(f"{most}. Found {found}.")


def _marked(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Everything that may have a breakpoint."""
    yield body
    yield from body.get("tools") or []
    system = body.get("system")
    yield from system if isinstance(system, list) else []
    for message in body["messages"]:
        if isinstance(message["content"], list):
            for block in message["content"]:
                yield block
                if isinstance(block.get("content"), list):
                    yield from block["content"]
