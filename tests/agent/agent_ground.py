"""What the tests of the agent share: planners in Python and in scripts, and a short way to run them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from agentrt import Runtime
from agentrt.agent.conversation import AGENT
from agentrt.agent.crew import Crew, Member
from agentrt.agent.parser import Parser
from agentrt.contracts import OnProgress, Planner, unheard
from agentrt.planners.script import ScriptPlanner, open_planner
from agentrt.records import Message, ProposedAction, ToolSpec, Turn, Usage


def script(folder: Path, turns: str) -> ScriptPlanner:
    file = folder.parent / "script.yaml"
    file.write_text(turns)
    return open_planner({"script": str(file)}, folder=folder)


def alone(runtime: Runtime, planner: Planner) -> Crew:
    return Crew([Member(AGENT, planner, Parser(runtime.tools))])


class Scripted:
    """A planner in Python: one answer a call, made when it is asked for."""

    name = "scripted"

    def __init__(self, *answers: Callable[[], Awaitable[Turn]] | Turn) -> None:
        self.answers = list(answers)
        self.tools: list[str] = []
        self.heard: list[list[Message]] = []
        """What it was sent, turn by turn."""

    async def plan(
        self, conversation: Sequence[Message], tools: Sequence[ToolSpec], on_progress: OnProgress = unheard
    ) -> Turn:
        self.tools = [tool.name for tool in tools]
        self.heard.append(list(conversation))
        answer = self.answers.pop(0)
        return answer if isinstance(answer, Turn) else await answer()

    async def close(self) -> None:
        pass


def bash(command: str, *, call: str = "c", cost: float | None = None) -> Turn:
    action = ProposedAction(call=call, kind="bash", arguments={"command": command})
    return Turn(actions=(action,), usage=Usage(input_tokens=10, output_tokens=1, cost_usd=cost))


def acts(*kinds: tuple[str, dict[str, Any]], text: str = "") -> Turn:
    """A turn with these actions; their calls are ``1``, ``2`` …"""
    actions = (ProposedAction(call=str(n), kind=kind, arguments=given) for n, (kind, given) in enumerate(kinds, 1))
    return Turn(text=text, actions=tuple(actions))


def said(messages: list[Message], role: str) -> list[str]:
    return [message.body["text"] for message in messages if message.role == role]
