"""A pack at work: decides before an action runs, judges what it did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agentrt.contracts import Confinement, Context
from agentrt.documents import Document
from agentrt.records import Action, Decision, Effect, Judgement, Limits
from agentrt.units import format_size

from .pack import Most, Pack

_STRICTNESS = ("allow", "ask", "hold", "deny")
_RUN_LIMITS = {
    "seconds": "seconds",
    "processes": "processes",
    "memory": "memory_bytes",
    "file_size": "file_bytes",
    "output": "output_bytes",
    "shown": "shown_bytes",
}


@dataclass(frozen=True)
class Written:
    """A pack and the document it stands in: every rule can be pointed at."""

    pack: Pack
    document: Document


@dataclass(frozen=True)
class PackPolicy:
    """The default pack and what a pack on top of it says otherwise. Of several rules the strictest wins."""

    name: str
    packs: tuple[Written, ...]
    """The default pack first."""

    @property
    def limits(self) -> Limits:
        given: dict[str, Any] = {}
        for written in self.packs:
            for key, field in _RUN_LIMITS.items():
                if (value := getattr(written.pack.limits, key)) is not None:
                    given[field] = value
        return Limits(**given)

    @property
    def confinement(self) -> Confinement:
        tools = [written.pack.tools for written in self.packs]
        return Confinement(
            network=self.packs[-1].pack.network,
            bind=tuple(path for folders in tools for path in folders.show),
            hide=tuple(path for folders in tools for path in folders.hide),
        )

    def decide(self, action: Action, context: Context) -> Decision:
        """The strictest of the rules that speak of this kind of action."""
        decisions = [
            Decision(verdict=rule.verdict, rule=written.document.rule(("decide", at)), because=rule.because)
            for written in self.packs
            for at, rule in enumerate(written.pack.decide)
            if rule.actions is None or action.kind in rule.actions
        ]
        return max(decisions, key=lambda decision: _STRICTNESS.index(decision.verdict))

    def judge(self, action: Action, effects: Sequence[Effect], context: Context) -> Judgement:
        """Over a ceiling: rolled back. Otherwise a person may look at it, if there is anything to see."""
        over = [told for told in (self._over(measure, effects) for measure in _MEASURES) if told]
        if over:
            because = "; ".join(because for _, because in over)
            return Judgement(verdict="roll_back", rule=over[0][0], because=because)
        rule = self.packs[0].document.rule(("limits",))
        if not effects:
            return Judgement(verdict="accept", rule=rule, because="it changed nothing")
        return Judgement(verdict="review", rule=rule, because="within the limits")

    def _over(self, measure: _Measure, effects: Sequence[Effect]) -> tuple[str, str] | None:
        ceiling, rule = self._ceiling(measure.key)
        found = sum(measure.of(effect) for effect in effects)
        if ceiling is None or found <= ceiling.most:
            return None
        why = f": {ceiling.because}" if ceiling.because else ""
        said = f"{measure.verb} {measure.show(found)}{measure.unit}; the limit is {measure.show(ceiling.most)}"
        return rule, f"{said} ({rule}){why}"

    def _ceiling(self, key: str) -> tuple[Most[int] | None, str]:
        for written in reversed(self.packs):
            if (ceiling := getattr(written.pack.limits, key)) is not None:
                return ceiling, written.document.rule(("limits", key))
        return None, ""


@dataclass(frozen=True)
class _Measure:
    """One dimension of the blast radius."""

    key: str
    verb: str
    unit: str
    of: Callable[[Effect], int]
    show: Callable[[int], str]


def _deleted(effect: Effect) -> int:
    """Files of the workspace; what is deleted in the sandbox's own home or /tmp is nobody's loss."""
    is_file = effect.before is None or effect.before.type != "directory"
    return int(effect.change == "deleted" and effect.in_workspace and is_file)


def _changed(effect: Effect) -> int:
    """Files of the workspace that were there before and still are."""
    state = effect.after or effect.before
    is_file = state is None or state.type != "directory"
    return int(effect.change in ("modified", "renamed", "mode") and effect.in_workspace and is_file)


def _written(effect: Effect) -> int:
    """Bytes, anywhere: they fill the user's disk."""
    return effect.after.size if effect.change in ("created", "modified") and effect.after else 0


def _count(number: int) -> str:
    return f"{number:,}"


_MEASURES = (
    _Measure("files_deleted", "deleted", " files", _deleted, _count),
    _Measure("files_changed", "changed", " files", _changed, _count),
    _Measure("bytes_written", "wrote", "", _written, format_size),
)
