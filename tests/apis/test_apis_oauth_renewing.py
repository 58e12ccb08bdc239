"""Tokens that run out while agents work: renewed once, by one process, and never seen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backends import fail
from oauth_ground import Server, written

from agentrt import Runtime
from agentrt.errors import UsageError
from agentrt.oauth import renewed
from agentrt.oauth.login import login
from agentrt.records import Secret
from agentrt.secrets import store
from agentrt.secrets import vault as vaults
from agentrt.testing import memory_sandbox
from agentrt.tools import apis
from agentrt.tools.apis.oauth import service_of

pytestmark = pytest.mark.anyio
WORKER = """
import asyncio, sys
from agentrt import Runtime
from agentrt.testing import memory_sandbox
async def main(workspace, port, operation, arguments):
    rules = {"network": [{"hosts": ["127.0.0.1"], "ports": [port], "private": True}], "secrets": ["THINGS_TOKEN"]}
    async with Runtime.open(workspace, policy=rules, sandbox=memory_sandbox.open_sandbox) as rt:
        print("open", flush=True)
        sys.stdin.readline()
        done = await rt.act("api", api="things", operation=operation, arguments=arguments)
        print(done.observation.output, done.observation.error, flush=True)
asyncio.run(main(sys.argv[1], int(sys.argv[2]), "show", {"id": "t1"}))
"""


@pytest.fixture
def server(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Logged in, in an encrypted file."""
    monkeypatch.setenv("AGENTRT_PASSPHRASE", "correct horse")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    (folder := tmp_path / "config/agentrt/apis").mkdir(parents=True)
    one = Server()
    (folder / "things.yaml").write_text(one.pack("device"))
    one.things["t1"] = "first"
    import anyio

    async def log_in() -> None:
        await login(service_of(apis.find("things")), ("offline",), tell=lambda _: None, show=lambda _: None)

    anyio.run(log_in)
    yield one
    one.close()
    keyring.set_keyring(before)


def aged(seconds: float = 3590, **change: Any) -> Secret:
    """The token that is kept, as if it were that old."""
    (found,) = store.load(["THINGS_TOKEN"])
    assert found.grant is not None
    update = {"obtained": found.grant.obtained - seconds, **change}
    if found.grant.expires is not None and "expires" not in change:
        update["expires"] = found.grant.expires - seconds
    older = found.model_copy(update={"grant": found.grant.model_copy(update=update)})
    store.keep(older)
    return older


def opened(workspace: Path, server: Server) -> Any:
    rules = {
        "network": [{"hosts": ["127.0.0.1"], "ports": [server.port], "private": True}],
        "secrets": ["THINGS_TOKEN"],
    }
    return Runtime.open(workspace, policy=rules, sandbox=memory_sandbox.open_sandbox)


async def ask(rt: Runtime, operation: str, **arguments: Any) -> str:
    done = await rt.act("api", api="things", operation=operation, arguments=arguments)
    assert done.observation is not None
    return f"{done.observation.output}{done.observation.error or ''}"


async def test_what_is_about_to_run_out_is_renewed_before_it_is_sent(
    workspace: Path, tmp_path: Path, server: Server
) -> None:
    aged()
    async with opened(workspace, server) as rt:
        assert "201" in await ask(rt, "make", name="x")
        assert "200" in await ask(rt, "show", id="t1")
        assert (server.refreshed, server.reused) == (1, 0)
        await rt.undo(2)
        assert list(server.things) == ["t1"]
    (now,) = store.load(["THINGS_TOKEN"])
    assert now.grant is not None and now.grant.refresh == server.logins[0].refresh and not now.grant.renewing
    assert written(server.issued, tmp_path) == []


async def test_the_new_one_is_hidden_like_the_old_one(workspace: Path, tmp_path: Path, server: Server) -> None:
    aged()
    async with opened(workspace, server) as rt:
        printed = await ask(rt, "echo")
        assert server.refreshed == 1 and "****" in printed
        assert not any(token in printed or token.encode().hex() in printed for token in server.issued)
    assert written(server.issued, tmp_path) == []


async def test_neither_the_old_nor_the_new_one_goes_out_by_another_way(workspace: Path, server: Server) -> None:
    aged()
    async with opened(workspace, server) as rt:
        await ask(rt, "echo")
        before = len(server.seen)
        for token in server.issued:  # an agent that knows one, from wherever
            done = await rt.act("http", url=f"{server.url}/api/things/{token}")
            assert done.observation is not None and "was on its way out" in str(done.observation.error)
            assert token not in str(done.observation) and token not in str(done.requests)
        assert len(server.seen) == before and len(server.issued) == 4


async def test_what_only_asks_is_asked_again_after_a_401(workspace: Path, server: Server) -> None:
    aged(120)
    async with opened(workspace, server) as rt:
        server.end_access()
        done = await rt.act("api", api="things", operation="show", arguments={"id": "t1"})
        assert [(one.method, one.status) for one in done.requests] == [("GET", 401), ("GET", 200)]
        assert server.refreshed == 1


async def test_what_does_something_is_not_sent_twice(workspace: Path, server: Server) -> None:
    aged(120)
    async with opened(workspace, server) as rt:
        server.end_access()
        assert "answered with 401" in await ask(rt, "make", name="x")
        assert (server.seen.count("POST /api/things"), server.refreshed) == (1, 0)
        done = await rt.act("api", api="things", operation="make", arguments={"name": "x"})
        assert done.requests[0].status == 201 and server.refreshed == 1


async def test_a_new_token_that_is_refused_is_not_renewed_over_and_over(workspace: Path, server: Server) -> None:
    aged(120)
    async with opened(workspace, server) as rt:
        for _ in range(3):
            server.end_access()
            await ask(rt, "show", id="t1")
        assert server.refreshed == 1


async def test_a_login_that_was_ended_says_to_log_in_again(workspace: Path, tmp_path: Path, server: Server) -> None:
    aged()
    server.logins[0].revoked = True
    async with opened(workspace, server) as rt:
        said = await ask(rt, "make", name="x")
        assert "was not sent" in said and "invalid_grant" in said and "agentrt api login things" in said
        assert list(server.things) == ["t1"] and rt.view.marks == ()
    assert written(server.issued, tmp_path) == []


async def test_without_a_refresh_token_it_says_to_log_in_again(workspace: Path, server: Server) -> None:
    aged(3601, refresh="")
    async with opened(workspace, server) as rt:
        assert "has run out" in (said := await ask(rt, "show", id="t1")) and "agentrt api login things" in said


async def test_a_token_endpoint_that_fails_costs_nothing_while_the_token_lasts(workspace: Path, server: Server) -> None:
    aged(3590, token="http://127.0.0.1:1/token")
    async with opened(workspace, server) as rt:
        assert "200" in await ask(rt, "show", id="t1")
    aged(20)
    async with opened(workspace, server) as rt:
        said = await ask(rt, "show", id="t1")
        assert "could not be renewed: ConnectionError" in said and "agentrt api login things" in said


def test_what_cannot_be_kept_is_not_asked_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    old = aged()

    def full(*_: object) -> None:
        raise UsageError("no space left")

    monkeypatch.setattr(vaults, "write_private", full)
    with pytest.raises(UsageError, match="no space left"):
        renewed(old, False)
    assert server.refreshed == 0


def test_no_passphrase_is_asked_for_in_the_middle(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    old = aged()
    monkeypatch.delenv("AGENTRT_PASSPHRASE")
    assert renewed(old, False).value != old.value and server.refreshed == 1


async def test_a_token_set_by_hand_meanwhile_counts(server: Server) -> None:
    old = aged()
    store.keep(Secret(name="THINGS_TOKEN", value="by hand", hosts=("127.0.0.1",)))
    assert renewed(old, False).value == "by hand" and server.refreshed == 0


# ------------------------------------------------------------------------------------------------ several processes


def worker(workspace: Path, server: Server) -> subprocess.Popen[str]:
    workspace.mkdir(exist_ok=True)
    started = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(workspace), str(server.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert started.stdout is not None and (line := started.stdout.readline()) == "open\n", line
    return started


def test_two_processes_renew_it_once(tmp_path: Path, workspace: Path, server: Server) -> None:
    aged()
    workers = [worker(tmp_path / name, server) for name in ("one", "two", "three")]
    for each in workers:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    printed = [each.communicate(timeout=60)[0] for each in workers]
    assert all("200" in text for text in printed), printed
    assert (server.refreshed, server.reused) == (1, 0)
    assert not any(token in text for token in server.issued for text in printed)
    assert written(server.issued, tmp_path) == []


def test_killed_between_renewing_and_keeping(tmp_path: Path, workspace: Path, server: Server) -> None:
    aged()
    server.hang.set()
    first = worker(tmp_path / "one", server)
    assert first.stdin is not None
    first.stdin.write("\n")
    first.stdin.flush()
    assert server.refreshing.wait(30)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate(timeout=30)
    server.hang.clear()
    assert server.refreshed == 1
    second = worker(tmp_path / "two", server)
    printed, _ = second.communicate("\n", timeout=60)
    assert "agentrt was ended while it renewed THINGS_TOKEN" in printed and "agentrt api login things" in printed
    assert "GET /api/things/t1" not in server.seen
    assert written(server.issued, tmp_path) == []


def test_killed_before_anything_was_sent_costs_nothing(server: Server) -> None:
    old = aged(renewing=True)
    began = time.time()
    found = renewed(old, False)
    assert found.grant is not None and found.grant.obtained >= began and not found.grant.renewing
