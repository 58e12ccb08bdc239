"""What the lists of the app cost with 10,000 operations: showing them, moving the cursor, filtering at each keystroke."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from textual.app import App, ComposeResult

from agentrt.showing.entries import Entry, Fork
from agentrt.tui.lists import search, timeline
from agentrt.tui.lists.panes import Timeline

Rows = list[tuple[str, float, str, float]]

OPERATIONS = 10_000
_TYPED = "pytest is:pending -docs"
_KEYS = 50


@dataclass
class History:
    """One session, as a feed has it."""

    entries: list[Entry]
    stands: frozenset[int]
    to_review: tuple[int, ...] = ()
    forks: tuple[Fork, ...] = ()
    head: int = 0


def measure() -> Rows:
    """Prints what was found, and gives what is to be reached; milliseconds of CPU."""
    history = History([_entry(number) for number in range(1, OPERATIONS + 1)], frozenset(range(1, OPERATIONS)))
    made = _median(lambda: timeline.timeline(history))
    rows = timeline.timeline(history)
    again = _median(lambda: timeline.timeline(history, rows))
    first, *others = [_took(lambda at=at: _filter(_TYPED[:at], rows)) for at in range(1, len(_TYPED) + 1)]
    shown, moved, paged = asyncio.run(_widget(history, rows))
    print(f"the lists of the app, {OPERATIONS:,} operations (ms of CPU)")
    print(f"  rows made: {made:.1f}, made again: {again:.1f}; shown: {shown:.1f}")
    print(f"  a filter's first keystroke: {first:.1f}, the slowest other one: {max(others):.1f}")
    print(f"  the cursor moved by a row: {moved:.1f}, by a page: {paged:.1f}")
    return [
        (f"{OPERATIONS:,} rows shown, beyond making them: ms", shown, "<=", 50),
        (f"a keystroke in the filter of {OPERATIONS:,} rows: ms", max(first, *others), "<=", 50),
        (f"the cursor moved in {OPERATIONS:,} rows: ms", max(moved, paged), "<=", 50),
    ]


async def _widget(history: History, rows: list[timeline.Row]) -> tuple[float, float, float]:
    app = _Alone()
    async with app.run_test(size=(140, 45)) as pilot:
        view = app.query_one(Timeline)
        view.focus()
        view.update(history)
        await pilot.pause()
        shown = _median(lambda: view.show(rows))

        async def pressed(key: str) -> float:
            start = time.process_time()
            for _ in range(_KEYS):
                await pilot.press(key)
            return (time.process_time() - start) * 1000 / _KEYS

        return shown, await pressed("up"), await pressed("pageup")


class _Alone(App[None]):
    def compose(self) -> ComposeResult:
        yield Timeline(lambda op: ())


def _filter(text: str, rows: list[timeline.Row]) -> None:
    search.read(text).pick(rows, lambda op: ())


def _entry(number: int) -> Entry:
    return Entry(
        id=number,
        kind="act",
        actor=("main", "tester")[number % 2],
        status="settled",
        review=("pending", "accepted", None)[number % 3],
        started=float(number),
        about=("$ pytest -q tests/area", "edit src/app.py", "write docs/日本.md")[number % 3] + f" {number}",
        effects="1 file changed",
        files=1,
        outside=0,
        deleted=0,
        requests=0,
        worst="reversible",
        verdict="allow",
        target=(),
        verification=False,
        gone=False,
    )


def _median(work: Callable[[], Any]) -> float:
    return statistics.median(_took(work) for _ in range(21))


def _took(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


if __name__ == "__main__":
    measure()
