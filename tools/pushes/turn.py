"""Pushes taken back, or made again: where the branch is decides, and it is looked at before and after."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agentrt.contracts import PUSH, Ledger, Step
from agentrt.errors import ResourceError, Unanswered
from agentrt.records import PathConflict, RequestEffect

from . import kept as on_disk
from .quarantine import at
from .way import Move, Way


class Turn:
    """Steps, planned and then taken."""

    def __init__(self, way: Way, aside: Path, out: Ledger) -> None:
        self._way, self._aside, self._out = way, aside, out
        self._moves: list[Move] = []
        self._made: list[Move] = []
        """By one that was cut off."""
        self.effects: list[RequestEffect] = []
        self.conflicts: list[PathConflict] = []

    async def plan(self, steps: Sequence[Step]) -> None:
        """Look at everything. Raises ``ResourceError`` where that cannot be done."""
        showing: dict[tuple[str, str], str | None] = {}
        for step in steps:
            kept = on_disk.load(self._aside, step.mark)
            if kept is None:
                raise ResourceError(f"what was kept of the push of {step.mark} is not there")
            if kept.state in ("queued", "idle"):
                continue
            place = (kept.digest, kept.ref)
            if place not in showing:
                showing[place] = await self._way.look(step.mark, kept)
            now = showing[place]
            to, before = (kept.before, kept.commit) if step.way == "back" else (kept.commit, kept.before)
            move = Move(step.mark, kept, to, before)
            if now == to:
                self._made.append(move)
            elif now == before:
                showing[place] = to
                self._moves.append(move)
                self.effects.append(_about(move))
            else:
                self.conflicts.append(_conflict(move, now))

    async def go(self) -> None:
        """Move what was planned. Where it raises what was done is taken back again, or it says what stands."""
        for move in self._made:
            await self._way.saw(move)
        done: list[Move] = []
        for move in self._moves:
            number = self._out.goes(_about(move))
            try:
                await self._way.move(move)
                if (now := await self._way.look(move.mark, move.kept)) != move.to:
                    raise Unanswered(f"{move.kept.line}: it is {at(now)}, and was to be {at(move.to)}")
            except ResourceError as error:
                self._out.became(number, move.kept.effect("refused", because=str(error)))
                await self._back(done, error)
                raise
            done.append(move)

    async def _back(self, done: Sequence[Move], error: ResourceError) -> None:
        """Raises ``Unanswered`` where something stays done."""
        for move in reversed(done):
            opposite = Move(move.mark, move.kept, move.before, move.to)
            self._out.goes(_about(opposite))
            try:
                await self._way.move(opposite)
            except (ResourceError, Unanswered) as again:
                raise Unanswered(f"{error}; and this stays done: {move.kept.line}: {again}") from error


def _about(move: Move) -> RequestEffect:
    kept = move.kept
    back = move.to == kept.before
    inverse = f"{PUSH} {kept.commit[:10]} to {kept.to}" if back else kept.back
    return kept.effect("sent").model_copy(update={"inverse": inverse})


def _conflict(move: Move, now: str | None) -> PathConflict:
    return PathConflict(
        path=f"{move.kept.url} {move.kept.to}",
        ours=at(move.to),
        theirs=f"{at(now)}, and was left {at(move.before)}",
        operations=(int(move.mark.rpartition(".")[2]),),
    )
