"""Untrusted words of agents, and outcomes, as blocks have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from agentrt.agent.conversation import AGENT
from agentrt.records import Operation
from agentrt.records.effects import Reversibility
from agentrt.records.operations import Kind, Review, Status
from agentrt.showing.plain import plain
from agentrt.showing.words import told_text

from .blocks import MOST, Action
from .lines import safe
from .tail import printed


class Outcome(Protocol):
    """What an ``Entry`` says of an operation."""

    @property
    def id(self) -> int: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def actor(self) -> str: ...
    @property
    def status(self) -> Status: ...
    @property
    def review(self) -> Review | None: ...
    @property
    def about(self) -> str: ...
    @property
    def effects(self) -> str: ...
    @property
    def worst(self) -> Reversibility | None: ...
    @property
    def verdict(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Done:
    """An ``Outcome`` that is told before the journal is read."""

    id: int
    kind: Kind
    actor: str
    status: Status
    review: Review | None
    about: str
    effects: str
    worst: Reversibility | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Result:
    """What came of what a person did by hand; they want to see it."""

    exit_code: int | None = None
    error: str = ""
    output: tuple[str, ...] = ()


def result_of(operation: Operation) -> Result:
    seen = operation.observation
    if seen is None:
        return Result()
    return Result(seen.exit_code, text_of(seen.error), printed(seen.output, whole=not seen.truncated))


def done(
    outcome: Outcome, *, exit_code: int | None = None, undone: bool = False, result: Result | None = None
) -> Action:
    """An operation as a block."""
    said = [f"exit code {exit_code}"] if exit_code else []
    if result is not None and result.exit_code is not None:
        exit_code, said = result.exit_code, [f"exit code {result.exit_code}"]
    if outcome.verdict in ("ask", "hold"):
        said.append("asked, and not allowed" if outcome.status == "denied" else "asked, and allowed")
    return Action(
        key=f"o{outcome.id}",
        actor=whose(outcome.actor),
        shown=told_text(outcome.kind, outcome.about),
        state=("undone" if undone else outcome.review or "done") if outcome.status == "settled" else outcome.status,
        operation=outcome.id,
        effects=outcome.effects,
        worst=outcome.worst,
        ended=", ".join(said),
        failed=bool(exit_code) or outcome.status in ("failed", "denied", "rolled_back"),
        more=result.error if result is not None else "",
        output=result.output if result is not None else (),
    )


def text_of(value: object) -> str:
    """Untrusted text with its lines, safe to show; of what is very long the beginning."""
    text = value if isinstance(value, str) else ""
    return safe(text if len(text) <= MOST else f"{text[:MOST]}\n… {len(text) - MOST:,} more characters")


def whose(actor: object) -> str:
    """The name of one of a crew; empty for an agent that works alone."""
    return "" if actor in (None, AGENT) else plain(str(actor))
