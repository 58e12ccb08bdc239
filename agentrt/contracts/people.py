"""Whoever is asked before an action runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from agentrt.records import (
    Action,
    Answer,
    Decision,
)

from .policy import Approval, Context


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked before an action runs."""

    action: Action
    shown: str
    """What it would do, on one line."""
    decision: Decision
    """``ask`` or ``hold``, the rule that says so, and why."""
    approval: Callable[[], Approval]
    """The rule that a yes may become. Raises ``UsageError``: why it cannot become one."""


class Ask(Protocol):
    """Puts a question to a person, and waits for the answer however long it takes."""

    async def __call__(self, question: Question) -> Answer: ...


class Inquire(Protocol):
    """Puts an agent's own question to a person, and waits for the answer however long it takes."""

    async def __call__(self, question: str) -> str | None:
        """None: nobody answers."""
        ...


class Opinion(Protocol):
    """A second opinion on an action, a model's say: whatever it is, the stricter word counts."""

    async def __call__(self, action: Action, decision: Decision, context: Context) -> Decision: ...
