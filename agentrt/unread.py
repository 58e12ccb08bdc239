"""In the place of a policy that cannot be read, where nothing is to be run: undo and apply must not wait for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from agentrt.contracts import Confinement, Context, Policy
from agentrt.errors import UsageError
from agentrt.records import (
    Action,
    Admission,
    Decision,
    Effect,
    Explanation,
    Judgement,
    Limits,
    Redaction,
    Request,
    RuleExample,
)

_RULE = "agentrt"


class Unread(Policy):
    """Whatever is asked, the strictest word."""

    name = "unread"
    limits = Limits()
    confinement = Confinement()
    redactions: Sequence[Redaction] = ()

    def __init__(self, error: UsageError) -> None:
        self.error = error
        self._because = f"the policy cannot be read: {error}"

    def decide(self, action: Action, context: Context) -> Decision:
        return Decision(verdict="deny", rule=_RULE, because=self._because)

    def judge(self, action: Action, effects: Sequence[Effect], context: Context) -> Judgement:
        return Judgement(verdict="roll_back", rule=_RULE, because=self._because)

    def admit(self, request: Request, context: Context) -> Admission:
        return Admission(verdict="deny", rule=_RULE, because=self._because)

    def explain(self, action: Action, context: Context) -> Explanation:
        return Explanation(verdict="deny", rules=(self.decide(action, context),))

    def approval(self, action: Action, context: Context) -> NoReturn:
        raise UsageError(self._because)

    def acceptance(self, action: Action, effects: Sequence[Effect], context: Context) -> NoReturn:
        raise UsageError(self._because)

    def narrowed(self, rules: Mapping[str, object], *, origin: str) -> Unread:
        return self

    def examples(self) -> Sequence[RuleExample]:
        return ()
