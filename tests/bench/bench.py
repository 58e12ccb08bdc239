"""What a transaction costs, side by side in one run: agentrt, a plain subprocess, a shadow git repository. What one in
a container costs (``boxes.py``), an action in a database (``databases.py``), what a container is good for (``contained.py``), what a long run costs (``runs.py``), and a long
session in the app (``feeds.py``, ``lists.py``, ``diffs.py``, ``transcripts.py``; ``app.py``: all of it, in a terminal).

    python tests/bench/bench.py [--quick] [costs] [docker] [databases] [contained] [runs] [app]

Every figure is the median of at least 20 interleaved rounds, or of 5 where one takes seconds, in milliseconds; what
counts are the ratios. The
shadow repository does what most agents' checkpoints do: ``git add -A`` and a commit in a repository beside the
workspace, ``git reset --hard`` to undo. Each round ends with a sync, so that nobody waits for what another one wrote.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import app
import boxes
import contained
import databases
import diffs
import feeds
import lists
import runs
import sessions
import transcripts

from agentrt import Runtime

PARTS = ("costs", "docker", "databases", "contained", "runs", "app")
SIZES = (300, 10_000, 100_000)
_GOALS: list[tuple[str, float, str, float]] = []


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="300 and 10,000 files only")
    options.add_argument("parts", nargs="*", help=f"{' or '.join(PARTS)}; by default all of them")
    asked = options.parse_args()
    if unknown := set(asked.parts) - set(PARTS):
        options.error(f"there is no {', '.join(sorted(unknown))}; there is {', '.join(PARTS)}")
    parts = asked.parts or PARTS
    if "costs" in parts:
        _costs(SIZES[:2] if asked.quick else SIZES)
    if "docker" in parts:
        _GOALS.extend(boxes.measure())
    if "databases" in parts:
        _GOALS.extend(databases.measure())
    if "contained" in parts:
        _GOALS.extend(contained.measure())
    if "runs" in parts:
        _GOALS.extend(runs.measure())
    if "app" in parts:
        for part in (feeds, lists, diffs, transcripts, app):
            _GOALS.extend(part.measure())
    print()
    for title, value, sign, bound in _GOALS:
        print(f"{title:<55}{value:>9.2f}  {sign} {bound:<6} {'reached' if _holds(value, sign, bound) else 'MISSED'}")
    return 0 if all(_holds(value, sign, goal) for _, value, sign, goal in _GOALS) else 1


def _costs(sizes: Sequence[int]) -> None:
    with tempfile.TemporaryDirectory(prefix="agentrt-bench-") as folder:
        os.environ["XDG_STATE_HOME"] = folder + "/state"
        # First, as a file system may take its time after many files were removed.
        applied = asyncio.run(sessions.apply(Path(folder)))
        rows = {size: asyncio.run(measure(Path(folder), size)) for size in sizes}
        _print(rows)
        _print_sessions(Path(folder), applied)


async def measure(folder: Path, size: int) -> dict[str, float]:
    """Medians in milliseconds for a workspace of ``size`` files."""
    workspace = folder / f"w{size}"
    _grow(workspace, size)
    git = _shadow(workspace, folder / f"shadow{size}")
    rounds = 21 if size > 50_000 else 31
    took: dict[str, list[float]] = {}
    async with Runtime.open(workspace) as runtime:
        clock = _Clock(took)
        for number in range(rounds):
            write = f"echo {number} > changed"
            with clock("plain true"):
                subprocess.run(["bash", "-c", "true"], check=True)
            await clock.of("true, undone", lambda: runtime.act("bash", command="true"))
            await clock.of("true", lambda: runtime.act("bash", command="true"))
            await clock.of("one file", lambda write=write: runtime.act("bash", command=write))
            await clock.of("undo", runtime.undo)
            await clock.of("redo", runtime.redo)
            await _fork(runtime, clock)
            await clock.of("snapshot", lambda number=number: _snapshot(runtime, number, clock))
            with clock("plain one file"):
                subprocess.run(["bash", "-c", write], check=True, cwd=workspace)
            with clock("git snapshot"):
                git("add", "-A")
                git("commit", "-q", "-m", "checkpoint", "--allow-empty")
            with clock("git undo"):
                git("reset", "-q", "--hard", "HEAD~1")
            (workspace / "changed").unlink(missing_ok=True)
            os.sync()
        for _ in range(4):
            took.setdefault("64 forks", []).append(await _many_forks(runtime))
    shutil.rmtree(workspace)
    return {name: statistics.median(values[1:]) * 1000 for name, values in took.items()}


async def _snapshot(runtime: Runtime, number: int, clock: _Clock) -> None:
    """Only the sealing of a layer with one changed file: what a shadow repository's commit does."""
    sandbox = runtime.sandbox
    await sandbox.begin(f"bench.{number}")
    await sandbox.write("sealed", b"x" * (number + 1))
    await clock.of("seal", sandbox.seal)
    await sandbox.restore(runtime.view.snapshot)


async def _fork(runtime: Runtime, clock: _Clock) -> None:
    with clock("fork"):
        branch = await runtime.fork(0)
    await branch.close()


async def _many_forks(runtime: Runtime) -> float:
    """CPU seconds of 64 forks, children included; what closing them costs is no part of it."""
    before = sum(os.times()[:4])
    forks = [await runtime.fork(0) for _ in range(64)]
    cost = sum(os.times()[:4]) - before
    for branch in forks:
        await branch.close()
    return cost


class _Clock:
    """Collects wall times by name."""

    def __init__(self, took: dict[str, list[float]]) -> None:
        self._took = took

    def __call__(self, name: str) -> _Clock:
        self._name, self._start = name, time.perf_counter()
        return self

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._took.setdefault(self._name, []).append(time.perf_counter() - self._start)

    async def of(self, name: str, call: Callable[[], Awaitable[object]]) -> None:
        start = time.perf_counter()
        await call()
        self._took.setdefault(name, []).append(time.perf_counter() - start)


def _grow(workspace: Path, size: int) -> None:
    """``size`` small files, a hundred a folder."""
    for number in range(size):
        folder = workspace / f"d{number // 10_000}" / f"d{number // 100 % 100}"
        if number % 100 == 0:
            folder.mkdir(parents=True)
        (folder / f"f{number % 100}.txt").write_text(f"{number}\n")


def _shadow(workspace: Path, repository: Path) -> Callable[..., None]:
    environment = os.environ | {"GIT_AUTHOR_NAME": "b", "GIT_AUTHOR_EMAIL": "b", "GIT_COMMITTER_NAME": "b"}
    environment |= {"GIT_COMMITTER_EMAIL": "b", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}

    def git(*arguments: str) -> None:
        command = ["git", f"--git-dir={repository}", f"--work-tree={workspace}", *arguments]
        subprocess.run(command, check=True, env=environment, cwd=workspace, stdout=subprocess.DEVNULL)

    subprocess.run(["git", "init", "-q", "--bare", repository], check=True, env=environment)
    git("config", "core.bare", "false")
    git("add", "-A")
    git("commit", "-q", "-m", "start")
    return git


def _print(rows: dict[int, dict[str, float]]) -> None:
    columns = (
        ("plain true", "bash -c true, plain"),
        ("true", "bash -c true, a transaction"),
        ("true, undone", "  the first after an undo"),
        ("plain one file", "one file, plain"),
        ("one file", "one file, a transaction"),
        ("seal", "  of which the snapshot"),
        ("git snapshot", "  shadow git's snapshot"),
        ("undo", "undo"),
        ("git undo", "  shadow git's undo"),
        ("redo", "redo"),
        ("fork", "fork"),
    )
    print(f"{'milliseconds, median':<30}" + "".join(f"{size:>12,} files" for size in rows))
    for name, title in columns:
        print(f"{title:<30}" + "".join(f"{row[name]:>18.2f}" for row in rows.values()))
    small, large = rows[min(rows)], rows[max(rows)]
    goal = _GOALS.append
    goal(("transaction of true / plain (worst size)", max(r["true"] / r["plain true"] for r in rows.values()), "<=", 6))
    goal(("undo, ms (worst size)", max(row["undo"] for row in rows.values()), "<=", 10))
    for name in ("true", "one file", "undo"):
        goal((f"{name}: {max(rows):,} files / {min(rows):,} files", large[name] / small[name], "<=", 1.3))
    goal((f"shadow git's snapshot / ours at {max(rows):,}", large["git snapshot"] / large["seal"], ">=", 50))
    goal((f"shadow git's undo / ours at {max(rows):,}", large["git undo"] / large["undo"], ">=", 50))
    whole = (large["git snapshot"] + large["plain one file"]) / large["one file"]
    print(f"\nplain + shadow git's snapshot / our whole transaction of one file at {max(rows):,}: {whole:.1f}")
    goal((f"64 forks at {max(rows):,} files, CPU s", large["64 forks"] / 1000, "<=", 1))


def _print_sessions(folder: Path, applied: dict[int, tuple[float, float]]) -> None:
    verified = asyncio.run(sessions.verify(folder))
    print(f"verify-undo of 200 operations, a file each: {verified:.2f} s, {verified / 201 * 1000:.1f} ms a view")
    reverted = asyncio.run(sessions.revert(folder))
    each = ", ".join(f"{op}: {took:.2f} ms" for op, took in reverted.items())
    print(f"revert of one of 200 operations, a file each: {each}")
    for count, (ours, theirs) in applied.items():
        print(f"apply of {count:>6,} files: {ours:9.2f} ms, cp -a: {theirs:9.2f} ms, {ours / theirs:6.2f}")
    _GOALS.append(("revert of one of 200 operations, ms (worst)", max(reverted.values()), "<=", 15))
    ours, theirs = applied[1000]
    _GOALS.append(("apply of 1,000 files / cp -a", ours / theirs, "<=", 3))
    _GOALS.append(("agentrt log of 1,000 operations, CPU s", sessions.log(folder), "<=", 0.35))


def _holds(value: float, sign: str, bound: float) -> bool:
    return value <= bound if sign == "<=" else value >= bound


if __name__ == "__main__":
    raise SystemExit(main())
