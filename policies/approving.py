"""A person's yes to an action, written into their own policy file so that nobody asks again."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from agentrt.contracts import Context
from agentrt.errors import UsageError
from agentrt.records import Action

from .approved import Binding, Unapprovable, bindings
from .own import Addition, addition, users
from .reading import read

if TYPE_CHECKING:
    from .policy import PackPolicy


def proposal(action: Action, context: Context, policy: PackPolicy) -> Addition:
    """Raises ``UsageError`` that says why there can be none."""
    decision = policy.decide(action, context)
    if decision.verdict != "ask":
        raise UsageError(f"there is nothing to approve: {decision.rule} says {decision.verdict}")
    try:
        needed = sorted(set(bindings(read(action, context.workspace))))
    except Unapprovable as why:
        hint = "it can be approved each time it is asked about"
        raise UsageError(f"this cannot become a rule: {why}", hint=hint) from None
    known = {Binding(one.run, one.program) for written in users(policy) for one in written.pack.approved}
    because = f"approved when {decision.rule} asked"
    entries = [
        {"run": shlex.join(one.argv), "program": one.program, "because": because} for one in needed if one not in known
    ]

    def check(policy: PackPolicy) -> None:
        then = policy.decide(action, context)
        if then.verdict != "allow":
            raise UsageError(f"it would not be allowed all the same: {then.rule} says {then.verdict}")

    return addition("approved", entries, policy, check)
