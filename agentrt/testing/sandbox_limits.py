"""Checks of limits: an action that uses more than it may is ended, and which limit it was is told."""

from __future__ import annotations

import os
import time

from agentrt.contracts import ExecResult
from agentrt.records import Limits

from .sandbox_ground import Ground, check

_SOON = 20.0
"""Seconds, on a busy machine."""
_HOLD = """
import os, sys, time
processes, size = int(sys.argv[1]), int(sys.argv[2])
held = bytearray(os.urandom(1)) * (size if sys.argv[3] == "before" else 1)
for _ in range(processes):
    if os.fork() == 0:
        own = bytearray(os.urandom(1)) * (size if sys.argv[3] == "after" else 1)
        time.sleep(float(sys.argv[4]))
        os._exit(0)
for _ in range(processes): os.wait()
print("held")
"""
"""So many processes with so much memory, taken before they are forked, and shared by all, or after."""


async def _within(ground: Ground, limits: Limits, *argv: str) -> tuple[ExecResult, bytes]:
    printed = bytearray()
    result = await ground.sandbox.exec(argv, limits=limits, on_output=printed.extend)
    return result, bytes(printed)


async def _ended(ground: Ground, limits: Limits, *argv: str) -> ExecResult:
    """It was ended for a limit, soon and without being out of time; and the sandbox goes on."""
    began = time.monotonic()
    result, printed = await _within(ground, limits, *argv)
    assert result.exceeded and not result.timed_out, f"{argv} went on: {result}, {printed[-500:]!r}"
    assert result.exit_code != 0 and time.monotonic() - began < _SOON
    assert "limit" in result.exceeded and not result.exceeded.endswith(("\n", ".")), "it is told within a sentence"
    well, printed = await _within(ground, Limits(), "echo", "well")
    assert (well.exit_code, well.exceeded, printed) == (0, "", b"well\n")
    return result


@check("limits: memory of all processes together")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    limits = Limits(seconds=60, memory_bytes=300_000_000)
    assert (await _within(ground, limits, "python3", "-c", _HOLD, "2", "60000000", "after", "0.3"))[1] == b"held\n"
    await _ended(ground, limits, "python3", "-c", _HOLD, "8", "60000000", "after", "30")


@check("limits: memory that processes share is counted once")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    limits = Limits(seconds=60, memory_bytes=300_000_000)
    result, printed = await _within(ground, limits, "python3", "-c", _HOLD, "8", "100000000", "before", "0.5")
    assert (result.exceeded, printed) == ("", b"held\n")


@check("limits: addresses are no memory")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    code = "import mmap, time; held = mmap.mmap(-1, 4 << 30); time.sleep(0.3); print('reserved')"
    result, printed = await _within(ground, Limits(memory_bytes=300_000_000), "python3", "-c", code)
    assert (result.exceeded, printed) == ("", b"reserved\n")


@check("limits: a command that takes memory without end is ended")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    code = "held = []\nwhile True: held.append(bytes(1) * 1_000_000)"
    await _ended(ground, Limits(seconds=60, memory_bytes=200_000_000), "python3", "-c", code)


@check("limits: processes")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    limits = Limits(seconds=60, processes=50)
    assert (await _within(ground, limits, "python3", "-c", _HOLD, "40", "1", "after", "0.2"))[1] == b"held\n"
    await _ended(ground, limits, "python3", "-c", _HOLD, "200", "1", "after", "30")


@check("limits: threads are processes")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    code = "import threading, time\nfor _ in range(200): threading.Thread(target=time.sleep, args=(30,)).start()"
    await _ended(ground, Limits(seconds=60, processes=50), "python3", "-c", code)


@check("limits: a fork bomb is ended")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    await _ended(ground, Limits(seconds=60, processes=200), "bash", "-c", "bomb() { bomb | bomb & }; bomb; sleep 60")


@check("limits: processor time of all processes together, of those that ended, too")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    limits = Limits(seconds=60, cpu_seconds=1)
    assert (await _within(ground, limits, "sleep", "1.2"))[0].exceeded == ""
    await _ended(ground, limits, "bash", "-c", "for one in 1 2; do while :; do :; done & done; wait")
    await _ended(ground, limits, "bash", "-c", "while :; do timeout 0.2 bash -c 'while :; do :; done'; done")


@check("limits: bytes written, while it runs")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    limits = Limits(seconds=60, written_bytes=30_000_000)
    await _ended(ground, limits, "bash", "-c", "for ((n = 0; ; n++)); do head -c 1000000 /dev/zero > file$n; done")
    await ground.sandbox.discard()
    await ground.sandbox.begin("s1.2")
    await _ended(ground, limits, "bash", "-c", "cat /dev/zero > ~/big")


@check("limits: holes are not written")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    limits = Limits(written_bytes=30_000_000)
    result, _ = await _within(ground, limits, "bash", "-c", "truncate -s 1G sparse; echo x >> sparse; sleep 0.2")
    assert (result.exit_code, result.exceeded) == (0, "")


@check("limits: files written, where the disk counts them")
async def _(ground: Ground) -> None:
    if not os.statvfs(ground.store).f_files:
        return
    await ground.sandbox.begin("s1.1")
    code = "n = 0\nwhile True: open(f'empty{n}', 'w').close(); n += 1"
    await _ended(ground, Limits(seconds=60, written_files=2000), "python3", "-c", code)


@check("limits: the size of a file")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    limits = Limits(file_bytes=1_000_000)
    result, _ = await _within(ground, limits, "bash", "-c", "head -c 2000000 /dev/zero > big")
    assert result.exit_code != 0
    assert len(await ground.sandbox.read("big")) <= 1_000_000


@check("limits: what an action had done until it was ended can be sealed")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    await _ended(ground, Limits(seconds=60, cpu_seconds=0.3), "bash", "-c", "echo done > done; while :; do :; done")
    sealed = await ground.sandbox.seal()
    assert await ground.changed(type(sealed)(), sealed) == [("done", "created")]


@check("limits: a gigabyte of output")
async def _(ground: Ground) -> None:
    size = 0

    def take(data: bytes) -> None:
        nonlocal size
        size += len(data)

    await ground.sandbox.begin("s1.1")
    result = await ground.sandbox.exec(
        ["head", "-c", "1000000000", "/dev/zero"], limits=Limits(memory_bytes=300_000_000), on_output=take
    )
    assert (result.exit_code, result.exceeded, size) == (0, "", 1_000_000_000)
