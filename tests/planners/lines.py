"""A conversation that grows as the loop makes it grow, through the journal's JSON and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from agentrt.agent import conversation
from agentrt.agent.parser import Parser
from agentrt.arguments import load_tool
from agentrt.contracts import OnProgress, Planner, unheard
from agentrt.records import Message, ToolSpec, Turn
from agentrt.records.base import dump_json

KINDS = ("bash", "edit", "read", "search", "write")


def specs(*kinds: str) -> list[ToolSpec]:
    """What an agent that may take these actions is offered."""
    return Parser({kind: load_tool(kind) for kind in kinds or KINDS}).specs


class Line(list[Message]):
    """One agent's."""

    def __init__(self, objective: str = "Make the tests pass.", **more: Any) -> None:
        super().__init__()
        self.say("task", conversation.task(objective, **more))

    def say(self, role: str, body: dict[str, Any]) -> None:
        self.append(Message(id=len(self) + 1, role=role, body=json.loads(dump_json(body))))

    def notice(self, text: str) -> None:
        self.say("notice", {"text": text})

    def turn(self, turn: Turn) -> None:
        self.say("planner", turn.to_dict())

    def outcome(self, call: str, text: str, **more: Any) -> None:
        self.say("observation", conversation.observation(call, text, **more))

    async def take(self, planner: Planner, tools: Sequence[ToolSpec], on_progress: OnProgress = unheard) -> Turn:
        """The next turn, each of its actions answered."""
        turn = await planner.plan(self, tools, on_progress)
        self.turn(turn)
        for action in turn.actions:
            self.outcome(action.call, f"exit code 0\nthe outcome of {action.call}")
        return turn
