"""What the app's view of the journal costs with 10,000 operations: read at first, and after one more."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from many import Writer, many

from agentrt.history.journal import Journal
from agentrt.reader import Reader, open_reader
from agentrt.showing.entries import Feed

OPERATIONS = 10_000
_ROUNDS = 5
_POLLS = 100


def measure() -> list[tuple[str, float, str, float]]:
    """Prints what was found, and gives what is to be reached; CPU time."""
    with tempfile.TemporaryDirectory(prefix="agentrt-bench-") as folder:
        os.environ["XDG_STATE_HOME"] = folder + "/state"
        full, empty = Path(folder, "full"), Path(folder, "empty")
        for workspace, operations in ((full, OPERATIONS), (empty, 0)):
            workspace.mkdir()
            many(workspace, operations)
        alone = _command(empty)
        read = {workspace: statistics.median(_read(workspace) for _ in range(_ROUNDS)) for workspace in (full, empty)}
        with open_reader(full) as reader:
            idle, polls = _polls(reader)
    more, slowest = read[full] - read[empty], sorted(polls)[_POLLS * 95 // 100]
    print(f"the journal as the app reads it, {OPERATIONS:,} operations")
    print(f"  read at first: {more:.3f} s CPU more than an empty one; `agentrt log` of that: {alone:.3f} s")
    print(
        f"  after one more operation: {statistics.median(polls):.2f} ms, 95 in 100 within {slowest:.2f}; idle: {idle:.3f}"
    )
    return [
        (f"{OPERATIONS:,} operations read, more than none: CPU s", more, "<=", 1),
        ("  the same / an empty `agentrt log`", more / alone, "<=", 3),
        ("one more operation read, ms, median", statistics.median(polls), "<=", 5),
    ]


def _read(workspace: Path) -> float:
    with open_reader(workspace) as reader:
        start = time.process_time()
        Feed(reader)
        return time.process_time() - start


def _polls(reader: Reader) -> tuple[float, list[float]]:
    """Milliseconds of a poll while nobody writes, and of those after one more operation each."""
    feed, took = Feed(reader), []
    idle = _milliseconds(feed, _POLLS)
    count = len(feed.entries)
    with Journal.open(reader.store.journal) as journal:
        writer = Writer(journal, reader.session, journal.operation(reader.session, count).after)
        for number in range(count + 1, count + 1 + _POLLS):
            writer.write(number)
            took.append(_milliseconds(feed, 1))
    assert len(feed.entries) == count + _POLLS
    return idle / _POLLS, took


def _milliseconds(feed: Feed, polls: int) -> float:
    start = time.process_time()
    for _ in range(polls):
        feed.poll()
    return (time.process_time() - start) * 1000


def _command(workspace: Path) -> float:
    """CPU seconds of ``agentrt log`` there, start to exit."""
    costs = []
    for _ in range(_ROUNDS):
        before = os.times()
        command = [sys.executable, "-m", "agentrt", "log", "--workspace", str(workspace)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = os.times()
        costs.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return statistics.median(costs)
