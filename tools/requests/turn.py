"""Calls taken back, or made again: everything is looked at first, and looked at again when it is done."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agentrt.contracts import Call, Exchange, Line, Step, Takes
from agentrt.errors import AgentrtError, ResourceError, Unanswered
from agentrt.records import PathConflict

from . import kept as on_disk
from .binding import bound_again
from .images import ABSENT, Image, at, differing, look
from .inverse import members_of, went_well
from .kept import NAME, Equals, Kept, Turned

Place = tuple[str, str | None]
"""Where something shows: a URL, and what is sent there to see it."""
_ON_WHAT_IS_THERE = ("PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Move:
    """One call of a step."""

    step: Step
    number: int
    """Of the call, in what is kept of the step's action."""
    kept: Kept
    call: Call
    """To be sent."""
    now: Image
    """What shows before it."""
    wanted: Image
    """What is to show after it."""
    was: Image
    """What showed when it was last like that."""

    def wrong(self, now: Image) -> list[str]:
        """In what it is not as it should be afterwards, by JSON pointers."""
        said = self.kept.said
        if said is None or said.verify is None or self.step.way == "forth":
            return differing(now, self.wanted, self.kept.by_server)
        return [pointer for pointer, value in said.verify.items() if at(now.value, pointer) != value]

    @property
    def makes_another(self) -> bool:
        """What a call had made is made again: that is something new, at a place of its own."""
        return self.kept.is_created and self.step.way == "forth"


class Turn:
    """Steps, planned and then taken."""

    def __init__(self, line: Line, aside: Path) -> None:
        self._line, self._aside, self._equals = line, aside, Equals(aside)
        self.moves: list[Move] = []
        self.conflicts: list[PathConflict] = []
        self._done: list[Move] = []

    async def plan(self, steps: Sequence[Step]) -> None:
        """Look at everything. Raises ``ResourceError`` where that cannot be done."""
        showing: dict[Place, Image] = {}
        for step in steps:
            for number, kept in _calls(on_disk.load(self._aside, step.mark), step):
                await self._one(step, number, kept, showing)

    async def _one(self, step: Step, number: int, kept: Kept, showing: dict[Place, Image]) -> None:
        assert kept.before is not None and kept.after is not None and kept.inverse is not None
        back = step.way == "back"
        expected, wanted = (kept.after, kept.before) if back else (kept.before, kept.after)
        call = kept.inverse.call if back else kept.call.call
        if kept.is_created and kept.turned == step.way == "forth":
            raise ResourceError(
                f"{kept.call.line} may have been sent again already, when agentrt was killed, and nothing shows it",
                hint="look at the service; an action of its own sends it anew",
            )
        if back and (over := kept.over) is not None:
            raise ResourceError(f"{kept.call.line} could be taken back until {over} only, says its pack")
        now, was, changed = ABSENT, wanted, list[str]()  # where it makes something, nobody has it yet
        was_made = kept.turned == "made" and not back
        if back or not kept.is_created or was_made:
            now = showing[kept.place] if kept.place in showing else await self._look(kept)
            if (members := members_of(kept.call.call, call)) is not None and now.members is not None:
                # The others are no business of it, whoever changed them.
                changed = [f"/{name}" for name in members if not _same_member(name, now, expected)]
                wanted = now.with_members(members, wanted)
            else:
                # What is planned may have a time of its own by then, as the server likes.
                changed = differing(now, expected, kept.by_server if kept.place in showing else kept.ignored)
        move = Move(step, number, kept, call, now, wanted, was)
        if changed and not self._equals.are(now, expected):
            if (kept.turned == step.way or was_made) and not move.wrong(now):
                showing[kept.place] = now
                return  # one that was cut off had come to that
            self.conflicts.append(_conflict(step, kept.look, now, wanted, changed))
        showing[kept.place] = wanted
        self.moves.append(move)

    async def _look(self, kept: Kept) -> Image:
        """Raises ``ResourceError`` where it cannot be seen."""
        now = await look(self._line, kept.looking)
        if now is None:
            raise ResourceError(f"{kept.look} does not show how it is now")
        return now

    async def go(self) -> None:
        """Send what was planned. Where it raises what was done is taken back again, or it says what stands."""
        try:
            for move in self.moves:
                await self._send(move)
        except AgentrtError as error:
            await self._back(error)
            raise

    async def _send(self, move: Move) -> None:
        call = move.call
        headers = dict(call.headers)
        if "idempotency-key" in headers:
            headers["idempotency-key"] = str(uuid.uuid4())
        kept, etag = move.kept, move.now.etag
        # Between steps on one URL only the server knows what it is called by now.
        alone = sum(other.kept.place == kept.place for other in self.moves) == 1
        if call.method in _ON_WHAT_IS_THERE and call.url == kept.look and etag and not etag.startswith("W/") and alone:
            headers["if-match"] = etag
        assert kept.inverse is not None
        other = kept.call if move.step.way == "back" else kept.inverse
        sent = replace(call, headers=headers, proved=True)  # it has been decided when the call was let out
        try:
            # What only its author says takes a call back is judged as any other request.
            known = not kept.is_claimed and (kept.said is not None or not move.makes_another)
            about = Takes(NAME, other.line, "compensable") if known else None
            self._turned(move, move.step.way)
            exchange = await self._line.ask(sent, about=about)
        except Unanswered:
            if move.makes_another or move.wrong(await self._look(kept)):
                raise
            self._done.append(move)  # it shows that it was carried out
            return
        except AgentrtError:
            self._turned(move, kept.turned)  # nothing of it was sent
            raise
        status = exchange.answer.status
        gone = call.method == "DELETE" and status in (404, 410) and not move.wanted.there
        if not went_well(call, exchange.answer) and not gone:
            exchange.kept(Takes("", "", "unknown"))
            self._turned(move, kept.turned)
            raise ResourceError(f"{call.method} {call.url} was answered with {status}: {_text(exchange.answer.body)}")
        if kept.is_claimed:
            exchange.kept(Takes(NAME, other.line, "unknown"))
        self._done.append(move)
        if move.makes_another:
            await self._rebind(move, exchange)
            return
        now = await self._look(kept)
        if wrong := move.wrong(now):
            shown = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
            raise ResourceError(f"after {call.method} {call.url} it is not as it was: {kept.look} differs in {shown}")
        if not differing(now, move.was, kept.by_server):
            self._equals.add(now, move.was)

    def _turned(self, move: Move, way: Turned | None) -> None:
        """On disk: where agentrt is killed it is known that it had sent this, or was about to."""
        calls = list(on_disk.load(self._aside, move.step.mark))
        calls[move.number] = calls[move.number].model_copy(update={"turned": way})
        on_disk.save(self._aside, move.step.mark, calls)

    async def _rebind(self, move: Move, exchange: Exchange) -> None:
        """What was made anew is what is deleted next time."""
        again = bound_again(move.kept, exchange.answer)
        if again is None:
            raise ResourceError(f"{move.call.method} {move.call.url} did not say what it made: it cannot be taken back")
        after = await look(self._line, again.looking)
        calls = list(on_disk.load(self._aside, move.step.mark))
        calls[move.number] = again.model_copy(update={"after": after or move.kept.after, "turned": "made"})
        on_disk.save(self._aside, move.step.mark, calls)
        assert again.inverse is not None
        exchange.kept(Takes(NAME, again.inverse.line, "compensable"))

    async def _back(self, error: AgentrtError) -> None:
        """Raises ``Unanswered`` where something stays done."""
        stays: list[str] = []
        while self._done:
            move = self._done.pop()
            if not await self._undone(move):
                stays.append(f"{move.call.method} {move.call.url}")
        if stays:
            raise Unanswered(f"{error}; and this stays done: {', '.join(stays)}") from error

    async def _undone(self, move: Move) -> bool:
        kept = on_disk.load(self._aside, move.step.mark)[move.number]
        if kept.is_created and move.step.way == "back":
            return False  # what it made is gone; another would be another
        opposite = kept.call if move.step.way == "back" else kept.inverse
        if opposite is None:
            return False
        try:
            about = None if kept.is_claimed else Takes(NAME, f"{move.call.method} {move.call.url}", "compensable")
            exchange = await self._line.ask(opposite.call, about=about)
            now = await self._look(kept)
        except AgentrtError:
            return False
        was = kept.after if move.step.way == "back" else kept.before
        if not went_well(opposite.call, exchange.answer) or was is None or differing(now, was, kept.by_server):
            return False
        self._equals.add(now, was)
        self._turned(move, move.kept.turned)
        return True


def _calls(calls: Sequence[Kept], step: Step) -> Iterator[tuple[int, Kept]]:
    """In the order in which they are taken."""
    numbered = [(number, kept) for number, kept in enumerate(calls) if kept.can_go_back]
    yield from reversed(numbered) if step.way == "back" else numbered


def _same_member(name: str, one: Image, other: Image) -> bool:
    ours, theirs = one.members or {}, other.members or {}
    return (name in ours) == (name in theirs) and ours.get(name) == theirs.get(name)


def _conflict(step: Step, url: str, now: Image, wanted: Image, changed: Sequence[str]) -> PathConflict:
    return PathConflict(
        path=url.partition("?")[0],
        ours=wanted.text,
        theirs=f"{now.text} (changed: {', '.join(changed[:5])})",
        operations=(int(step.mark.rpartition(".")[2]),),
    )


def _text(body: bytes) -> str:
    return body[:200].decode(errors="replace").strip()
