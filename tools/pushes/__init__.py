"""Pushes as a resource: what an agent wants on a remote of the user's repository waits, is sent, and is taken back.

The sandbox's git packs the commits, and says nothing else: remote, URL and what is known there are of the user's own
repository (remotes.py). The pack is unpacked and looked at in a repository of its own (quarantine.py), from which it
leaves: exactly that commit, to exactly that URL, and only if the branch there is where it was shown to be. All that is
known is on disk before (kept.py). What a remote shows decides, and a push is never repeated without asking it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from agentrt.contracts import PUSH, Destination, Ledger, Planned, Pushes, Step, Waiting
from agentrt.errors import Conflict, ResourceError, Unanswered, UsageError
from agentrt.records import Effect, PathConflict, Released, RequestEffect
from agentrt.repository.heads import named
from agentrt.repository.host import Repository, find
from agentrt.uninterrupted import uninterrupted

from . import kept as on_disk
from . import remotes
from .kept import Kept
from .quarantine import Quarantine, at
from .words import told

T = TypeVar("T")


def open_pushes(*, aside: Path, workspace: Path) -> Pushes:
    """See ``contracts.OpenPushes``."""
    return _Pushes(aside, workspace)


@dataclass(frozen=True)
class _Move:
    mark: str
    kept: Kept
    to: str | None
    before: str | None


class _Pushes:
    name = PUSH

    def __init__(self, aside: Path, workspace: Path) -> None:
        self._aside, self._workspace = aside, workspace
        self._ledger: Ledger | None = None
        self._held: str | None = None
        self._mark = ""
        self._moves: list[_Move] = []

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
        def look() -> Destination:
            user = find(self._workspace)
            for name in (branch, to):
                named(user, name, hint="the name of a branch, as git branch lists it")
            url = remotes.url_of(user, remote)
            before, known = remotes.seen(user, remote, to), remotes.tips(user)
            return Destination(remote, remotes.shown(url), branch, to, before, known)

        return await _in_thread(look)

    async def push(self, there: Destination, commit: str, pack: bytes) -> str:
        if on_disk.load(self._aside, self._mark) is not None:
            raise UsageError("this action has pushed already: one push an action")
        kept, text = await _in_thread(lambda: self._looked_at(there, commit, pack))
        try:
            on_disk.save(self._aside, self._mark, kept)
        except ResourceError:
            on_disk.drop(self._aside, self._mark)
            raise
        if self._held is not None:
            self._out.queued(kept.effect("queued"))
            return f"queued, and nothing was sent: it waits until a person releases it ({kept.rule})\n\n{text}"
        try:
            return f"{await self._send(self._mark, kept)}\n\n{text}"
        except ResourceError:
            on_disk.drop(self._aside, self._mark)
            raise

    def _looked_at(self, there: Destination, commit: str, pack: bytes) -> tuple[Kept, str]:
        user = find(self._workspace)
        url = remotes.url_of(user, there.remote)
        kept = Kept(
            remote=there.remote,
            url=remotes.shown(url),
            digest=remotes.digest_of(url),
            branch=there.branch,
            to=there.to,
            commit=commit,
            before=there.before,
            rule=self._held or "",
        )
        if commit == there.before:
            raise UsageError(f"there is nothing to push: {there.to} of {there.remote} is {at(commit)} already")
        try:
            with closing(Quarantine.make(on_disk.objects_of(self._aside, self._mark), user, pack)) as quarantine:
                quarantine.check(commit, remotes.tips(user))
                if there.before is not None and not quarantine.follows(commit, there.before):
                    raise UsageError(
                        f"{there.branch} does not contain what {there.to} of {there.remote} has"
                        f" ({at(there.before)}): that would need force, which there is none of",
                        hint="merge or rebase first, or push to another branch",
                    )
                return kept, told(kept, quarantine, remotes.tips(user, f"refs/remotes/{there.remote}"))
        except BaseException:
            on_disk.drop(self._aside, self._mark)
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
        now = await self._look(mark, kept)
        if now == kept.commit:
            return self._was_there(mark, kept)
        if now != kept.before:
            raise ResourceError(
                f"{kept.to} of {kept.remote} was moved by others: it is {at(now)}, and was {at(kept.before)};"
                " fetch there, reject this, and have it asked for again"
            )
        on_disk.save(self._aside, mark, kept.model_copy(update={"state": "sending"}))
        number = self._out.goes(kept.effect("sent"))
        try:
            await self._move(_Move(mark, kept, kept.commit, kept.before))
        except ResourceError as error:
            self._out.became(number, kept.effect("refused", because=str(error)))
            on_disk.save(self._aside, mark, kept.model_copy(update={"state": "queued"}))
            raise
        except Unanswered:
            unknown = kept.effect("sent").model_copy(update={"reversibility": "unknown"})
            self._out.became(number, unknown)
            raise
        on_disk.save(self._aside, mark, kept.model_copy(update={"state": "sent"}))
        return f"pushed: {kept.to} of {kept.remote} is {at(kept.commit)} now; undo {kept.back}"

    def _was_there(self, mark: str, kept: Kept) -> str:
        """By us, where we were on our way; else nothing is ours to take back."""
        ours = kept.state == "sending"
        on_disk.save(self._aside, mark, kept.model_copy(update={"state": "sent" if ours else "idle"}))
        if ours:
            self._out.became(self._out.goes(kept.effect("sent")), kept.effect("sent"))
            return f"it had arrived: {kept.to} of {kept.remote} is {at(kept.commit)}; undo {kept.back}"
        return f"nothing was sent: {kept.to} of {kept.remote} is {at(kept.commit)} already"

    async def cut_off(self, mark: str) -> tuple[RequestEffect | None, str] | None:
        kept = on_disk.load(self._aside, mark)
        if kept is None or kept.state != "sending":
            return None
        unknown = kept.effect("sent").model_copy(update={"reversibility": "unknown", "resource": ""})
        try:
            now = await self._look(mark, kept)
        except (ResourceError, UsageError, Conflict) as error:
            return unknown, f"whether {kept.line} arrived is not known: {error}; it is not sent again without looking"
        if now == kept.commit:
            on_disk.save(self._aside, mark, kept.model_copy(update={"state": "sent"}))
            return kept.effect("sent"), f"{kept.line} had arrived: {kept.to} is {at(now)}"
        if now == kept.before:
            on_disk.save(self._aside, mark, kept.model_copy(update={"state": "queued"}))
            return None, f"{kept.line} had not arrived: {kept.to} is {at(now)}"
        return unknown, f"whether {kept.line} arrived is not known: others moved {kept.to}, it is {at(now)}"

    # Going back and forth

    async def plan_undo(self, steps: Sequence[Step]) -> Planned:
        self._moves, conflicts = [], list[PathConflict]()
        showing: dict[tuple[str, str], str | None] = {}
        effects = list[Effect]()
        for step in steps:
            kept = on_disk.load(self._aside, step.mark)
            if kept is None:
                raise ResourceError(f"what was kept of the push of {step.mark} is not there")
            if kept.state in ("queued", "idle"):
                continue
            place = (kept.digest, kept.ref)
            if place not in showing:
                showing[place] = await self._look(step.mark, kept)
            now = showing[place]
            to, before = (kept.before, kept.commit) if step.way == "back" else (kept.commit, kept.before)
            if now == to:
                continue
            if now != before:
                conflicts.append(
                    PathConflict(
                        path=f"{kept.url} {kept.to}",
                        ours=at(to),
                        theirs=f"{at(now)}, and was left {at(before)}",
                        operations=(int(step.mark.rpartition(".")[2]),),
                    )
                )
                continue
            showing[place] = to
            self._moves.append(_Move(step.mark, kept, to, before))
            effects.append(_about(self._moves[-1]))
        return Planned(tuple(effects), tuple(conflicts))

    async def undo(self) -> None:
        moves, self._moves = self._moves, []
        done: list[_Move] = []
        for move in moves:
            number = self._out.goes(_about(move))
            try:
                await self._move(move)
                if (now := await self._look(move.mark, move.kept)) != move.to:
                    raise Unanswered(f"{move.kept.line}: it is {at(now)}, and was to be {at(move.to)}")
            except ResourceError as error:
                self._out.became(number, move.kept.effect("refused", because=str(error)))
                await self._back(done, error)
                raise
            done.append(move)

    async def _back(self, done: Sequence[_Move], error: ResourceError) -> None:
        """Raises ``Unanswered`` where something stays done."""
        for move in reversed(done):
            opposite = _Move(move.mark, move.kept, move.before, move.to)
            self._out.goes(_about(opposite))
            try:
                await self._move(opposite)
            except (ResourceError, Unanswered) as again:
                raise Unanswered(f"{error}; and this stays done: {move.kept.line}: {again}") from error

    async def stands(self, mark: str) -> bool | None:
        kept = on_disk.load(self._aside, mark)
        if kept is None or kept.state in ("queued", "idle"):
            return False
        now = await self._look(mark, kept)
        return True if now == kept.commit else False if now == kept.before else None

    async def seal(self) -> Sequence[Effect]:
        return ()  # they are in the ledger

    async def commit(self) -> None:
        self._moves = []

    async def discard(self) -> None:
        self._moves = []

    async def close(self) -> None:
        await self.discard()

    # On a thread of its own, as git blocks

    async def _look(self, mark: str, kept: Kept) -> str | None:
        """Where the branch is now. Raises ``ResourceError`` where it cannot be asked."""

        def look() -> str | None:
            user, url = self._way(kept)
            with closing(Quarantine(on_disk.objects_of(self._aside, mark), user)) as quarantine:
                return quarantine.there(url, kept.ref)

        return await _in_thread(look)

    async def _move(self, move: _Move) -> None:
        """Raises as ``Quarantine.move``."""
        kept = move.kept

        def go() -> None:
            user, url = self._way(kept)
            with closing(Quarantine(on_disk.objects_of(self._aside, move.mark), user)) as quarantine:
                quarantine.move(url, kept.ref, to=move.to, before=move.before)
                remotes.saw(user, kept.remote, kept.to, quarantine.pack, move.to, move.before)

        await _in_thread(go)

    def _way(self, kept: Kept) -> tuple[Repository, str]:
        """Raises ``ResourceError`` where the remote is not the one that was shown."""
        try:
            user = find(self._workspace)
            url = remotes.url_of(user, kept.remote)
        except (UsageError, Conflict) as error:
            raise ResourceError(f"{kept.remote} cannot be reached: {error}") from error
        if remotes.digest_of(url) != kept.digest:
            raise ResourceError(f"{kept.remote} leads to {remotes.shown(url)} now, and was shown as {kept.url}")
        return user, url


def _about(move: _Move) -> RequestEffect:
    kept = move.kept
    back = move.to == kept.before
    inverse = f"{PUSH} {kept.commit[:10]} to {kept.to}" if back else kept.back
    return kept.effect("sent").model_copy(update={"inverse": inverse})


async def _in_thread(work: Callable[[], T]) -> T:
    """To its end, also where the action is cancelled: whoever takes it back has to see what became of it."""
    return await uninterrupted(asyncio.to_thread(work))
