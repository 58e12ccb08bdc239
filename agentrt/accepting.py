"""Accept all like this: from an operation to a rule of the user's own, and to all else that waits and is like it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentrt import reviewing
from agentrt.arguments import recorded
from agentrt.asking import context_of
from agentrt.contracts import Approval, Context
from agentrt.errors import UsageError
from agentrt.flags import canary_seen
from agentrt.narrowing import Rules
from agentrt.records import Action, Operation, Spent

if TYPE_CHECKING:
    from agentrt.runtime import Runtime


@dataclass(frozen=True)
class Acceptance:
    """Meets ``contracts.Approval``; what is written counts at once."""

    approval: Approval
    rules: Rules

    @property
    def diff(self) -> str:
        return self.approval.diff

    def write(self) -> None:
        self.approval.write()
        self.rules.read_again()


def acceptance(runtime: Runtime, op: int) -> Acceptance:
    """Raises ``UnknownOperation``; ``UsageError``: why there is no such rule."""
    operation = runtime.show(op)
    if operation.review is None or operation.status != "settled" or operation.is_verification:
        raise UsageError(f"operation {op} needs no review", hint="agentrt review lists those that do")
    if operation.review == "rejected":
        raise UsageError(f"operation {op} was rejected", hint="undo takes that back")
    policy = runtime.policy_for(operation.actor)
    return Acceptance(policy.acceptance(_action(operation), operation.effects, _context(runtime)), runtime.rules)


async def accept_alike(runtime: Runtime, actor: str) -> Operation | None:
    """The caller holds ``runtime.turn``."""
    # Where a planted file was on its way out a person has to look: a rule thaws nothing.
    waiting = [operation for operation in runtime.to_review() if not canary_seen(operation)]
    alike = [operation.id for operation in waiting if _is_accepted(runtime, operation)]
    return await reviewing.accept(runtime, alike, None, actor) if alike else None


def _is_accepted(runtime: Runtime, operation: Operation) -> bool:
    policy = runtime.policy_for(operation.actor)
    return policy.judge(_action(operation), operation.effects, _context(runtime)).verdict == "accept"


def _context(runtime: Runtime) -> Context:
    """What was done is part of what the session spent: it is not to be counted twice."""
    return context_of(runtime).model_copy(update={"spent": Spent()})


def _action(operation: Operation) -> Action:
    return recorded(operation.action or {})
