"""Checks of ``exec``: commands, streams, and that nothing of an action is alive when it ends."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time

from agentrt.contracts import ExecResult
from agentrt.errors import SandboxError

from .sandbox_ground import Ground, check

_DAEMON = """
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
for number in range(3): os.close(number)
while True:
    with open("heartbeat", "a") as file: file.write("x")
    time.sleep(0.02)
"""
"""Forks twice, leaves its session, closes its streams, and beats."""


async def _dead(ground: Ground) -> None:
    """The daemon's heart does not beat."""
    first = await ground.sandbox.read("heartbeat")
    await asyncio.sleep(0.15)
    assert first and await ground.sandbox.read("heartbeat") == first, "a process outlived its action"


@check("exec: every argument arrives as it is")
async def _(ground: Ground) -> None:
    arguments = ["", " ", "a b", "*", "$HOME", "`id`", "'", '"', "\\", "new\nline", "-x", "--", "\udcff\udcfe", "é"]
    await ground.sandbox.begin("s1.1")
    code = "import os,sys; sys.stdout.buffer.write(b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
    result, printed = await ground.run("python3", "-c", code, *arguments)
    assert result.exit_code == 0
    assert printed.split(b"\0") == [os.fsencode(argument) for argument in arguments]


@check("exec: exit codes")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    for code in (0, 1, 7, 126, 255):
        result, _ = await ground.run("bash", "-c", f"exit {code}")
        assert result.exit_code == code and not result.timed_out


@check("exec: a signal is 128 and its number")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    for number in (1, 2, 6, 9, 11, 13, 15):
        result, _ = await ground.run("bash", "-c", f"ulimit -c 0; kill -{number} $$")
        assert result.exit_code == 128 + number, f"{result.exit_code} for signal {number}"


@check("exec: a program that is not there is 127 and a line on standard error")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    for name in ("no-such-program", "./no-such-program", "/no/such/program"):
        out, err = bytearray(), bytearray()
        result = await ground.sandbox.exec([name], on_output=out.extend, on_error=err.extend)
        assert result.exit_code == 127 and name.encode() in err and not out


@check("exec: what is no program is 126")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    for name in ("./README", "./src"):
        result, printed = await ground.run(name)
        assert result.exit_code == 126 and name.encode() in printed


@check("exec: standard input arrives whole, and ends")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    data = os.urandom(3_000_000)
    assert (await ground.run("cat", stdin=data))[1] == data
    result, printed = await ground.run("cat", seconds=10)
    assert result.exit_code == 0 and printed == b""
    result, _ = await ground.run("true", stdin=data)  # nobody reads it
    assert result.exit_code == 0


@check("exec: the environment is given, not inherited")
async def _(ground: Ground) -> None:
    os.environ["AGENTRT_KIT_SECRET"] = "secret"
    try:
        await ground.sandbox.begin("s1.1")
        printed = (await ground.run("env", "-0", env={"GIVEN": "a=b\nc", "RAW": "\udcff"}))[1].split(b"\0")
    finally:
        del os.environ["AGENTRT_KIT_SECRET"]
    assert b"GIVEN=a=b\nc" in printed and b"RAW=\xff" in printed
    assert not any(b"AGENTRT_KIT_SECRET" in line for line in printed)
    names = {line.partition(b"=")[0] for line in printed}
    assert {b"PATH", b"HOME"} <= names


@check("exec: where it runs")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    top = os.fsencode(ground.sandbox.workspace)
    for cwd, expected in (
        (None, top),
        ("src/lib", top + b"/src/lib"),
        (ground.sandbox.workspace + "/docs", top + b"/docs"),
        ("/tmp", b"/tmp"),
    ):
        assert (await ground.run("pwd", "-P", cwd=cwd))[1] == expected + b"\n"


@check("exec: standard error together with standard output, in the order written")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    assert await ground.bash("echo 1; echo 2 >&2; echo 3; echo 4 >&2") == b"1\n2\n3\n4\n"


@check("exec: standard error apart")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    out, err = bytearray(), bytearray()
    script = "echo 1; echo 2 >&2; echo 3"
    await ground.sandbox.exec(["bash", "-c", script], on_output=out.extend, on_error=err.extend)
    assert bytes(out) == b"1\n3\n" and bytes(err) == b"2\n"


@check("exec: output is passed on while the command runs")
async def _(ground: Ground) -> None:
    seen: list[tuple[float, bytes]] = []
    await ground.sandbox.begin("s1.1")
    await ground.sandbox.exec(
        ["bash", "-c", "echo one; sleep 0.5; echo two"], on_output=lambda data: seen.append((time.monotonic(), data))
    )
    assert b"".join(data for _, data in seen) == b"one\ntwo\n"
    assert seen[-1][0] - seen[0][0] > 0.3, "the first line came with the last"


@check("exec: 50 MB of output, none lost")
async def _(ground: Ground) -> None:
    digest, size = hashlib.sha256(), 0

    def take(data: bytes) -> None:
        nonlocal size
        digest.update(data)
        size += len(data)

    code = "import sys\nfor n in range(50): sys.stdout.buffer.write(bytes([n]) * 1_000_000)"
    await ground.sandbox.begin("s1.1")
    await ground.sandbox.exec(["python3", "-c", code], on_output=take)
    expected = hashlib.sha256(b"".join(bytes([n]) * 1_000_000 for n in range(50)))
    assert size == 50_000_000 and digest.digest() == expected.digest()


@check("exec: nobody need take the output")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    result = await ground.sandbox.exec(["bash", "-c", "head -c 1000000 /dev/zero; echo e >&2; exit 3"])
    assert result.exit_code == 3


@check("exec: a command that takes too long is ended, and what it had printed is there")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    started = time.monotonic()
    result, printed = await ground.run(
        "bash", "-c", "trap '' TERM INT HUP; echo begun; sleep 60; echo done", seconds=0.5
    )
    assert result.timed_out and result.exit_code != 0 and printed == b"begun\n"
    assert time.monotonic() - started < 5 and 0.4 < result.seconds < 5
    assert not (await ground.run("true"))[0].timed_out


@check("exec: with the time limit dies all that was started, daemons too")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    result, _ = await ground.run("bash", "-c", f"python3 -c '{_DAEMON}'; sleep 60", seconds=1)
    assert result.timed_out
    await _dead(ground)


@check("exec: cancelled, everything dies")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def take(_: bytes) -> None:
        loop.call_soon_threadsafe(begun.set)

    call = asyncio.ensure_future(
        ground.sandbox.exec(
            ["bash", "-c", f"python3 -c '{_DAEMON}'; sleep 0.2; echo begun; sleep 60"],
            on_output=take,
        )
    )
    await asyncio.wait_for(begun.wait(), 20)
    await _cancel(call)
    await _dead(ground)


@check("exec: cancelled at any moment, it ends soon")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    await ground.run("true")
    for steps in range(6):
        call = asyncio.ensure_future(ground.sandbox.exec(["sleep", "25"]))
        for _ in range(steps):
            await asyncio.sleep(0)
        await _cancel(call)
    for pause in (0.001, 0.003, 0.01):
        call = asyncio.ensure_future(ground.sandbox.exec(["sleep", "25"]))
        await asyncio.sleep(pause)
        await _cancel(call)
    assert (await ground.run("echo", "well"))[1] == b"well\n"


async def _cancel(call: asyncio.Future[ExecResult]) -> None:
    call.cancel()
    done, _ = await asyncio.wait([call], timeout=10)
    assert done, "a cancelled command went on"
    assert call.cancelled(), "the cancellation was swallowed"


@check("exec: what a command leaves in the background is dead on return, and counted")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    result, _ = await ground.run("bash", "-c", f"python3 -c '{_DAEMON}'; until test -s heartbeat; do sleep 0.01; done")
    assert result.exit_code == 0 and result.killed >= 1
    await _dead(ground)
    assert (await ground.run("true"))[0].killed == 0


@check("exec: no survivor writes into a sealed layer")
async def _(ground: Ground) -> None:
    sealed = await ground.act("echo now > now; (setsid bash -c 'sleep 0.3; echo late > late' >/dev/null 2>&1 &)")
    before = await ground.view()
    await asyncio.sleep(0.5)
    assert await ground.view() == before and b"late" not in before
    assert await ground.changed(type(sealed)(), sealed) == [("now", "created")]


@check("exec: a background process that holds the output does not hold the call")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    started = time.monotonic()
    result, printed = await ground.run("bash", "-c", "sleep 30 & echo done")
    assert result.exit_code == 0 and printed == b"done\n" and time.monotonic() - started < 10


@check("exec: an error of the one who takes the output ends the command, and the sandbox goes on")
async def _(ground: Ground) -> None:
    def take(data: bytes) -> None:
        raise ZeroDivisionError("the taker's own")

    await ground.sandbox.begin("s1.1")
    started = time.monotonic()
    try:
        await ground.sandbox.exec(["bash", "-c", "echo x; sleep 30"], on_output=take)
    except ZeroDivisionError:
        pass  # the taker's own, as it is to be
    else:
        raise AssertionError("the error was swallowed")
    assert time.monotonic() - started < 10
    for number in range(3):
        result, printed = await ground.run("bash", "-c", f"echo {number}; exit {number}")
        assert (result.exit_code, printed) == (number, f"{number}\n".encode())


@check("exec: one after the other, in one layer")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    await ground.bash("echo 1 > a")
    await ground.bash("cat a a > b; rm a")
    assert await ground.bash("cat b") == b"1\n1\n"
    sealed = await ground.sandbox.seal()
    assert await ground.changed(type(sealed)(), sealed) == [("b", "created")]


@check("exec: what no program can be given is not passed over")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    for argv, env in (
        (["echo", "a\0b"], {}),
        (["a\0b"], {}),
        ([""], {}),
        (["echo"], {"A=B": "c"}),
        (["echo"], {"A": "\0"}),
    ):
        try:
            result, _ = await ground.run(*argv, env=env)
        except (ValueError, SandboxError):
            continue
        assert result.exit_code == 126, argv
    for call in (ground.sandbox.read("a\0b"), ground.sandbox.write("a\0b", b"x")):
        try:
            await call
        except (ValueError, OSError):
            continue
        raise AssertionError("a path with a zero byte was taken")


@check("exec: two at once do not mix")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    both = await asyncio.gather(
        *(ground.run("bash", "-c", f"echo {n}; sleep 0.1; echo {n} > f{n}; exit {n}") for n in (1, 2))
    )
    assert [(result.exit_code, printed) for result, printed in both] == [(1, b"1\n"), (2, b"2\n")]
    assert await ground.bash("cat f1 f2") == b"1\n2\n"
