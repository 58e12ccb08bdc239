"""A conversation with a model behind the tests' server, as a runtime would lead it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from agentrt.agent import conversation
from agentrt.agent.builtin import BUILTIN
from agentrt.agent.parser import Parser
from agentrt.arguments import load_tool
from agentrt.contracts import Planner
from agentrt.contracts.planner import Delayed, Said
from agentrt.planners.openai import open_planner
from agentrt.records import Message, ToolSpec, Turn

T = TypeVar("T")
TOOLS: list[ToolSpec] = Parser({name: load_tool(name) for name in ("bash", "read", "write", "edit")}).specs
assert "submit" in BUILTIN


def run(doing: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(doing)


def open_at(url: str, *, api: str = "responses", model: str = "gpt-6.2-sol", **more: Any) -> Planner:
    options = {"provider": "openai", "model": model, "base_url": f"{url}/v1", "api": api, "retries": 0, **more}
    return open_planner(options, folder=Path())


class Talk:
    """What was said so far; ``heard`` is what a watcher was told."""

    def __init__(self, objective: str = "Mend the tests.", **task: Any) -> None:
        self.messages: list[Message] = []
        self.heard: list[Said | Delayed] = []
        self.add("task", conversation.task(objective, you="agent", **task))

    def add(self, role: str, body: dict[str, Any]) -> None:
        self.messages.append(Message(id=len(self.messages) + 1, role=role, body=body))

    def note(self, text: str) -> None:
        self.add("notice", {"text": text})

    def observe(self, call: str, text: str = "done", **more: Any) -> None:
        self.add("observation", conversation.observation(call, text, 1, **more))

    async def turn(self, planner: Planner, tools: list[ToolSpec] = TOOLS) -> Turn:
        turn = await planner.plan(self.messages, tools, self.heard.append)
        self.add("planner", turn.to_dict())
        return turn

    async def turn_and_answers(self, planner: Planner, text: str = "exit code 0\nfine", code: int = 0) -> Turn:
        """A turn whose actions are all carried out."""
        turn = await self.turn(planner)
        for action in turn.actions:
            self.observe(action.call, text, exit_code=code)
        return turn

    @property
    def said(self) -> str:
        return "".join(one.text for one in self.heard if isinstance(one, Said))

    @property
    def delays(self) -> list[str]:
        return [one.because for one in self.heard if isinstance(one, Delayed)]
