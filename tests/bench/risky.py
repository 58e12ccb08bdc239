"""Runs hostile scripts in the sandbox, one action each, and says what became of the world outside and of undo.

    unshare -n python tests/bench/risky.py FILE.jsonl

It refuses to run anything where there is a network. Each is run twice: as it is, and with the paths it names leading
into the workspace, where such files are; for what is aimed at the system changes nothing, and leaves nothing to undo.

What it prints is JSON: for each script ``id``, ``effectful``, ``breaches`` (what changed, was reached or was left
outside), and for each of its two ``runs`` ``effects`` (how many) and ``differs`` (where the view is not what it was,
once they are undone).
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import resource
import select
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from agentrt import Runtime
from agentrt.testing.trees import Tree, differences, parse_view, tree_state, view_command

POLICY = {"limits": {"seconds": 5, "processes": 64, "memory": "1GB", "file_size": "10MB", "output": "1MB"}}
_OWN_LIMITS = {
    resource.RLIMIT_CPU: 1800,
    resource.RLIMIT_AS: 8 << 30,
    resource.RLIMIT_FSIZE: 1 << 30,
    resource.RLIMIT_NPROC: 4096,
    resource.RLIMIT_CORE: 0,
}
_FLAT = ("/", "/usr", "/usr/bin", "/usr/local", "/usr/local/bin", "/opt", "/root", "/boot", "/srv", "/var", "/var/log")
_NAMED = re.compile(r"(?<![\w.])/(?:etc|usr|root|var|opt|boot|srv|media|app|home|s?bin|lib|proc|sys)\b[\w./-]*")
"""Paths of the system, as scripts name them."""
_PLACES = ("~", "/tmp", "/var")
"""Where, beside the workspace, an action may write."""


def main() -> int:
    if [name for _, name in socket.if_nameindex()] != ["lo"]:
        print("there is a network here; run it by unshare -n", file=sys.stderr)
        return 2
    for which, most in _OWN_LIMITS.items():
        hard = resource.getrlimit(which)[1]
        resource.setrlimit(which, (most, most) if hard == resource.RLIM_INFINITY else (min(most, hard), hard))
    scripts = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    with tempfile.TemporaryDirectory(prefix="agentrt-risky-") as folder, ExitStack() as stack:
        outside = Outside(Path(folder), scripts, stack)
        outcomes = asyncio.run(_all(outside, scripts))
    print(json.dumps(outcomes))
    return 0


async def _all(outside: Outside, scripts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    outcomes = []
    async with Runtime.open(outside.workspace, policy=POLICY) as runtime:
        await runtime.act("bash", command="echo > ~/.bashrc; echo > /var/log/lastlog; mkdir /tmp/a; echo > /tmp/a/b")
        for script in scripts:
            host = outside.look()
            runs = [await _run(runtime, code) for code in (script["code"], outside.led_inside(script["code"]))]
            known = {key: script[key] for key in ("id", "effectful")}
            outcomes.append({**known, "runs": runs, "breaches": outside.breaches(host)})
        verified = await runtime.verify_undo()
    assert verified.ok, "verify-undo found a view that is not what was recorded"
    return outcomes


async def _run(runtime: Runtime, code: str) -> dict[str, Any]:
    before = await _view(runtime)
    operation = await runtime.act("bash", command=code)
    if operation.effects and operation.status == "settled":
        await runtime.undo()
    return {"effects": len(operation.effects), "differs": differences(before, await _view(runtime))}


async def _view(runtime: Runtime) -> Tree:
    """What processes inside see of all places they may write to; looking leaves nothing."""
    printed = bytearray()
    sandbox = runtime.sandbox
    await sandbox.begin("bench.look")
    ended = await sandbox.exec(view_command(sandbox.workspace, *_PLACES), on_output=printed.extend)
    assert ended.exit_code == 0, printed[-1000:]
    await sandbox.restore(runtime.view.snapshot)
    return parse_view(bytes(printed))


class Outside:
    """A workspace with neighbours, a home, and servers where the scripts look for theirs."""

    def __init__(self, folder: Path, scripts: list[dict[str, Any]], stack: ExitStack) -> None:
        self._folder, self.workspace = folder, folder / "ground/project"
        self._home = folder / "home"
        for path in (
            *(self._home / name for name in (".bashrc", ".profile", ".ssh/id_rsa", "notes/a.txt")),
            *(folder / "ground" / name for name in ("neighbour", "other/a.txt")),
            *(self.workspace / name for name in ("README", "src/main.py", "data/a.csv", "data/b.csv")),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{path.name}\n")
        named = {path for script in scripts for path in _NAMED.findall(script["code"])}
        for path in sorted(named, key=len, reverse=True):  # what is in a folder comes before it
            self._make(Path(f"{self.workspace}{os.path.normpath(path)}"), is_folder=path.endswith("/"))
        os.environ |= {"HOME": str(self._home), "XDG_STATE_HOME": str(folder / "state")}
        self._victim = stack.enter_context(subprocess.Popen(["sleep", "1000000"]))
        stack.callback(self._victim.kill)
        _loopback_up()
        ports = {int(port) for script in scripts for port in re.findall(r"127\.0\.0\.1[:/ ](\d+)", script["code"])}
        self._listeners = [
            stack.enter_context(listener) for port in sorted(ports | {80, 443}) for listener in _listen(port)
        ]

    def led_inside(self, code: str) -> str:
        """The script, if the workspace were the whole system."""
        return _NAMED.sub(lambda found: f"{self.workspace}{found[0]}", code)

    def look(self) -> dict[str, Tree | dict[str, tuple[int, ...]]]:
        own = {str(place): tree_state(place) for place in (self._home, self._folder / "ground")}
        return {**own, "/etc": _settled(tree_state("/etc")), "the system": dict(_flat())}

    def breaches(self, before: dict[str, Any]) -> list[str]:
        now = self.look()
        found = [
            f"{path}: changed" for path, was in before.pop("the system").items() if now["the system"].get(path) != was
        ]
        found += [f"{place}/{line}" for place, tree in before.items() for line in differences(tree, now[place])]
        if self._victim.poll() is not None:
            found.append("a process outside was ended")
        ready = select.select(self._listeners, [], [], 0)[0]
        found += [f"a server outside was spoken to: {listener.getsockname()}" for listener in ready]
        return found + list(self._left())

    def _make(self, path: Path, *, is_folder: bool) -> None:
        if is_folder:
            path.mkdir(parents=True, exist_ok=True)
        elif not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{path.name}\n")

    def _left(self) -> Iterator[str]:
        """All that an action starts has the workspace's name in its environment."""
        for number in filter(str.isdigit, os.listdir("/proc")):
            with suppress(OSError):
                if f"PWD={self.workspace}".encode() in Path("/proc", number, "environ").read_bytes():
                    yield f"process {number} was left"


def _settled(tree: Tree) -> Tree:
    """Without what others on the machine may do meanwhile: their temporary files come and go."""
    return {
        path: node._replace(mtime_ns=0) if node.type == "directory" else node
        for path, node in tree.items()
        if b"agentrt" not in path
    }


def _flat() -> Iterator[tuple[str, tuple[int, ...]]]:
    for folder in _FLAT:
        with suppress(OSError):
            for name in os.listdir(folder):
                if name.startswith("agentrt"):  # tests that run beside this
                    continue
                path = os.path.join(folder, name)
                status = os.lstat(path)
                if not os.path.isdir(path) and not path.startswith("/var/log/"):
                    yield path, (status.st_mode, status.st_uid, status.st_ino, status.st_size, status.st_mtime_ns)
                else:
                    yield path, (status.st_mode, status.st_uid, status.st_ino)


def _listen(port: int) -> Iterator[socket.socket]:
    for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::1")):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with suppress(OSError):
                listener = socket.socket(family, kind)
                listener.bind((host, port))
                if kind == socket.SOCK_STREAM:
                    listener.listen()
                yield listener


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up and running


if __name__ == "__main__":
    sys.exit(main())
