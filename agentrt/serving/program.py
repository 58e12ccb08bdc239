"""A Textual app as a process of its own that speaks Textual's web protocol: packets in and out instead of a terminal.

A packet is a letter (D: bytes of the terminal, M: JSON about it), its length in four bytes, and that many bytes.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from agentrt.showing.plain import plain_lines

_PR_SET_PDEATHSIG = 1
_BEGUN = b"__GANGLION__\n"
_PRELUDE = 20
"""Lines it may print before it speaks the protocol."""
_PATIENCE = 5.0
"""Seconds it has to end by itself, and then to end when it is told to."""
_TAIL = 16_384
"""Bytes kept of what it printed on standard error."""


class Program:
    """One of them, for one browser."""

    def __init__(self, argv: Sequence[str], send: Callable[[bytes], Awaitable[None]]) -> None:
        """``send`` takes bytes for the terminal."""
        self._argv, self._send = argv, send
        self._process: Process | None = None
        self._errors = b""

    async def start(self, width: int, height: int) -> None:
        """Raises ``OSError``."""
        environment = {
            **os.environ,
            "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver",
            "TEXTUAL_COLOR_SYSTEM": "truecolor",
            "COLUMNS": str(width),
            "ROWS": str(height),
        }
        # A session of its own: the ctrl-C that ends the server is not the app's.
        self._process = await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=environment,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )

    async def run(self) -> None:
        """Pass on what it shows, until it ends."""
        process = self._started
        assert process.stdout is not None
        errors = asyncio.create_task(self._read_errors())
        begun = False
        try:
            for _ in range(_PRELUDE):
                line = await process.stdout.readline()
                begun = line == _BEGUN
                if begun or not line:
                    break
            while begun:
                head = await process.stdout.readexactly(5)
                payload = await process.stdout.readexactly(int.from_bytes(head[1:], "big"))
                if head[:1] == b"D":
                    await self._send(payload)
                elif head[:1] == b"M" and json.loads(payload).get("type") == "exit":
                    break  # nothing else that it may ask of a browser is done
        except (asyncio.IncompleteReadError, ValueError, ConnectionError):
            pass  # the program ended, or is none that speaks so
        rest = asyncio.create_task(_drain(process.stdout))
        await self._ended()
        self._kill(signal.SIGKILL)  # what it leaves behind has its pipes
        await asyncio.wait([errors, rest], timeout=_PATIENCE)
        if self._errors:
            await self._tell_errors()

    async def type(self, data: bytes) -> None:
        await self._write(b"D", data)

    async def tell(self, about: str, **more: int) -> None:
        """``resize`` (with ``width`` and ``height``), ``focus``, ``blur``, ``quit``."""
        await self._write(b"M", json.dumps({"type": about, **more}).encode())

    async def stop(self) -> None:
        """End it and all it started in its session, if it does not end by itself."""
        if self._process is None:
            return
        await self.tell("quit")
        for number in (signal.SIGTERM, signal.SIGKILL):
            if await self._ended() is None:
                self._kill(number)
        self._kill(signal.SIGKILL)
        await self._process.wait()

    def _kill(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._started.pid, number)

    @property
    def _started(self) -> Process:
        assert self._process is not None
        return self._process

    async def _write(self, kind: bytes, payload: bytes) -> None:
        stdin = self._started.stdin
        assert stdin is not None
        with suppress(ConnectionError, RuntimeError):  # it has ended
            stdin.write(kind + len(payload).to_bytes(4, "big") + payload)
            await stdin.drain()

    async def _ended(self) -> int | None:
        """Its exit code, if it ends in time. ``wait`` would wait for all that have its pipes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while self._started.returncode is None:  # noqa: ASYNC110 (nobody tells)
                    await asyncio.sleep(0.02)
        return self._started.returncode

    async def _read_errors(self) -> None:
        stderr = self._started.stderr
        assert stderr is not None
        while data := await stderr.read(4096):
            self._errors = (self._errors + data)[-_TAIL:]

    async def _tell_errors(self) -> None:
        """In the browser, where one looks for it. Out of the alternate screen, which ended with the app."""
        text = plain_lines(self._errors.decode("utf-8", "surrogateescape")).replace("\n", "\r\n")
        with suppress(ConnectionError, RuntimeError):
            await self._send(b"\x1b[?1049l\x1b[?25h" + f"The app said, as it ended:\r\n\r\n{text}".encode())


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(65536):
        pass


_libc = ctypes.CDLL(None)


def _end_with_parent() -> None:
    """Also where that is killed and can end nobody: an app that has lost its input waits for ever."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
