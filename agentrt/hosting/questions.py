"""Questions of policies and agents: each waits until somebody answers, however late. The first answer counts."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal, TypeVar, cast

from agentrt.contracts import Ask, Inquire, Question
from agentrt.errors import UsageError
from agentrt.records import Answer

from .state import Pending, SessionState

T = TypeVar("T")
_LATE = "it was answered already, or what asked it is over"


class Questions:
    """Of all sessions."""

    def __init__(self, begun: Callable[[str, Pending], None], over: Callable[[str, str], None]) -> None:
        """Both are told of each question, by session: that it waits, and (its id) that it does not any more."""
        self._begun, self._over = begun, over
        self._waiting: dict[str, tuple[Pending, Question | None, asyncio.Future[Any]]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def ask(self, session: str, actor: Callable[[Question], str]) -> Ask:
        """``contracts.Ask``"""

        async def ask(question: Question) -> Answer:
            decision = question.decision
            kind = cast(Literal["ask", "hold"], decision.verdict)
            about = {"shown": question.shown, "rule": decision.rule, "because": decision.because}
            answer: Answer = await self._put(session, question, kind=kind, actor=actor(question), **about)
            return answer

        return ask

    def inquire(self, session: str, actor: Callable[[], str]) -> Inquire:
        """``contracts.Inquire``"""

        async def inquire(question: str) -> str | None:
            text: str | None = await self._put(session, None, kind="inquire", shown=question, actor=actor())
            return text

        return inquire

    async def _put(self, session: str, question: Question | None, **about: Any) -> Any:
        pending = Pending(id=secrets.token_hex(6), asked=time.time(), **about)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[pending.id] = pending, question, future
        self._begun(session, pending)
        try:
            return await future
        finally:
            self._waiting.pop(pending.id, None)
            self._over(session, pending.id)

    def answer(self, id: str, *, allow: bool, because: str = "", remember: bool = False) -> None:
        """Raises ``UsageError``: there is no such question any more, or no rule can be made of it; then it waits on."""
        _, question, future = self._open(id)
        if question is None:
            raise UsageError(f"question {id} is an agent's own", hint="`reply` says something to it")
        if remember and allow:
            question.approval().write()
        future.set_result(Answer(allow=allow, because=because, remembered=remember and allow))

    def reply(self, id: str, text: str | None) -> None:
        """``text`` None: nobody answers. Raises ``UsageError``."""
        _, question, future = self._open(id)
        if question is not None:
            raise UsageError(f"question {id} is whether an action may run", hint="`answer` says so")
        future.set_result(text)

    def approval(self, id: str) -> str:
        """What ``remember`` would change in the person's own policy. Raises ``UsageError``: nothing can."""
        _, question, _ = self._open(id)
        if question is None:
            raise UsageError(f"question {id} is an agent's own: no rule answers it")
        return question.approval().diff

    def nobody(self) -> None:
        """Whoever could have answered is gone, and nothing may wait for ever."""
        for _, question, future in list(self._waiting.values()):
            if not future.done():
                future.set_result(None if question is None else Answer(allow=False, because="nobody answered"))

    def _open(self, id: str) -> tuple[Pending, Question | None, asyncio.Future[Any]]:
        found = self._waiting.get(id)
        if found is None or found[2].done():
            raise UsageError(f"question {id} does not wait for an answer: {_LATE}")
        return found


def who_asks(state: Callable[[], SessionState]) -> Callable[[Question], str]:
    """Whose action a question is about: the one that is about to run, else one of a person's."""

    def actor(question: Question) -> str:
        running = state().running
        return running.actor if running is not None and running.shown == question.shown else "user"

    return actor


async def first(*ways: Awaitable[T]) -> T:
    """What whoever is the first to answer says; nobody else is asked any longer."""
    tasks = [asyncio.ensure_future(cast(Coroutine[Any, Any, T], way)) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.exception()  # it came second
