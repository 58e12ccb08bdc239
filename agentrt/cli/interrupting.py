"""Ctrl-C and its like. The first one ends what is under way cleanly; a second one does not wait for that.

``asyncio.run`` alone does not see to it: of SIGTERM and SIGHUP it knows nothing, and a SIGINT that comes just before
the loop begins to wait, or to another thread (one at a prompt), does not wake it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """By a signal, whatever came of what it interrupted. ``hint`` is how to go on."""

    def __init__(self, number: int, hint: str = "") -> None:
        super().__init__(number)
        self.number, self.hint = number, hint


def run(work: Coroutine[Any, Any, T]) -> T:
    """``asyncio.run`` for the command line. Raises ``Interrupted`` once a signal came, however ``work`` ended then."""
    stop = _Stop()
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
    def __init__(self) -> None:
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
            raise KeyboardInterrupt
        self.by = number
        assert self._task is not None
        self._task.cancel()


def _wake() -> None:
    """That there is a handler is what wakes the loop."""
