"""Packs at work: decide before an action runs, judge what it did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from agentrt.contracts import Confinement, Context
from agentrt.documents import Document, Loc
from agentrt.records import Action, Decision, Effect, Explanation, Judgement, Limits, RuleExample, Spent

from .ceilings import MEASURES, Measure
from .pack import Most, Pack
from .reading import Asked, read
from .rules import EffectRule, Rule

R = TypeVar("R", Rule, EffectRule)
STRICTNESS = ("allow", "ask", "hold", "deny")
_HARSHNESS = ("accept", "review", "roll_back")
_READ_ONLY = ("files", "read_only")
_RUN_LIMITS = {
    "seconds": "seconds",
    "processes": "processes",
    "memory": "memory_bytes",
    "cpu": "cpu_seconds",
    "file_size": "file_bytes",
    "bytes_written": "written_bytes",
    "files_written": "written_files",
    "output": "output_bytes",
    "shown": "shown_bytes",
}


@dataclass(frozen=True)
class Written:
    """A pack and the document it stands in: every rule can be pointed at."""

    pack: Pack
    document: Document
    examples: tuple[RuleExample, ...] = ()

    @property
    def rules(self) -> Iterator[tuple[Loc, Rule]]:
        """On actions, each with the place it stands at."""
        yield from ((("decide", at), rule) for at, rule in enumerate(self.pack.decide))
        if (paths := self.pack.files.read_only) is not None:
            yield _READ_ONLY, Rule(verdict="deny", actions=("write", "edit"), paths=paths, because="it is read-only")

    @property
    def effect_rules(self) -> Iterator[tuple[Loc, EffectRule]]:
        """On effects."""
        yield from ((("judge", at), rule) for at, rule in enumerate(self.pack.judge))
        if (paths := self.pack.files.read_only) is not None:
            yield _READ_ONLY, EffectRule(verdict="roll_back", paths=paths, because="it is read-only")


class Placed(NamedTuple, Generic[R]):
    """A rule, and where it stands."""

    rule: R
    document: Document
    loc: Loc


Chain = tuple[Written, ...]
"""A pack after those it extends: of limits the last word counts, rules add up."""


@dataclass(frozen=True)
class PackPolicy:
    """Several chains of packs, each from another hand. Whatever they say, the strictest counts."""

    name: str
    chains: tuple[Chain, ...]

    @property
    def limits(self) -> Limits:
        given: dict[str, Any] = {}
        for chain in self.chains:
            for key, field in _RUN_LIMITS.items():
                found = [v for written in chain if (v := getattr(written.pack.limits, key)) is not None]
                if found:
                    last = found[-1].most if isinstance(found[-1], Most) else found[-1]
                    given[field] = min(last, given.get(field, last))
        return Limits(**given)

    @property
    def confinement(self) -> Confinement:
        tools = [written.pack.tools for written in self._packs()]
        return Confinement(
            network="none",
            bind=tuple(path for folders in tools for path in folders.show),
            hide=tuple(path for folders in tools for path in folders.hide),
            require=tuple(sorted({wall for written in self._packs() for wall in written.pack.require})),
        )

    def decide(self, action: Action, context: Context) -> Decision:
        """The strictest of the rules that speak of the action.

        A quick reading of a command is made sure of only where a wrong one could change the answer.
        """
        if not self._reads:
            return self._decide(Asked(action.kind), context)
        asked = read(action, context.workspace, quickly=True)
        found = self._decide(asked, context)
        if asked.provisional and found.verdict != self._decide(asked.unread(), context).verdict:
            return self._decide(read(action, context.workspace), context)
        return found

    def judge(self, action: Action, effects: Sequence[Effect], context: Context) -> Judgement:
        """Over a ceiling: rolled back. Else the strictest rule on any of the effects; a person looks at the rest."""
        if over := list(self._over(Spent.of(effects), context.spent)):
            because = "; ".join(because for _, because in over)
            return Judgement(verdict="roll_back", rule=over[0][0], because=because)
        rule = self.chains[0][0].document.rule(("limits",))
        if not effects:
            return Judgement(verdict="accept", rule=rule, because="it changed nothing")
        effect, spoke = max(((effect, self._on(effect)) for effect in effects), key=lambda one: _harshness(one[1]))
        if spoke is None:
            return Judgement(verdict="review", rule=rule, because="within the limits")
        said = _about(effect, spoke.rule.because)
        return Judgement(verdict=spoke.rule.verdict, rule=spoke.document.rule(spoke.loc), because=said)

    def explain(self, action: Action, context: Context) -> Explanation:
        """How an action is read, and every rule that speaks of it, the strictest first."""
        asked = read(action, context.workspace)
        spoke = sorted(self._spoke(asked, context), key=lambda one: STRICTNESS.index(one.verdict), reverse=True)
        read_as = tuple(tuple(word if word is not None else "…" for word in argv) for argv in asked.runs)
        return Explanation(verdict=spoke[0].verdict, rules=tuple(spoke), read_as=read_as, unknown=asked.unknown)

    def examples(self) -> tuple[RuleExample, ...]:
        return tuple(example for written in self._packs() for example in written.examples)

    @cached_property
    def _rules(self) -> tuple[Placed[Rule], ...]:
        return tuple(Placed(rule, one.document, loc) for one in self._packs() for loc, rule in one.rules)

    @cached_property
    def _effect_rules(self) -> tuple[Placed[EffectRule], ...]:
        return tuple(Placed(rule, one.document, loc) for one in self._packs() for loc, rule in one.effect_rules)

    @cached_property
    def _reads(self) -> bool:
        """Some rule asks for more than the kind of an action."""
        return any(placed.rule.run or placed.rule.unless or placed.rule.paths for placed in self._rules)

    def _packs(self) -> Iterator[Written]:
        for chain in self.chains:
            yield from chain

    def _decide(self, asked: Asked, context: Context) -> Decision:
        return max(self._spoke(asked, context), key=lambda decision: STRICTNESS.index(decision.verdict))

    def _spoke(self, asked: Asked, context: Context) -> list[Decision]:
        found = [
            Decision(verdict=placed.rule.verdict, rule=placed.document.rule(placed.loc), because=placed.rule.because)
            for placed in self._rules
            if placed.rule.speaks(asked)
        ]
        return [*found, *self._used_up(context.spent)]

    def _on(self, effect: Effect) -> Placed[EffectRule] | None:
        """The strictest rule that speaks of it; None: none does."""
        return max(
            (placed for placed in self._effect_rules if placed.rule.speaks(effect)), key=_harshness, default=None
        )

    def _over(self, done: Spent, before: Spent) -> Iterator[tuple[str, str]]:
        """Ceilings an action is over, each with its rule and a sentence; then the session's, with it."""
        for measure in MEASURES:
            for chain in self.chains:
                yield from _above(chain, ("limits", measure.key), measure, done)
        for measure in MEASURES:
            for chain in self.chains:
                yield from _above(chain, ("budget", measure.key), measure, before + done)

    def _used_up(self, spent: Spent) -> Iterator[Decision]:
        for chain in self.chains:
            for key in ("actions", "seconds"):
                rule, ceiling = _ceiling(chain, ("budget", key))
                if ceiling is not None and getattr(spent, key) >= ceiling.most:
                    because = f"the session's budget is used up, {ceiling.most:,g} {key}"
                    because += f": {ceiling.because}" if ceiling.because else ""
                    yield Decision(verdict="deny", rule=rule, because=because)


def _above(chain: Chain, loc: tuple[str, str], measure: Measure, spent: Spent) -> Iterator[tuple[str, str]]:
    rule, ceiling = _ceiling(chain, loc)
    if ceiling is not None and measure.of(spent) > ceiling.most:
        whole = "in this session " if loc[0] == "budget" else ""
        why = f": {ceiling.because}" if ceiling.because else ""
        yield rule, f"{whole}{measure.said(spent, ceiling.most)} ({rule}){why}"


def _ceiling(chain: Chain, loc: tuple[str, str]) -> tuple[str, Most[Any] | None]:
    """The last word of a chain."""
    for written in reversed(chain):
        if (ceiling := getattr(getattr(written.pack, loc[0]), loc[1])) is not None:
            return written.document.rule(loc), ceiling
    return "", None


def _harshness(spoke: Placed[EffectRule] | None) -> int:
    return _HARSHNESS.index("review" if spoke is None else spoke.rule.verdict)


def _about(effect: Effect, because: str) -> str:
    said = f"{effect.path} was {effect.change}" if effect.change != "mode" else f"the mode of {effect.path} was changed"
    return f"{said}: {because}" if because else said
