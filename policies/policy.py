"""Packs at work: decide before an action runs, judge what it did, let requests out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from agentrt.contracts import Confinement, Context
from agentrt.records import (
    STRICTNESS,
    Action,
    Admission,
    Decision,
    Effect,
    Explanation,
    Judgement,
    Limits,
    Redaction,
    Request,
    RuleExample,
    Spent,
)

from . import ceilings, hiding, network
from .accepting import acceptance
from .approved import answers
from .approving import proposal
from .chains import Chain, Placed, Written
from .effects import EffectRule, about, is_harmless
from .own import Addition
from .pack import Most
from .reading import WAITING, Acted, Asked, read
from .rules import Rule
from .tightening import document_of, refuse_late, tightening

_HARSHNESS = ("accept", "review", "roll_back")
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
class PackPolicy:
    """Several chains of packs, each from another hand. Whatever they say, the strictest counts."""

    name: str
    chains: tuple[Chain, ...]
    workspace: Path | None = None
    """The real one, where what is hidden is looked for."""

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
        packs = [written.pack for written in self._packs()]
        return Confinement(
            network="proxy" if network.opens(self._hands) else "none",
            bind=tuple(path for pack in packs for path in pack.tools.show),
            hide=tuple(path for pack in packs for path in pack.tools.hide),
            hidden=hiding.found((path for pack in packs for path in pack.files.hidden or ()), self.workspace),
            canaries=_once(path for pack in packs for path in pack.files.canaries or ()),
            secrets=_once(name for pack in packs for name in pack.secrets),
            require=tuple(sorted({wall for pack in packs for wall in pack.require})),
        )

    @property
    def redactions(self) -> tuple[Redaction, ...]:
        """What is not shown to anyone."""
        found = (Redaction(name=one.name, pattern=one.pattern) for each in self._packs() for one in each.pack.redact)
        return tuple(dict.fromkeys(found))

    def decide(self, action: Action, context: Context) -> Decision:
        """The strictest of the rules that speak of the action.

        A quick reading of a command is made sure of only where a wrong one could change the answer.
        """
        if not self._reads:
            return self._decide(Asked(action.kind), context)
        asked = read(action, context.workspace, quickly=True)
        found = self._decide(asked, context)
        if asked.provisional and _essence(found) != _essence(self._decide(asked.unread(), context)):
            return self._decide(read(action, context.workspace), context)
        return found

    def judge(self, action: Action, effects: Sequence[Effect], context: Context) -> Judgement:
        """Over a ceiling: rolled back. Else the strictest rule on any of the effects; a person looks at the rest."""
        if over := list(ceilings.over(self.chains, Spent.of(effects), context.spent)):
            because = "; ".join(because for _, because in over)
            return Judgement(verdict="roll_back", rule=over[0][0], because=because)
        rule = self.chains[0][0].document.rule(("limits",))
        if not effects:
            return Judgement(verdict="accept", rule=rule, because="it changed nothing")
        spoke, effect = max(self.spoken(action, effects, context), key=lambda one: _harshness(*one))
        if spoke is None:
            if is_harmless(effect):
                return Judgement(verdict="accept", rule=rule, because="it changed nothing, here or elsewhere")
            return Judgement(verdict="review", rule=rule, because="within the limits")
        said = about(effect, spoke.rule.because)
        return Judgement(verdict=spoke.rule.verdict, rule=spoke.document.rule(spoke.loc), because=said)

    def spoken(
        self, action: Action, effects: Sequence[Effect], context: Context
    ) -> Iterator[tuple[Placed[EffectRule] | None, Effect]]:
        """Each effect with the strictest rule that speaks of it; None: none does."""
        acted = Acted(action, context.workspace)
        rules = [placed for placed in self._effect_rules if placed.rule.is_about(acted)]
        for effect in effects:
            speaking = [placed for placed in rules if placed.rule.fits(effect)]
            yield max(speaking, key=lambda placed: _HARSHNESS.index(placed.rule.verdict), default=None), effect

    def admit(self, request: Request, context: Context) -> Admission:
        """What the rules of the network say, within the budgets; a person's release is beyond these, and counts."""
        admission = network.admit(self._hands, request, context)
        waits = request.hold and request.released is None
        return admission if request.released == "person" or waits else ceilings.within(self.chains, admission, context)

    def explain(self, action: Action, context: Context) -> Explanation:
        """How an action is read, and every rule that speaks of it, the strictest first."""
        asked = read(action, context.workspace)
        spoke = sorted(self._spoke(asked, context), key=lambda one: STRICTNESS.index(one.verdict), reverse=True)
        answered = answers(asked, self.chains) if spoke[0].verdict == "ask" else []
        return Explanation(
            verdict=answered[0].verdict if answered else spoke[0].verdict,
            rules=(*answered, *spoke),
            read_as=tuple(_shown(argv) for argv in asked.runs),
            unknown=asked.unknown,
            programs=_shown(_once(asked.programs.values())),
            hosts=_shown(asked.hosts),
            remotes=_shown(asked.remotes),
            flags=self._flags(asked),
            judged=self._judged(action, context),
        )

    def _judged(self, action: Action, context: Context) -> tuple[Judgement, ...]:
        acted = Acted(action, context.workspace)
        spoke = (placed for placed in self._effect_rules if placed.rule.is_of_actions and placed.rule.is_about(acted))
        return tuple(
            Judgement(verdict=placed.rule.verdict, rule=placed.document.rule(placed.loc), because=placed.rule.because)
            for placed in spoke
        )

    def examples(self) -> tuple[RuleExample, ...]:
        return tuple(example for written in self._packs() for example in written.examples)

    def narrowed(self, rules: Mapping[str, object], *, origin: str) -> PackPolicy:
        """With one hand more, that may only make things stricter: ``origin``, as decisions name it.

        Raises ``DocumentError``.
        """
        written = tightening(document_of(rules, origin), Path(), who=origin)
        refuse_late(written, origin)
        return replace(self, chains=(*self.chains, (written,)))

    def approval(self, action: Action, context: Context) -> Addition:
        """The rule in the user's own file by which this would not be asked about again. Raises ``UsageError``."""
        return proposal(action, context, self)

    def acceptance(self, action: Action, effects: Sequence[Effect], context: Context) -> Addition:
        """The rule in the user's own file by which the like of it would need no review. Raises ``UsageError``."""
        return acceptance(action, effects, context, self)

    @cached_property
    def _hands(self) -> tuple[network.Hand, ...]:
        return tuple(network.Hand([(one.document, one.pack.network) for one in chain]) for chain in self.chains)

    @cached_property
    def _rules(self) -> tuple[Placed[Rule], ...]:
        return tuple(Placed(rule, one.document, loc) for one in self._packs() for loc, rule in one.rules)

    @cached_property
    def _effect_rules(self) -> tuple[Placed[EffectRule], ...]:
        return tuple(Placed(rule, one.document, loc) for one in self._packs() for loc, rule in one.effect_rules)

    @cached_property
    def _secrets(self) -> tuple[Rule, ...]:
        """Of whatever may name a secret file, as a rule that is strict would speak of it."""
        found = [one.pack.files.secret for one in self._packs() if one.pack.files.secret is not None]
        return tuple(Rule(verdict="deny", paths=paths) for paths in found)

    @cached_property
    def _reads(self) -> bool:
        """Some rule asks for more than the kind of an action."""
        return bool(self._secrets) or any(placed.rule.reads for placed in self._rules)

    def _packs(self) -> Iterator[Written]:
        for chain in self.chains:
            yield from chain

    def _decide(self, asked: Asked, context: Context) -> Decision:
        found = max(self._spoke(asked, context), key=lambda decision: STRICTNESS.index(decision.verdict))
        if found.verdict == "ask" and (answered := answers(asked, self.chains)):
            found = answered[0]
        flags = self._flags(asked)
        return found.model_copy(update={"flags": flags}) if flags else found

    def _spoke(self, asked: Asked, context: Context) -> list[Decision]:
        found = [
            Decision(verdict=placed.rule.verdict, rule=placed.document.rule(placed.loc), because=placed.rule.because)
            for placed in self._rules
            if placed.rule.speaks(asked, context.flags)
        ]
        return [*found, *self._waiting(asked, context), *ceilings.used_up(self.chains, context.spent)]

    def _waiting(self, asked: Asked, context: Context) -> Iterator[Decision]:
        """What waits unless a rule of somebody who may say so, and that names it, lets it go."""
        if asked.kind not in WAITING:
            return
        own = (one for one in self._packs() if not one.only_tightens)
        rules = (rule for one in own for _, rule in one.rules if rule.verdict == "allow" and rule.actions)
        if not any(rule.speaks(asked, context.flags) for rule in rules):
            because = (
                f"others see it at once; a rule `{{verdict: allow, actions: [{asked.kind}]}}` lets it go by itself"
            )
            yield Decision(verdict="hold", rule="agentrt", because=because)

    def _flags(self, asked: Asked) -> tuple[str, ...]:
        return ("read_secret",) if any(rule.speaks(asked, ()) for rule in self._secrets) else ()


def _harshness(spoke: Placed[EffectRule] | None, effect: Effect) -> int:
    unspoken = "accept" if is_harmless(effect) else "review"
    return _HARSHNESS.index(unspoken if spoke is None else spoke.rule.verdict)


def _essence(decision: Decision) -> tuple[str, tuple[str, ...]]:
    return decision.verdict, decision.flags


def _once(found: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(found))


def _shown(words: Collection[str | None]) -> tuple[str, ...]:
    return tuple(word if word is not None else "…" for word in words)
