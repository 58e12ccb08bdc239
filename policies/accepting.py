"""A person's yes to what an action did, written into their own policy file so that its like needs no review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agentrt.contracts import Context
from agentrt.errors import UsageError
from agentrt.records import Action, Effect, Spent

from .alike import Unlike, commands_like, files_like
from .effects import about
from .own import Addition, addition
from .reading import read

if TYPE_CHECKING:
    from .policy import PackPolicy


def acceptance(action: Action, effects: Sequence[Effect], context: Context, policy: PackPolicy) -> Addition:
    """Raises ``UsageError`` that says why there can be none."""
    context = context.model_copy(update={"spent": Spent()})  # it is part of what was spent already
    judged = policy.judge(action, effects, context)
    if judged.verdict == "accept":
        raise UsageError(f"there is nothing to write: {judged.rule} accepts it already")
    asked = read(action, context.workspace)
    try:
        if judged.verdict == "roll_back":
            raise Unlike(f"{judged.rule} says roll_back: {judged.because}")
        for spoke, effect in policy.spoken(action, effects, context):
            if spoke is not None and spoke.rule.verdict == "review":
                rule = spoke.document.rule(spoke.loc)
                raise Unlike(f"{rule} wants it to be looked at: {about(effect, spoke.rule.because)}")
        change, paths = files_like(effects)
        run = {"run": commands_like(asked)} if asked.commands or asked.unknown else {}
    except Unlike as why:
        hint = "it can be accepted each time, once it was looked at"
        raise UsageError(f"this cannot become a rule: {why}", hint=hint) from None
    entry = {
        "verdict": "accept",
        "actions": [action.kind],
        **run,
        "change": change,
        "paths": paths,
        "reversibility": ["reversible"],
        "plain": True,
        "because": f"accepted with all like it in session {context.session}",
    }

    def check(policy: PackPolicy) -> None:
        then = policy.judge(action, effects, context)
        if then.verdict != "accept":
            raise UsageError(f"it would wait for review all the same: {then.rule} says {then.verdict}")

    return addition("judge", [entry], policy, check)
