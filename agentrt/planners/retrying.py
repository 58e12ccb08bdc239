"""What a vendor's trouble means, and how it is waited out.

A turn is taken whole or not at all: of an answer that was cut off nothing is carried out, so asking again can run no
action a second time.
"""

from __future__ import annotations

import asyncio
import email.utils
import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from agentrt.contracts.planner import Delayed, OnProgress
from agentrt.errors import PlannerError

T = TypeVar("T")
_FIRST, _LONGEST = 0.5, 60.0
"""Seconds: of the first wait, doubled each time, and of the longest of our own choice."""
_PATIENCE = 600.0
"""Seconds: a server that wants more than this is not waited for."""
_SAID = 400
"""Characters of what a server says that are shown."""
PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
"""HTTP statuses that may be otherwise in a while."""


class Passing(Exception):
    """A trouble that may be over in a while. ``after``: the seconds the server asks for, if it does."""

    def __init__(self, because: str, after: float | None = None) -> None:
        super().__init__(because)
        self.because, self.after = because, after


async def with_retries(attempt: Callable[[], Awaitable[T]], *, retries: int, on_progress: OnProgress) -> T:
    """What ``attempt`` gives, tried again after each ``Passing``. Raises ``PlannerError`` when that does not help."""
    for tried in range(retries + 1):
        try:
            return await attempt()
        except Passing as trouble:
            wait = _FIRST * 2**tried * (0.75 + random.random() / 2) if trouble.after is None else trouble.after
            if trouble.after is None:
                wait = min(wait, _LONGEST)
            if tried == retries or wait > _PATIENCE:
                raise _given_up(trouble, tried + 1) from trouble
            on_progress(Delayed(wait, trouble.because))
            await asyncio.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, of ``retry-after-ms`` (a number) or ``retry-after`` (RFC 9110, 10.2.3: a number or a date)."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) / unit
        except (KeyError, ValueError):
            continue
        if math.isfinite(seconds):
            return max(seconds, 0.0)
    try:
        then = email.utils.parsedate_to_datetime(headers.get("retry-after", "")).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(then - time.time(), 0.0)


def one_line(text: str) -> str:
    """What a server said, on one line that can be shown."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _SAID else line[: _SAID - 1] + "…"


def _given_up(trouble: Passing, times: int) -> PlannerError:
    tries = f", {times} times in a row" if times > 1 else ""
    wait = f"; the server asks for {trouble.after:,.0f} seconds" if trouble.after and trouble.after > _LONGEST else ""
    return PlannerError(
        f"{trouble.because}{tries}{wait}",
        hint="go on when it answers again: nothing that was done is lost, and nothing is done twice",
    )
