"""What the Messages API refuses in a conversation: its roles and blocks, calls without results, thinking not its own."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from vendors.refusal import Refusal
from vendors.state import State

BLOCKS = frozenset(
    [
        "text",
        "image",
        "document",
        "search_result",
        "thinking",
        "redacted_thinking",
        "tool_use",
        "tool_result",
        "server_tool_use",
        "web_search_tool_result",
        "web_fetch_tool_result",
        "code_execution_tool_result",
        "bash_code_execution_tool_result",
        "text_editor_code_execution_tool_result",
        "tool_search_tool_result",
        "container_upload",
    ]
)
OF_ASSISTANT = frozenset({"thinking", "redacted_thinking", "tool_use"})
MODIFIED = (
    "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. "
    "These blocks must remain as they were in the original response."
)
DROPPED = (
    "When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost "
    "set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous turns. "
    "To avoid this requirement, disable `thinking`."
)


PRESERVES = re.compile(r"claude-(?:(?:fable|mythos)-5-[12]|[a-z]+-5-5)")
"""Models that take their thinking back only behind what it was thought behind."""
MOVED = (
    "The block is bound to a different conversation. Remove the block, or set "
    '`thinking.block_binding.prefix_mismatch_behavior` to "drop_block".'
)


def prefixes(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Each block of the conversation: where it is, itself, and all that stands before it; at last the end."""
    before = hashlib.sha256(json.dumps([_bare(body.get("system")), _bare(body.get("tools"))]).encode())
    for n, message in enumerate(body["messages"]):
        for m, block in enumerate(_blocks(message)):
            yield f"messages.{n}.content.{m}", block, before.hexdigest()
            before.update(json.dumps([message["role"], _bare(block)], sort_keys=True).encode())
    yield "", {"type": "end"}, before.hexdigest()


def _bare(value: Any) -> Any:
    """Without breakpoints, which may be set anew."""
    if isinstance(value, list):
        return [_bare(one) for one in value]
    if isinstance(value, dict):
        return {key: _bare(one) for key, one in value.items() if key != "cache_control"}
    return value


def _check_preserved(body: dict[str, Any], state: State) -> None:
    for where, block, before in prefixes(body):
        known = state.prefixes.get(block.get("signature") or block.get("data") or "")
        if block["type"] in ("thinking", "redacted_thinking") and known not in (None, before):
            raise Refusal(f"{where}: Invalid `signature` in `thinking` block. {MOVED}")


def check_turns(body: dict[str, Any], state: State) -> None:
    """Raises ``Refusal``. Consecutive messages of one role are one turn."""
    messages = body["messages"]
    if not messages:
        raise Refusal("messages: at least one message is required")
    for n, message in enumerate(messages):
        _check_message(n, message, state)
    if messages[0]["role"] != "user":
        raise Refusal('messages: first message must use the "user" role')
    if messages[-1]["role"] == "assistant":
        raise Refusal(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    turns = _merged(messages)
    _check_calls(turns)
    if PRESERVES.match(str(body["model"])):
        _check_preserved(body, state)
    if (body.get("thinking") or {}).get("type") == "enabled":
        _check_thinking_first(turns, state)


def _blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content or [])


def _check_message(n: int, message: dict[str, Any], state: State) -> None:
    role = message.get("role")
    if role not in ("user", "assistant", "system"):
        raise Refusal(f"messages.{n}.role: Input should be 'user', 'assistant' or 'system'")
    if not message.get("content"):
        raise Refusal(
            f"messages.{n}: all messages must have non-empty content except for the optional final assistant message"
        )
    for m, block in enumerate(_blocks(message)):
        where, kind = f"messages.{n}.content.{m}", block.get("type")
        if kind not in BLOCKS:
            found = f"Input tag '{kind}' found using 'type' does not match any of the expected tags"
            raise Refusal(f"{where}: {found}: {', '.join(repr(tag) for tag in sorted(BLOCKS))}")
        if kind == "text":
            _check_text(where, block)
        if kind == "tool_result":
            if role != "user":
                raise Refusal(f"messages.{n}: `tool_result` blocks can only be in `user` messages")
            inner = block.get("content")
            for part in inner if isinstance(inner, list) else []:
                if part.get("type") == "text":
                    _check_text(where, part)
        if kind in OF_ASSISTANT and role != "assistant":
            raise Refusal(f"messages.{n}: `{kind}` blocks can only be in `assistant` messages")
        if kind == "tool_use" and not isinstance(block.get("input"), dict):
            raise Refusal(f"{where}.tool_use.input: Input should be a valid dictionary")
        _check_issued(where, block, state)


def _check_text(where: str, block: dict[str, Any]) -> None:
    text = block.get("text", "")
    if not text:
        if block.get("cache_control"):
            raise Refusal(f"{where}.text: cache_control cannot be set for empty text blocks")
        raise Refusal("messages: text content blocks must be non-empty")
    if not text.strip():
        raise Refusal("messages: text content blocks must contain non-whitespace text")


def _check_issued(where: str, block: dict[str, Any], state: State) -> None:
    if block["type"] == "thinking":
        for name in ("thinking", "signature"):
            if name not in block:
                raise Refusal(f"{where}.thinking.{name}: Field required")
        if block["signature"] not in state.signatures:
            raise Refusal(f"{where}: Invalid `signature` in `thinking` block")
        if state.signatures[block["signature"]] != block["thinking"]:
            raise Refusal(f"{where}: {MODIFIED}")
    if block["type"] == "redacted_thinking" and block.get("data") not in state.signatures:
        raise Refusal(f"{where}: Invalid `data` in `redacted_thinking` block")


def _merged(messages: list[dict[str, Any]]) -> list[tuple[int, str, list[dict[str, Any]]]]:
    """Each turn: the number of its last message, its role, its blocks."""
    turns: list[tuple[int, str, list[dict[str, Any]]]] = []
    for n, message in enumerate(messages):
        if turns and turns[-1][1] == message["role"]:
            turns[-1] = (n, message["role"], turns[-1][2] + _blocks(message))
        else:
            turns.append((n, message["role"], _blocks(message)))
    return turns


def _check_calls(turns: list[tuple[int, str, list[dict[str, Any]]]]) -> None:
    seen: set[str] = set()
    asked: list[str] = []
    for at, (n, _, blocks) in enumerate(turns):
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        for result in results:
            if result not in asked:
                found = f"unexpected `tool_use_id` found in `tool_result` blocks: {result}"
                needed = "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                raise Refusal(f"messages.{n}.content.0: {found}. {needed}")
            if results.count(result) > 1:
                found = f"Found multiple `tool_result` blocks with id: {result}"
                raise Refusal(f"messages.{n}.content: each `tool_use` must have a single result. {found}")
        first = [block["tool_use_id"] for block in blocks[: len(results)] if block["type"] == "tool_result"]
        if missing := [call for call in asked if call not in first]:
            found = f"`tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(missing)}"
            needed = "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
            raise Refusal(f"messages.{turns[at - 1][0]}: {found}. {needed}")
        asked = [block["id"] for block in blocks if block["type"] == "tool_use"]
        if len(seen) + len(asked) != len(seen := seen.union(asked)):
            raise Refusal(f"messages.{n}: `tool_use` ids must be unique")


def _check_thinking_first(turns: list[tuple[int, str, list[dict[str, Any]]]], state: State) -> None:
    """A tool's result is only taken together with the thinking that led to its call."""
    if len(turns) < 2 or not any(block["type"] == "tool_result" for block in turns[-1][2]):
        return
    n, role, blocks = turns[-2]
    calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
    first = blocks[0]["type"]
    if role == "assistant" and first not in ("thinking", "redacted_thinking"):
        if all(state.thought.get(call) is False for call in calls):
            return  # the script had none
        raise Refusal(
            f"messages.{n}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{first}`. {DROPPED}"
        )
