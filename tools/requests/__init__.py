"""Requests as a resource: what they did out there is looked at before and after, and taken back by their inverses.

A call is kept before it is sent and again when it was answered (kept.py), with what its URL showed (images.py) and
what takes it back (inverse.py, binding.py), which says what came of it (outcome.py), also after a death (cut.py). Undo
looks first: where it is not as the call left it, nothing is sent (turn.py).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from agentrt.contracts import (
    SAFE,
    Answer,
    Call,
    CutOff,
    Exchange,
    Http,
    Inverse,
    Line,
    Past,
    Planned,
    Step,
    Takes,
    Waiting,
)
from agentrt.errors import HeldBack, ResourceError, Unanswered, UsageError
from agentrt.records import Effect, Going, Released, RequestEffect

from . import kept as on_disk
from .binding import bound
from .cut import cut_off, key_of
from .images import Image, differing, look
from .inverse import fits, looked_at, restoring, went_well
from .kept import NAME, Answered, Kept, Queued, Said, Written
from .outcome import NOTHING_SAID, outcome, takes_of
from .repeated import told_before
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
        self._past: Callable[[], Sequence[Past]] = tuple

    def through(self, line: Line | None) -> None:
        self._line = line

    @property
    def _out(self) -> Line:
        if self._line is None:
            raise ResourceError(
                "there is no way out, by which to look or to send",
                hint="a policy names what may be reached: `network:`",
            )
        return self._line

    # An action

    async def begin(self, mark: str) -> None:
        self._mark, self._calls = mark, []

    @property
    def touched(self) -> bool:
        return any(call.can_go_back or call.queued is not None for call in self._calls)

    def behind(self, past: Callable[[], Sequence[Past]]) -> None:
        self._past = past

    async def send(
        self, call: Call, inverse: Inverse | None = None, *, again: bool = False
    ) -> tuple[Answer | None, str]:
        if call.method in SAFE:
            return (await self._out.ask(call)).answer, ""
        if not again and (told := told_before(self._aside, self._past(), call)) is not None:
            return told
        keyed = call
        if call.method in ("POST", "PATCH") and "idempotency-key" not in call.headers:
            keyed = replace(call, headers={**call.headers, "idempotency-key": str(uuid.uuid4())})
        number = len(self._calls)
        self._calls.append(_begun(keyed, inverse))
        try:
            return await self._send(number, None)
        except HeldBack as held:
            waits = {"queued": Queued(rule=held.rule, due=held.due), "sent": None}
            self._keep(number, self._calls[number].model_copy(update=waits))
            until = "until a person releases it"
            if held.due is not None:
                until = f"{held.due - time.time():.0f} seconds, unless it is dropped"
            return None, f"queued, and nothing was sent: it waits {until} ({held.rule})"
        except (ResourceError, UsageError):
            was, update = self._calls[number], {"inverse": None, "sent": None}  # nothing of it was sent
            self._calls[number] = was.model_copy(update=update)
            if was.sent is not None:
                with suppress(ResourceError):  # then it counts as one of which nobody knows
                    self._keep(number, self._calls[number])
            raise

    async def take_back(self) -> None:
        if not self.touched:
            return
        planned = await self.plan_undo([Step(self._mark, "back")])
        if planned.conflicts:
            await self.discard()
            raise ResourceError(f"{planned.conflicts[0].path} was changed by somebody else since")
        await self.undo()
        self._calls = []
        on_disk.save(self._aside, self._mark, ())

    def waiting(self, mark: str) -> Sequence[Waiting]:
        kept = on_disk.load(self._aside, mark) if on_disk.file_of(self._aside, mark).exists() else ()
        return [Waiting(one.call.line, one.queued.due) for one in kept if one.queued is not None]

    async def release(self, mark: str, by: Released) -> Sequence[str]:
        self._mark, self._calls = mark, list(on_disk.load(self._aside, mark))
        return [
            await self._release(number, kept, by) for number, kept in enumerate(self._calls) if kept.queued is not None
        ]

    async def _release(self, number: int, kept: Kept, by: Released) -> str:
        try:
            answer, undo = await self._send(number, by)
        except Unanswered as error:
            return f"{kept.call.line}: {error}; it may have been carried out"
        except ResourceError as error:
            self._keep(number, kept)
            return f"{kept.call.line} waits on: {error}"
        return f"{kept.call.line} was answered with {answer.status}; {undo}"

    async def _send(self, number: int, released: Released | None) -> tuple[Answer, str]:
        """Raises ``HeldBack``, ``ResourceError`` (nothing of it went out), ``Unanswered``."""
        kept = (await self._before(self._calls[number])).model_copy(update={"sent": time.time()})
        self._keep(number, kept)  # from here on it is never sent again, whatever becomes of it
        about = takes_of(kept) if kept.inverse is not None else _promised(kept)
        key = key_of(self._mark, number)
        try:
            exchange = await self._out.ask(kept.call.call, about=about, released=released, kept=key)
        except Unanswered:
            with suppress(ResourceError):  # where it shows, it can be taken back all the same
                await self._after(number)
            raise
        try:
            return exchange.answer, await self._answered(number, exchange)
        except ResourceError as error:  # of the disk: what is kept is not all that it takes
            exchange.kept(Takes("", "", "irreversible"))
            self._calls[number] = kept.model_copy(update={"inverse": None})
            raise Unanswered(f"{kept.call.line} was answered with {exchange.answer.status}, but {error}") from error

    async def _before(self, kept: Kept) -> Kept:
        """With all that is known before it is sent."""
        call = kept.call.call
        before = await look(self._out, kept.looking) if kept.look else None
        back = restoring(call, before) if before is not None and kept.said is None else None
        inverse = None if back is None else Written.of(back)
        return kept.model_copy(update={"before": before, "inverse": inverse, "queued": None})

    async def _after(self, number: int) -> Kept:
        """With what shows now."""
        kept = self._calls[number]
        if kept.look:
            try:
                after = await look(self._out, kept.looking)
            except ResourceError:
                after = None  # it cannot be seen, so it cannot be taken back
            kept = kept.model_copy(update={"after": after})
        return self._keep(number, kept)

    def _keep(self, number: int, kept: Kept) -> Kept:
        self._calls[number] = kept
        on_disk.save(self._aside, self._mark, self._calls)
        return kept

    async def _answered(self, number: int, exchange: Exchange) -> str:
        answer, why = exchange.answer, NOTHING_SAID
        self._keep(number, self._calls[number].model_copy(update={"answer": Answered.of(answer)}))
        if went_well(self._calls[number].call.call, answer):
            try:
                self._keep(number, bound(self._calls[number], answer))
            except UsageError as error:
                why = f"its inverse does not fit the answer: {error}"
        kept = await self._after(number)
        known = outcome(kept, why)
        if known.kept != kept:
            self._keep(number, known.kept)
        exchange.kept(known.takes)
        return known.text

    async def cut_off(self, mark: str, going: Mapping[str, Going], *, since: float) -> CutOff:
        return cut_off(self._aside, mark, going, since)

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
            now = await look(self._out, kept.looking) if kept.look else None
            found.add(_stands(kept, now))
        return found.pop() if len(found) == 1 else None

    async def close(self) -> None:
        await self.discard()


def _begun(call: Call, inverse: Inverse | None) -> Kept:
    """What is known of a call before anything was asked."""
    look, asked = looked_at(call, inverse), inverse.look_body if inverse is not None else None
    return Kept(
        call=Written.of(call),
        look=look,
        look_body=asked.decode("latin-1") if look and asked is not None else None,
        said=None if inverse is None else Said.of(inverse),
    )


def _promised(kept: Kept) -> Takes | None:
    """What an API pack says will take it back, once the answer is there; None where that needs what there is not."""
    if kept.said is None or not kept.said.is_known or not fits(kept.said.inverse, kept.before):
        return None
    return Takes(NAME, f"{kept.said.method} {kept.said.url}", "compensable")


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
