"""Where actions happen."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, runtime_checkable

from agentrt.records import (
    FileEffect,
    FileState,
    Limits,
    Pick,
    Record,
    Snapshot,
)

Wall = Literal["landlock", "seccomp"]
"""What a kernel may lack without every sandbox being impossible there."""


@dataclass(frozen=True, slots=True)
class ExecResult:
    """How a command ended."""

    exit_code: int
    """The command's own code; 128 + n where signal n ended it, as shells say it."""
    timed_out: bool = False
    killed: int = 0
    """Processes that were still alive when the command ended, and were killed with it."""
    seconds: float = 0.0
    exceeded: str = ""
    """The limit, other than of time, that ended it: ``used 2.1 GB of memory; the limit is 2 GB``."""


class Confinement(Record):
    """What a policy asks of a sandbox, beyond what every sandbox does."""

    network: Literal["none", "proxy"] = "none"
    """proxy: through ``Sandbox.door``, and for what ``Policy.admit`` says only."""
    bind: tuple[str, ...] = ()
    """Folders of the host shown read-only at their own path (toolchains the sandbox does not find itself)."""
    hide: tuple[str, ...] = ()
    """Toolchain folders the sandbox found and must not show."""
    hidden: tuple[str, ...] = ()
    """Files and folders of the workspace, relative to it: they are there, and empty, whatever they hold."""
    planted: Mapping[str, bytes] = {}
    """Files that are there, read-only, and are no part of any layer: by absolute path, ``~`` being the home inside."""
    canaries: tuple[str, ...] = ()
    """Where to plant files that nobody has a reason to send anywhere."""
    secrets: tuple[str, ...] = ()
    """Names of those whose placeholders are in the environment."""
    require: tuple[Wall, ...] = ()
    """Where one of these is not to be had, or is unknown to it, a sandbox does not start."""


class Sandbox(Protocol):
    """Where actions happen. It stands on one snapshot; what is done since is unsealed.

    Raises ``SandboxUnavailable`` (from ``start``), ``SandboxError``, ``DiskFull``.
    """

    @property
    def workspace(self) -> str:
        """The workspace's absolute path, as processes inside see it."""
        ...

    async def start(self, snapshot: Snapshot) -> None:
        """Get ready to stand on ``snapshot``; nothing is mounted or run yet."""
        ...

    async def begin(self, name: str) -> None:
        """What is done from here to ``seal`` belongs to the layer ``name`` (unique in the store, [a-z0-9.-]+)."""
        ...

    async def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        limits: Limits | None = None,
        on_output: Callable[[bytes], None] | None = None,
        on_error: Callable[[bytes], None] | None = None,
        terminal: int | None = None,
    ) -> ExecResult:
        """Run a command; every process it started is dead on return, also when this call is cancelled.

        Standard error goes to ``on_output`` in the order written, unless ``on_error`` takes it apart. A program
        that is not there is exit code 127 with a line on standard error.

        ``terminal``: the descriptor of a pty's other end, which stays the caller's. It is then all three streams of
        the command, and the terminal of a session that the command leads; ``stdin`` and the takers of output are not
        for it. Whoever runs has this terminal and no other: the pty must not be one a person sits at. A sandbox that
        has no terminals raises ``SandboxError`` that says so, and runs nothing.
        """
        ...

    async def read(self, path: str, *, limit: int | None = None) -> bytes:
        """The content of a file as a process inside would read it. Raises the ``OSError`` that process would get."""
        ...

    async def write(self, path: str, data: bytes) -> None:
        """Create or replace a file's content, keeping its mode; missing parents are made. Raises ``OSError``."""
        ...

    async def seal(self) -> Snapshot:
        """Freeze what was done since ``begin`` and stand on the result; the same snapshot if nothing changed."""
        ...

    async def discard(self) -> None:
        """Forget what was done since ``begin``."""
        ...

    async def changes(self, a: Snapshot, b: Snapshot) -> list[FileEffect]:
        """Every path that differs, sorted; deleted and created trees are listed path by path."""
        ...

    async def look(self, snapshot: Snapshot, paths: Sequence[str]) -> list[FileState | None]:
        """What is at each path as of ``snapshot``; None where nothing is. Links on the way are not followed."""
        ...

    async def read_at(self, snapshot: Snapshot, path: str) -> BinaryIO:
        """A regular file as of ``snapshot``, open for reading, whatever its mode. Raises ``OSError``."""
        ...

    async def read_many(self, snapshot: Snapshot, paths: Sequence[str]) -> list[BinaryIO]:
        """The same of several, in that order, or of none. Each takes a descriptor: 64 are never too many."""
        ...

    async def door(self) -> socket.socket:
        """What listens at a TCP port of the loopback as processes inside see it, for the caller to accept from: with
        ``Confinement.network`` "proxy" their only way out. The same one at each call, as long as the sandbox lives;
        the caller does not close it.
        """
        ...

    async def restore(self, snapshot: Snapshot) -> None:
        """Stand on ``snapshot``; unsealed work is discarded."""
        ...

    async def keep(self, snapshot: Snapshot, effects: Sequence[FileEffect], name: str) -> Snapshot:
        """A snapshot that differs from the real workspace in ``effects`` only; all else outside it as ``snapshot``."""
        ...

    async def graft(self, onto: Snapshot, picks: Sequence[Pick], name: str) -> Snapshot:
        """A snapshot that is ``onto`` but at the paths of ``picks``; ``onto`` itself where that is no difference.

        A folder that is to go and holds what no pick takes away stays. A path whose folder is no folder in the
        result is left as it is in ``onto``.
        """
        ...

    async def remove(self, names: Sequence[str]) -> None:
        """Delete layers for good. Only for names that no snapshot in the journal has."""
        ...

    async def purge(self, path: str, *, dry_run: bool = False) -> Sequence[str]:
        """Take what lies at ``path``, a file or a folder, out of every layer; the names of those that had it.

        What was not sealed is discarded. In a view where a layer had it, the path is then as in the real workspace.
        """
        ...

    async def fork(self, snapshot: Snapshot) -> Sandbox:
        """A second sandbox over the same layers, standing on ``snapshot``; both must be closed."""
        ...

    async def close(self) -> None:
        """Kill what runs, unmount, leave sealed layers on disk."""
        ...


@runtime_checkable
class Preparing(Protocol):
    """A sandbox that may have to wait for something before it can act, such as an image that is pulled."""

    async def prepare(self) -> None:
        """Wait for it, where there is anything to wait for: that is of no action's time. Raises as ``exec``."""
        ...


class OpenSandbox(Protocol):
    """Entry point ``agentrt.sandboxes``. ``store`` is the folder for layers, on a disk, private to the user; ``folder``
    is what files in the options are relative to. Nothing is made yet. Raises ``UsageError`` for wrong options."""

    def __call__(
        self, options: Mapping[str, object], *, workspace: Path, store: Path, confinement: Confinement, folder: Path
    ) -> Sandbox: ...
