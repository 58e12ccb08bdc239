"""What became of calls when agentrt was killed, from what is kept of them alone: nothing is asked, nothing is sent.

    answered, and what it left was seen         as if the action had ended: undo takes it back, or nothing does
    answered, and what it left was not seen     nobody knows what undo would have to compare with: unknown
    sent, or about to be, and not answered      unknown, and never sent again

Of the last two it is said where it shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from agentrt.contracts import CutOff
from agentrt.errors import UsageError
from agentrt.records import Going, RequestEffect

from . import kept as on_disk
from .binding import bound
from .inverse import went_well
from .kept import Kept
from .outcome import NOTHING_SAID, outcome

_ENDED = "agentrt was ended before"


def key_of(mark: str, number: int) -> str:
    """By which ``Line`` and ``CutOff`` name a call."""
    return f"{mark}#{number}"


def cut_off(aside: Path, mark: str, going: Mapping[str, Going], since: float) -> CutOff:
    """See ``contracts.Outbox.cut_off``."""
    if not on_disk.file_of(aside, mark).exists():
        return CutOff({}, ())
    calls = list(on_disk.load(aside, mark))
    effects: dict[str, RequestEffect | None] = {}
    lines: list[str] = []
    for number, kept in _cut(calls, mark, going, since):
        key = key_of(mark, number)
        calls[number], effects[key], line = _became(kept, going.get(key))
        lines.append(line)
    if effects:
        on_disk.save(aside, mark, calls)
    return CutOff(effects, tuple(lines))


def _cut(calls: Sequence[Kept], mark: str, going: Mapping[str, Going], since: float) -> Iterator[tuple[int, Kept]]:
    """Of what was cut off: an earlier release may have sent others of the action's."""
    for number, kept in enumerate(calls):
        if key_of(mark, number) in going or (kept.sent is not None and kept.sent >= since):
            yield number, kept


def _became(kept: Kept, going: Going | None) -> tuple[Kept, RequestEffect, str]:
    line = kept.call.line
    if kept.answer is None:
        shows = f"{kept.shows} whether it was" if kept.look else "nothing shows whether it was: look at the service"
        text = f"{line} may have been carried out, {_ENDED} it was answered; {shows}; it is not sent again by itself"
        return kept.model_copy(update={"inverse": None}), _unknown(kept, going), text
    status, answer = kept.answer.status, kept.answer.answer
    answered, why = f"{line} was answered with {status}", NOTHING_SAID
    if went_well(kept.call.call, answer):
        try:
            kept = bound(kept, answer)
        except UsageError as error:
            why = f"its inverse does not fit the answer: {error}"
    if kept.look and kept.after is None:
        text = f"{answered}, {_ENDED} it had seen what that left, so no undo takes it back; {kept.shows} it"
        return kept.model_copy(update={"inverse": None}), _unknown(kept, going), text
    known = outcome(kept, why)
    takes = known.takes
    effect = _effect(kept, going).model_copy(
        update={"status": status, "resource": takes.resource, "inverse": takes.inverse}
    )
    if going is None or not going.said:
        effect = effect.model_copy(update={"reversibility": takes.reversibility})
    return known.kept, effect, f"{answered}; {known.text}"


def _unknown(kept: Kept, going: Going | None) -> RequestEffect:
    """It is shown as what nothing takes back, whatever was to."""
    effect = _effect(kept, going)
    harm = effect.reversibility if effect.reversibility == "irreversible" else "unknown"
    because = f"{_ENDED} {'it was answered' if kept.answer is None else 'it had seen what that left'}"
    if kept.look:
        because += f"; {kept.shows} {'whether it was carried out' if kept.answer is None else 'it'}"
    status = None if kept.answer is None else kept.answer.status
    update = {"status": status, "resource": "", "inverse": "", "reversibility": harm, "because": because}
    return effect.model_copy(update=update)


def _effect(kept: Kept, going: Going | None) -> RequestEffect:
    """As it was written down before it went; where that is not there, as far as the call says."""
    if going is not None:
        return going.effect
    method, _, url = kept.call.line.partition(" ")
    return RequestEffect(change="sent", reversibility="unknown", method=method, url=url)
