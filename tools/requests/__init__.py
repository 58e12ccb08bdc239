"""Requests as a resource: what they did out there is looked at before and after, and taken back by their inverses.

A call is kept before it is sent and again when it was answered (kept.py), with what its URL showed (images.py) and
what takes it back (inverse.py, binding.py). Undo looks first: where it is not as the call left it, nothing is sent
(turn.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from agentrt.contracts import Answer, Call, Exchange, Http, Inverse, Line, Planned, Step, Takes
from agentrt.errors import ResourceError, Unanswered, UsageError
from agentrt.records import Effect, RequestEffect

from . import kept as on_disk
from .binding import bound
from .images import Image, differing, look
from .inverse import SAFE, looked_at, restoring
from .kept import NAME, Kept, Said, Written
from .turn import Move, Turn


def open_http(*, aside: Path) -> Http:
    """See ``contracts.OpenHttp``."""
    return _Http(aside)


class _Http:
    name = NAME

    def __init__(self, aside: Path) -> None:
        self._aside = aside
        self._line: Line | None = None
        self._mark = ""
        self._calls: list[Kept] = []
        self._turn: Turn | None = None

    def through(self, line: Line | None) -> None:
        self._line = line

    @property
    def _out(self) -> Line:
        if self._line is None:
            raise ResourceError("there is no way out, by which to look or to send", hint="the policy says: network")
        return self._line

    # An action

    async def begin(self, mark: str) -> None:
        self._mark, self._calls = mark, []

    @property
    def touched(self) -> bool:
        return any(call.can_go_back for call in self._calls)

    async def send(self, call: Call, inverse: Inverse | None = None) -> tuple[Answer, str]:
        if call.method in SAFE:
            return (await self._out.ask(call)).answer, ""
        kept = await self._before(call, inverse)
        self._calls.append(kept)
        on_disk.save(self._aside, self._mark, self._calls)
        about = _takes(kept) if kept.inverse is not None else None
        try:
            exchange = await self._out.ask(kept.call.call, about=about)
        except ResourceError:
            self._calls.pop()  # nothing of it was sent
            raise
        except Unanswered:
            # Where it shows, it can be taken back all the same.
            await self._after(kept)
            raise
        return exchange.answer, await self._answered(kept, exchange)

    async def _before(self, call: Call, inverse: Inverse | None) -> Kept:
        """All that is known before it is sent."""
        keyed = call
        if call.method in ("POST", "PATCH") and "idempotency-key" not in call.headers:
            keyed = replace(call, headers={**call.headers, "idempotency-key": str(uuid.uuid4())})
        at = looked_at(call, inverse)
        before = await look(self._out, at, call.headers) if at else None
        back = restoring(call, before) if before is not None and inverse is None else None
        return Kept(
            call=Written.of(keyed),
            look=at,
            before=before,
            inverse=None if back is None else Written.of(back),
            said=None if inverse is None else Said.of(inverse),
        )

    async def _after(self, kept: Kept) -> Kept:
        """With what shows now, in the place of the last one."""
        if kept.look:
            try:
                after = await look(self._out, kept.look, kept.call.headers)
            except ResourceError:
                after = None  # it cannot be seen, so it cannot be taken back
            kept = kept.model_copy(update={"after": after})
        self._calls[-1] = kept
        on_disk.save(self._aside, self._mark, self._calls)
        return kept

    async def _answered(self, kept: Kept, exchange: Exchange) -> str:
        answer, why = exchange.answer, "nothing says what takes it back"
        if 200 <= answer.status < 300:
            try:
                kept = bound(kept, answer)
            except UsageError as error:
                why = f"its inverse does not fit the answer: {error}"
        kept = await self._after(kept)
        if kept.before is not None and kept.after is not None and not differing(kept.before, kept.after):
            self._calls.pop()
            exchange.kept(Takes("", "", "reversible"))
            return "nothing has changed out there, as far as it shows"
        if not kept.can_go_back:
            exchange.kept(Takes("", "", "irreversible"))
            if kept.inverse is not None:
                why = f"{kept.look} does not show what it did"
            return f"undo cannot take this back: {why}"
        takes = _takes(kept, claimed=kept.said is not None and not kept.is_created)
        exchange.kept(takes)
        return f"undo sends {takes.inverse}"

    async def seal(self) -> Sequence[Effect]:
        return ()  # they are the way out's

    async def commit(self) -> None:
        self._calls = []

    async def discard(self) -> None:
        self._turn = None

    # Going back and forth

    async def plan_undo(self, steps: Sequence[Step]) -> Planned:
        self._turn = Turn(self._out, self._aside)
        await self._turn.plan(steps)
        return Planned(tuple(map(_effect, self._turn.moves)), tuple(self._turn.conflicts))

    async def undo(self) -> None:
        turn, self._turn = self._turn, None
        assert turn is not None
        await turn.go()

    async def stands(self, mark: str) -> bool | None:
        if not on_disk.file_of(self._aside, mark).exists():
            return False
        found = set[bool | None]()
        for kept in on_disk.load(self._aside, mark):
            now = await look(self._out, kept.look, kept.call.headers) if kept.look else None
            found.add(_stands(kept, now))
        return found.pop() if len(found) == 1 else None

    async def close(self) -> None:
        await self.discard()


def _takes(kept: Kept, *, claimed: bool = False) -> Takes:
    assert kept.inverse is not None
    return Takes(NAME, kept.inverse.line, "unknown" if claimed else "compensable")


def _stands(kept: Kept, now: Image | None) -> bool | None:
    if now is None:
        return None
    if kept.after is not None and not differing(now, kept.after, kept.ignored):
        return True
    if kept.before is not None and not differing(now, kept.before, kept.ignored):
        return False
    return None


def _effect(move: Move) -> RequestEffect:
    return RequestEffect(
        change="sent",
        reversibility="compensable",
        method=move.call.method,
        url=move.call.url.partition("?")[0],
        resource=NAME,
    )
