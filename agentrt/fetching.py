"""Files of a snapshot for a worker thread, which blocks, from a sandbox, which lives in the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import BinaryIO, Self

from agentrt.contracts import Sandbox
from agentrt.errors import SandboxError
from agentrt.records import Snapshot

_AT_ONCE = 128
"""Files of a batch: the way to the sandbox is nothing beside what is done with so many."""

_Files = dict[str, BinaryIO]


class Fetching:
    """Call it with a path: the file, open for reading; the caller closes it.

    Files that are asked for in the order of ``expected`` are fetched in batches, one ahead. Made where the event loop
    runs; what was fetched and not asked for is closed at the end of the context.
    """

    def __init__(self, sandbox: Sandbox, snapshot: Snapshot, expected: Sequence[str] = ()) -> None:
        self._loop = asyncio.get_running_loop()
        self._sandbox, self._snapshot = sandbox, snapshot
        self._batches = [expected[first : first + _AT_ONCE] for first in range(0, len(expected), _AT_ONCE)]
        self._batch_of = {path: number for number, batch in enumerate(self._batches) for path in batch}
        self._coming: dict[int, Future[_Files]] = {}
        self._here: _Files = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for coming in self._coming.values():
            with suppress(OSError, SandboxError):
                _close(await asyncio.wrap_future(coming))
        _close(self._here)

    def __call__(self, path: str) -> BinaryIO:
        """Raises ``OSError``, ``SandboxError``."""
        number = self._batch_of.get(path)
        if number is not None and path not in self._here:
            self._take(number)
        # Where one of a batch cannot be read none is there, and each is asked for.
        return self._here.pop(path, None) or self._ask([path]).result()[path]

    def _take(self, number: int) -> None:
        """Have this batch here, and the next one on its way."""
        _close(self._here)
        for wanted in (number, number + 1):
            if wanted < len(self._batches) and wanted not in self._coming:
                self._coming[wanted] = self._ask(self._batches[wanted])
        with suppress(OSError):
            self._here = self._coming.pop(number).result()

    def _ask(self, paths: Sequence[str]) -> Future[_Files]:
        return asyncio.run_coroutine_threadsafe(self._read(paths), self._loop)

    async def _read(self, paths: Sequence[str]) -> _Files:
        return dict(zip(paths, await self._sandbox.read_many(self._snapshot, paths), strict=True))


def _close(files: _Files) -> None:
    while files:
        files.popitem()[1].close()
