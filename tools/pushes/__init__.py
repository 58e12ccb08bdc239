"""Pushes as a resource: what an agent wants on a remote of the user's repository waits, is sent, and is taken back.

The sandbox's git packs the commits, and says nothing else: remote, URL and what is known there are of the user's own
repository (remotes.py). The pack is unpacked and looked at in a repository of its own (asked.py, quarantine.py), from
which it leaves (way.py): exactly that commit, to exactly that URL, and only if the branch there is where it was shown
to be. All that is known is on disk before (kept.py). What a remote shows decides, when it is taken back (turn.py) and
after a death (cut.py), and a push is never repeated without asking it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from agentrt.contracts import PUSH, CutOff, Destination, Ledger, Planned, Pushes, Step, Waiting
from agentrt.errors import Conflict, ResourceError, Unanswered, UsageError
from agentrt.records import Effect, Going, Released

from . import asked
from . import kept as on_disk
from .cut import arrived, cut_off
from .kept import Kept
from .quarantine import at
from .turn import Turn
from .way import Move, Way, in_thread


def open_pushes(*, aside: Path, workspace: Path) -> Pushes:
    """See ``contracts.OpenPushes``."""
    return _Pushes(aside, workspace)


class _Pushes:
    name = PUSH

    def __init__(self, aside: Path, workspace: Path) -> None:
        self._aside, self._workspace = aside, workspace
        self._way = Way(aside, workspace)
        self._ledger: Ledger | None = None
        self._held: str | None = None
        self._mark = ""
        self._turn: Turn | None = None

    def through(self, ledger: Ledger, *, held: str | None = None) -> None:
        self._ledger, self._held = ledger, held

    @property
    def _out(self) -> Ledger:
        assert self._ledger is not None
        return self._ledger

    # An action

    async def begin(self, mark: str) -> None:
        self._mark = mark

    @property
    def touched(self) -> bool:
        kept = on_disk.load(self._aside, self._mark)
        return kept is not None and kept.state != "idle"

    async def destination(self, remote: str, branch: str, to: str) -> Destination:
        return await in_thread(lambda: asked.destination(self._workspace, remote, branch, to))

    async def push(self, there: Destination, commit: str, pack: bytes) -> str:
        mark, rule = self._mark, self._held or ""
        if on_disk.load(self._aside, mark) is not None:
            raise UsageError("this action has pushed already: one push an action")
        kept, text = await in_thread(
            lambda: asked.looked_at(self._aside, self._workspace, mark, there, commit, pack, rule)
        )
        try:
            on_disk.save(self._aside, mark, kept)
        except ResourceError:
            on_disk.drop(self._aside, mark)
            raise
        if self._held is not None:
            self._out.queued(kept.effect("queued"))
            return f"queued, and nothing was sent: it waits until a person releases it ({kept.rule})\n\n{text}"
        try:
            return f"{await self._send(mark, kept)}\n\n{text}"
        except ResourceError:
            on_disk.drop(self._aside, mark)
            raise

    # The outbox

    def waiting(self, mark: str) -> Sequence[Waiting]:
        kept = on_disk.load(self._aside, mark)
        return [Waiting(kept.line, None)] if kept is not None and kept.waits else []

    async def release(self, mark: str, by: Released) -> Sequence[str]:
        kept = on_disk.load(self._aside, mark)
        if kept is None or not kept.waits:
            return []
        try:
            return [f"{kept.line}: {await self._send(mark, kept)}"]
        except Unanswered as error:
            return [f"{kept.line} waits on, and may have arrived: {error}; it is looked for when it is released again"]
        except (ResourceError, UsageError, Conflict) as error:
            return [f"{kept.line} waits on: {error}"]

    async def _send(self, mark: str, kept: Kept) -> str:
        """What came of it. Raises ``ResourceError`` where nothing of it arrived, ``Unanswered`` where nobody knows."""
        was_going = kept.state == "sending"
        is_over = not was_going or await self._way.is_over(mark)
        now = await self._way.look(mark, kept)
        if was_going and (words := await arrived(self._way, mark, kept, now)) is not None:
            on_disk.save(self._aside, mark, kept.model_copy(update={"state": "sent"}))
            self._out.goes(kept.effect("sent"), kept=mark)
            return f"it {words}; undo {kept.back}"
        if not is_over:
            raise ResourceError(f"it is still on its way, since agentrt was killed: {kept.to} is {at(now)}")
        if now == kept.commit:  # by somebody else, so nothing is ours to take back
            on_disk.save(self._aside, mark, kept.model_copy(update={"state": "idle"}))
            return f"nothing was sent: {kept.to} of {kept.remote} is {at(kept.commit)} already"
        if now != kept.before:
            raise ResourceError(
                f"{kept.to} of {kept.remote} was moved by others: it is {at(now)}, and was {at(kept.before)};"
                " fetch there, reject this, and have it asked for again"
            )
        on_disk.save(self._aside, mark, kept.model_copy(update={"state": "sending"}))
        number = self._out.goes(kept.effect("sent"), kept=mark)
        try:
            await self._way.move(Move(mark, kept, kept.commit, kept.before))
        except ResourceError as error:
            self._out.became(number, kept.effect("refused", because=str(error)))
            on_disk.save(self._aside, mark, kept)  # an earlier one that was cut off may come late
            raise
        except Unanswered:
            unknown = kept.effect("sent").model_copy(update={"reversibility": "unknown"})
            self._out.became(number, unknown)
            raise
        on_disk.save(self._aside, mark, kept.model_copy(update={"state": "sent"}))
        return f"pushed: {kept.to} of {kept.remote} is {at(kept.commit)} now; undo {kept.back}"

    async def cut_off(self, mark: str, going: Mapping[str, Going], *, since: float) -> CutOff:
        return await cut_off(self._way, mark, going)

    # Going back and forth

    async def plan_undo(self, steps: Sequence[Step]) -> Planned:
        self._turn = Turn(self._way, self._aside, self._out)
        await self._turn.plan(steps)
        return Planned(tuple(self._turn.effects), tuple(self._turn.conflicts))

    async def undo(self) -> None:
        turn, self._turn = self._turn, None
        assert turn is not None
        await turn.go()

    async def stands(self, mark: str) -> bool | None:
        kept = on_disk.load(self._aside, mark)
        if kept is None or kept.state in ("queued", "idle"):
            return False
        now = await self._way.look(mark, kept)
        return True if now == kept.commit else False if now == kept.before else None

    async def seal(self) -> Sequence[Effect]:
        return ()  # they are in the ledger

    async def commit(self) -> None:
        self._turn = None

    async def discard(self) -> None:
        self._turn = None

    async def close(self) -> None:
        await self.discard()
