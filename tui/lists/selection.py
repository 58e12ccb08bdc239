"""Which row of a list is the chosen one, while rows come, go and are filtered.

It is remembered by key. At the last row of a list that ``tails``, new rows take it along: moving away ends that, going
to the end starts it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .rows import Key


@dataclass(frozen=True, slots=True)
class Selection:
    """``keys[at]`` is the chosen one; nothing is where there are no rows."""

    keys: Sequence[Key] = ()
    at: int = 0
    tails: bool = False
    following: bool = False

    @property
    def key(self) -> Key | None:
        return self.keys[self.at] if self.keys else None


def move(state: Selection, by: int) -> Selection:
    """Down, or up where ``by`` is negative; not beyond the ends."""
    return _at(state, state.at + by)


def home(state: Selection) -> Selection:
    return _at(state, 0)


def end(state: Selection) -> Selection:
    return _at(state, len(state.keys) - 1)


def select(state: Selection, key: Key) -> Selection:
    """The row of ``key``; the same as before where it is not shown."""
    return _at(state, state.keys.index(key)) if key in state.keys else state


def grown(state: Selection, keys: Sequence[Key]) -> Selection:
    """Rows came or went."""
    if state.following:
        return replace(state, keys=keys, at=max(len(keys) - 1, 0))
    return replace(state, keys=keys, at=_survivor(state, keys))


def filtered(state: Selection, keys: Sequence[Key]) -> Selection:
    """Others of the same rows are shown: the chosen one stays chosen, also where it was the last."""
    return _at(replace(state, keys=keys), _survivor(state, keys))


def _at(state: Selection, at: int) -> Selection:
    last = len(state.keys) - 1
    at = max(min(at, last), 0)
    return replace(state, at=at, following=state.tails and at == last)


def _survivor(state: Selection, keys: Sequence[Key]) -> int:
    """Where the chosen row is now; where it is gone, the next one below it that is still there, or else above."""
    if state.key is None:
        return len(keys) - 1 if state.tails else 0
    if state.at < len(keys) and keys[state.at] == state.key:
        return state.at
    places = {key: number for number, key in enumerate(keys)}
    below, above = state.keys[state.at :], reversed(state.keys[: state.at])
    return next((places[key] for part in (below, above) for key in part if key in places), 0)
