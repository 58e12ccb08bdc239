"""Raw lines: whatever comes is answered, or the one who sent it is let go; nobody else notices."""

from __future__ import annotations

import asyncio
import json
import os
import select
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hosting_ground import hosted
from hypothesis import given
from hypothesis import strategies as some

from agentrt import errors
from agentrt.errors import AgentrtError, Conflict, DocumentError, SandboxUnavailable
from agentrt.history.store import Store, create, locate
from agentrt.hosting.address import connect
from agentrt.hosting.client import Client
from agentrt.hosting.methods import METHODS
from agentrt.hosting.tail import Tail
from agentrt.hosting.wire import LONGEST, Channel, error_json, error_of
from agentrt.records import PathConflict

HELLO = b'{"id": "last", "method": "hello"}\n'


def with_raw(store: Store, work: Callable[[socket.socket, Client], Awaitable[None]]) -> None:
    """A connection without a client, and one with."""

    async def run() -> None:
        async with hosted(store) as host, await host.client() as client:
            raw = connect(store)
            assert raw is not None
            with raw:
                raw.setblocking(False)
                await work(raw, client)

    asyncio.run(run())


async def answers(raw: socket.socket, *lines: bytes) -> list[dict[str, Any]]:
    """To each line that is not blank, and to a last one that asks who is there."""
    loop = asyncio.get_running_loop()
    sent = b"".join(lines) + b"\n" + HELLO
    sending = asyncio.ensure_future(loop.sock_sendall(raw, sent))
    found: list[dict[str, Any]] = []
    data = b""
    while len(found) < sum(bool(line.strip()) for line in sent.split(b"\n")):
        data += (got := await loop.sock_recv(raw, 65536))
        assert got, (data, found)
        *whole, data = data.split(b"\n")
        found += [answer for answer in map(json.loads, whole) if "event" not in answer]
    await sending
    return found


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"hello", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"id": 1, "method": "hello", "params": {"x": NaN}}', "no number of JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"id": [], "method": "hello"}', "`id` is a number"),
        (b'{"id": 1, "method": ["hello"]}', "there is no method"),
        (b'{"id": 1}', "there is no method"),
        (b'{"id": 1, "method": "hello", "params": 1}', "`params` is an object"),
        (b'{"id": 1, "method": "hello", "session": "s1"}', "a request has no 'session'"),
        (b'{"id": 1, "method": "restore", "params": {"op": ' + b"9" * 5000 + b"}}", "not JSON"),
        (b"\0", "not JSON"),
    ],
)
def test_what_is_no_request_is_refused_and_the_next_is_heard(store: Store, line: bytes, said: str) -> None:
    async def work(raw: socket.socket, client: Client) -> None:
        refused, hello = sorted(await answers(raw, line), key=lambda answer: answer["id"] == "last")
        assert said in refused["error"]["message"] and refused["error"]["code"] == "usage"
        assert hello["result"]["protocol"] == 1

    with_raw(store, work)


def test_a_line_without_end_is_the_last(store: Store) -> None:
    async def work(raw: socket.socket, client: Client) -> None:
        loop = asyncio.get_running_loop()
        sending = asyncio.ensure_future(loop.sock_sendall(raw, b"x" * (LONGEST + 1_000_000)))
        data = b""
        try:
            while got := await loop.sock_recv(raw, 65536):
                data += got
            assert b"a line of more than" in data
        except ConnectionResetError:
            assert not data or b"a line of more than" in data
        await asyncio.wait([sending])
        assert sending.exception() is None or isinstance(sending.exception(), OSError)
        assert (await client.ask("hello"))["pid"]

    with_raw(store, work)


def test_one_that_does_not_read_is_let_go_and_the_others_are_not_held_up(store: Store) -> None:
    async def work(raw: socket.socket, client: Client) -> None:
        loop = asyncio.get_running_loop()
        big = json.dumps({"id": "x" * 4_000_000, "method": "hello"}).encode() + b"\n"
        with pytest.raises(OSError):
            for _ in range(200):
                await loop.sock_sendall(raw, big)
                assert (await client.ask("hello"))["pid"]

    with_raw(store, work)


def test_files_of_a_line_that_is_none_are_closed(store: Store) -> None:
    async def work(raw: socket.socket, client: Client) -> None:
        ours, theirs = os.pipe()
        socket.send_fds(raw, [b"\n"], [theirs])
        os.close(theirs)
        await answers(raw, b'{"id": 1, "method": "hello"}')
        with os.fdopen(ours, "rb") as file:
            assert select.select([file], [], [], 0)[0] and file.read() == b""  # nobody has the other end

    with_raw(store, work)


def test_requests_in_pieces_and_several_in_one(store: Store) -> None:
    async def work(raw: socket.socket, client: Client) -> None:
        loop = asyncio.get_running_loop()
        for byte in b'{"id": 7, "method": "hello"':
            await loop.sock_sendall(raw, bytes([byte]))
        found = await answers(raw, b', "params": {}}\n\n{"id": 8, "method": "state"}\n')
        assert sorted(str(answer["id"]) for answer in found) == ["7", "8", "last"]

    with_raw(store, work)


values = [
    None,
    True,
    0,
    1,
    -1,
    2**70,
    1.5,
    "",
    "x",
    "s1",
    "undo",
    "a.txt",
    "\ud800",
    "\0",
    "/",
    [],
    [1],
    ["x"],
    {},
    {"a": [1]},
]
json_like = some.sampled_from(values)
names = sorted({name for kind, _ in METHODS.values() for name in kind.model_fields})
looking = sorted(set(METHODS) - {"act", "task", "new", "fork"})
requests = some.fixed_dictionaries(
    {
        "method": some.sampled_from(looking) | json_like,
        "params": some.dictionaries(some.sampled_from(names), json_like),
    },
    optional={"id": json_like},
)
lines = some.binary(max_size=200) | requests.map(lambda request: json.dumps(request).encode())


def test_no_line_brings_the_host_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "ws").mkdir()
    store = locate(tmp_path / "ws")
    create(store)
    with asyncio.Runner() as runner:
        hosting = hosted(store)
        host = runner.run(hosting.__aenter__())
        client = runner.run(host.client())
        runner.run(client.ask("state"))

        @given(some.lists(lines, max_size=4))
        def ask(batch: list[bytes]) -> None:
            raw = connect(store)
            assert raw is not None
            with raw:
                raw.setblocking(False)
                batch = [line.replace(b"\n", b" ") for line in batch]
                found = runner.run(answers(raw, *(line + b"\n" for line in batch)))
                assert all("result" in one or one["error"]["code"] not in ("bug", "error") for one in found), found

        try:
            ask()
        finally:
            runner.run(client.close())
            runner.run(hosting.__aexit__(None, None, None))
    assert not store.host_log.exists(), store.host_log.read_text()


# ---------------------------------------------------------------------------------------------------------- errors


def kinds() -> list[type[AgentrtError]]:
    found = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AgentrtError)]
    return [kind for kind in found if kind is not DocumentError]


@pytest.mark.parametrize("kind", kinds())
def test_an_error_comes_back_as_what_it_was(kind: type[AgentrtError]) -> None:
    error = kind("no \udcff", hint="do that")
    found = error_of(json.loads(json.dumps(error_json(error))))
    assert (type(found), str(found), found.hint) == (kind, "no \udcff", "do that")


def test_an_error_comes_back_with_all_it_has() -> None:
    conflict = PathConflict(path="a", ours="x", theirs="y")
    found = error_of(error_json(Conflict("no", conflicts=[conflict])))
    assert isinstance(found, Conflict) and found.conflicts == (conflict,)
    written = error_of(error_json(DocumentError("no", file="f.yaml", line=3, column=4)))
    assert isinstance(written, DocumentError) and written.where == "f.yaml:3:4"
    sandbox = error_of(error_json(SandboxUnavailable("no", cause="apparmor")))
    assert isinstance(sandbox, SandboxUnavailable) and sandbox.cause == "apparmor"
    assert type(error_of({"code": "of tomorrow", "message": "x"})) is AgentrtError


# ----------------------------------------------------------------------------------------------------------- output


_PRINTED = some.lists(some.binary(max_size=40) | some.sampled_from([b"\n", b"a\nb\n"]), max_size=20)


@given(_PRINTED, some.integers(1, 60))
def test_a_tail_keeps_the_end_and_counts_the_rest(pieces: list[bytes], most: int) -> None:
    tail = Tail(most)
    firsts = [tail.add(piece) for piece in pieces]
    assert firsts.count(True) == bool(b"".join(pieces))
    text, skipped, lines = tail.take(last=True)
    whole = b"".join(pieces)
    assert skipped == max(0, len(whole) - most)
    assert text == whole[skipped:].decode("utf-8", "replace")
    assert lines + text.count("\n") == whole.count(b"\n")
    assert tail.take() == ("", 0, 0)


def test_a_character_in_two_pieces_is_one() -> None:
    tail = Tail()
    tail.add("ä".encode()[:1])
    assert tail.take() == ("", 0, 0)
    tail.add("ä".encode()[1:])
    assert tail.take() == ("ä", 0, 0)


def test_a_channel_that_is_closed_takes_nothing(store: Store) -> None:
    async def run() -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            channel = Channel(ours)
            channel.send(b"one\n")
            await channel.close()
            channel.send(b"two\n")
            theirs.settimeout(5)
            assert theirs.recv(100) == b"one\n" and theirs.recv(100) == b""

    asyncio.run(run())
