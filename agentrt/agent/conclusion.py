"""The conclusion: when a conversation is over, and why."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from agentrt.documents import Written
from agentrt.records import Message, ProposedAction, Record, Snapshot, Text, Turn, Usage, dump_json

from .builtin import BUILTIN

SAME_FAILURE = 3
"""So often the same action may fail in the same way before nothing else is to be expected."""


LIMITS = ("actions", "turns", "minutes", "tokens", "cost")
"""The codes of endings at a limit."""


class RunLimits(Written):
    """Limits on a whole run; the policy limits each action."""

    actions: Annotated[int, Field(ge=1)] = 50
    """Actions proposed, malformed ones too; what is only about the conversation (``submit``, ``talk`` …) is none."""
    turns: Annotated[int, Field(ge=1)] = 100
    """Answers of the planners."""
    minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 20.0
    """Looked at between actions and while a planner thinks; counted anew when a run is resumed."""
    tokens: Annotated[int, Field(ge=1)] | None = None
    """Of all turns, what was sent and what came."""
    cost_usd: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """What the planners may cost, where their prices are known."""
    context_tokens: Annotated[int, Field(ge=1000)] = 120_000
    """How long a conversation may get before it is compacted."""


class Ending(Record):
    """Why a conversation is over."""

    code: str
    """``submit``; ``nothing`` (no action was proposed); ``actions``, ``turns``, ``minutes``, ``tokens``, ``cost`` (a
    limit); ``no_progress``; ``refused`` (the model declines); ``planner`` (it failed). Of a whole run also ``verify``
    and ``rules`` (what the task demands is not true), ``interrupted``, and an error's own code."""
    reason: Text
    hint: Text = ""
    """What a person can do about it, where that is known."""


INTERRUPTED = Ending(code="interrupted", reason="interrupted", hint="go on with it when you have looked")
"""By a person, or by who ended the process."""


@dataclass
class Budget:
    """What one run has used. The clock starts when it is made."""

    limits: RunLimits
    turns: int = 0
    actions: int = 0
    usage: Usage = field(default_factory=Usage)
    started: float = field(default_factory=time.monotonic)

    def take_up(self, conversation: Sequence[Message]) -> None:
        """Count what a run that is resumed had used before, since it was asked for something last, as far as it was not
        taken back."""
        last = max((at for at, message in enumerate(conversation) if "asked" in message.body), default=0)
        calls: dict[str, str] = {}  # others were asked for before that, and are answered late: an undo took the answer
        for message in conversation[last:]:
            if message.role == "planner":
                self.take_turn(Turn.from_dict(message.body))
                calls = {action["call"]: action["kind"] for action in message.body.get("actions", ())}
            elif message.role == "observation" and calls.get(message.body["call"]) not in (None, *BUILTIN):
                begun = message.operation is not None or not message.body.get("cut_off")
                self.actions += begun
            elif message.role == "compaction" and (usage := message.body.get("usage")):
                self.take_turn(Turn(usage=Usage.from_dict(usage)))

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def seconds_left(self) -> float:
        return self.limits.minutes * 60 - self.seconds

    def take_turn(self, turn: Turn) -> None:
        self.turns += 1
        self.usage += turn.usage

    def spent(self) -> Ending | None:
        """The limit on time, tokens or money that is reached, if one is."""
        limits, usage = self.limits, self.usage
        if self.seconds_left <= 0:
            return Ending(code="minutes", reason=f"the limit of {limits.minutes:g} minutes is reached")
        if limits.tokens is not None and (tokens := usage.input_tokens + usage.output_tokens) >= limits.tokens:
            return Ending(code="tokens", reason=f"it has taken {tokens:,} tokens; the limit is {limits.tokens:,}")
        cost, most = usage.cost_usd, limits.cost_usd
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


class Progress:
    """Whether there is any: the same action that fails again, while nothing else changed a file, will fail for ever."""

    def __init__(self) -> None:
        self._failed: dict[tuple[str, str, str], int] = {}
        self._on: Snapshot | None = None

    def came_out(self, actor: str, proposed: ProposedAction, failed: bool, on: Snapshot) -> int:
        """How often this has failed now since another action last changed a file; ``on`` is how they are now. What a
        failing command leaves behind itself (a cache, a log) is no progress."""
        what = actor, proposed.kind, proposed.malformed or dump_json(proposed.arguments)
        if on != self._on:
            self._failed, self._on = {what: self._failed.get(what, 0)} if failed else {}, on
        if not failed:
            return 0
        self._failed[what] = self._failed.get(what, 0) + 1
        return self._failed[what]
