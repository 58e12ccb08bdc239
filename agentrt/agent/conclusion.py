"""How far a run may go, and how far it has gone."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from agentrt.documents import Written
from agentrt.records import Record, Text, Turn, Usage


class RunLimits(Written):
    """Limits on a whole run; the policy limits each action."""

    actions: Annotated[int, Field(ge=1)] = 50
    """Actions proposed, malformed ones too; ``submit`` is none."""
    turns: Annotated[int, Field(ge=1)] = 100
    """Answers of the planner."""
    minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 20.0
    """Looked at between actions and while the planner thinks."""
    cost_usd: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """What the planner may cost, where its prices are known."""


class Ending(Record):
    """Why a conversation is over."""

    code: str
    """``submit``; ``nothing`` (the planner proposed no action); ``actions``, ``turns``, ``minutes``, ``cost`` (a
    limit); ``planner`` (it failed)."""
    reason: Text


@dataclass
class Budget:
    """What one run has used. The clock starts when it is made."""

    limits: RunLimits
    turns: int = 0
    actions: int = 0
    usage: Usage = field(default_factory=Usage)
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds_left(self) -> float:
        return self.limits.minutes * 60 - (time.monotonic() - self.started)

    def take_turn(self, turn: Turn) -> None:
        self.turns += 1
        costs = [usage.cost_usd for usage in (self.usage, turn.usage) if usage.cost_usd is not None]
        self.usage = Usage(
            input_tokens=self.usage.input_tokens + turn.usage.input_tokens,
            output_tokens=self.usage.output_tokens + turn.usage.output_tokens,
            cost_usd=sum(costs) if costs else None,
        )

    def spent(self) -> Ending | None:
        """The limit on time or money that is reached, if one is."""
        if self.seconds_left <= 0:
            return Ending(code="minutes", reason=f"the limit of {self.limits.minutes:g} minutes is reached")
        cost, most = self.usage.cost_usd, self.limits.cost_usd
        if cost is not None and most is not None and cost >= most:
            return Ending(code="cost", reason=f"it has cost {cost:.2f} USD; the limit is {most:.2f} USD")
        return None

    def before_turn(self) -> Ending | None:
        """Why there is no further turn, if there is none."""
        if self.turns >= self.limits.turns:
            return Ending(code="turns", reason=f"the limit of {self.limits.turns} turns is reached")
        return self.spent()

    def before_action(self) -> Ending | None:
        """Why there is no further action, if there is none."""
        if self.actions >= self.limits.actions:
            return Ending(code="actions", reason=f"the limit of {self.limits.actions} actions is reached")
        return self.spent()
