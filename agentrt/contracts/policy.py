"""The permission layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from agentrt.records import (
    Action,
    Admission,
    Decision,
    Effect,
    Explanation,
    Judgement,
    Limits,
    Record,
    Redaction,
    Request,
    RuleExample,
    Spent,
)

from .sandbox import Confinement


class Context(Record):
    """What a policy may know besides the action."""

    workspace: str
    session: str
    attended: bool
    """A person is there to be asked."""
    spent: Spent = Spent()
    """By the session's actions before this one; of a request, by this one's requests as well."""
    sent: Spent = Spent()
    """Of a request: by the requests before it of the same action."""
    flags: frozenset[str] = frozenset()
    """What is true of the session: ``saw_untrusted`` (something came in from outside), ``read_secret``, ``frozen`` (a
    canary was on its way out, and no person has looked at that yet)."""


class Approval(Protocol):
    """A yes that may become a rule of the user's own policy file."""

    @property
    def diff(self) -> str:
        """What would change in the person's own policy file, as a unified diff."""
        ...

    def write(self) -> None:
        """Change it. Raises ``UsageError`` where that is not possible; the file is as it was then."""
        ...


class Policy(Protocol):
    """The permission layer."""

    @property
    def name(self) -> str: ...

    @property
    def limits(self) -> Limits: ...

    @property
    def confinement(self) -> Confinement: ...

    @property
    def redactions(self) -> Sequence[Redaction]: ...

    def decide(self, action: Action, context: Context) -> Decision: ...

    def judge(self, action: Action, effects: Sequence[Effect], context: Context) -> Judgement: ...

    def admit(self, request: Request, context: Context) -> Admission:
        """Whether a request of an action goes out."""
        ...

    def explain(self, action: Action, context: Context) -> Explanation:
        """How it comes to what ``decide`` says."""
        ...

    def approval(self, action: Action, context: Context) -> Approval:
        """The rule by which an action would not be asked about again. Raises ``UsageError``: why there is none."""
        ...

    def acceptance(self, action: Action, effects: Sequence[Effect], context: Context) -> Approval:
        """The rule by which an action like this one that did the like would need no review. Raises ``UsageError``: why
        there is none; never for what cannot be taken back."""
        ...

    def narrowed(self, rules: Mapping[str, object], *, origin: str) -> Policy:
        """This policy and some rules more, which may only make it stricter; ``origin`` stands where a rule's file does.

        Raises ``DocumentError``.
        """
        ...

    def examples(self) -> Sequence[RuleExample]:
        """What its rules say of themselves, all of it true."""
        ...


class OpenPolicy(Protocol):
    """Entry point ``agentrt.policies``: a pack's name, a file, or the mapping a file would hold.

    ``workspace``: the real one, whose own policy has a say as well.
    """

    def __call__(
        self, policy: str | Mapping[str, object], *, folder: Path, workspace: Path | None = None
    ) -> Policy: ...
