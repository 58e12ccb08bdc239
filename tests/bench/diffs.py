"""What a diff of 50,000 lines costs in the app: compared, opened folded, unfolded, paged through."""

from __future__ import annotations

import asyncio
import difflib
import statistics
import time
from collections.abc import Callable
from typing import Any

from textual.app import App, ComposeResult

from agentrt.history import hunks
from agentrt.records import FileEffect, FileState
from agentrt.tui.diffs.model import Body, DiffModel, compute
from agentrt.tui.diffs.view import DiffView

Rows = list[tuple[str, float, str, float]]

LINES = 50_000
_ALONE = 5_000
"""Lines of the same kind that difflib alone is given: with all of them it takes minutes."""
_PAGES = 8


def measure() -> Rows:
    """Prints what was found, and gives what is to be reached; milliseconds of CPU."""
    print(f"a diff of {LINES:,} lines in the app (ms of CPU)")
    goals: Rows = []
    for name, change, times in (("every tenth changed", _tenth, 0.1), ("all changed", _all, 2)):
        before, after = _text(LINES), change(_text(LINES))
        effect = FileEffect(path="long.py", change="modified", before=_state(before), after=_state(after))
        took = _median(lambda of=effect, a=before, b=after: compute(of, a, b), 5)
        less = _text(_ALONE), change(_text(_ALONE))
        ours, alone = _median(lambda of=less: hunks.count(*of), 5), _median(lambda of=less: _alone(*of), 5)
        opened, unfolded, paged, ended = asyncio.run(_widget(effect, compute(effect, before, after)))
        print(f"  {name}: compared {took:.0f}; of {_ALONE:,} lines {ours:.1f}, by difflib alone {alone:.1f}")
        print(f"    opened folded {opened:.1f}, unfolded {unfolded:.1f}, a page {paged:.1f}, to the end {ended:.1f}")
        goals += [
            (f"{LINES:,} lines, {name}, opened folded: ms", opened, "<=", 300),
            (f"{LINES:,} lines, {name}, unfolded, first page: ms", unfolded, "<=", 300),
            (f"{LINES:,} lines, {name}, a page further: ms", paged, "<=", 50),
            (f"{_ALONE:,} lines, {name}, compared: times difflib's", ours / alone, "<=", times),
        ]
    return goals


async def _widget(effect: FileEffect, body: Body) -> tuple[float, float, float, float]:
    """Opening, unfolding, a page further, the last page."""
    app = _Alone()
    async with app.run_test(size=(140, 45)) as pilot:
        view = app.query_one(DiffView)
        view.focus()

        async def took(work: Callable[[], Any]) -> float:
            start = time.process_time()
            work()
            await pilot.pause()
            return (time.process_time() - start) * 1000

        opened, unfolded, ended = [], [], []
        for _ in range(21):
            view.show(DiffModel())
            await pilot.pause()
            opened.append(await took(lambda: view.show(DiffModel.of([effect]).with_body(effect.path, body))))
            unfolded.append(await took(view.action_open))
            ended.append(await took(lambda: view.action_edge(1)))
        view.action_edge(-1)
        await pilot.pause()
        paged = [await took(lambda: view.action_page(1)) for _ in range(_PAGES)]
        return (*map(statistics.median, (opened, unfolded, paged, ended)),)


class _Alone(App[None]):
    def compose(self) -> ComposeResult:
        yield DiffView()


def _text(lines: int) -> bytes:
    return b"".join(b"    line_%d = compute(%d, 'text')\n" % (number, number) for number in range(lines))


def _tenth(text: bytes) -> bytes:
    lines = text.splitlines(keepends=True)
    return b"".join(line if at % 10 else line.replace(b"compute", b"count") for at, line in enumerate(lines))


def _all(text: bytes) -> bytes:
    return text.replace(b"compute", b"count")


def _alone(before: bytes, after: bytes) -> int:
    matcher = difflib.SequenceMatcher(None, hunks.lines(before), hunks.lines(after))
    return len(list(matcher.get_grouped_opcodes(3)))


def _state(content: bytes) -> FileState:
    return FileState(type="file", mode=0o644, size=len(content), mtime_ns=0)


def _median(work: Callable[[], Any], rounds: int) -> float:
    return statistics.median(_took(work) for _ in range(rounds))


def _took(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


if __name__ == "__main__":
    measure()
