"""The terminal a person sits at, lent to a program at the other end of a pty of ours, and put right afterwards.

The program never has the person's own terminal: it cannot type into it, nor keep it in a mode. But what it writes does
reach it, escape sequences among it, as an interactive program needs them.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import signal
import sys
import termios
import tty
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from agentrt.shell import into

T = TypeVar("T")
_CHUNK = 1 << 16
_BEFORE = b"\x1b[22;0t"
"""Put the title on its stack."""
AFTER = b"".join(
    (
        b"\x1b\\",  # ends a string that was never ended
        b"\x1b[?2026l\x1b7\x1b[?1049l",  # the main screen, its cursor where it was, or is
        b"\x1b[!p\x1b[?7h\x1b[?25h\x1b[?5l\x1b[m\x1b(B\x0f",  # margins, insertion, wrapping, cursor, colours, letters
        b"\x1b[?1l\x1b>\x1b[<u\x1b[>4m\x1b[?2004l\x1b[?1004l",  # keys, paste, focus
        b"\x1b[?9l\x1b[?1000l\x1b[?1001l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l",  # mouse
        b"\x1b]8;;\x1b\\\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\\x1b[0 q",  # links, palette, cursor
        b"\x1b[23;0t\r",  # the title
    )
)
"""Whatever a program made of the terminal, this makes an ordinary one of it."""


async def lend(work: Callable[[int], Awaitable[T]]) -> T:
    """Await ``work`` on the descriptor of a terminal, which is joined to this process's standard input and output
    until then. On the main thread, with standard input at a terminal.

    Cancelled, ``work`` is cancelled and waited for. However it ends, the person's terminal is as it was. Raises what
    ``work`` raises, and ``OSError`` where the person's terminal is gone.
    """
    ours, theirs = os.openpty()
    try:
        termios.tcsetattr(theirs, termios.TCSANOW, termios.tcgetattr(0))
        os.set_blocking(ours, False)
        sys.stdout.flush()
        with _put_right(), _Joined(ours) as joined:
            task = asyncio.ensure_future(work(theirs))
            joined.on_gone = task.cancel
            try:
                return await task
            except asyncio.CancelledError:
                if joined.gone and not _cancelled():
                    raise OSError(errno.EIO, "the terminal is gone") from None
                raise
            finally:
                os.close(theirs)
                theirs = -1
                joined.drain()
    finally:
        os.close(ours)
        if theirs >= 0:
            os.close(theirs)


def _cancelled() -> bool:
    """Whether it was us that somebody cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@contextmanager
def _put_right() -> Iterator[None]:
    before = termios.tcgetattr(0)
    speaks = os.isatty(1) and os.environ.get("TERM", "dumb") not in ("", "dumb")
    try:
        tty.setraw(0, termios.TCSADRAIN)
        if speaks:
            _write(_BEFORE)
        yield
    finally:
        with suppress(OSError, termios.error):  # there may be no terminal any more
            if speaks:
                _write(AFTER)
        with suppress(OSError, termios.error):
            # What comes yet is an answer to what the program asked the terminal, and nothing for a shell outside.
            termios.tcsetattr(0, termios.TCSAFLUSH, before)


class _Joined:
    """What is typed goes to the pty, what is printed comes from there, and its size follows."""

    def __init__(self, pty: int) -> None:
        self._pty = pty
        self._typed = b""
        self._loop = asyncio.get_running_loop()
        self._handlers = {number: signal.getsignal(number) for number in (signal.SIGWINCH, signal.SIGCONT)}
        self.gone = False
        self.on_gone: Callable[[], object] = lambda: None

    def __enter__(self) -> _Joined:
        self._resize()
        self._loop.add_signal_handler(signal.SIGWINCH, self._resize)
        self._loop.add_signal_handler(signal.SIGCONT, self._go_on)
        self._loop.add_reader(0, self._type)
        self._loop.add_reader(self._pty, self._print)
        return self

    def __exit__(self, *about: object) -> None:
        self._loop.remove_reader(0)
        self._loop.remove_reader(self._pty)
        self._loop.remove_writer(self._pty)
        for number, handler in self._handlers.items():
            self._loop.remove_signal_handler(number)
            signal.signal(number, handler)

    def drain(self) -> None:
        """All there is left to print, once nobody has the other end any more."""
        while self._print():
            pass

    def _print(self) -> bool:
        """A piece at a time: keys must be heard however much is printed. Whether there was one."""
        try:
            data = os.read(self._pty, _CHUNK)
        except OSError:
            return False
        try:
            _write(data)
        except OSError:
            self._lose()
            return False
        return True

    def _type(self) -> None:
        try:
            data = os.read(0, _CHUNK)
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        self._typed += data
        self._pass_on()

    def _lose(self) -> None:
        self._loop.remove_reader(0)
        self._loop.remove_reader(self._pty)
        self.gone = True
        self.on_gone()

    def _pass_on(self) -> None:
        """As much as there is room for; until all is, nothing more is read."""
        try:
            self._typed = self._typed[os.write(self._pty, self._typed) :]
        except BlockingIOError:
            pass  # there is no room now
        except OSError:
            self._typed = b""
        if self._typed:
            self._loop.remove_reader(0)
            self._loop.add_writer(self._pty, self._pass_on)
        else:
            self._loop.remove_writer(self._pty)
            self._loop.add_reader(0, self._type)

    def _resize(self) -> None:
        with suppress(OSError):
            size = fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8))
            fcntl.ioctl(self._pty, termios.TIOCSWINSZ, size)

    def _go_on(self) -> None:
        """After a stop from outside, when a shell had its terminal back meanwhile."""
        with suppress(OSError, termios.error):
            tty.setraw(0, termios.TCSADRAIN)
        self._resize()


_write = into(1)
