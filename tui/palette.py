"""Everything there is, by name: Textual's palette over the app's actions, its sessions, and operations by number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Matcher, Provider
from textual.content import Content
from textual.style import Style

from .keys import ACTS, Chosen, told

_NUMBER = re.compile(r"(?:\D*\s)?(\d{1,9})\s*")
"""``12``, ``go to 12``."""


@dataclass(frozen=True)
class Command:
    """A line of the palette; its texts are safe to show."""

    text: str
    run: Callable[[], object]
    key: str = ""
    why_not: str = ""
    """Why it cannot be done now; empty: it can."""


@dataclass(frozen=True)
class Offer:
    """What there is to choose from, when the palette is opened."""

    commands: Sequence[Command]
    operation: Callable[[int], Command | None]
    """To go to an operation; None where there is none of that number."""
    say: Callable[[str], object]
    """Tells why something cannot be done."""


def actions(keys: Chosen, run: Callable[[str], object], why_not: Callable[[str], str]) -> list[Command]:
    """Those of the app, by name; what the widgets do themselves is not among them. ``why_not`` says of each why it
    cannot be done now, or nothing."""
    return [
        Command(f"{act.name.replace('_', ' ')}: {act.does}", partial(run, act.name), told(act, keys), why_not(act.name))
        for act in ACTS
        if not act.widgets and act.name != "palette"
    ]


def palette(offer: Offer) -> CommandPalette:
    """The screen, to be pushed."""

    class Offered(Provider):
        async def discover(self) -> Hits:
            for command in offer.commands:
                yield DiscoveryHit(_shown(command, ()), _does(command, offer), command.text)

        async def search(self, query: str) -> Hits:
            for score, command, at in _found(query, offer):
                yield Hit(score, _shown(command, at, self.match_style), _does(command, offer), command.text)

    return CommandPalette([Offered], placeholder="what to do, or the number of an operation")


def _found(query: str, offer: Offer) -> Iterator[tuple[float, Command, Sequence[int]]]:
    """What fits, how well, and which of its characters."""
    if (number := _NUMBER.fullmatch(query)) and (command := offer.operation(int(number[1]))) is not None:
        yield inf, command, ()
    matcher = Matcher(query)
    for command in offer.commands:
        # Not `highlight`: it takes text for markup.
        score, at = matcher.fuzzy_search.match(query, command.text)
        if score > 0:
            yield score, command, at


def _shown(command: Command, at: Sequence[int], style: Style | None = None) -> Content:
    text = Content(command.text)
    for place in at:
        text = text.stylize(style or "underline", place, place + 1)
    if command.why_not:
        return text.append(Content.styled(f"  not now: {command.why_not}", "dim"))
    return text.append(Content.styled(f"  {command.key}", "bold")) if command.key else text


def _does(command: Command, offer: Offer) -> Callable[[], object]:
    return partial(offer.say, command.why_not) if command.why_not else command.run
