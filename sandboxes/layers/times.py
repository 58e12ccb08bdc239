"""When something changed, as the kernel's clock has it, which ticks some hundred times a second."""

from __future__ import annotations

import time

_CLOCK_REALTIME_COARSE = 5
"""What change times are taken from (clock_gettime(2))."""


def ticked() -> int:
    """The time that something changed now would have, in nanoseconds."""
    return time.clock_gettime_ns(_CLOCK_REALTIME_COARSE)


def tick() -> None:
    """Until what changes from here on has a later time than all that changed before."""
    now = time.time_ns()
    while ticked() <= now:
        time.sleep(0.0005)
