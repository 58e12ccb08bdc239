"""What is asked, in either API."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

from agentrt.planners import prompt
from agentrt.planners.calls import sendable
from agentrt.planners.transcript import Transcript
from agentrt.records import ToolSpec

from . import items, messages, models
from .names import function_name
from .server import OpenAIOptions, Server


class Requests:
    """To one model of one server."""

    def __init__(self, options: OpenAIOptions, server: Server, key: str) -> None:
        self._options, self._server, self._key = options, server, key
        self.fits = {
            **{"provider": "openai", "api": server.api, "server": server.url, "model": options.model},
            "native_tools": server.native_tools,
        }
        """What a turn's native form says of where it came from."""

    @property
    def limit(self) -> str:
        """What the longest answer is called."""
        if self._server.api == "responses":
            return "max_output_tokens"
        return "max_completion_tokens" if self._server.own else "max_tokens"

    def body(self, told: Transcript, tools: Sequence[ToolSpec], last: str) -> dict[str, Any]:
        """Without the limit. ``last`` comes last, and is no part of the next request."""
        make = self._responses if self._server.api == "responses" else self._chat
        body: dict[str, Any] = sendable(make(told, tools, last, prompt.system(told.task)))
        return body

    def _responses(self, told: Transcript, tools: Sequence[ToolSpec], last: str, system: str) -> dict[str, Any]:
        model, wanted = self._options.model, self._options.reasoning
        body: dict[str, Any] = {
            "model": model,
            "instructions": system,
            "input": items.items(told, self.fits, last, marked=models.caches_at_breakpoints(model)),
            "stream": True,
            "store": False,
            "truncation": "disabled",
            "prompt_cache_key": self._cache_key(told, system),
        }
        if tools:
            body["tools"] = items.tools(tools, native_tools=self._server.native_tools)
            body["parallel_tool_calls"] = True
        if models.reasons(model):
            body["include"] = ["reasoning.encrypted_content"]
        if wanted is not None:
            body["reasoning"] = {"effort": models.effort(model, wanted)}
        return body

    def _chat(self, told: Transcript, tools: Sequence[ToolSpec], last: str, system: str) -> dict[str, Any]:
        model, wanted, own = self._options.model, self._options.reasoning, self._server.own
        first = {"role": "developer" if own else "system", "content": system}
        body: dict[str, Any] = {
            "model": model,
            "messages": messages.messages(told, self.fits, last, system=first),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if own:
            body |= {"store": False, "prompt_cache_key": self._cache_key(told, system)}
        if tools:
            body["tools"] = messages.tools(tools)
            body["parallel_tool_calls"] = True
        if wanted is not None:
            body["reasoning_effort"] = models.effort(model, wanted)
        return body

    def _cache_key(self, told: Transcript, system: str) -> str:
        """The same for all turns of a conversation, and nothing of it can be read out of it."""
        begun = json.dumps([system, told.task], sort_keys=True, default=str)
        return hmac.new(self._key.encode(), begun.encode(), hashlib.sha256).hexdigest()[:32]


def used(told: Transcript) -> list[ToolSpec]:
    """What was called, by its name: some servers refuse a conversation with calls of tools that are not offered."""
    actions = (action for step in told.steps if step.turn is not None for action in step.turn.actions)
    names = dict.fromkeys(function_name(action.kind) for action in actions)
    return [ToolSpec(name=name, description="Not to be used now.", parameters={"type": "object"}) for name in names]
