"""Checks of ``exec`` at a terminal. A sandbox without terminals keeps to them by saying that it has none."""

from __future__ import annotations

import asyncio
import fcntl
import os
import select
import struct
import termios
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from agentrt.contracts import ExecResult, Sandbox
from agentrt.errors import SandboxError

from .sandbox_ground import Ground, check

_WHOSE = """
import os, sys
assert os.isatty(0) and os.isatty(1) and os.isatty(2)
assert os.getsid(0) == os.getpid() == os.tcgetpgrp(0), "it does not lead a session of its own"
tty = os.open("/dev/tty", os.O_RDWR)
os.write(tty, b"by its name\\n")
for name in ("out", "err"):
    with open(f"/dev/std{name}", "w") as again: print("std" + name, file=again)
print(*os.get_terminal_size(tty), os.environ["TERM"])
print(sorted(map(int, os.listdir("/proc/self/fd")))[:-1] == [0, 1, 2, tty])
"""

_LISTENS = """
import os, signal
signal.signal(signal.SIGWINCH, lambda *_: print(*os.get_terminal_size(0), flush=True))
signal.signal(signal.SIGINT, lambda *_: print("caught", flush=True))
print("got", input(), flush=True)
input()
"""


class _Seat:
    """Ours of a pty, and what is shown on it."""

    def __init__(self) -> None:
        self._ours, self.theirs = os.openpty()
        self.shown = b""
        self._seen = 0

    def type(self, text: bytes) -> None:
        os.write(self._ours, text)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    async def until(self, *texts: bytes) -> None:
        """Read on until they are shown, one after the other, after what earlier calls waited for."""
        deadline = time.monotonic() + 30
        for text in texts:
            while (found := self.shown.find(text, self._seen)) < 0:
                assert time.monotonic() < deadline, f"{text!r} is not shown: {self.shown!r}"
                self.read()
                await asyncio.sleep(0.01)
            self._seen = found + len(text)

    async def insist(self, key: bytes, text: bytes) -> None:
        """Type it until that is shown: the program it is for may not be in front yet."""
        deadline = time.monotonic() + 30
        while self.shown.find(text, self._seen) < 0:
            assert time.monotonic() < deadline, f"{text!r} is not shown: {self.shown!r}"
            self.type(key)
            await asyncio.sleep(0.2)
            self.read()

    def read(self) -> bytes:
        while select.select([self._ours], [], [], 0)[0]:
            self.shown += os.read(self._ours, 65536)
        return self.shown

    def close(self) -> None:
        os.close(self._ours)
        os.close(self.theirs)


@asynccontextmanager
async def _seat() -> AsyncIterator[_Seat]:
    seat = _Seat()
    try:
        yield seat
    finally:
        seat.close()


async def _exec(sandbox: Sandbox, argv: Sequence[str], seat: _Seat) -> ExecResult | None:
    """None where it said that it has no terminals."""
    try:
        return await sandbox.exec(argv, env={"TERM": "vt100"}, terminal=seat.theirs)
    except SandboxError as error:
        assert "terminal" in str(error), error
        return None


@asynccontextmanager
async def _running(
    ground: Ground, argv: Sequence[str], seat: _Seat
) -> AsyncIterator[asyncio.Future[ExecResult | None] | None]:
    """The call that runs it; None where there are no terminals."""
    await ground.sandbox.begin("s1.1")
    call = asyncio.ensure_future(_exec(ground.sandbox, argv, seat))
    try:
        await asyncio.sleep(0)
        yield None if call.done() and call.result() is None else call
    finally:
        call.cancel()
        await asyncio.wait([call])


@check("terminal: it is the command's, with its size, and nothing else is")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    async with _seat() as seat:
        seat.resize(33, 77)
        result = await _exec(ground.sandbox, ["python3", "-c", _WHOSE], seat)
        if result is not None:
            assert (result.exit_code, seat.read()) == (
                0,
                b"by its name\r\nstdout\r\nstderr\r\n77 33 vt100\r\nTrue\r\n",
            ), seat.shown
    assert (await ground.run("bash", "-c", "true 2>&- < /dev/tty || echo none"))[1] == b"none\n"


@check("terminal: keys reach what runs in front, a new size as well")
async def _(ground: Ground) -> None:
    async with _seat() as seat, _running(ground, ["python3", "-c", _LISTENS], seat) as call:
        seat.type(b"hello\n")
        if call is None:
            return
        await seat.until(b"got hello\r\n")
        seat.resize(11, 22)
        await seat.until(b"22 11\r\n")
        seat.type(b"\x03")
        await seat.until(b"caught\r\n")
        seat.type(b"more\n")
        result = await asyncio.wait_for(call, 30)
        assert result is not None and result.exit_code == 0


@check("terminal: job control")
async def _(ground: Ground) -> None:
    async with _seat() as seat, _running(ground, ["bash", "--norc", "-i"], seat) as call:
        if call is None:
            return
        seat.type(b"PS1='> '; sleep 100 &\njobs; fg\n")
        await seat.until(b"Running", b"sleep 100", b"sleep 100\r\n")
        await seat.insist(b"\x1a", b"Stopped")
        seat.type(b"fg\n")
        await seat.until(b"\rsleep 100\r\n")
        await seat.insist(b"\x03", b"> ")
        seat.type(b"echo co''de $?\n")
        await seat.until(b"code 130")
        seat.type(b"python3 -c 'import time; time.sleep(100)' & exit 7\n")
        result = await asyncio.wait_for(call, 30)
        assert result is not None and result.exit_code == 7 and result.killed == 1, (result, seat.shown)


@check("terminal: what runs at it is dead when the call ends, and the pty is still the caller's")
async def _(ground: Ground) -> None:
    script = "trap '' HUP INT TERM TTOU; stty raw -echo; echo begun; sleep 60"
    async with _seat() as seat:
        async with _running(ground, ["bash", "-c", script], seat) as call:
            if call is None:
                return
            await seat.until(b"begun")
            call.cancel()
            done, _ = await asyncio.wait([call], timeout=10)
            assert done and call.cancelled(), "a cancelled command went on"
        os.write(seat.theirs, b"after")
        await seat.until(b"after")
    assert (await ground.run("echo", "well"))[1] == b"well\n"
