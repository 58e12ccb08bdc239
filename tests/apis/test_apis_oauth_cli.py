"""``agentrt api login``, as people type it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from oauth_ground import Server, written


@pytest.fixture
def server(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("AGENTRT_PASSPHRASE", "correct horse")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    (tmp_path / "config/agentrt/apis").mkdir(parents=True)
    one = Server()
    rule = f"{{hosts: [127.0.0.1], ports: [{one.port}], private: true, methods: [GET]}}"
    (tmp_path / "policy.yaml").write_text(f"network: [{rule}]\nsecrets: [THINGS_TOKEN]\n")
    yield one
    one.close()


def command(tmp_path: Path, server: Server, flow: str, *more: str) -> subprocess.Popen[str]:
    (tmp_path / "config/agentrt/apis/things.yaml").write_text(server.pack(flow))
    words = [sys.executable, "-m", "agentrt", "api", "login", "things", *more]
    return subprocess.Popen(words, cwd=tmp_path / "ws", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_by_a_code(tmp_path: Path, server: Server) -> None:
    server.script = ["authorization_pending", "slow_down"]
    one = command(tmp_path, server, "device", "--policy", str(tmp_path / "policy.yaml"))
    out, told = one.communicate(timeout=60)
    assert one.returncode == 0, told
    assert "for show, echo: offline things.read" in told and "not for make: " in told and "WDJB-MJHT" in told
    assert "THINGS_TOKEN is kept, and is sent to 127.0.0.1 only" in out and "it is renewed by itself" in out
    assert "secrets:" not in out and server.logins[0].scope == "offline things.read"
    assert not any(token in out + told for token in server.issued)
    assert written(server.issued, tmp_path) == []


def test_by_a_page(tmp_path: Path, server: Server) -> None:
    one = command(tmp_path, server, "pkce", "--json", "--policy", str(tmp_path / "policy.yaml"))
    assert one.stderr is not None
    page = next(line for line in one.stderr if line.startswith("open ")).removeprefix("open ").strip()
    with urllib.request.urlopen(server.approve(page), timeout=10) as answer:
        assert answer.status == 200
    out, told = one.communicate(timeout=60)
    assert one.returncode == 0, told
    said = json.loads(out)
    assert (said["secret"], said["scopes"], said["renewed"]) == ("THINGS_TOKEN", ["offline", "things.read"], True)
    assert set(said["left_out"]) == {"make", "purge"}
    assert not any(token in out + told for token in server.issued)


@pytest.mark.parametrize("flow", ["device", "pkce"])
def test_interrupted(tmp_path: Path, server: Server, flow: str) -> None:
    server.script = ["authorization_pending"] * 10_000
    one = command(tmp_path, server, flow, "--policy", str(tmp_path / "policy.yaml"))
    assert one.stderr is not None
    assert any(line.startswith("open ") for line in one.stderr)
    time.sleep(0.3)
    os.kill(one.pid, signal.SIGINT)
    out, told = one.communicate(timeout=30)
    assert (one.returncode, out) == (130, "") and "interrupted" in told and "Traceback" not in told
    assert not (tmp_path / "state/agentrt/secrets").exists()


def test_declined(tmp_path: Path, server: Server) -> None:
    server.script = ["access_denied"]
    one = command(tmp_path, server, "device", "--policy", str(tmp_path / "policy.yaml"))
    _, told = one.communicate(timeout=60)
    assert one.returncode == 3 and "the login was declined" in told


def test_a_policy_that_lets_nothing_out(tmp_path: Path, server: Server) -> None:
    one = command(tmp_path, server, "device")
    _, told = one.communicate(timeout=60)
    assert one.returncode == 2 and "lets no operation of things out" in told and "--policy FILE" in told
    assert server.seen == []
