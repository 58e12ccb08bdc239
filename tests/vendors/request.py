"""A request as it came, and what every protocol's requests have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    """Without the query."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: dict[str, Any] = field(default_factory=dict)
    raw: bytes = b""

    @property
    def streamed(self) -> bool:
        return self.body.get("stream") is True

    @property
    def items(self) -> list[dict[str, Any]]:
        """The conversation: messages, or a Responses request's input."""
        found = self.body.get("messages", self.body.get("input", []))
        return [{"role": "user", "content": found}] if isinstance(found, str) else list(found)

    @property
    def said(self) -> str:
        """The last thing the user said, without results of tools."""
        for item in reversed(self.items):
            text = "".join(texts(item.get("content")))
            if item.get("role") == "user" and text:
                return text
        return ""

    @property
    def results(self) -> dict[str, Any]:
        """What each call came to: its id, and the text of what was sent for it (a shell's is a list)."""
        found: dict[str, Any] = {}
        for item in self.items:
            if str(item.get("type", "")).endswith("_output"):
                output = item.get("output")
                found[item["call_id"]] = output if item["type"] == "shell_call_output" else "".join(texts(output))
            elif item.get("role") == "tool":
                found[item["tool_call_id"]] = "".join(texts(item.get("content")))
            elif isinstance(content := item.get("content"), list):
                for block in content:
                    if block.get("type") == "tool_result":
                        found[block["tool_use_id"]] = "".join(texts(block.get("content")))
        return found

    @property
    def tools(self) -> list[str]:
        """Names of the tools that are offered; a vendor's own without a name by its type."""
        return [tool_name(tool) for tool in self.body.get("tools") or []]

    def offers(self, kind: str) -> bool:
        """Whether the vendor's own tool of this type is offered."""
        return any(tool.get("type") == kind for tool in self.body.get("tools") or [])


def tool_name(tool: Mapping[str, Any]) -> str:
    inner = tool.get(str(tool.get("type")))
    return str((inner if isinstance(inner, dict) else tool).get("name", tool.get("type")))


def texts(content: Any) -> Iterator[str]:
    """The text of a message's content, in whichever form."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            if part.get("type") in ("text", "input_text", "output_text"):
                yield str(part.get("text", ""))
