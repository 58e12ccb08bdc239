"""A session's past actions, put before another policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentrt.arguments import recorded
from agentrt.contracts import PUSHING, Context, Policy
from agentrt.reader import Reader
from agentrt.records import (
    Admission,
    Decision,
    Judgement,
    Operation,
    Record,
    Request,
    RequestEffect,
    Spent,
)
from agentrt.standing import spent_by


class Replayed(Record):
    """One action, and what the other policy says of it: the decision, or where that lets it run the judgement.

    Or one request of it.
    """

    operation: Operation
    was: Decision | Judgement | Admission
    now: Decision | Judgement | Admission
    request: RequestEffect | None = None

    @property
    def differs(self) -> bool:
        return self.was.verdict != self.now.verdict


def replay(reader: Reader, policy: Policy) -> Iterator[Replayed]:
    """Every action of a session, in order, each with its requests behind it."""
    context = Context(workspace=str(reader.store.workspace), session=reader.session, attended=False)
    for operation in reader.log():
        if operation.kind != "act" or operation.action is None or operation.decision is None:
            continue
        action = recorded(operation.action)
        decision, judgement = policy.decide(action, context), operation.judgement
        if decision.verdict != "allow" or judgement is None:
            # What it would have done nobody knows where it never ran.
            yield Replayed(operation=operation, was=judgement or operation.decision, now=decision)
        else:
            now = policy.judge(action, operation.effects, context)
            yield Replayed(operation=operation, was=judgement, now=now)
            yield from _requests(operation, policy, context)
        flags = context.flags.union(decision.flags if decision.verdict == "allow" else ())
        context = context.model_copy(update={"spent": context.spent + spent_by(operation), "flags": flags})


def _requests(operation: Operation, policy: Policy, context: Context) -> Iterator[Replayed]:
    sent = Spent()
    for effect in operation.requests:
        if effect.method == PUSHING:
            continue  # rules on actions speak of these
        given: dict[str, Any] = {"rule": effect.rule, "because": effect.because, "reversibility": effect.reversibility}
        was = Admission(verdict="allow" if effect.change == "sent" else "deny", **given)
        so_far = context.model_copy(update={"spent": context.spent + sent, "sent": sent})
        now = policy.admit(Request.parse(f"{effect.method} {effect.url}"), so_far)
        yield Replayed(operation=operation, was=was, now=now, request=effect)
        sent += Spent.of([effect])
