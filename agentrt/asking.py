"""Before an action runs: what the policy says, what an opinion adds to it, and what a person answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentrt.contracts import Context, Question, Queuing, Tool
from agentrt.records import Action, Answer, Decision
from agentrt.records.operations import escalated

if TYPE_CHECKING:
    from agentrt.runtime import Runtime

_ASKS = ("ask", "hold")


@dataclass(frozen=True)
class Heard:
    """What was said of an action before its turn came."""

    opinion: Decision | None = None
    asked: Decision | None = None
    """What a person was asked."""
    answer: Answer | None = None

    def decide(
        self, runtime: Runtime, tool: Tool, action: Action, context: Context, actor: str
    ) -> tuple[Decision, bool]:
        """The decision, and whether the action runs. Called when its turn has come: a session may have changed.

        A person's yes is a yes to what was asked, and to nothing that is asked since.
        """
        decision = runtime.policy_for(actor).decide(action, context)
        if self.opinion is not None:
            decision = escalated(decision, self.opinion)
        if _waits(tool, decision):
            return decision, True
        if decision.verdict not in _ASKS or self.answer is None or not _same(decision, self.asked):
            return decision, decision.verdict == "allow"
        said = "allowed by a person" if self.answer.allow else "a person said no"
        said += f": {self.answer.because}" if self.answer.because else ""
        return decision.model_copy(update={"answer": said}), self.answer.allow


async def hear(runtime: Runtime, tool: Tool, action: Action, actor: str) -> Heard:
    """Ask whoever is to be asked. Nobody's turn is held meanwhile: people take their time.

    Raises what ``Ask`` raises; an opinion that fails counts as one that a person should look.
    """
    if runtime.opinion is None and runtime.ask is None:
        return Heard()  # what the policy says is asked for when the turn has come
    context = context_of(runtime)
    decision = runtime.policy_for(actor).decide(action, context)
    opinion = None
    if runtime.opinion is not None and decision.verdict != "deny":
        try:
            opinion = await runtime.opinion(action, decision, context)
        except Exception as error:
            opinion = Decision(verdict="ask", rule="opinion", because=f"the second opinion could not be had: {error}")
        decision = escalated(decision, opinion)
    if decision.verdict not in _ASKS or _waits(tool, decision) or runtime.ask is None:
        return Heard(opinion)
    policy = runtime.policy_for(actor)
    question = Question(action, tool.show(action), decision, lambda: policy.approval(action, context))
    answer = await runtime.ask(question)
    if answer.remembered:
        runtime.rules.read_again()
    return Heard(opinion, decision, answer)


def context_of(runtime: Runtime) -> Context:
    """What a policy may know besides an action."""
    return Context(
        workspace=str(runtime.store.workspace),
        session=runtime.session,
        attended=runtime.ask is not None,
        spent=runtime.spent,
        flags=runtime.flags,
    )


def _waits(tool: Tool, decision: Decision) -> bool:
    """It runs, and what it sends is held back: a person looks at that when there is time."""
    return decision.verdict == "hold" and isinstance(tool, Queuing)


def _same(decision: Decision, asked: Decision | None) -> bool:
    return asked is not None and (decision.verdict, decision.rule) == (asked.verdict, asked.rule)
