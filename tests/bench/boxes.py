"""The same transactions in a container, beside the local sandbox and beside a plain `docker exec`.

Needs an engine, and an image: agentrt's own, or the one that AGENTRT_BENCH_IMAGE names.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agentrt import Runtime
from agentrt.errors import SandboxUnavailable
from agentrt.sandboxes.docker.ground import recall

SIZES = (300, 10_000)
_ROUNDS = 21
_ROWS = (
    ("exec", "docker exec true, plain"),
    ("local true", "true, a transaction: local"),
    ("docker true", "                     docker"),
    ("local one file", "one file, a transaction: local"),
    ("docker one file", "                         docker"),
    ("local undo", "undo, and `true` to see it done: local"),
    ("docker undo", "                                 docker"),
)
_BEGINS = (("begin", "docker: from nothing to the first action done"), ("end", "        closing it"))


def measure() -> list[tuple[str, float, str, float]]:
    """Prints milliseconds, and gives the goals."""
    with tempfile.TemporaryDirectory(prefix="agentrt-bench-") as folder:
        os.environ["XDG_STATE_HOME"] = folder + "/state"
        try:
            rows = {size: asyncio.run(_measure(Path(folder), size)) for size in SIZES}
        except SandboxUnavailable as error:
            print(f"\nnothing of docker was measured: {error}")
            return []
    print(f"\n{'milliseconds, median':<48}" + "".join(f"{size:>12,} files" for size in SIZES))
    for name, title in (*_ROWS, *_BEGINS):
        print(f"{title:<48}" + "".join(f"{row[name]:>18.2f}" for row in rows.values()))
    worst = max(rows.values(), key=lambda row: row["docker one file"] / row["exec"])
    return [
        ("docker: transaction of one file / docker exec", worst["docker one file"] / worst["exec"], "<=", 2),
        ("docker: undo, and true, ms", max(row["docker undo"] for row in rows.values()), "<=", 250),
    ]


async def _measure(folder: Path, size: int) -> dict[str, float]:
    ours, theirs = (_grown(folder / f"{name}{size}", size) for name in ("docker", "local"))
    image = os.environ.get("AGENTRT_BENCH_IMAGE")
    docker = {"kind": "docker", **({"image": image} if image else {})}
    took: dict[str, list[float]] = {}
    began = time.perf_counter()
    async with Runtime.open(ours, sandbox=docker) as inside:
        await inside.act("bash", command="true")
        took["begin"] = [time.perf_counter() - began]
        with _running(recall(inside.store.layers, f"image {image}" if image else "").image) as plain:
            async with Runtime.open(theirs) as local:
                for number in range(_ROUNDS):
                    await _clock(took, "exec", lambda: asyncio.to_thread(_exec, plain))
                    for name, runtime in (("local", local), ("docker", inside)):
                        write = f"echo {number} > changed"
                        await _clock(took, f"{name} true", lambda r=runtime: r.act("bash", command="true"))
                        await _clock(took, f"{name} one file", lambda r=runtime, w=write: r.act("bash", command=w))
                        await _clock(took, f"{name} undo", lambda r=runtime: _undo(r))
        began = time.perf_counter()
    took["end"] = [time.perf_counter() - began]
    return {name: statistics.median(values[1:] or values) * 1000 for name, values in took.items()}


def _grown(workspace: Path, size: int) -> Path:
    """``size`` small files, a hundred a folder."""
    for number in range(size):
        inner = workspace / f"d{number // 100}"
        inner.mkdir(parents=True, exist_ok=True)
        (inner / f"f{number % 100}.txt").write_text(f"{number}\n")
    return workspace


@contextmanager
def _running(image: str) -> Iterator[str]:
    """A container that does nothing, as people use one who only want a command run in it."""
    made = ["docker", "run", "-d", "--network=none", "--entrypoint=sleep", image, "infinity"]
    name = subprocess.run(made, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    try:
        yield name
    finally:
        subprocess.run(["docker", "rm", "-f", name], check=True, stdout=subprocess.DEVNULL)


async def _undo(runtime: Runtime) -> None:
    """To choose other layers takes no time; that the next action finds them does."""
    await runtime.undo()
    await runtime.act("bash", command="true")


def _exec(container: str) -> None:
    subprocess.run(["docker", "exec", container, "true"], check=True)


async def _clock(took: dict[str, list[float]], name: str, call: Callable[[], Awaitable[object]]) -> None:
    began = time.perf_counter()
    await call()
    took.setdefault(name, []).append(time.perf_counter() - began)
