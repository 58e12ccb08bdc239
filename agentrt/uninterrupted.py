"""What was begun and must not stop half-way."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Do ``work`` to its end even when the caller is cancelled; the cancellation is raised afterwards."""
    from anyio import CancelScope

    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    # asyncio cancels once, anyio again at every await until its scope is left: the shield is against the latter.
    with CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # seen; that it was cancelled is what the caller is told
        raise cancelled
    return task.result()
