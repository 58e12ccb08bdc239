"""A Responses answer's items, and the events each is streamed with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from vendors.request import Request
from vendors.script import Call, Reply
from vendors.sse import pieces
from vendors.state import State

Item = dict[str, Any]
INTERRUPTED = ("message", "function_call", "shell_call")
"""Items that can be left incomplete."""


def items(request: Request, reply: Reply, state: State) -> list[Item]:
    """What is said, finished; ids of what came with a reasoning item are remembered."""
    found: list[Item] = []
    if reply.thinking:
        found.append(_reasoning(request, reply, state))
    if reply.text or reply.ending == "refusal":
        found.append(_message(reply, state))
    found += [_call(request, call, state) for call in reply.calls]
    if reply.ending in ("length", "context", "filter") and found and found[-1]["type"] in INTERRUPTED:
        found[-1]["status"] = "incomplete"
    for item in found[1:] if reply.thinking else ():
        state.reasoned[item["id"]] = state.reasoned[item.get("call_id", item["id"])] = found[0]["id"]
    return found


def _reasoning(request: Request, reply: Reply, state: State) -> Item:
    wanted = (request.body.get("reasoning") or {}).get("summary")
    summary = [{"type": "summary_text", "text": reply.thinking}] if wanted else []
    item: Item = {"id": state.id("rs"), "type": "reasoning", "summary": summary}
    if "reasoning.encrypted_content" in (request.body.get("include") or []):
        item["encrypted_content"] = state.opaque(reply.thinking)
        state.reasoning[item["encrypted_content"]] = item["id"]
    return item


def _message(reply: Reply, state: State) -> Item:
    if reply.ending == "refusal":
        part = {"type": "refusal", "refusal": reply.text or "I can't help with that."}
    else:
        part = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
    phase = "commentary" if reply.calls else "final_answer"
    item = {"id": state.id("msg"), "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    return {**item, "phase": phase}


def _call(request: Request, call: Call, state: State) -> Item:
    name = call.id or state.id("call")
    if call.kind == "shell" and request.offers("shell"):
        action = {"timeout_ms": None, "max_output_length": None, **call.arguments}
        item = {"id": state.id("sh"), "type": "shell_call", "call_id": name, "action": action}
        return {**item, "environment": {"type": "local"}, "status": "completed"}
    if call.kind == "apply_patch" and request.offers("apply_patch"):
        item = {"id": state.id("apc"), "type": "apply_patch_call", "call_id": name, "operation": dict(call.arguments)}
        return {**item, "status": "completed"}
    if call.kind == "custom" and request.offers("custom"):
        item = {"id": state.id("ctc"), "type": "custom_tool_call", "call_id": name, "name": call.name}
        return {**item, "input": call.text}
    item = {"id": state.id("fc"), "type": "function_call", "call_id": name, "name": call.name}
    return {**item, "arguments": call.text, "status": "completed"}


Parts = Iterator[tuple[str, dict[str, Any]]]


def events(item: Item, index: int, size: int) -> Parts:
    """Each event's type without ``response.``, and its fields."""
    here = {"output_index": index, "item_id": item["id"]}
    inner = {
        "reasoning": _of_reasoning,
        "message": _of_message,
        "function_call": _of_function,
        "custom_tool_call": _of_custom,
        "shell_call": _of_shell,
        "apply_patch_call": _of_patch,
    }[item["type"]]
    begun = {**item, **_begun(item)}
    if "status" in item:
        begun["status"] = "in_progress"
    yield "output_item.added", {"output_index": index, "item": begun}
    yield from inner(item, here, size)
    yield "output_item.done", {"output_index": index, "item": item}


def _begun(item: Item) -> Item:
    match item["type"]:
        case "reasoning":
            return {"summary": []}
        case "message":
            return {"content": []}
        case "function_call":
            return {"arguments": ""}
        case "custom_tool_call":
            return {"input": ""}
        case "shell_call":
            return {"action": {**item["action"], "commands": []}}
    operation = item["operation"]
    return {"operation": {**operation, "diff": ""} if "diff" in operation else operation}


def _of_reasoning(item: Item, here: Item, size: int) -> Parts:
    for n, part in enumerate(item["summary"]):
        at = {**here, "summary_index": n}
        yield "reasoning_summary_part.added", {**at, "part": {**part, "text": ""}}
        for piece in pieces(part["text"], size):
            yield "reasoning_summary_text.delta", {**at, "delta": piece}
        yield "reasoning_summary_text.done", {**at, "text": part["text"]}
        yield "reasoning_summary_part.done", {**at, "part": part}


def _of_message(item: Item, here: Item, size: int) -> Parts:
    (part,) = item["content"]
    at = {**here, "content_index": 0}
    field = "text" if part["type"] == "output_text" else "refusal"
    name, more = ("output_text", {"logprobs": []}) if field == "text" else ("refusal", {})
    yield "content_part.added", {**at, "part": {**part, field: ""}}
    for piece in pieces(part[field], size):
        yield f"{name}.delta", {**at, **more, "delta": piece}
    yield f"{name}.done", {**at, **more, field: part[field]}
    yield "content_part.done", {**at, "part": part}


def _of_function(item: Item, here: Item, size: int) -> Parts:
    for piece in pieces(item["arguments"], size):
        yield "function_call_arguments.delta", {**here, "delta": piece}
    yield "function_call_arguments.done", {**here, "arguments": item["arguments"]}


def _of_custom(item: Item, here: Item, size: int) -> Parts:
    for piece in pieces(item["input"], size):
        yield "custom_tool_call_input.delta", {**here, "delta": piece}
    yield "custom_tool_call_input.done", {**here, "input": item["input"]}


def _of_shell(item: Item, here: Item, size: int) -> Parts:
    for n, command in enumerate(item["action"]["commands"]):
        at = {"output_index": here["output_index"], "command_index": n}  # these have no item_id
        yield "shell_call_command.added", {**at, "command": ""}
        for piece in pieces(command, size):
            yield "shell_call_command.delta", {**at, "delta": piece}
        yield "shell_call_command.done", {**at, "command": command}


def _of_patch(item: Item, here: Item, size: int) -> Parts:
    if (diff := item["operation"].get("diff")) is None:
        return
    for piece in pieces(diff, size):
        yield "apply_patch_call_operation_diff.delta", {**here, "delta": piece}
    yield "apply_patch_call_operation_diff.done", {**here, "diff": diff}


def said(item: Item) -> str:
    """What of the item counts as output."""
    match item["type"]:
        case "message":
            (part,) = item["content"]
            return str(part.get("text", part.get("refusal")))
        case "function_call":
            return str(item["arguments"])
        case "custom_tool_call":
            return str(item["input"])
        case "shell_call":
            return json.dumps(item["action"]["commands"])
        case "apply_patch_call":
            return json.dumps(item["operation"])
    return ""
