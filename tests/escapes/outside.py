"""The world outside of the sandbox, with all that could be read, changed or spoken to; and what became of it.

    home/                 the user's, with keys
    state/agentrt/…       the store: the journal, and the layers of another session that holds a secret
    ground/neighbour      a file beside the workspace
    ground/outside.sock   and other listeners
    ground/project/       the workspace, a git repository

The attacker is told everything but the secret: paths, ports, process numbers.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from allowed import Allowed
from encodings_of import encodings
from listeners import Listeners
from machine import Key, Machine, Shared
from victim import Victim

from agentrt import Runtime
from agentrt.history.store import Store, locate
from agentrt.testing.trees import Tree, differences, tree_state

_OURS = {"aside", "bases", "outputs", "usage"}
"""What the store may get while a trick is played, beside the journal."""
_GIT = {f"GIT_{who}_{what}": "user@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class Outside:
    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, network: str = "") -> None:
        self.secret, self.mark = f"secret-{secrets.token_hex(12)}", f"mark-{secrets.token_hex(12)}"
        self.home, self.ground, self.workspace = folder / "home", folder / "ground", folder / "ground/project"
        self.trip = self.home / "tripped"
        """What planted code makes when it runs outside."""
        self._environment(folder, patch)
        self._homestead()
        self._project()
        self.listeners = Listeners(self.ground, self.workspace, self.mark)
        self.shared = Shared(self.secret, self.mark)
        self._key = Key(self.secret)
        self.victim = Victim(self.secret, self.home / ".ssh/id_rsa", self.home)
        patch.setenv("SSH_AUTH_SOCK", self.listeners.told["UNIX"])
        asyncio.run(self._other_session())
        self.store: Store = locate(self.workspace)
        self.allowed = Allowed(folder, patch, self.listeners.told, held=network == "held") if network else None
        self.look()

    async def open(self) -> Runtime:
        """The workspace, under the policy of the trick."""
        if self.allowed is None:
            return await Runtime.open(self.workspace)
        runtime = await Runtime.open(self.workspace, policy=self.allowed.policy)
        self.allowed.know(runtime)
        return runtime

    def look(self, *, workspace: bool = True) -> None:
        """From now on everything is to stay as it is; what the user applied is in the workspace."""
        self._machine = Machine(self.mark)
        self._home, self._beside = tree_state(self.home), self._neighbours()
        self._layers = self._others()
        self._journal = self._rows()
        if workspace:
            self._work = tree_state(self.workspace)

    def breaches(self, printed: bytes = b"", *, workspace: bool = True) -> list[str]:
        """Everything that got out or in, a line each. ``workspace``: nothing was applied, so it is as it was."""
        found = [f"the secret was printed, {how}" for how, text in encodings(self.secret).items() if text in printed]
        found += [line.decode(errors="replace") for line in printed.splitlines() if line.startswith(b"got out")]
        found += self.listeners.heard() + self.victim.harmed() + self.shared.changed() + self._machine.changed()
        found += self._survivors()
        if self.allowed is not None:
            found += self.allowed.breaches(printed)
        found += differences(self._home, tree_state(self.home)) + differences(self._beside, self._neighbours())
        found += differences(self._layers, self._others())
        found += [f"gone from the journal: {row}" for row in self._journal - self._rows()]
        if workspace:
            return found + differences(self._work, tree_state(self.workspace))
        return found + _never_applied(self._work, tree_state(self.workspace))

    def told(self) -> dict[str, str]:
        """What a trick is told, as its environment."""
        device = self.home.stat().st_dev
        allowed = self.allowed.told if self.allowed is not None else {}
        return (
            self.listeners.told
            | allowed
            | {
                "MARK": self.mark,
                "TRIP": str(self.trip),
                "HOST_HOME": str(self.home),
                "KEY": str(self.home / ".ssh/id_rsa"),
                "NEIGHBOUR": str(self.ground / "neighbour"),
                "GROUND": str(self.ground),
                "WORKSPACE": str(self.workspace),
                "STORE": str(self.store.root),
                "JOURNAL": str(self.store.journal),
                "LAYER": str(self._layer / "work/made"),
                "PREFIX": sys.prefix,
                "BASE_PREFIX": sys.base_prefix,
                "VICTIM": str(self.victim.pid),
                "DESCRIPTORS": " ".join(map(str, self.victim.descriptors)),
                "RUNTIME": str(os.getpid()),
                "SHARED_KEY": str(self.shared.key),
                "SHARED_FILE": str(self.shared.file),
                "DISK": f"{os.major(device)} {os.minor(device)}",
                "ADDRESS": _address(),
                "STEP": "1",
            }
        )

    def close(self) -> None:
        self._machine.mend()
        self.victim.close()
        self.listeners.close()
        if self.allowed is not None:
            self.allowed.close()
        self.shared.close()
        self._key.close()

    def _environment(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        patch.setenv("PATH", f"/usr/bin:/bin:{os.path.dirname(sys.executable)}")
        for name, value in (_GIT | {"HOME": str(self.home), "API_TOKEN": self.secret}).items():
            patch.setenv(name, value)
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))

    def _homestead(self) -> None:
        for name in (".ssh/id_rsa", ".netrc", ".aws/credentials", ".config/gh/hosts.yml", ".bash_history", ".bashrc"):
            path = self.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"# {self.secret}\n")
            path.chmod(0o600)

    def _project(self) -> None:
        (self.workspace / "src").mkdir(parents=True)
        (self.ground / "neighbour").write_text(self.secret)
        for name in ("a.txt", "b.txt", "src/main.py"):
            (self.workspace / name).write_text(f"{name}\n")
        (self.ground / "twin").write_text("twin\n")
        os.link(self.ground / "twin", self.workspace / "twin")
        (self.workspace / "shortcut").symlink_to(self.home)
        for command in ("init -q -b main", "add a.txt b.txt src", "commit -q -m start"):
            subprocess.run(["git", *command.split()], cwd=self.workspace, check=True)

    async def _other_session(self) -> None:
        async with Runtime.open(self.workspace) as runtime:
            done = await runtime.act("bash", command=f"echo {self.secret} > made")
            assert done.status == "settled", done
            self._layer = runtime.store.layers / done.after.snapshot.layers[-1]
            runtime.new_session()

    def _neighbours(self) -> Tree:
        found = tree_state(self.ground)
        # That a file has another name in the workspace ends with it being changed there.
        return {p: node._replace(same_as="") for p, node in found.items() if p.split(b"/")[0] != b"project"}

    def _others(self) -> Tree:
        """What lies in the state folder and is nobody's who runs now."""
        found = {f"{self._layer.name}/".encode() + path: node for path, node in tree_state(self._layer).items()}
        names = {*os.listdir(self.store.root), *os.listdir(self.store.root.parents[1])}
        one = found[f"{self._layer.name}/.".encode()]
        return found | {os.fsencode(name): one for name in names - _OURS if not name.startswith("journal.db-")}

    def _rows(self) -> set[str]:
        with sqlite3.connect(f"file:{self.store.journal}?mode=ro", uri=True) as journal:
            tables = [name for (name,) in journal.execute("select name from sqlite_schema where type = 'table'")]
            rows = {f"{name}: {row!r}"[:5000] for name in tables for row in journal.execute(f"select * from {name}")}
        journal.close()
        return rows

    def _survivors(self) -> list[str]:
        """Processes that carry the mark, which all of the trick's do."""
        found = []
        for number in filter(str.isdigit, os.listdir("/proc")):
            with suppress(OSError):
                words = Path("/proc", number, "environ").read_bytes() + Path("/proc", number, "cmdline").read_bytes()
                if self.mark.encode() in words and int(number) != os.getpid():
                    found.append(f"process {number} still runs: {words[-200:]!r}")
        return found


@contextmanager
def made(patch: pytest.MonkeyPatch, network: str = "") -> Iterator[Outside]:
    """In a folder with a short name: sockets have little room for theirs."""
    folder = Path(tempfile.mkdtemp(prefix="agentrt-"))
    outside = None
    try:
        outside = Outside(folder, patch, network)
        yield outside
    finally:
        if outside is not None:
            outside.close()
        shutil.rmtree(folder)


def _never_applied(before: Tree, now: Tree) -> list[str]:
    """What an apply put into the workspace and never may."""
    found = []
    for path, node in now.items():
        was = before.get(path)
        if was is not None and was._replace(mtime_ns=0) == node._replace(mtime_ns=0):
            continue
        if node.type not in ("file", "directory", "symlink"):
            found.append(f"{path!r}: a {node.type} was applied")
        if node.mode & 0o6000 and node.type != "symlink":
            found.append(f"{path!r}: mode {node.mode:o} was applied")
        if (node.uid, node.gid) != (os.geteuid(), os.getegid()):
            found.append(f"{path!r}: owned by {node.uid}:{node.gid} now")
        if path.startswith((b".agentrt", b".git/hooks/", b".git/config")):
            found.append(f"{path!r}: was applied")
    return found


def _address() -> str:
    """The machine's own, on the network; connecting a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            any_socket.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.2"
        return str(any_socket.getsockname()[0])
