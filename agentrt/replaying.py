"""A session's past actions, put before another policy."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ConfigDict

from agentrt.contracts import Context, Policy
from agentrt.reader import Reader
from agentrt.records import Action, Decision, Judgement, Operation, Record
from agentrt.standing import spent_by


class Replayed(Record):
    """One action, and what the other policy says of it: the decision, or where that lets it run the judgement."""

    operation: Operation
    was: Decision | Judgement
    now: Decision | Judgement

    @property
    def differs(self) -> bool:
        return self.was.verdict != self.now.verdict


def replay(reader: Reader, policy: Policy) -> Iterator[Replayed]:
    """Every action of a session, in order."""
    context = Context(workspace=str(reader.store.workspace), session=reader.session, attended=False)
    for operation in reader.log():
        if operation.kind != "act" or operation.action is None or operation.decision is None:
            continue
        action = _Recorded.from_dict(operation.action)
        decision, judgement = policy.decide(action, context), operation.judgement
        if decision.verdict != "allow" or judgement is None:
            # What it would have done nobody knows where it never ran.
            yield Replayed(operation=operation, was=judgement or operation.decision, now=decision)
        else:
            now = policy.judge(action, operation.effects, context)
            yield Replayed(operation=operation, was=judgement, now=now)
        context = context.model_copy(update={"spent": context.spent + spent_by(operation)})


class _Recorded(Action):
    """An action of any kind, as the journal has it."""

    model_config = ConfigDict(extra="allow")
