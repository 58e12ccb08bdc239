"""A session's policy, and what its agent narrowed it to. An agent may make it stricter, never looser.

What narrows is an action like any other (the tool ``narrow``), so the journal knows it: it holds as long as the action
stands, and a person who undoes that takes it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from agentrt.contracts import Policy
from agentrt.flags import Ancestors
from agentrt.records import Operation

NARROW = "narrow"
"""The kind of such an action; its ``rules`` are what a policy file would hold."""


def rules_of(operation: Operation) -> Mapping[str, Any] | None:
    """What an operation narrowed the policy to; None for any other."""
    action = operation.action or {}
    if operation.kind != "act" or action.get("kind") != NARROW or operation.status != "settled":
        return None
    seen = operation.observation
    return action["rules"] if seen is not None and seen.error is None and not operation.is_verification else None


def inherited(sessions: Ancestors) -> dict[str, Mapping[str, Any]]:
    """What a fork's ancestors were narrowed to, by where it stands."""
    found = dict[str, Mapping[str, Any]]()
    for session, operations in sessions:
        found |= by_origin(session, operations)
    return found


def by_origin(session: str, operations: Iterable[Operation]) -> dict[str, Mapping[str, Any]]:
    """Only those that narrow, by how rules are told where they come from."""
    found = ((origin(session, operation.id), rules_of(operation)) for operation in operations)
    return {where: rules for where, rules in found if rules is not None}


def origin(session: str, op: int) -> str:
    return f"operation {op} of {session}"


class OnTop:
    """What a task lets some of its agents do less than others."""

    def __init__(self) -> None:
        self._rules: dict[str, Mapping[str, object]] = {}
        self._narrowed: dict[str, tuple[Policy, Policy]] = {}

    def put(self, actor: str, rules: Mapping[str, object], policy: Policy) -> None:
        """Raises ``DocumentError`` for what does not make ``policy`` stricter; then nothing changes."""
        narrowed = self._on(policy, actor, rules)
        self._rules[actor], self._narrowed[actor] = rules, (policy, narrowed)

    def of(self, actor: str, policy: Policy) -> Policy:
        """``policy`` as it is for ``actor``."""
        rules = self._rules.get(actor)
        if rules is None:
            return policy
        known = self._narrowed.get(actor)
        if known is None or known[0] is not policy:
            known = self._narrowed[actor] = policy, self._on(policy, actor, rules)
        return known[1]

    @staticmethod
    def _on(policy: Policy, actor: str, rules: Mapping[str, object]) -> Policy:
        # Rules of a file are named as they stand there.
        return policy.narrowed(rules, origin=getattr(rules, "file", f"the policy of {actor}"))


class Rules:
    """The policy as it is read from files, and as it is narrowed. Forks share it, each with its own narrowings."""

    def __init__(self, read: Callable[[], Policy]) -> None:
        """Raises what ``read`` raises."""
        self._read, self.given = read, read()
        self._narrowed: tuple[tuple[str, ...], Policy] = ((), self.given)

    def read_again(self) -> None:
        """Raises what ``read`` raises: nothing changes then."""
        self.given = self._read()
        self._narrowed = ((), self.given)

    def narrowed(self, rules: Mapping[str, Mapping[str, Any]]) -> Policy:
        """By these, each with its origin. Raises ``DocumentError`` for what is not stricter."""
        if tuple(rules) != self._narrowed[0]:
            policy = self.given
            for where, more in rules.items():
                policy = policy.narrowed(more, origin=where)
            self._narrowed = (tuple(rules), policy)
        return self._narrowed[1]
