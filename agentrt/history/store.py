"""Where the history of a workspace is kept: one folder a workspace, never inside it.

$XDG_STATE_HOME/agentrt/workspaces/<name>-<12 hex digits>/    (default ~/.local/state; all folders 0700)
    workspace      the workspace's real path, as bytes
    journal.db     agentrt.history.journal
    lock           held by the one process that may write
    host.sock      where the process listens that works here for others (agentrt.hosting); host.lock is held by it,
                   host.log has what it said
    layers/ outputs/ aside/ bases/
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self
from weakref import WeakSet

from agentrt.errors import AgentrtError, DiskFull, SessionBusy, WorkspaceError
from agentrt.homes import config_home, state_home

_NAME_BYTES = 100
"""How much of a workspace's own name its folder's name carries; the digits tell it from others."""
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Store:
    """The folder that belongs to one workspace. ``workspace`` is its real path."""

    workspace: Path
    root: Path

    @property
    def journal(self) -> Path:
        return self.root / "journal.db"

    @property
    def layers(self) -> Path:
        return self.root / "layers"

    @property
    def outputs(self) -> Path:
        return self.root / "outputs"

    @property
    def aside(self) -> Path:
        return self.root / "aside"

    @property
    def bases(self) -> Path:
        return self.root / "bases"

    @property
    def lock_file(self) -> Path:
        return self.root / "lock"

    @property
    def host_socket(self) -> Path:
        return self.root / "host.sock"

    @property
    def host_lock(self) -> Path:
        """Held by whoever listens on ``host_socket``."""
        return self.root / "host.lock"

    @property
    def host_log(self) -> Path:
        return self.root / "host.log"

    @property
    def marker(self) -> Path:
        """Holds the workspace's path, for people and for ``all_stores``."""
        return self.root / "workspace"


def locate(workspace: Path | str) -> Store:
    """The store of a workspace. Nothing is created. Raises ``WorkspaceError`` where we refuse to work."""
    real = _folder(Path(workspace))
    home, state = Path.home().resolve(), state_home().resolve()
    elsewhere = "name a project's folder, with --workspace or by going there"
    if real == Path(real.anchor):
        raise WorkspaceError("/ is no workspace: it is the whole machine", hint=elsewhere)
    if real == home:
        raise WorkspaceError(f"{real} is your home folder, which is no workspace", hint=elsewhere)
    if real in home.parents:
        raise WorkspaceError(f"{real} is no workspace: your home folder is inside it", hint=elsewhere)
    if real == state or state in real.parents:
        raise WorkspaceError(f"{real} is inside agentrt's own state folder, {state}", hint=elsewhere)
    if real in state.parents:
        raise WorkspaceError(
            f"agentrt's state folder, {state}, is inside the workspace {real}",
            hint="set XDG_STATE_HOME to a folder outside the workspace",
        )
    config = config_home().resolve()
    if real == config or config in real.parents or real in config.parents:
        raise WorkspaceError(
            f"{config}, where your own policy and settings of agentrt are, and the workspace {real} are not apart",
            hint=f"{elsewhere}: what an agent works on must not decide what it may do",
        )
    return Store(workspace=real, root=state / "workspaces" / _name(real))


def create(store: Store) -> None:
    """Make the store's folders, 0700; what is there already stays. Raises ``WorkspaceError``, ``DiskFull``."""
    state = store.root.parent.parent
    try:
        state.parent.mkdir(parents=True, exist_ok=True)
        for folder in (state, store.root.parent, store.root, store.layers, store.outputs, store.aside):
            folder.mkdir(mode=0o700, exist_ok=True)
        path = os.fsencode(store.workspace)
        if not store.marker.exists() or store.marker.read_bytes() != path:
            draft = store.root / f"workspace.{os.getpid()}"
            draft.write_bytes(path)
            draft.replace(store.marker)
    except OSError as error:
        raise _unusable(store.root, error) from error


def all_stores() -> list[Store]:
    """Every store there is, by workspace; also those whose workspace is gone. What is no store is passed over."""
    try:
        roots = list((state_home().resolve() / "workspaces").iterdir())
    except OSError:
        return []
    found = []
    for root in roots:
        try:
            workspace = Path(os.fsdecode((root / "workspace").read_bytes()))
        except OSError:
            continue
        if _name(workspace) == root.name:
            found.append(Store(workspace=workspace, root=root))
    return sorted(found, key=lambda store: os.fsencode(store.workspace))


class Lock:
    """One writer a store, or one holder of another ``file`` of it. The kernel lets go of it when its holder closes it,
    exits or dies.

    with Lock(store).acquire(seconds=10): …
    """

    def __init__(self, store: Store, file: Path | None = None) -> None:
        self._store, self._file = store, file or store.lock_file
        self._descriptor: int | None = None

    def acquire(self, seconds: float = 10.0) -> Self:
        """Wait for it at most ``seconds``. Raises ``SessionBusy`` naming the holder; ``WorkspaceError``, ``DiskFull``.

        The store must have been created. Not for an event loop's thread, unless ``seconds`` is 0.
        """
        if self._descriptor is not None:
            raise RuntimeError("this lock is held already")
        try:
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(self._file, error) from error
        try:
            self._wait(descriptor, time.monotonic() + seconds)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        except OSError as error:
            os.close(descriptor)
            raise _unusable(self._file, error) from error
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        _held.add(self)
        _children_let_go()
        return self

    def _wait(self, descriptor: int, deadline: float) -> None:
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise _busy(self._store, os.pread(descriptor, 32, 0)) from None
                time.sleep(min(_POLL_SECONDS, left))

    def close(self) -> None:
        """Let go of it; nothing happens if it is not held."""
        if self._descriptor is not None:
            # By name, not by closing alone: a child between fork and exec may still have a copy.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self._drop()

    def _drop(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self if self._descriptor is not None else self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_held: WeakSet[Lock] = WeakSet()


@cache
def _children_let_go() -> None:
    """A forked child shares its parent's flock and would keep it beyond the parent's death: it closes its copies."""

    def let_go() -> None:
        for lock in list(_held):
            lock._drop()

    os.register_at_fork(after_in_child=let_go)


def _busy(store: Store, holder: bytes) -> SessionBusy:
    pid = holder.strip().decode("ascii", "replace")
    if pid == str(os.getpid()):
        who, cure = "this very process", "close the runtime that has it open first"
    elif pid.isdigit() and _listens(store, pid):
        who, cure = f"process {pid}", "wait until it is done, or look at it and decide in the app: agentrt"
    elif pid.isdigit():
        who, cure = f"process {pid}", f"wait until it is done, or end it with: kill {pid}"
    else:
        who, cure = "another process", "wait until it is done"
    return SessionBusy(f"{store.workspace} is being worked on by {who}", hint=cure)


def _listens(store: Store, pid: str) -> bool:
    """Whether a process that is there is a host, which one can attach to: it takes its socket away when it is none."""
    try:
        return store.host_socket.exists() and store.host_lock.read_text("ascii", "replace").strip() == pid
    except OSError:
        return False


def _folder(workspace: Path) -> Path:
    try:
        real = workspace.resolve(strict=True)
        is_folder = stat.S_ISDIR(real.stat().st_mode)
    except FileNotFoundError:
        raise WorkspaceError(f"there is no folder {workspace}", hint="make it first, or name another") from None
    except NotADirectoryError:
        raise WorkspaceError(f"{workspace} leads through a file", hint="name a folder") from None
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links in a circle; ValueError: a NUL
        raise WorkspaceError(f"{workspace} cannot be reached: {_reason(error)}", hint="name another folder") from error
    if not is_folder:
        raise WorkspaceError(f"{workspace} is not a folder", hint="name the folder it is in")
    if not os.access(real, os.R_OK | os.X_OK):
        raise WorkspaceError(
            f"{workspace} cannot be read", hint="give yourself access with chmod u+rx, or name another folder"
        )
    return real


def _name(workspace: Path) -> str:
    path = os.fsencode(workspace)
    digits = hashlib.sha256(path).hexdigest()[:12]
    return os.fsdecode(os.path.basename(path)[:_NAME_BYTES]) + "-" + digits


def _unusable(path: Path, error: OSError) -> AgentrtError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"no room for {path}", hint="make room on that disk, or set XDG_STATE_HOME to another")
    return WorkspaceError(
        f"agentrt cannot keep its state in {path}: {_reason(error)}",
        hint="make that folder yours and writable, or set XDG_STATE_HOME to one that is",
    )


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
