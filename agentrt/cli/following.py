"""``log --follow``: what happens in a session, as it happens, from the journal alone.

One line a thing, in words, and nothing is drawn over: for screen readers, pipes and a second window.
"""

from __future__ import annotations

import asyncio
import select
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress

from agentrt.agent.conversation import ENDED
from agentrt.errors import UnknownOperation, UsageError
from agentrt.reader import Reader, open_reader
from agentrt.showing.entries import Entry, Feed
from agentrt.showing.words import state_of

from .interrupting import run
from .looking import states_of
from .options import Where
from .telling import JsonTeller, Teller, WordTeller
from .waiting import Waiting

_SECONDS = 0.2
"""Between two looks."""


def log_on(where: Where, *, at: int | None, actor: str | None) -> int:
    """Goes on until it is interrupted (``Interrupted``) or nobody reads on (``BrokenPipeError``).

    Raises what ``open_reader`` does, and ``UsageError``.
    """
    if at is not None:
        raise UsageError("--at and --follow do not go together", hint="--follow is about what comes")
    return run(_Following(where, actor).follow())


class _Following:
    def __init__(self, where: Where, actor: str | None) -> None:
        self._where, self._actor = where, actor
        self._teller: Teller = JsonTeller() if where.json else WordTeller()
        self._waiting = Waiting(where.workspace)
        self._asked: dict[str, dict[str, object]] = {}
        self._reads = select.poll()
        self._reads.register(sys.stdout.fileno(), 0)

    async def follow(self) -> int:
        watching = asyncio.create_task(self._waiting.watch())
        try:
            while True:
                with await self._opened() as reader:
                    await self._one(reader)
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def _opened(self) -> Reader:
        """The session, as soon as there is one."""
        told = False
        while True:
            try:
                return open_reader(self._where.workspace, session=self._where.session)
            except UnknownOperation:
                if self._where.session is not None:
                    raise
            if not told:
                self._teller.nothing_yet()
                told = True
            await self._tick()

    async def _one(self, reader: Reader) -> None:
        """One session, until another one is the current one and none was named."""
        self._waiting.session = reader.session
        states = self._log(reader.session)
        feed = Feed(reader)
        self._teller.following(reader, feed)
        before: Sequence[Entry] = ()
        kept, forks = feed.kept, len(feed.forks)
        said = reader.journal.message_head(reader.session)
        while True:
            for entry in _changed(before, kept, feed):
                state = state_of(entry, stands=entry.id in feed.kept)
                if states.get(entry.id) != state:
                    states[entry.id] = state
                    if self._of(entry.actor):
                        self._teller.operation(reader, entry, state)
            for fork in feed.forks[forks:]:
                self._teller.forked(reader, fork)
            before, kept, forks = feed.entries, feed.kept, len(feed.forks)
            while True:
                self._tell_questions()
                said = self._tell_endings(reader, said)
                await self._tick()
                if feed.poll():
                    break
                if self._where.session is None and reader.journal.current() != reader.session:
                    return

    def _log(self, session: str) -> dict[int, str]:
        """By a reader of its own: one that has read whole operations keeps their views."""
        with open_reader(self._where.workspace, session=session) as reader:
            whole = reader.log()
            states = states_of(reader, whole)
            self._teller.log(reader, [operation for operation in whole if self._of(operation.actor)], states)
        return states

    def _tell_endings(self, reader: Reader, said: int) -> int:
        """Of runs, as far as they came after message ``said``. The number of the last message now."""
        last = reader.journal.message_head(reader.session)
        if last > said:
            for message in reader.part(after=said, roles=(ENDED,)):
                self._teller.ended(message.body)
        return last

    def _tell_questions(self) -> None:
        now = {str(question["id"]): question for question in self._waiting.questions if self._of(question.get("actor"))}
        for id, question in now.items():
            if id not in self._asked:
                self._teller.asks(question)
        for id, question in self._asked.items():
            if id not in now:
                self._teller.answered(question)
        self._asked = now

    def _of(self, actor: object) -> bool:
        return self._actor in (None, actor)

    async def _tick(self) -> None:
        sys.stdout.flush()
        await asyncio.sleep(_SECONDS)
        if self._reads.poll(0):
            raise BrokenPipeError


def _changed(before: Sequence[Entry], kept: frozenset[int], feed: Feed) -> Iterator[Entry]:
    """The entries that are others now, or stand now and did not, or the other way round."""
    for at, entry in enumerate(feed.entries):
        if at >= len(before) or entry is not before[at] or (entry.id in kept) != (entry.id in feed.kept):
            yield entry
