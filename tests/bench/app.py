"""The app as a person has it, in a terminal of its own and with a host: opened on 10,000 operations and on none, the
cursor moved, a diff of 50,000 lines opened, keys pressed while 100,000 lines come, and left alone.

    python tests/bench/app.py

What it costs is CPU time. How long a key takes to be seen is time on the clock, and says as much of how busy the machine
is.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from driven import Driven, cpu, memory
from many import Writer, effect, many

from agentrt import Runtime
from agentrt.history.journal import Journal
from agentrt.history.store import Lock
from agentrt.hosting.client import Client
from agentrt.reader import open_reader

Rows = list[tuple[str, float, str, float]]

OPERATIONS = 10_000
EFFECTS = 5_000
"""Of each of the session's largest operations."""
LINES = 50_000
STREAMED = 100_000
_ROUNDS = 5
_IDLE = 30
"""Seconds that nothing is done."""
_UP, _DOWN, _PAGE_UP, _PAGE_DOWN, _HOME, _END = "\x1b[A", "\x1b[B", "\x1b[5~", "\x1b[6~", "\x1b[H", "\x1b[F"
_MOVES = (*[_UP] * 60, *[_PAGE_UP] * 20, *[_DOWN] * 20, *[_PAGE_DOWN] * 10, *[_HOME, _DOWN, _END, _UP] * 5)
_LETTERS = "zq" * 20
_CREATE = f"seq -f '    line = compute(%g)' {LINES} > long.py"
_CHANGE = "sed -i '0~10s/compute/count/' long.py"
_PIECES = 400
_STREAM = f"for i in $(seq {_PIECES}); do seq {STREAMED // _PIECES}; sleep 0.04; done"


@dataclass(frozen=True)
class Keys:
    """What pressing keys came to: milliseconds on the clock, and of CPU for each."""

    took: Sequence[float]
    cost: float

    @property
    def median(self) -> float:
        return statistics.median(self.took)

    @property
    def most(self) -> float:
        return sorted(self.took)[len(self.took) * 95 // 100]

    def __str__(self) -> str:
        seen = f"{self.median:.1f} ms, 95 in 100 within {self.most:.1f}, all within {max(self.took):.1f}"
        return f"{seen}; {self.cost:.1f} ms of CPU"


def measure() -> Rows:
    """Prints what was found, and gives what is to be reached."""
    with tempfile.TemporaryDirectory(prefix="agentrt-bench-") as folder:
        os.environ |= {"XDG_STATE_HOME": f"{folder}/state", "XDG_CONFIG_HOME": f"{folder}/config"}
        full, empty = Path(folder, "full"), Path(folder, "empty")
        for workspace in (full, empty):
            workspace.mkdir()
        many(empty, 0)
        _fill(full)
        return [*_opening(full, empty), *_moving(full), *_big(full), *_streaming(full), *_idle(full, empty)]


def _fill(workspace: Path) -> None:
    """10,000 operations and what was said, two huge ones among the last, and then two real ones."""
    store = many(workspace, OPERATIONS - 5, talk=True)
    with open_reader(workspace) as reader:
        session = reader.session
    with Lock(store).acquire(), Journal.open(store.journal) as journal:
        writer = Writer(journal, session, journal.operation(session, OPERATIONS - 5).after, talk=True)
        for number in (OPERATIONS - 4, OPERATIONS - 3):
            effects = [effect(f"src/generated/module_{at}.py", "modified") for at in range(EFFECTS)]
            writer.work({"kind": "bash", "command": f"./generate {number}"}, effects, number)
        writer.back_to_start()
    asyncio.run(_act(workspace))


async def _act(workspace: Path) -> None:
    async with Runtime.open(workspace) as runtime:
        for command in (_CREATE, _CHANGE):
            operation = await runtime.act("bash", command=command)
            assert operation.status == "settled" and operation.effects, operation


# ---------------------------------------------------------------------------------------------------------- measured


def _opening(full: Path, empty: Path) -> Rows:
    painted: dict[Path, list[float]] = {full: [], empty: []}
    rested: dict[Path, list[float]] = {full: [], empty: []}
    held: dict[Path, float] = {}
    for _ in range(_ROUNDS):
        for workspace in (full, empty):
            with _app(workspace) as app:
                painted[workspace].append(cpu(app.pid))
                app.rest()
                rested[workspace].append(cpu(app.pid))
                held[workspace] = memory(app.pid)
    first, all_of_it = (
        {workspace: statistics.median(took) for workspace, took in found.items()} for found in (painted, rested)
    )
    more = all_of_it[full] - all_of_it[empty]
    print(f"the app on {OPERATIONS:,} operations with their conversation, on none (CPU s)")
    print(f"  seen: {first[full]:.2f}, {first[empty]:.2f}; come to rest: {all_of_it[full]:.2f}, {all_of_it[empty]:.2f}")
    print(f"  memory: {held[full]:.0f} MB, {held[empty]:.0f} MB")
    return [(f"{OPERATIONS:,} operations in the app, more than none: CPU s", more, "<=", 1)]


def _moving(full: Path) -> Rows:
    with _app(full) as app:
        app.rest()
        keys = _pressed(app, _MOVES)
        # Over the largest operations, with time to begin with what there is to say of them.
        app.press(_END, _cursor)
        app.rest()
        large = _pressed(app, [_UP, _UP, _UP, _UP, _DOWN, _DOWN, _DOWN, _DOWN] * 4, pause=0.12)
    print(f"  the cursor moved: {keys}")
    print(f"  over operations with {EFFECTS:,} effects: {large}")
    return [
        (f"the cursor moved in {OPERATIONS:,} operations: ms, median", keys.median, "<=", 50),
        ("  95 in 100 within", keys.most, "<=", 50),
        ("  CPU ms each", keys.cost, "<=", 50),
        (f"  over {EFFECTS:,} effects, 95 in 100 within", large.most, "<=", 50),
    ]


def _big(full: Path) -> Rows:
    took = []
    with _app(full) as app:
        app.rest()
        app.press(_END, _cursor)
        app.rest()
        for _ in range(_ROUNDS):
            took.append(app.press(_UP, lambda seen: "modified  long.py" in seen) / 1000)
            app.rest()
            app.press(_DOWN, _cursor)
            app.rest()
    print(f"  a diff of {LINES:,} lines selected, its file seen: {statistics.median(took):.3f} s")
    return [(f"a diff of {LINES:,} lines in the app, folded: s", statistics.median(took), "<=", 0.3)]


def _streaming(full: Path) -> Rows:
    with _app(full) as app:
        app.rest()
        host, operations = asyncio.run(_host(full)), _operations(full)
        before = cpu(app.pid), cpu(host)
        app.write("\r")
        app.drain(0.5)
        app.press(f"!{_STREAM}", lambda seen: _STREAM[-20:] in seen)
        app.press("\r", lambda seen: "running" in seen)
        app.drain(1.0)
        typed = Keys(*_typed(app))
        app.write("\x1b")  # back to the list; what was typed is kept
        app.drain(0.5)
        moved = _pressed(app, [*[_UP] * 20, *[_PAGE_UP] * 20])
        with open_reader(full) as reader:
            assert reader.show(operations + 1).status == "intent", "the output came to its end too early"
        app.wait(lambda seen: "idle" in seen)
        app.rest()
        ours, theirs = cpu(app.pid) - before[0], cpu(host) - before[1]
        print(f"  {STREAMED:,} lines of output in the meantime: typed: {typed}")
        print(f"    the cursor moved: {moved}")
        print(f"    app: {ours:.1f} CPU s, {memory(app.pid):.0f} MB; host: {theirs:.1f} CPU s, {memory(host):.0f} MB")
    return [
        (f"a key while {STREAMED:,} lines come: ms, median", max(typed.median, moved.median), "<=", 100),
        ("  95 in 100 within", max(typed.most, moved.most), "<=", 100),
    ]


def _idle(full: Path, empty: Path) -> Rows:
    cost = {}
    for workspace in (full, empty):
        with _app(workspace) as app:
            app.rest()
            before = cpu(app.pid)
            app.drain(_IDLE)
            cost[workspace] = (cpu(app.pid) - before) * 60 / _IDLE
    print(f"  left alone: {cost[full]:.2f} CPU s a minute; on none {cost[empty]:.2f}")
    return [("the app left alone, a minute: CPU s", cost[full], "<=", 1)]


# ---------------------------------------------------------------------------------------------------------- the app


@contextmanager
def _app(workspace: Path) -> Iterator[Driven]:
    """On its last session, as soon as the list of its operations is seen."""
    with Driven([sys.executable, "-m", "agentrt"], workspace) as app:
        app.wait(lambda seen: re.search(r"Timeline (\d+,\d+|0)", seen) is not None)
        yield app


def _pressed(app: Driven, keys: Sequence[str], pause: float = 0.02) -> Keys:
    before, took = cpu(app.pid), []
    for key in keys:
        took.append(app.press(key, _cursor))
        app.drain(pause)
    return Keys(took, (cpu(app.pid) - before) * 1000 / len(keys))


def _typed(app: Driven) -> tuple[Sequence[float], float]:
    before, took, text = cpu(app.pid), [], ""
    for letter in _LETTERS:
        text += letter
        took.append(app.press(letter, lambda seen, text=text: text in seen))
        app.drain(0.05)
    return took, (cpu(app.pid) - before) * 1000 / len(_LETTERS)


def _operations(workspace: Path) -> int:
    with open_reader(workspace) as reader:
        return len(reader.log())


def _cursor(seen: str) -> bool:
    return "▸" in seen


async def _host(workspace: Path) -> int:
    async with await Client.connect(workspace, start=False, watch=True) as client:
        return int(client.hello["pid"])


if __name__ == "__main__":
    for row in measure():
        print(*row)
