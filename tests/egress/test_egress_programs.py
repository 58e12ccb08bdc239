"""Programs as they are, in the real sandbox: to hosts a policy allows, and to others."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import zipfile
from base64 import b64decode, b64encode
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from egress_ground import Answer, Seen, allow, deny, inspect, secret

from agentrt.contracts import Confinement
from agentrt.egress import BUNDLE, Gate, environment
from agentrt.records import Limits, Snapshot
from agentrt.sandboxes.local import LocalSandbox

OPENINGS = pytest.mark.parametrize("admit", [allow, inspect], ids=["closed", "opened"])


@pytest.fixture(autouse=True)
def plain_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"/usr/bin:/bin:{os.path.dirname(sys.executable)}")


def allowing(host: str, admit):
    return lambda request: admit(request) if request.host == host else deny(request)


class Box:
    """A sandbox whose way out is a gate."""

    def __init__(self, sandbox: LocalSandbox, gate: Gate, port: int) -> None:
        self.sandbox, self.gate, self._port = sandbox, gate, port

    async def run(self, *argv: str, **env: str) -> tuple[int, str]:
        printed = bytearray()
        result = await self.sandbox.exec(
            argv, env=environment(self._port) | env, limits=Limits(seconds=60), on_output=printed.extend
        )
        return result.exit_code, printed.decode(errors="replace")


@asynccontextmanager
async def box(world, folder: Path, admit, **options):
    workspace = folder / "workspace"
    workspace.mkdir(exist_ok=True)
    # The servers of these tests are nobody's but theirs, so inside it is their authority that is the system's.
    confinement = Confinement(network="proxy", planted={BUNDLE: world.authority.bundle})
    sandbox = LocalSandbox(workspace=workspace, store=folder / "store", confinement=confinement)
    await sandbox.start(Snapshot())
    try:
        await sandbox.begin("s1.1")
        door = await sandbox.door()
        async with Gate(admit, authority=world.authority, resolver=world.resolver, **options) as gate:
            gate.start(door)
            yield Box(sandbox, gate, door.getsockname()[1])
    finally:
        await sandbox.close()


@OPENINGS
def test_curl(play, tmp_path: Path, admit) -> None:
    fetch = ["curl", "-sS", "--max-time", "20"] if shutil.which("curl") else [
        "python3", "-c", "import sys, urllib.request as u; print(u.urlopen(sys.argv[-1], timeout=20).read().decode())"
    ]  # fmt: skip

    async def scenario(world) -> None:
        plain, tls = await world.http(), await world.https()
        async with box(world, tmp_path, allowing("api.test", admit)) as made:
            assert (await made.run(*fetch, f"https://api.test:{tls.port}/x"))[1].strip() == "hello"
            code, printed = await made.run(*fetch, f"https://other.test:{tls.port}/x")
            assert code != 0 and "403" in printed
            code, printed = await made.run(*fetch, f"http://other.test:{plain.port}/x")
            assert "403" in printed or "not for agents (t.yaml:4)" in printed
            assert [effect.change for effect in made.gate.effects] == ["sent", "refused", "refused"]
        assert len(tls.seen) == 1 and plain.seen == []

    play(scenario)


def test_a_plain_request_and_its_refusal_with_python(play, tmp_path: Path) -> None:
    code = """
import urllib.request, urllib.error, sys
for url in sys.argv[1:]:
    try: print(urllib.request.urlopen(url, timeout=20).read().decode())
    except urllib.error.URLError as error: print(error)
"""

    async def scenario(world) -> None:
        server = await world.http()
        async with box(world, tmp_path, allowing("api.test", allow)) as made:
            _, printed = await made.run(
                "python3",
                "-c",
                code,
                f"http://api.test:{server.port}/",
                f"http://no.test:{server.port}/",
                "https://no.test/",
            )
            told = printed.splitlines()
            assert told[0] == "hello"
            assert "not for agents (t.yaml:4)" in told[1] and "not for agents (t.yaml:4)" in told[2]

    play(scenario)


def wheel(name: str) -> bytes:
    """The smallest there is."""
    packed = io.BytesIO()
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{name}.py", "print('it works')\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return packed.getvalue()


def index(seen: Seen) -> Answer:
    file = "/files/demo-1.0-py3-none-any.whl"
    if seen.target == "/simple/demo/":
        digest = hashlib.sha256(wheel("demo")).hexdigest()
        page = f'<!DOCTYPE html><a href="{file}#sha256={digest}">demo-1.0-py3-none-any.whl</a>'
        return Answer(page.encode(), headers={"Content-Type": "text/html"})
    return Answer(wheel("demo")) if seen.target == file else Answer(b"", 404)


@OPENINGS
def test_pip(play, tmp_path: Path, admit) -> None:
    async def scenario(world) -> None:
        server = await world.https(index, name="index.test")
        async with box(world, tmp_path, allowing("index.test", admit)) as made:
            pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--retries", "1")
            code, printed = await made.run(
                *pip, "install", "--target", "here", "--index-url", f"https://index.test:{server.port}/simple/", "demo"
            )
            assert code == 0, printed
            assert (await made.run("python3", "-c", "import sys; sys.path.insert(0, 'here'); import demo"))[
                1
            ] == "it works\n"
            code, printed = await made.run(
                *pip, "download", "--index-url", f"https://evil.test:{server.port}/simple/", "demo"
            )
            assert code != 0 and "not for agents (t.yaml:4)" in printed, printed
            told = [(effect.change, effect.url) for effect in made.gate.effects]
            assert told[-1] == ("refused", f"evil.test:{server.port}")
            if admit is inspect:
                assert ("sent", f"https://index.test:{server.port}/files/demo-1.0-py3-none-any.whl") in told

    play(scenario)


def backend(root: Path, *, login: str | None = None):
    """``git http-backend``, as a web server would run it."""

    def handle(seen: Seen) -> Answer:
        given = seen.headers.get("authorization", "")
        if login is not None and b64decode(given.removeprefix("Basic ")).decode() != login:
            return Answer(b"", 401, {"WWW-Authenticate": 'Basic realm="git"'})
        path, _, query = seen.target.partition("?")
        env = {
            **os.environ,
            **{"GIT_PROJECT_ROOT": str(root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query},
            **{
                "REQUEST_METHOD": seen.method,
                "CONTENT_TYPE": seen.headers.get("content-type", ""),
                "REMOTE_USER": "me",
            },
            **{
                "HTTP_CONTENT_ENCODING": seen.headers.get("content-encoding", ""),
                "CONTENT_LENGTH": str(len(seen.body)),
            },
            **{"GIT_PROTOCOL": seen.headers.get("git-protocol", ""), "REMOTE_ADDR": "127.0.0.1"},
            **{"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"},
        }
        ended = subprocess.run(["git", "http-backend"], input=seen.body, env=env, capture_output=True, check=True)
        head, _, body = ended.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        return Answer(body, int(headers.pop("Status", "200").split()[0]), headers)

    return handle


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    script = """
        git init -q -b main work; cd work; seq 20000 > numbers; git add .
        git -c user.name=x -c user.email=x@x commit -qm one; cd ..; git clone -q --bare work project.git
        git -C project.git config http.receivepack true
    """
    subprocess.run(["bash", "-euc", script], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


@OPENINGS
def test_git(play, repository: Path, admit) -> None:
    async def scenario(world) -> None:
        server = await world.https(backend(repository), name="git.test")
        async with box(world, repository, allowing("git.test", admit)) as made:
            code, printed = await made.run("git", "clone", "-q", f"https://git.test:{server.port}/project.git", "copy")
            assert code == 0, printed
            assert (await made.run("wc", "-l", "copy/numbers"))[1].startswith("20000 ")
            code, printed = await made.run("git", "clone", "-q", f"https://evil.test:{server.port}/project.git", "not")
            assert code != 0 and "403" in printed, printed

    play(scenario)


def test_git_pushes_with_a_password_it_does_not_have(play, repository: Path) -> None:
    held = secret("git.test", name="GIT", value="p/w=1+" + "x" * 20)
    script = """
        git clone -q "$1" copy 2>&1; cd copy; seq 300000 > more; git add .
        git -c user.name=x -c user.email=x@x commit -qm two; git push -q origin HEAD:other 2>&1
    """

    async def scenario(world) -> None:
        login = f"me:{held.secret.value}"
        server = await world.https(backend(repository, login=login), name="git.test")
        async with box(world, repository, allowing("git.test", inspect), secrets=[held]) as made:
            url = f"https://me:{held.placeholder}@git.test:{server.port}/project.git"
            code, printed = await made.run("bash", "-euc", script, "x", url)
            assert code == 0, printed
            assert ("GIT",) in [effect.secrets for effect in made.gate.effects]
            assert held.secret.value not in repr(made.gate.effects) + printed
            assert b64encode(login.encode()).decode() not in repr(made.gate.effects)
        there = subprocess.run(["git", "-C", "project.git", "rev-parse", "other"], cwd=repository, capture_output=True)
        assert there.returncode == 0

    play(scenario)


def test_there_is_no_other_way_out(play, tmp_path: Path) -> None:
    code = """
import socket
for host in ("api.test", "example.com"):
    try: print(socket.getaddrinfo(host, 80))
    except OSError: print("no resolver")
print(sorted(name for _, name in socket.if_nameindex()))
"""

    async def scenario(world) -> None:
        server = await world.http()
        async with box(world, tmp_path, allow) as made:
            assert (await made.run("python3", "-c", code))[1] == "no resolver\nno resolver\n['lo']\n"
            direct = f"import socket; socket.create_connection(('127.0.0.1', {server.port}), 2)"
            assert (await made.run("python3", "-c", direct))[0] != 0
            assert made.gate.effects == ()

    play(scenario)
