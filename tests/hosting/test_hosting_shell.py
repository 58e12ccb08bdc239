"""A shell of the host's: at a terminal that was sent to it, or with commands; it ends with whoever asked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hosting_ground import Hosted, hosted, until

from agentrt.errors import HostGone, UnknownOperation, UsageError
from agentrt.history.store import Store
from agentrt.hosting.client import Client


class Seat:
    """A pty, whose other end goes to the host."""

    def __init__(self) -> None:
        self.ours, self.theirs = os.openpty()
        os.set_blocking(self.ours, False)
        self.shown = b""

    async def until(self, text: bytes) -> None:
        while text not in self.shown:
            with suppress(BlockingIOError):
                self.shown += os.read(self.ours, 65536)
            await asyncio.sleep(0.01)

    def type(self, text: bytes) -> None:
        os.write(self.ours, text)


@asynccontextmanager
async def seat() -> AsyncIterator[Seat]:
    one = Seat()
    try:
        yield one
    finally:
        os.close(one.ours)
        os.close(one.theirs)


def with_host(store: Store, work: Callable[[Hosted, Client, Seat], Awaitable[None]]) -> None:
    async def run() -> None:
        async with hosted(store) as host, await host.client() as client, seat() as one:
            await work(host, client, one)

    asyncio.run(run())


async def act(client: Client, command: str) -> Any:
    return await client.ask("act", kind="bash", arguments={"command": command})


def test_at_a_terminal_while_the_session_goes_on(store: Store) -> None:
    async def work(host: Hosted, client: Client, one: Seat) -> None:
        await act(client, "echo 1 > b")
        at_work = asyncio.create_task(act(client, "echo 2 > b; sleep 2; echo 3 > b"))
        asked = client.ask_with([one.theirs], "shell", op=1, environment={"TERM": "vt100", "SECRET": "x"})
        shell = asyncio.create_task(asked)
        one.type(b"echo b=$(cat b) $TERM=$SECRET.; rm b; tty; exit 3\n")
        await one.until(b"b=1 vt100=.\r\n")
        assert await shell == {"exit_code": 3, "exceeded": ""}
        assert not at_work.done(), "it waits for no action"
        assert (await at_work)["status"] == "settled"
        assert [effect["path"] for effect in await client.ask("pending")] == ["b"]
        os.fstat(one.theirs)

    with_host(store, work)


def test_commands_without_a_terminal(store: Store) -> None:
    async def work(host: Hosted, client: Client, one: Seat) -> None:
        out, err = os.memfd_create("out"), os.memfd_create("err")
        answer = await client.ask_with([out, err], "shell", commands="echo a; echo \udcff; echo e >&2; exit 4")
        assert answer == {"exit_code": 4, "exceeded": ""}
        assert (os.pread(out, 100, 0), os.pread(err, 100, 0)) == (b"a\n\xff\n", b"e\n")
        for file in (out, err):
            os.close(file)

    with_host(store, work)


def test_it_ends_with_who_asked_and_with_the_host(store: Store, tmp_path: Path) -> None:
    name = tmp_path.name

    async def begun(client: Client, one: Seat) -> asyncio.Task[Any]:
        shell = asyncio.create_task(client.ask_with([one.theirs], "shell"))
        one.type(f"trap '' HUP TERM INT; exec -a {name} sleep 1000\n".encode())
        await until(lambda: asyncio.to_thread(asleep, name), bool)
        return shell

    async def run() -> None:
        async with seat() as one, seat() as two:
            async with hosted(store) as host:
                async with await host.client() as client:
                    shell = await begun(client, one)
                with pytest.raises(HostGone):
                    await shell
                await until(lambda: asyncio.to_thread(asleep, name), lambda found: not found)
                client = await host.client()
                shell = await begun(client, two)
            with pytest.raises(HostGone):
                await shell
            await client.close()

    asyncio.run(run())
    assert not asleep(name)


def asleep(name: str) -> list[str]:
    """Processes of that name, wherever."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            if os.fsencode(name) == Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]:
                found.append(pid)
    return found


def test_what_cannot_be_is_said_and_no_file_stays_open(store: Store) -> None:
    async def work(host: Hosted, client: Client, one: Seat) -> None:
        await act(client, "true")
        before = len(os.listdir("/proc/self/fd"))
        for files, given in (([], {}), ([one.theirs] * 2, {}), ([one.theirs] * 2, {"commands": "ls"})):
            with pytest.raises(UsageError, match="the files that came with it"):
                await client.ask_with(files, "shell", **given)
        with pytest.raises(UnknownOperation, match="no operation 9"):
            await client.ask_with([one.theirs], "shell", op=9)
        await asyncio.gather(*(client.ask_with([one.theirs] * 2, "hello") for _ in range(50)))
        assert len(os.listdir("/proc/self/fd")) == before

    with_host(store, work)
