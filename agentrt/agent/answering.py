"""The answers to actions that are about the conversation itself: ``plan``, ``talk``, ``ask``, ``submit``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agentrt.contracts import Inquire
from agentrt.records import Action, ProposedAction
from agentrt.runtime import Runtime

from . import conversation
from .builtin import TALK, AskPerson, Submit, Talk
from .completeness import Demands
from .conclusion import Budget, Ending
from .events import NotDoneYet, OnEvent

_NOBODY = "Nobody is here to answer. Decide for yourself, and say what you decided when you hand the work in."


@dataclass(frozen=True)
class Answered:
    body: dict[str, Any]
    """Of the observation."""
    operation: int | None = None
    """That it is about."""
    failed: bool = False
    ending: Ending | None = None


@dataclass(frozen=True)
class Notice:
    text: str
    operation: int


class Answering:
    """Of one run."""

    def __init__(
        self, runtime: Runtime, demands: Demands, budget: Budget, inquire: Inquire | None, tell: OnEvent
    ) -> None:
        self._runtime, self._demands, self._budget, self._inquire, self._tell = runtime, demands, budget, inquire, tell

    async def answer(self, actor: str, proposed: ProposedAction, action: Action) -> Answered:
        """Raises what ``Runtime.verify`` and ``Inquire`` raise."""
        if isinstance(action, Submit):
            return await self._submit(actor, proposed.call, action)
        if isinstance(action, AskPerson):
            said = await self._inquire(action.question) if self._inquire is not None else None
            return self._said(actor, proposed.call, _NOBODY if said is None else f"A person says: {said}")
        if isinstance(action, Talk):
            body = conversation.talk(action.text, actor=actor, to=action.to, hand_over=action.hand_over)
            line = self._runtime.conversation()
            if (line[-1].role, line[-1].body) != (TALK, body):  # else a death came between it and its answer
                self._runtime.say(TALK, body)
            return self._said(actor, proposed.call, "said")
        return self._said(actor, proposed.call, "noted")

    async def not_done(self, actor: str) -> Notice | None:
        """What the task demands and is not true; None where all of it is, or nothing can be checked."""
        verdict = await self._demands.judge(self._budget.seconds_left)
        if verdict.passed:
            return None
        self._tell(NotDoneYet(actor=actor, failures=tuple(what for what, _ in verdict.failures)))
        return Notice(f"The task is not done yet. {verdict.told()}", verdict.failures[0][1].id)

    async def _submit(self, actor: str, call: str, action: Submit) -> Answered:
        notice = await self.not_done(actor)
        if notice is None:
            ending = Ending(code="submit", reason=action.text or "handed in")
            return Answered(conversation.observation(call, "handed in", actor=actor), ending=ending)
        body = conversation.observation(call, notice.text, notice.operation, failed=True, not_done=True, actor=actor)
        return Answered(body, notice.operation, failed=True)

    @staticmethod
    def _said(actor: str, call: str, text: str) -> Answered:
        return Answered(conversation.observation(call, text, actor=actor))
