"""Questions to the person at the terminal."""

from __future__ import annotations

import asyncio
import os
import select
import sys
import termios
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TypeVar

from agentrt.contracts import Approval, Question
from agentrt.errors import UsageError
from agentrt.records import Answer
from agentrt.showing.plain import plain, plain_lines

T = TypeVar("T")
Read = Callable[[str], str | None]
_LOOK = 0.1
_CHOICES = "[y]es, [n]o, [a]lways (makes a rule of it), or a reason why not: "


def person(aside: Callable[[], AbstractContextManager[None]] = nullcontext) -> Person | None:
    """Whoever sits at the terminal; None where nobody does. ``aside``: nothing else is shown within it."""
    # Closed by whoever started us, they are None.
    at_terminal = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
    return Person(aside) if at_terminal else None


class Person:
    """Is asked one thing at a time."""

    def __init__(self, aside: Callable[[], AbstractContextManager[None]]) -> None:
        self._aside, self._one = aside, asyncio.Lock()

    async def ask(self, question: Question) -> Answer:
        """``contracts.Ask``"""
        return await self._put(lambda read: answer(question, _say, read))

    async def inquire(self, question: str) -> str | None:
        """``contracts.Inquire``"""
        return await self._put(lambda read: reply(question, _say, read))

    async def agrees(self, approval: Approval) -> bool:
        """Whether it is to be written."""
        return await self._put(lambda read: agreed(approval, _say, read))

    async def _put(self, prompt: Callable[[Read], T]) -> T:
        async with self._one:
            with self._aside():
                over = threading.Event()
                try:
                    return await _on_a_thread(lambda: prompt(lambda words: _read(words, over)))
                except asyncio.CancelledError:
                    with suppress(OSError):
                        _say("")  # what comes next is no part of the prompt
                    raise
                finally:
                    over.set()


async def _on_a_thread(prompt: Callable[[], T]) -> T:
    # What else goes on need not wait for people. Nor does anybody wait for the thread: after Ctrl-C it may still be at
    # its prompt, which only a person can end.
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[T] = loop.create_future()

    def tell(said: T | Exception) -> None:
        if answered.done():
            return
        if isinstance(said, Exception):
            answered.set_exception(said)
        else:
            answered.set_result(said)

    def work() -> None:
        said: T | Exception
        try:
            said = prompt()
        except Exception as error:
            said = error
        with suppress(RuntimeError):  # the loop is closed: it was interrupted
            loop.call_soon_threadsafe(tell, said)

    threading.Thread(target=work, daemon=True).start()
    return await answered


def answer(question: Question, say: Callable[[str], None], read: Callable[[str], str | None]) -> Answer:
    """What a person makes of a question. ``read`` prompts for a line; None: there is nobody any more."""
    decision = question.decision
    because = f": {plain(decision.because)}" if decision.because else ""
    verb = "asks" if decision.verdict == "ask" else "holds this back until you release it"
    say(f"{plain(decision.rule)} {verb}{because}")
    say(f"  {plain(question.shown)}")
    said = read(_CHOICES)
    if said is None:
        return Answer(allow=False, because="nobody answered")
    word = said.strip()
    if word.lower() in ("y", "yes"):
        return Answer(allow=True)
    if word.lower() in ("a", "always"):
        return Answer(allow=True, remembered=_remember(question, say, read))
    return Answer(allow=False, because="" if word.lower() in ("", "n", "no") else word)


def _remember(question: Question, say: Callable[[str], None], read: Callable[[str], str | None]) -> bool:
    """Show what would be written, and write it if that is meant."""
    try:
        approval = question.approval()
        if not agreed(approval, say, read):
            say("nothing is written; allowed this once")
            return False
        approval.write()
    except UsageError as error:
        say(f"allowed this once: {plain(str(error))}")
        return False
    return True


def agreed(approval: Approval, say: Callable[[str], None], read: Callable[[str], str | None]) -> bool:
    """Show what would be written, and whether that is meant."""
    say(plain_lines(approval.diff))
    return (read("write this to your policy? [y/N] ") or "").strip().lower() in ("y", "yes")


def reply(question: str, say: Callable[[str], None], read: Callable[[str], str | None]) -> str | None:
    """What a person says to an agent's own question; None: nothing."""
    say("the agent asks:")
    for line in plain_lines(question.strip()).splitlines():
        say(f"  {line}")
    return (read("your answer, or an empty line: ") or "").strip() or None


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class _Over(Exception):
    """Somebody else answered, or all of it was interrupted."""


def _read(prompt: str, over: threading.Event) -> str | None:
    """Raises ``_Over``."""
    with suppress(termios.error):
        termios.tcflush(0, termios.TCIFLUSH)  # what was typed before the question is no answer to it
    print(prompt, end="", file=sys.stderr, flush=True)
    typed = False
    while not typed:
        typed = bool(select.select([0], [], [], _LOOK)[0])
        if over.is_set():  # the line is for whoever asks next
            raise _Over
    # No lock of Python's is held meanwhile, which its end would wait for; a terminal gives a line at a time.
    line = os.read(0, 4096)
    return line.decode(errors="replace") or None
