"""An app's screen as text, compared with one that a person has looked at.

``tests/tui/screens/NAME.txt`` holds what was approved. ``AGENTRT_APPROVE=1`` writes what is there now instead: look at
the difference before it is committed.
"""

from __future__ import annotations

import asyncio
import difflib
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot

APPROVED = Path(__file__).parent / "screens"
AT_LEAST = (80, 24)
"""What everything fits."""


def play(app: App[Any], work: Callable[[Pilot[Any]], Awaitable[None]], size: tuple[int, int] = AT_LEAST) -> None:
    """Runs the app without a terminal, in ``size`` columns and rows, and ``work`` on it; its errors are raised."""

    async def played() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await work(pilot)

    asyncio.run(played())


def screen_text(app: App[Any]) -> str:
    """The current screen, what shines through from below it included: its rows from top to bottom, each with a newline,
    without the blanks at its end. Wait for ``pilot.pause()`` first."""
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    rows = ("".join(strip.text for strip in line) for line in update.strips)
    return "".join(row.rstrip(" ") + "\n" for row in rows)


def assert_approved(app: App[Any], name: str, changing: Mapping[str, str] | None = None) -> None:
    """Raises ``AssertionError`` where the screen is not the one in ``screens/NAME.txt``, or where there is none.

    ``changing``: patterns of what is another thing each time, such as the time of day, and what stands for it.
    """
    seen, file = screen_text(app), APPROVED / f"{name}.txt"
    for pattern, instead in (changing or {}).items():
        seen = re.sub(pattern, instead, seen)
    if os.environ.get("AGENTRT_APPROVE") == "1":
        APPROVED.mkdir(exist_ok=True)
        file.write_bytes(seen.encode())
    assert file.exists(), f"no approved screen {name}; AGENTRT_APPROVE=1 writes it:\n{seen}"
    approved = file.read_bytes().decode()
    if seen != approved:
        changed = difflib.unified_diff(approved.splitlines(), seen.splitlines(), "approved", "seen", n=99, lineterm="")
        raise AssertionError(f"{file.name} is not what is seen; AGENTRT_APPROVE=1 takes it:\n" + "\n".join(changed))
