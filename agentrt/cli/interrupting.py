"""Ctrl-C and its like. The first one ends what is under way cleanly; at a second one the process is gone.

``asyncio.run`` alone does not see to it: of SIGTERM and SIGHUP it knows nothing, and a SIGINT that comes just before
the loop begins to wait, or to another thread (one at a prompt), does not wake it.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import termios
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """By a signal, whatever came of what it interrupted. ``hint`` is how to go on."""

    def __init__(self, number: int, hint: str = "") -> None:
        super().__init__(number)
        self.number, self.hint = number, hint


def run(work: Coroutine[Any, Any, T], last_words: Callable[[], str] = lambda: "") -> T:
    """``asyncio.run`` for the command line. Raises ``Interrupted`` once a signal came, however ``work`` ended then.

    A second signal ends the process on the spot, as SIGKILL would: what is kept is made for that, and an exception out
    of nowhere, in the middle of ending things, is not. ``last_words``, how to go on, are said then.
    """
    stop = _Stop(last_words)
    try:
        result = asyncio.run(stop.watch(work))
    except BaseException as error:
        if stop.by is None:
            raise
        raise Interrupted(stop.by) from error
    if stop.by is not None:
        raise Interrupted(stop.by)
    return result


def interrupt() -> None:
    """As if Ctrl-C came, on the thread of what ``run`` does; not a second time."""
    if _running is not None and _running.by is None:
        _running.came(signal.SIGINT)


_running: _Stop | None = None


class _Stop:
    def __init__(self, last_words: Callable[[], str]) -> None:
        self._last_words = last_words
        self._terminal = _terminal()
        self.by: int | None = None
        """The signal that came first."""
        self._task: asyncio.Task[Any] | None = None

    async def watch(self, work: Coroutine[Any, Any, T]) -> T:
        global _running
        _running = self
        loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        # One that is ignored is meant to be, as with nohup.
        caught = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]
        for number in caught:
            loop.add_signal_handler(number, _wake)
            signal.signal(number, self.came)  # at once, not when the loop gets to it
        try:
            return await work
        finally:
            _running = None
            for number in caught:
                loop.remove_signal_handler(number)
                signal.signal(number, before[number])

    def came(self, number: int, frame: FrameType | None = None) -> None:
        if self.by is not None:
            self._leave(128 + self.by)
        self.by = number
        assert self._task is not None
        self._task.cancel()

    def _leave(self, code: int) -> NoReturn:
        """Nothing here may wait: not for a lock, nor for who reads what is said."""
        with suppress(Exception):
            # In the background it is somebody else's, and who sets it from there is stopped.
            if self._terminal is not None and os.tcgetpgrp(0) == os.getpgrp():
                termios.tcsetattr(0, termios.TCSANOW, self._terminal)
        with suppress(Exception):
            said = "; ".join(filter(None, ("interrupted", self._last_words())))
            if select.select((), (2,), (), 0)[1]:
                line = "\n" if os.isatty(2) else ""  # a status line may stand there
                os.write(2, f"{line}agentrt: {said}\n".encode())
        os._exit(code)


def _terminal() -> list[Any] | None:
    """How the terminal is set, if there is one."""
    try:
        return termios.tcgetattr(0)
    except termios.error:
        return None


def _wake() -> None:
    """That there is a handler is what wakes the loop."""
