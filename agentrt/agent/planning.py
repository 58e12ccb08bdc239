"""A planner is asked for its turn: with its line of the conversation, as short as it has to be."""

from __future__ import annotations

from agentrt.contracts import Delayed, Said
from agentrt.errors import ContextOverflow, PlannerError
from agentrt.records import Message, Turn
from agentrt.runtime import Runtime

from . import compaction
from .conclusion import Budget
from .crew import Crew, Member
from .events import OnEvent, PlannerAsked, PlannerDelayed, TextCame


class Planning:
    """Of one run."""

    def __init__(self, runtime: Runtime, crew: Crew, budget: Budget, tell: OnEvent) -> None:
        self._runtime, self._budget, self._tell = runtime, budget, tell
        self._sights = {member.name: compaction.Sight(member.name) for member in crew.members}

    async def ask(self, member: Member) -> Turn:
        """One turn; where the conversation is too long for the planner, of a shorter one. Raises ``PlannerError``."""
        self._tell(PlannerAsked(actor=member.name))
        limit = self._budget.limits.context_tokens
        sight = self._look(member)
        if sight.tokens > limit:
            await self._compact(member, limit)
        for room in (limit, limit // 2, limit // 4):
            try:
                turn = await member.planner.plan(
                    self._look(member).line, member.parser.specs, lambda told: self._heard(member, told)
                )
                return turn.model_copy(update={"actor": member.name})
            except ContextOverflow:
                if not await self._compact(member, room // 2):
                    raise
        raise PlannerError("the conversation is too long for the model, however much of it is left out")

    def _look(self, member: Member) -> compaction.Sight:
        sight = self._sights[member.name]
        sight.follow(self._runtime.conversation())
        return sight

    async def _compact(self, member: Member, room: int) -> bool:
        """Whether there was something to leave out."""
        line: list[Message] = self._look(member).line
        made = await compaction.compact(self._runtime, member.planner, line, member.name, room)
        if made is None:
            return False
        event, summary = made
        if summary is not None:
            self._budget.take_turn(summary)
        self._tell(event)
        return True

    def _heard(self, member: Member, told: Said | Delayed) -> None:
        if isinstance(told, Said):
            self._tell(TextCame(actor=member.name, text=told.text))
        else:
            self._tell(PlannerDelayed(actor=member.name, seconds=told.seconds, because=told.because))
