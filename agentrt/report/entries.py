"""One operation as the page shows it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentrt.collecting import gone
from agentrt.history.removals import Removal
from agentrt.records import Decision, Effect, Judgement, Operation
from agentrt.records.effects import HARM
from agentrt.showing.marks import HARMS, STATES, Mark
from agentrt.showing.words import action_text, counted, effect_line, effects_text, state_of

from .changes import FILES
from .cuts import Shown, one_line, shown

EFFECTS = 200
"""Effects listed of one operation; those that cannot be undone are all on top of the page."""


@dataclass(frozen=True)
class Moment:
    """For people, and for programs."""

    text: str
    iso: str


@dataclass(frozen=True)
class Fact:
    """A name and what is said of it."""

    name: str
    text: str


@dataclass(frozen=True)
class EffectRow:
    """One effect."""

    text: str
    mark: Mark
    """Whether it can be undone: empty where it simply can."""
    final: bool


@dataclass(frozen=True)
class Entry:
    """All but what is said before it and the lines of its files."""

    id: int
    mark: Mark
    kind: str
    actor: str
    about: str
    summary: str
    """Of its effects."""
    harm: Mark | None
    """The worst of its effects, where that is not simply undone."""
    when: Moment
    facts: Sequence[Fact]
    fields: Sequence[tuple[str, Shown]]
    """What the action says at length."""
    output: Shown | None
    effects: Sequence[EffectRow]
    left: str
    """How many effects are not listed; and of how many files no lines are shown."""
    state: str
    forks: Sequence[Fact] = field(default=())


def moment(seconds: float) -> Moment:
    then = time.localtime(seconds)
    return Moment(time.strftime("%Y-%m-%d %H:%M:%S %z", then), time.strftime("%Y-%m-%dT%H:%M:%S%z", then))


def worst_of(effects: Sequence[Effect]) -> Mark | None:
    """None where undo simply takes them back."""
    worst = max((effect.reversibility for effect in effects), key=HARM.index, default=HARM[0])
    return None if worst == HARM[0] else HARMS[worst]


def effect_row(effect: Effect) -> EffectRow:
    final = effect.reversibility != "reversible"
    return EffectRow(one_line(effect_line(effect)), HARMS[effect.reversibility], final)


def entry_of(operation: Operation, *, stands: bool, lost: Removal | None, forks: Sequence[Fact]) -> Entry:
    """``lost``: why its files are not kept any more."""
    state = state_of(operation, stands=stands)
    seen = operation.observation
    about = action_text(operation)
    unlisted = len(operation.effects) - EFFECTS
    left = [f"{counted(unlisted, 'more effect')} left out"] if unlisted > 0 else []
    if (files := len(operation.files) - FILES) > 0:
        left.append(f"the lines of {counted(files, 'more file')} left out")
    return Entry(
        id=operation.id,
        mark=STATES[state],
        kind="verification" if operation.is_verification else operation.kind,
        actor=one_line(operation.actor),
        about=one_line(about),
        summary=effects_text(operation.effects),
        harm=worst_of(operation.effects),
        when=moment(operation.started),
        facts=_facts(operation, lost),
        fields=_fields(operation.action or {}, about) if operation.kind == "act" else (),
        output=shown(seen.output) if seen is not None and seen.output else None,
        effects=[effect_row(effect) for effect in operation.effects[:EFFECTS]],
        left=" and ".join(left),
        state=state,
        forks=forks,
    )


def _facts(operation: Operation, lost: Removal | None) -> list[Fact]:
    facts = []
    if operation.decision is not None:
        facts.append(Fact("decided", _word(operation.decision)))
        if operation.decision.answer:
            facts.append(Fact("answered", one_line(operation.decision.answer)))
    if operation.judgement is not None:
        facts.append(Fact("judged", _word(operation.judgement)))
    if operation.note:
        facts.append(Fact("note", one_line(operation.note)))
    if (seen := operation.observation) is not None:
        if seen.exit_code is not None:
            late = ", its time was over" if seen.timed_out else ""
            facts.append(Fact("exit code", f"{seen.exit_code} after {seen.seconds:.1f} s{late}"))
        if seen.error:
            facts.append(Fact("error", one_line(seen.error)))
        if seen.truncated:
            facts.append(Fact("output", f"{seen.output_bytes:,} bytes, of which the agent was shown what is here"))
    if lost is not None:
        facts.append(Fact("kept", f"its files {gone(lost)}"))
    return facts


def _word(said: Decision | Judgement) -> str:
    text = f"{said.verdict.replace('_', ' ')} ({said.rule})"
    return one_line(text + (f": {said.because}" if said.because else ""))


def _fields(action: Mapping[str, Any], about: str) -> list[tuple[str, Shown]]:
    """Those that are not whole on the one line an operation has."""
    found = []
    for name, value in action.items():
        if name == "kind" or value in (None, "", False):
            continue
        text = value if isinstance(value, str) else str(value)
        if "\n" in text or one_line(text) not in about:
            found.append((one_line(name), shown(text)))
    return found
