"""A planner that says what a file tells it to, in pieces, with pauses: a plug-in like anybody's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agentrt.contracts import Delayed, OnProgress, Said, unheard
from agentrt.records import Message, ProposedAction, ToolSpec, Turn, Usage


class Talking:
    """``{"steps": [{"say": TEXT} | {"delay": [SECONDS, WHY]} | {"pause": SECONDS}], "text", "actions", "usage"}`` a turn,
    where an action is ``[kind, arguments]``."""

    name = "talking"

    def __init__(self, turns: Sequence[Mapping[str, Any]]) -> None:
        self.turns = turns

    async def plan(
        self, conversation: Sequence[Message], tools: Sequence[ToolSpec], on_progress: OnProgress = unheard
    ) -> Turn:
        number = sum(message.role == "planner" for message in conversation)
        turn = self.turns[number] if number < len(self.turns) else {}
        for step in turn.get("steps", ()):
            if "say" in step:
                on_progress(Said(step["say"]))
            elif "delay" in step:
                on_progress(Delayed(*step["delay"]))
            else:
                await asyncio.sleep(step["pause"])
        actions = tuple(
            ProposedAction(call=f"{number}.{at}", kind=kind, arguments=arguments)
            for at, (kind, arguments) in enumerate(turn.get("actions", ()))
        )
        return Turn(text=turn.get("text", ""), actions=actions, usage=Usage(**turn.get("usage", {})))

    async def close(self) -> None:
        pass


def open_planner(options: Mapping[str, object], *, folder: Path) -> Talking:
    return Talking(json.loads((folder / str(options["file"])).read_text()))
