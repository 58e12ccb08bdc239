"""Rules on requests: which of what wants out of the sandbox goes out.

Nothing goes out that no rule allows, and a rule that denies counts more than one that allows. Of packs that extend each
other the last that allows anything, or says ``none``, counts; what they deny adds up. Of several hands each one that
allows anything, or says ``none``, has to allow it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field

from agentrt.contracts import Context
from agentrt.documents import Document, Loc, Written, describe
from agentrt.records import Admission, Request, Text
from agentrt.records.effects import HARM, Reversibility
from agentrt.units import Wait

from .effects import of_method
from .patterns import host_matches, url_path_matches
from .values import Flags, Hosts, Lines, Methods, Ports, UrlPaths


class NetworkRule(Written):
    """Everything that is given must fit; left out: whatever it is."""

    hosts: Hosts
    methods: Methods | None = None
    paths: UrlPaths | None = None
    ports: Ports | None = None
    """Left out: 443 for https, 80 for http; of a rule that denies any."""
    private: bool = False
    """Addresses that are private are meant as well."""
    flags: Flags | None = None
    """Only while all of these are true of the session."""
    verdict: Literal["allow", "deny"] = "allow"
    reversibility: Literal["reversible", "compensable", "irreversible"] | None = None
    """Of what it does out there. Left out: what its method tells."""
    hold: Wait | None = None
    """It waits in the outbox until a person releases it; or so long, unless somebody drops it."""
    proof: bool = False
    """That something takes it back counts only where a drill has shown it."""
    because: Text = ""
    match: Lines = ()
    not_match: Lines = ()

    @property
    def looks_inside(self) -> bool:
        """TLS has to be opened to know whether it speaks of a request."""
        return self.methods is not None or self.paths is not None or self.hold is not None

    def reaches(self, request: Request, flags: Collection[str]) -> bool:
        """It speaks of requests to that host and port."""
        surely = self.verdict == "allow"
        usual = (80 if request.scheme == "http" else 443,) if surely else (request.port,)
        return (
            request.port in (self.ports or usual)
            and (self.flags is None or set(self.flags) <= set(flags))
            and any(host_matches(pattern, request.host, surely=surely) for pattern in self.hosts)
        )

    def may_speak(self, request: Request, flags: Collection[str]) -> bool:
        """As ``speaks``, but of CONNECT: it may speak of what will be asked for inside."""
        return (self.reaches if request.method == "CONNECT" else self.speaks)(request, flags)

    def speaks(self, request: Request, flags: Collection[str]) -> bool:
        if self.methods is not None and request.method not in self.methods:
            return False
        if self.paths is not None:
            path, surely = request.path, self.verdict == "allow"
            hole = request.any if surely else ""  # what may be denied may as well not be
            if path is None or not any(url_path_matches(each, path, surely=surely, hole=hole) for each in self.paths):
                return False
        return self.reaches(request, flags)


def _rules(value: object) -> object:
    """``none`` is no rule at all."""
    if value != "none" and not isinstance(value, list | tuple):
        raise ValueError(f"expected `none` or a list of rules, not {describe(value)}")
    return () if value == "none" else value


NetworkRules = Annotated[tuple[NetworkRule, ...], Field(strict=False), BeforeValidator(_rules)]


class Placed(NamedTuple):
    """A rule, and where it stands."""

    rule: NetworkRule
    document: Document
    loc: Loc

    def admission(self, verdict: Literal["allow", "inspect", "hold", "deny"], **more: Any) -> Admission:
        return Admission(verdict=verdict, rule=self.document.rule(self.loc), because=self.rule.because, **more)


Said = Sequence[tuple[Document, Sequence[NetworkRule] | None]]
"""What the packs of one hand say, those they extend first; None: nothing."""


class Hand:
    """What those of one hand say together."""

    def __init__(self, said: Said) -> None:
        rules = [
            [Placed(rule, document, ("network", at)) for at, rule in enumerate(each or ())] for document, each in said
        ]
        self.denying = [one for each in rules for one in each if one.rule.verdict == "deny"]
        self.allowing: list[Placed] | None = None
        """None: it has no say in what is allowed."""
        self.rule = ""
        """Where that stands."""
        for (document, given), each in zip(said, rules, strict=True):
            allowing = [one for one in each if one.rule.verdict == "allow"]
            if given is not None and (allowing or not given):
                self.allowing, self.rule = allowing, document.rule(("network",))


def opens(hands: Sequence[Hand]) -> bool:
    """Something may go out."""
    return all(hand.allowing or hand.allowing is None for hand in hands)


def admit(hands: Sequence[Hand], request: Request, context: Context) -> Admission:
    """Before any budget. Of CONNECT it is not known what will be asked for inside."""
    flags, closed = context.flags, request.method == "CONNECT"
    for one in _each(hands, "deny"):
        if one.rule.speaks(request, flags):
            return one.admission("deny", reversibility=of_method(request.method))
    letting: list[list[Placed]] = []
    for hand in hands:
        if hand.allowing is not None:
            fitting = [one for one in hand.allowing if one.rule.may_speak(request, flags)]
            if not fitting:
                because = "no rule of the network lets it out" if hand.allowing else "no network"
                return Admission(
                    verdict="deny", rule=hand.rule, because=because, reversibility=of_method(request.method)
                )
            letting.append(fitting)
    every = [one.rule for kind in ("allow", "deny") for one in _each(hands, kind)]
    looks_inside = any(rule.looks_inside and rule.reaches(request, flags) for rule in every)
    fitting_all = [one for each in letting for one in each]
    may_wait = request.released is None and of_method(request.method) != "reversible"
    holding = [one for one in fitting_all if one.rule.hold is not None and may_wait]
    verdict: Literal["allow", "inspect", "hold"] = "hold" if holding else "allow"
    if closed and looks_inside:
        verdict = "inspect"
    rules = [one.rule for one in fitting_all]
    is_unproved = any(rule.proof for rule in rules) and request.reversibility == "compensable" and not request.proved
    if is_unproved:
        request = request.model_copy(update={"reversibility": None})
    return (holding[0] if verdict == "hold" else fitting_all[0]).admission(
        verdict,
        release=_release([one.rule for one in holding]) if verdict == "hold" else None,
        reversibility="unknown" if verdict == "inspect" else _worst(request, rules),
        said=is_unproved or any(rule.reversibility is not None for rule in rules),
        private=all(any(one.rule.private for one in each) for each in letting),
    )


def _release(holding: Sequence[NetworkRule]) -> float | None:
    """The longest wait; None: that of a person."""
    longest = max(rule.hold for rule in holding if rule.hold is not None)
    return None if longest == math.inf else longest


def _each(hands: Sequence[Hand], verdict: str) -> Iterator[Placed]:
    for hand in hands:
        yield from hand.denying if verdict == "deny" else hand.allowing or ()


def _worst(request: Request, rules: Sequence[NetworkRule]) -> Reversibility:
    """What a rule says of it counts more than its method."""
    said = [rule.reversibility for rule in rules if rule.reversibility is not None]
    return max(said, key=HARM.index, default=request.reversibility or of_method(request.method))
