"""The blast radius: what an action, and a session, may use and may have done at most."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from agentrt.contracts import Context
from agentrt.records import Admission, Decision, Spent
from agentrt.units import format_size

from .chains import Chain, ceiling
from .pack import Most


@dataclass(frozen=True)
class Measure:
    """One dimension of it; ``key`` names it in packs, and in what was spent."""

    key: str
    verb: str
    unit: str
    show: Callable[[Any], str]

    def of(self, spent: Spent) -> Any:
        return getattr(spent, self.key)

    def said(self, spent: Spent, most: object) -> str:
        """``deleted 1,204 files; the limit is 1,000``."""
        return f"{self.verb} {self.show(self.of(spent))}{self.unit}; the limit is {self.show(most)}"


def _count(number: int) -> str:
    return f"{number:,}"


_MEASURES = (
    Measure("files_deleted", "deleted", " files", _count),
    Measure("files_changed", "changed", " files", _count),
    Measure("bytes_written", "wrote", "", format_size),
    Measure("rows_changed", "changed", " rows of databases", _count),
    Measure("requests", "sent", " requests", _count),
    Measure("irreversible", "did", " things that cannot be undone", _count),
)
_USED_UP = {"actions": "actions", "seconds": "seconds", "cost_usd": "US dollars"}
_SENDING = {"requests": "requests", "irreversible": "effects that cannot be undone"}


def over(chains: Iterable[Chain], done: Spent, before: Spent) -> Iterator[tuple[str, str]]:
    """Ceilings an action is over, each with its rule and a sentence; then the session's, with it."""
    chains = list(chains)
    for measure in _MEASURES:
        for chain in chains:
            yield from _above(chain, ("limits", measure.key), measure, done)
    for measure in _MEASURES:
        for chain in chains:
            yield from _above(chain, ("budget", measure.key), measure, before + done)


def used_up(chains: Iterable[Chain], spent: Spent) -> Iterator[Decision]:
    """What a session has nothing left of, so that no further action runs."""
    for chain in chains:
        for key, unit in _USED_UP.items():
            rule, found = ceiling(chain, ("budget", key))
            if found is not None and getattr(spent, key) >= found.most:
                because = _why(f"the session's budget is used up, {found.most:,g} {unit}", found)
                yield Decision(verdict="deny", rule=rule, because=because)


def within(chains: Iterable[Chain], admission: Admission, context: Context) -> Admission:
    """The same, or a denial, where one request more would be one too many."""
    if admission.verdict in ("deny", "hold"):  # what is held is counted when it is released
        return admission
    more = {"requests": 1, "irreversible": admission.reversibility == "irreversible"}
    ceilings = (("limits", context.sent, "the action's limit"), ("budget", context.spent, "the session's budget"))
    for chain in chains:
        for loc, spent, whose in ceilings:
            for key, unit in _SENDING.items():
                rule, found = ceiling(chain, (loc, key))
                if found is not None and more[key] and getattr(spent, key) + more[key] > found.most:
                    because = _why(f"{whose} is used up, {found.most:,} {unit}", found)
                    return Admission(verdict="deny", rule=rule, because=because, reversibility=admission.reversibility)
    return admission


def _above(chain: Chain, loc: tuple[str, str], measure: Measure, spent: Spent) -> Iterator[tuple[str, str]]:
    rule, found = ceiling(chain, loc)
    if found is not None and measure.of(spent) > found.most:
        whole = "in this session " if loc[0] == "budget" else ""
        yield rule, _why(f"{whole}{measure.said(spent, found.most)} ({rule})", found)


def _why(said: str, found: Most[Any]) -> str:
    return f"{said}: {found.because}" if found.because else said
