"""What became of a push that was on its way when agentrt was killed, as the remote shows.

    the branch is at what was pushed, or built on it    it arrived: undo takes it back, or is a conflict
    it is where it was                                  it had not arrived; where a process of it lives: not known yet
    it is elsewhere, or nobody answers                  not known

It stays written down that it was on its way until it is seen to have arrived: what comes late is agentrt's own.
"""

from __future__ import annotations

from collections.abc import Mapping

from agentrt.contracts import CutOff
from agentrt.errors import AgentrtError
from agentrt.records import Going, RequestEffect

from . import kept as on_disk
from .kept import Kept
from .quarantine import at
from .way import Move, Way


async def cut_off(way: Way, mark: str, going: Mapping[str, Going]) -> CutOff:
    """See ``contracts.Outbox.cut_off``."""
    kept = on_disk.load(way.aside, mark)
    if kept is None or mark not in going:
        return CutOff({}, ())
    try:
        effect, line = await _became(way, mark, kept)
    except AgentrtError as error:
        effect = _unknown(kept)
        line = f"whether {kept.line} arrived is not known: {error}; it is not sent again without looking"
    return CutOff({mark: effect}, (line,))


async def arrived(way: Way, mark: str, kept: Kept, now: str | None) -> str | None:
    """Of one that was on its way: that it has, in words; None where the branch does not show it. Raises
    ``ResourceError``."""
    if now is None or now == kept.before:
        return None
    if now == kept.commit:
        known = await way.saw(Move(mark, kept, kept.commit, kept.before))
        more = "" if known else "; your repository learns it by git fetch"
        return f"had arrived: {kept.to} of {kept.remote} is {at(now)}{more}"
    if await way.holds(mark, kept):
        return f"had arrived, and others built on it: {kept.to} of {kept.remote} is {at(now)}; git fetch shows it"
    return None


async def _became(way: Way, mark: str, kept: Kept) -> tuple[RequestEffect | None, str]:
    is_over = await way.is_over(mark)
    now = await way.look(mark, kept)
    if (words := await arrived(way, mark, kept, now)) is not None:
        on_disk.save(way.aside, mark, kept.model_copy(update={"state": "sent"}))
        return kept.effect("sent"), f"{kept.line} {words}"
    if now != kept.before:
        theirs = f"{kept.to} is {at(now)}, which is not built on it: it never did, or was overwritten"
        return _unknown(kept), f"whether {kept.line} arrived is not known: {theirs}"
    if not is_over:
        text = f"{kept.line} is still on its way: {kept.to} is {at(now)}; it is looked for before it is sent again"
        return _unknown(kept), text
    return None, f"{kept.line} had not arrived: {kept.to} is {at(now)}"


def _unknown(kept: Kept) -> RequestEffect:
    return kept.effect("sent").model_copy(update={"reversibility": "unknown", "resource": "", "inverse": ""})
