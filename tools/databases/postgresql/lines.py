"""Connections to one server that stay open from one action to the next.

One is kept only where all that was done on it ended well; it is asked something before it is used again, and a new one
takes its place where it does not answer. Whatever an agent's statements left in its session is gone by then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from agentrt.errors import AgentrtError

from .line import EXACT, Line


class Lines:
    """``open`` and ``close`` of what nobody else uses meanwhile."""

    def __init__(self, url: str, name: str) -> None:
        self.url, self.name = url, name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writing: list[Line] = []
        """Reset, as a new one is."""
        self._reading: list[Line] = []
        """Under ``EXACT``; no statement of an agent's ever ran there."""

    async def writing(self) -> Line:
        """One for an agent's statements. Raises ``ResourceError``."""
        return await self._kept(self._writing) or await Line.open(self.url, self.name)

    async def reading(self) -> Line:
        """One that reads under ``EXACT``. Raises ``ResourceError``."""
        if (kept := await self._kept(self._reading)) is not None:
            return kept
        line = await Line.open(self.url, self.name)
        try:
            await line.set(EXACT)
        except BaseException:
            await line.close()
            raise
        return line

    @asynccontextmanager
    async def asked(self) -> AsyncIterator[Line]:
        """``reading``, for as long as this."""
        line, done = await self.reading(), False
        try:
            yield line
            done = True
        finally:
            await (self.read(line) if done else line.close())

    async def wrote(self, line: Line) -> None:
        """Take it back. Its transaction has ended."""
        await self._keep(line, self._writing, line.reset)

    async def read(self, line: Line) -> None:
        """Take it back."""
        await self._keep(line, self._reading, partial(line.run, "ROLLBACK"))

    async def close(self) -> None:
        """All that nobody uses."""
        for lines in (self._writing, self._reading):
            while lines:
                await lines.pop().close()

    def __del__(self) -> None:
        for line in (*self._writing, *self._reading):
            line.drop()

    async def _keep(self, line: Line, lines: list[Line], reset: Callable[[], Awaitable[object]]) -> None:
        kept = False
        try:
            # A second one would be used by nobody, most of the time.
            if not lines and self._loop in (None, asyncio.get_running_loop()):
                if lines is self._reading and line.idle:
                    kept = True
                else:
                    await reset()
                    kept = line.idle
        except (AgentrtError, OSError):
            kept = False  # it is gone, and what was done on it is over
        finally:
            if kept:
                self._loop = asyncio.get_running_loop()
                lines.append(line)
            else:
                await line.close()

    async def _kept(self, lines: list[Line]) -> Line | None:
        if self._loop is not asyncio.get_running_loop():
            await self.close()
            self._loop = None
        while lines:
            line, ready = lines.pop(), False
            try:
                await (line.prepare() if lines is self._writing else line.look())
                ready = True
            except AgentrtError:
                continue
            finally:
                if not ready:
                    await line.close()
            return line
        return None
