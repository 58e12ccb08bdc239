"""What clients asked for and wait for: it is done between two actions, and can be called off until then."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from .wire import Channel

_MAY_BE = frozenset({"accept", "reject", "revert", "apply", "preview"})
"""The methods that wait for their turn, and leave nothing behind when they are cancelled before it is done."""


class Late:
    """The requests of all clients that can be called off."""

    def __init__(self) -> None:
        self._tasks: dict[Channel, set[asyncio.Task[None]]] = {}

    @contextmanager
    def asked(self, client: Channel, method: object) -> Iterator[None]:
        """By the current task, in the block."""
        task = asyncio.current_task()
        if task is None or not isinstance(method, str) or method not in _MAY_BE:
            yield
            return
        mine = self._tasks.setdefault(client, set())
        mine.add(task)
        try:
            yield
        finally:
            mine.discard(task)
            if not mine:
                self._tasks.pop(client, None)

    def call_off(self, client: Channel) -> int:
        """What this client asked for; how much that is. Each is answered: it may have been done all the same."""
        tasks = self._tasks.get(client, set())
        for task in tasks:
            task.cancel()
        return len(tasks)
