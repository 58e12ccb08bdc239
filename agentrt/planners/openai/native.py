"""OpenAI's own tools, which its models are trained on: ``shell`` for our ``bash``, ``apply_patch`` for our ``edit``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agentrt.planners.transcript import Outcome

from .answer import whole_number

BASH, EDIT, WRITE = "bash", "edit", "write"
OFFERED: dict[str, dict[str, Any]] = {
    BASH: {"type": "shell", "environment": {"type": "local"}},
    EDIT: {"type": "apply_patch"},
}
"""By the kind of action they stand for."""
CALLS = ("shell_call", "apply_patch_call")
_HEADERS = {"update_file": "*** Update File: ", "delete_file": "*** Delete File: ", "create_file": "*** Add File: "}

Wanted = tuple[str, dict[str, Any], str]
"""An action's kind, its arguments, and what is wrong with the call; empty where nothing is."""


def wanted(item: Mapping[str, Any]) -> list[Wanted]:
    """The actions a call comes to; at least one."""
    return _commands(item.get("action")) if item["type"] == "shell_call" else [_operation(item.get("operation"))]


def _commands(action: object) -> list[Wanted]:
    commands = action.get("commands") if isinstance(action, dict) else None
    if not isinstance(action, dict) or not isinstance(commands, list) or not commands:
        return [(BASH, {}, "a shell call needs a list of commands, and there is none")]
    milliseconds = whole_number(action.get("timeout_ms"))
    limit = {"seconds": milliseconds / 1000} if milliseconds else {}
    return [
        (BASH, {"command": command, **limit}, "")
        if isinstance(command, str)
        else (BASH, {}, "the commands of a shell call are texts, and this one is not")
        for command in commands
    ]


def _operation(operation: object) -> Wanted:
    if not isinstance(operation, dict):
        return EDIT, {}, "a patch needs an operation, and there is none"
    kind, path, diff = operation.get("type"), operation.get("path"), operation.get("diff") or ""
    if not isinstance(kind, str) or kind not in _HEADERS:
        return EDIT, {}, f"an operation is one of {', '.join(sorted(_HEADERS))}, and this is none of them"
    if not isinstance(path, str) or not path or not isinstance(diff, str):
        return EDIT, {}, "an operation has a path and a diff, and both are texts"
    lines = _lines(diff)
    if path == path.strip() and "\n" not in path:
        body = [] if kind == "delete_file" else lines
        return EDIT, {"patch": "\n".join(["*** Begin Patch", _HEADERS[kind] + path, *body, "*** End Patch"])}, ""
    # A patch names files in a line of text; such a name does not fit in.
    if kind == "create_file" and all(line.startswith("+") for line in lines):
        return WRITE, {"path": path, "content": "".join(line[1:] + "\n" for line in lines)}, ""
    return EDIT, {}, "no patch can name this path, as it begins or ends with a space or holds a line break: use a shell"


def _lines(diff: str) -> list[str]:
    """Without the end of the last; of a diff in which all lines end with CR and LF, without the CR."""
    lines = diff.split("\n")
    if len(lines) > 1 and all(line.endswith("\r") for line in lines[:-1]):
        lines = [line.removesuffix("\r") for line in lines]
    return lines[:-1] if not lines[-1] else lines


def answered(item: Mapping[str, Any], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What came of a call: the outcomes of the actions it came to."""
    if item["type"] == "apply_patch_call":
        status = "failed" if any(outcome.failed for outcome in outcomes) else "completed"
        said = "\n".join(outcome.text for outcome in outcomes)
        return {"type": "apply_patch_call_output", "call_id": item["call_id"], "status": status, "output": said}
    action = item.get("action")
    most = whole_number(action.get("max_output_length")) if isinstance(action, dict) else 0
    answer = {"type": "shell_call_output", "call_id": item["call_id"]}
    output = [_shell_output(outcome, most) for outcome in outcomes]
    return {**answer, "output": output, **({"max_output_length": most} if most else {})}


def _shell_output(outcome: Outcome, most: int) -> dict[str, Any]:
    """Our commands write both streams into one; what was not executed at all is an error. ``most``: characters that
    the model wants to see, its beginning and its end; 0 for all."""
    text = outcome.text.removeprefix(f"exit code {outcome.exit_code}").lstrip("\n")
    if most and len(text) > most:
        head = most // 2
        text = text[:head] + text[len(text) - (most - head) :]
    code = outcome.exit_code if outcome.exit_code is not None else int(outcome.failed)
    ended = {"type": "timeout"} if outcome.timed_out else {"type": "exit", "exit_code": code}
    refused = outcome.failed and outcome.exit_code is None and not outcome.timed_out
    return {"stdout": "" if refused else text, "stderr": text if refused else "", "outcome": ended}
