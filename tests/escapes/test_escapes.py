"""Nothing gets out. Each trick is a file in ``tricks/`` (``trick.py`` says how one is written); adding one is adding a
file. Before and after it the world outside (``outside.py``) is looked at as a whole."""

from __future__ import annotations

import asyncio
import os
import platform
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from outside import Outside, made
from trick import Trick, all_tricks

from agentrt import Conflict, Runtime
from agentrt.shell import open_shell

SECONDS = 20
NOT_THERE = re.compile(rb"^bash: line \d+: [\w./-]+: command not found", re.MULTILINE)
"""A trick that asks for what is not installed has not tried; it looks with ``command -v`` first."""
HOST = (("diff",), ("apply", "--rest", "--as", "commit"), ("exec", "--", "true"))
"""What a user does with agentrt in the workspace after an agent worked in it."""

PROGRAMS = {
    "host": (os.path.join(os.path.dirname(sys.executable), "agentrt"),),
    "module": (sys.executable, "-m", "agentrt"),
}


def cases() -> list[object]:
    return [pytest.param(trick, id=trick.name, marks=_marks(trick)) for trick in all_tricks()]


def _marks(trick: Trick) -> list[pytest.MarkDecorator]:
    here = {"root" if os.geteuid() == 0 else "user", platform.machine(), ""}
    marks = [] if trick.only in here else [pytest.mark.skip(f"only for {trick.only}")]
    of, _, why = trick.open.rpartition(": ")
    return marks + [pytest.mark.xfail(reason=why, raises=AssertionError)] * bool(why and of in here)


@pytest.mark.parametrize("trick", cases())
def test_nothing_gets_out(trick: Trick, monkeypatch: pytest.MonkeyPatch) -> None:
    with made(monkeypatch, trick.network) as outside:
        printed = asyncio.run(played(trick, outside))
        assert not NOT_THERE.search(printed), printed.decode(errors="replace")


async def played(trick: Trick, outside: Outside) -> bytes:
    """All it printed. Raises ``AssertionError`` where something got out, after whichever step."""
    runtime, printed, number, applied = await outside.open(), bytearray(), 1, False
    try:
        # What a server needs is made when it starts; only then is the state folder looked at.
        await runtime.act("bash", command="true")
        outside.look()
        printed += await once(trick, outside, runtime, number)
        assert outside.breaches(printed) == [], printed.decode(errors="replace")
        for step in trick.then:
            if step == "again":
                number += 1
                printed += await once(trick, outside, runtime, number)
            elif step == "reopen":
                await runtime.close()
                runtime = await outside.open()
            elif step == "apply":
                applied = True
                await apply(runtime, outside)
            else:
                applied = True
                await runtime.close()
                host(outside, PROGRAMS[step])
                runtime = await outside.open()
            assert outside.breaches(printed, workspace=not applied) == [], (step, printed.decode(errors="replace"))
    finally:
        await runtime.close()
    return bytes(printed)


async def once(trick: Trick, outside: Outside, runtime: Runtime, number: int) -> bytes:
    printed = bytearray()
    command = trick.command(outside.told() | {"STEP": str(number)})
    if trick.at == "terminal":
        return await at_terminal(command, runtime)
    where = {} if trick.cwd is None else {"cwd": trick.cwd}
    done = await runtime.act("bash", command=command, seconds=SECONDS, on_output=printed.extend, **where)
    assert not (done.observation and done.observation.timed_out), printed.decode(errors="replace")
    assert trick.cwd or printed.splitlines()[-1:] == [b"tried"], printed.decode(errors="replace")
    return bytes(printed)


async def at_terminal(command: str, runtime: Runtime) -> bytes:
    """In a shell that somebody opened; what came to the other side."""
    await runtime.act("write", path="~/trick", content=command)
    ours, theirs = os.openpty()
    shell = await open_shell(runtime, None)
    printed = bytearray()
    try:
        asyncio.get_running_loop().add_reader(ours, lambda: printed.extend(os.read(ours, 65536)))
        call = asyncio.ensure_future(shell.interact(theirs, {"TERM": "dumb"}))
        os.write(ours, b"exec bash ~/trick\n")
        assert (await asyncio.wait_for(call, SECONDS)).exit_code == 0, bytes(printed)
        await asyncio.sleep(0)
    finally:
        await shell.close()
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)
        os.close(theirs)
    assert b"tried" in printed.splitlines(), bytes(printed)
    return bytes(printed)


async def apply(runtime: Runtime, outside: Outside) -> None:
    """First whole, which is refused where there is something that is never written; then the rest of it."""
    for rest in (False, True):
        try:
            await runtime.apply(rest=rest)
        except Conflict:
            assert not rest
        assert outside.breaches(workspace=False) == []


def host(outside: Outside, program: Sequence[str]) -> None:
    """What the user runs afterwards may refuse, but it never executes what was planted, nor shows what links lead to."""
    for words in HOST:
        ended = subprocess.run([*program, *words], cwd=outside.workspace, capture_output=True, check=False)
        assert b"Traceback" not in ended.stderr, ended.stderr
        assert outside.breaches(ended.stdout + ended.stderr, workspace=False) == [], words


def test_nothing_outside_is_read_at_an_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    """What reads layers for the user sees the whole disk: links that an agent made must not lead it."""

    async def scenario(outside: Outside) -> None:
        async with Runtime.open(outside.workspace) as runtime:
            links = f"ln -s {outside.home} d; rm -r src; ln -s ../../home src; ln -s ../neighbour n; mkdir a; ln -s ../n a/n"
            done = await runtime.act("bash", command=links)
            for path in (
                *("d/.ssh/id_rsa", "src/.ssh/id_rsa", "n", "a/n", "../neighbour", "shortcut/.ssh/id_rsa"),
                *("d/../neighbour", f"{outside.home}/.ssh/id_rsa", f"/tmp/..{outside.home}/.ssh/id_rsa", "fifo"),
            ):
                with pytest.raises(OSError):
                    (await runtime.read_at(done.id, path)).close()

    with made(monkeypatch) as outside:
        asyncio.run(scenario(outside))


# That all this can fail


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch):
    with made(monkeypatch) as outside:
        yield outside


def sees(outside: Outside, what: str, printed: bytes = b"") -> None:
    found = outside.breaches(printed)
    assert len(found) == 1 and re.search(what, found[0]), found
    outside.look()


def test_what_got_out_is_seen(outside: Outside) -> None:
    assert outside.breaches() == []
    sees(outside, "printed, as it is", f"a\n{outside.secret}\n".encode())
    sees(outside, "printed, backwards", outside.secret[::-1].encode())
    for before in ("", "a", "ab", "abc"):
        whole = subprocess.run(
            ["base64", "-w0"], input=f"{before}{outside.secret} and more".encode(), capture_output=True, check=True
        )
        sees(outside, "base 64", whole.stdout)
    sees(outside, "got out: by luck", b"got out: by luck\ntried\n")
    (outside.home / "new").touch()
    assert any("'new': is there" in line for line in outside.breaches())
    outside.look()
    (outside.ground / "neighbour").write_text(outside.secret[::-1])
    assert any("content" in line for line in outside.breaches())
    outside.look()
    outside.shared.write(b"other")
    sees(outside, "shared memory")
    outside.shared.write(outside.secret.encode())


def test_what_became_of_the_machine_is_seen(outside: Outside) -> None:
    new = Path("/tmp", outside.mark)
    new.touch()
    try:
        assert f"{new} is new" in outside.breaches()
    finally:
        new.unlink()
    outside.look()
    outside.shared.file.write_text("other")
    assert any("was changed" in line for line in outside.breaches())


def test_who_was_spoken_to_is_seen(outside: Outside) -> None:
    knockers = outside.listeners.knockers()
    assert {"TCP4", "UDP4", "UNIX", "UNIX_INSIDE", "UNIX_DATAGRAM", "ABSTRACT", "ABSTRACT_DATAGRAM"} <= knockers.keys()
    for number, (name, knock) in enumerate(knockers.items(), 1):
        knock()
        heard = outside.breaches()
        assert len(heard) == number and f"{name} was spoken to" in heard
    with open(outside.listeners.told["TERMINAL"], "w") as terminal:
        terminal.write("x")
    with open(outside.listeners.told["FIFO"], "w") as fifo:
        fifo.write("x")
        fifo.flush()
        assert {"TERMINAL was spoken to", "FIFO was spoken to"} <= set(outside.breaches())


def test_what_reaches_an_allowed_host_and_should_not_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spoken to from here, nothing of which is an effect."""

    async def scenario(outside: Outside) -> None:
        runtime, allowed = await outside.open(), outside.allowed
        assert allowed is not None and runtime.outward is not None
        web, tls = f"api.test:{allowed.told['WEB']}", f"opened.test:{allowed.told['TLS']}"
        (canary,), (held,) = runtime.outward.canaries.values(), runtime.outward.held
        value, head = held.secret.value, f"GET / HTTP/1.1\r\nHost: {web}\r\n"
        for number, (words, name, found) in enumerate((
            (f"GET /astray HTTP/1.1\r\nHost: {web}\r\n\r\n", None, "heard: b'/astray"),
            ("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n", None, "a request for ['other.test']"),
            (f"{head}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", None, "the length is said twice"),
            (f"{head}Upgrade: x\r\n\r\n", None, "headers that are not for it"),
            ("SSH-2.0-OpenSSH\r\n\r\n", None, "it is no HTTP"),
            (f"{head}X-Piece: {canary.decode()[:9]}\r\nX-Piece: {canary.decode()[9:]}\r\n\r\n", None, "the canary was sent, as"),
            (f"{head}X: {canary.hex()}\r\n\r\n", None, "the canary was sent, in hex"),
            (f"{head}X: {value}\r\n\r\n", None, "the value went to another host, as"),
            (f"{head}X: {held.placeholder}\r\n\r\n", None, "a placeholder went to another host"),
            (f"GET /open/..;/astray HTTP/1.1\r\nHost: {tls}\r\n\r\n", "opened.test", "outside of /open/"),
            (f"GET /open/ HTTP/1.1\r\nHost: {tls}\r\n\r\n", "other.test", "TLS for other.test"),
            (f"GET / HTTP/1.1\r\nHost: {tls}\r\n\r\n", "", "no TLS in a tunnel"),
        ), 1):  # fmt: skip
            spoken_to(int((web if name is None else tls).rpartition(":")[2]), words.encode(), name)
            heard = outside.breaches()
            assert any(found in line for line in heard), (number, found, heard)
        assert any(re.search(r"\d+ requests were heard, 0 were told of", line) for line in heard)
        assert any("the value was printed" in line for line in outside.breaches(value.encode()))
        with suppress(OSError):
            socket.getaddrinfo("message.test", 80)
        assert "message.test was looked up" in outside.breaches()
        await runtime.close()

    with made(monkeypatch, "held") as outside:
        asyncio.run(scenario(outside))


def spoken_to(port: int, words: bytes, name: str | None) -> None:
    """To its end; in TLS, where ``name`` is one."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 5) as plain:
        stream = context.wrap_socket(plain, server_hostname=name) if name else plain
        with stream, suppress(OSError):
            stream.sendall(words)
            stream.shutdown(socket.SHUT_WR)
            while stream.recv(65536):
                pass


def test_a_process_that_is_left_is_seen(outside: Outside) -> None:
    left = subprocess.Popen(["sleep", "60"], env={"MARK": outside.mark})
    try:
        sees(outside, "still runs")
    finally:
        left.kill()
        left.wait()


def test_harm_to_the_victim_is_seen(outside: Outside) -> None:
    os.setpriority(os.PRIO_PROCESS, outside.victim.pid, 5)
    sees(outside, "niceness")
    outside.victim.signal(28)
    assert any("signals" in line for line in outside.breaches())
    outside.victim.kill()
    assert "the victim ended with -9" in outside.breaches()


def test_what_may_never_be_applied_is_seen(outside: Outside) -> None:
    (outside.workspace / "mine").touch()
    assert outside.breaches(workspace=False) == []
    (outside.workspace / "mine").chmod(0o4755)
    os.mkfifo(outside.workspace / "pipe")
    (outside.workspace / ".agentrt").mkdir()
    found = outside.breaches(workspace=False)
    assert [line.split(":")[0] for line in found] == ["b'.agentrt'", "b'mine'", "b'pipe'"]


def test_a_trick_that_does_not_come_to_its_end_has_not_tried(outside: Outside) -> None:
    trick = Trick(
        "broken",
        "nothing",
        "from prelude import attempt\n\nwith attempt():\n    no_such_name\nprint('tried')\n",
        is_python=True,
    )
    with pytest.raises(AssertionError, match="NameError"):
        asyncio.run(played(trick, outside))
    assert asyncio.run(played(replace(trick, script="print('tried')"), outside)) == b"tried\n"
