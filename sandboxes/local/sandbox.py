"""The local sandbox: ``agentrt.contracts.Sandbox`` over user namespaces and overlay layers."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from agentrt.contracts import Confinement, ExecResult
from agentrt.errors import SandboxError
from agentrt.records import FileEffect, FileState, Limits, Pick, Snapshot

from . import causes, exceeded, toolchains, walls
from .client import FULL, Client, ServerError, told
from .inside import removal
from .inside.root import HOME
from .inside.store import locked, remove_dead_runs

T = TypeVar("T")


class LocalSandbox:
    """Commands run in namespaces of their own; what they write lands in layers in ``store``.

    The server starts with the first request that needs it, so opening one costs nothing.
    """

    def __init__(self, *, workspace: Path, store: Path, confinement: Confinement) -> None:
        self._workspace = workspace
        self._store = store
        self._confinement = confinement
        self._client: Client | None = None
        self._readying = asyncio.Lock()
        self._environment: dict[str, str] = {}
        self._standing = Snapshot()
        self._stale = True
        """The server does not stand on ``_standing`` yet."""
        self._dirty = False
        """Something ran since ``begin``."""
        self._name = ""
        self._door: socket.socket | None = None
        self._sealed: tuple[Snapshot, Snapshot, list[FileEffect]] | None = None

    @property
    def workspace(self) -> str:
        return os.fspath(self._workspace)

    async def start(self, snapshot: Snapshot) -> None:
        self._standing, self._stale = snapshot, True

    async def begin(self, name: str) -> None:
        self._name = name
        if self._dirty:
            await self.discard()

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
        request = {"argv": list(argv), "cwd": self._inside(cwd or "."), "terminal": terminal is not None}
        answer = await self._run(request, env, stdin, limits or Limits(), on_output, on_error, terminal)
        fields = ("exit_code", "timed_out", "killed", "seconds")
        told = "" if answer["exceeded"] is None else exceeded.sentence(*answer["exceeded"])
        return ExecResult(**{name: answer[name] for name in fields}, exceeded=told)

    async def read(self, path: str, *, limit: int | None = None) -> bytes:
        data = bytearray()
        request = {"call": "read", "path": self._inside(path), "limit": limit, "cwd": "/"}
        answer = await self._run(request, None, b"", Limits(), data.extend, None)
        _raise(answer, path)
        return bytes(data)

    async def write(self, path: str, data: bytes) -> None:
        request = {"call": "write", "path": self._inside(path), "cwd": "/"}
        answer = await self._run(request, None, data, Limits(), None, None)
        _raise(answer, path)

    async def seal(self) -> Snapshot:
        if not self._dirty:
            return self._standing
        before = self._standing
        answer = await self._ask("seal", name=self._name)
        self._dirty = False
        if answer["layer"] is not None:
            self._standing = Snapshot(layers=(*before.layers, answer["layer"]))
        self._sealed = before, self._standing, _effects(answer)
        return self._standing

    async def discard(self) -> None:
        self._dirty, self._stale = False, True

    async def changes(self, a: Snapshot, b: Snapshot) -> list[FileEffect]:
        if a == b:
            return []
        if self._sealed is not None and self._sealed[:2] == (a, b) and self._are_still(self._sealed[2]):
            return self._sealed[2]
        return _effects(await self._ask_store("changes", a=list(a.layers), b=list(b.layers)))

    async def look(self, snapshot: Snapshot, paths: Sequence[str]) -> list[FileState | None]:
        answer = await self._ask_store("look", layers=list(snapshot.layers), paths=list(paths))
        return [None if found is None else FileState.from_dict(found) for found in answer["states"]]

    async def read_at(self, snapshot: Snapshot, path: str) -> BinaryIO:
        [file] = await self.read_many(snapshot, [path])
        return file

    async def read_many(self, snapshot: Snapshot, paths: Sequence[str]) -> list[BinaryIO]:
        try:
            files = await self._with_server(lambda client: client.open(snapshot.layers, paths), stand=False)
        except ServerError as error:
            raise OSError(error.errno, error.strerror, error.filename) from error
        return [os.fdopen(file, "rb") for file in files]

    async def door(self) -> socket.socket:
        if self._door is None:
            self._door = socket.socket(fileno=await self._with_server(lambda client: client.door(), stand=False))
        return self._door

    async def restore(self, snapshot: Snapshot) -> None:
        self._standing, self._stale, self._dirty = snapshot, True, False

    async def keep(self, snapshot: Snapshot, effects: Sequence[FileEffect], name: str) -> Snapshot:
        inside = [effect for effect in effects if effect.in_workspace]
        paths = [path for effect in inside for path in (effect.path, effect.renamed_from) if path is not None]
        answer = await self._ask_store("keep", layers=list(snapshot.layers), paths=paths, name=name)
        return Snapshot(layers=tuple(answer["layers"]))

    async def graft(self, onto: Snapshot, picks: Sequence[Pick], name: str) -> Snapshot:
        sources = list(dict.fromkeys(pick.source for pick in picks))
        numbers = {source: number for number, source in enumerate(sources)}
        wanted = [
            [pick.path, numbers[pick.source], None if pick.content is None else b64encode(pick.content).decode()]
            for pick in picks
        ]
        layers = [list(source.layers) for source in sources]
        answer = await self._ask_store("graft", onto=list(onto.layers), sources=layers, picks=wanted, name=name)
        return Snapshot(layers=tuple(answer["layers"]))

    async def fork(self, snapshot: Snapshot) -> LocalSandbox:
        twin = LocalSandbox(workspace=self._workspace, store=self._store, confinement=self._confinement)
        await twin.start(snapshot)
        return twin

    async def remove(self, names: Sequence[str]) -> None:
        """Delete layers from the store for good, and what servers that were killed left."""
        if self._client is None:
            # A disk may be too full to start a server; and who removes layers is mostly not going to run anything.
            await _thread(partial(_remove, os.fsencode(self._store), names))
            return
        # Without standing anywhere, which takes the room that may have to be made first.
        await self._with_server(lambda client: client.ask("remove", names=list(names), opened=self._stale), stand=False)

    async def purge(self, path: str, *, dry_run: bool = False) -> Sequence[str]:
        if not dry_run:
            await self.discard()
            self._sealed = None
        found: list[str] = (await self._ask("purge", path=self._inside(path), dry_run=dry_run))["layers"]
        return found

    async def close(self) -> None:
        client, self._client = self._client, None
        door, self._door = self._door, None
        if door is not None:
            door.close()
        if client is not None:
            await _thread(client.close)

    def _are_still(self, effects: Sequence[FileEffect]) -> bool:
        """Nobody touched what they began with, where that was the real workspace's own."""
        return all(
            _is_still(effect.before, self._inside(effect.renamed_from or effect.path))
            for effect in effects
            if effect.in_workspace and (effect.before is None or effect.before.inode)
        )

    def _inside(self, path: str) -> str:
        """Absolute, as processes inside see it; ``~`` is the sandbox's home."""
        if path == "~" or path.startswith("~/"):
            path = os.fsdecode(HOME) + path[1:]
        return self.workspace if path == "." else os.path.join(self.workspace, path)

    async def _run(
        self,
        request: dict[str, Any],
        env: Mapping[str, str] | None,
        stdin: bytes,
        limits: Limits,
        on_output: Callable[[bytes], None] | None,
        on_error: Callable[[bytes], None] | None,
        terminal: int | None = None,
    ) -> dict[str, Any]:
        request |= {
            "seconds": limits.seconds,
            "processes": limits.processes,
            "memory_bytes": limits.memory_bytes,
            "cpu_seconds": limits.cpu_seconds,
            "file_bytes": limits.file_bytes,
            "written_bytes": limits.written_bytes,
            "written_files": limits.written_files,
        }
        stop = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

        def run(client: Client) -> dict[str, Any]:
            self._dirty = True
            given = {**self._environment, "PWD": request["cwd"], **(env or {})}
            request["env"] = given
            if terminal is not None:
                return client.run_at(terminal, request, stop)
            return client.run(request, stdin, on_output, on_error, stop)

        try:
            answer = await self._with_server(run, partial(os.eventfd_write, stop, 1))
            self._dirty = answer["wrote"]
            return answer
        finally:
            os.close(stop)

    async def _ask(self, do: str, **fields: Any) -> dict[str, Any]:
        return await self._with_server(lambda client: client.ask(do, **fields))

    async def _ask_store(self, do: str, **fields: Any) -> dict[str, Any]:
        """What is about layers alone: nothing has to be mounted for it."""
        return await self._with_server(lambda client: client.ask(do, **fields), stand=False)

    async def _with_server(
        self, call: Callable[[Client], T], interrupt: Callable[[], None] | None = None, *, stand: bool = True
    ) -> T:
        """``call`` in a worker thread. Of a server that died we let go: the layers on disk are the truth, and the
        next call starts a new one on them."""
        try:
            async with self._readying:
                client = await self._ready(stand)
            return await _thread(partial(call, client), interrupt)
        finally:
            if self._client is not None and self._client.gone:
                await self.close()

    async def _ready(self, stand: bool) -> Client:
        if self._client is None:
            self._stale = True
            await _thread(self._start)
        client = self._client
        assert client is not None
        if self._stale and stand:
            await _thread(partial(client.ask, "stand", layers=list(self._standing.layers)))
            self._stale = False
        return client

    def _start(self) -> None:
        """Kept also where nobody waits for it any more: a server that nobody knows would never be ended."""
        self._client = self._open()

    def _planted(self) -> dict[str, bytes]:
        """By absolute path. Raises ``SandboxError``."""
        planted = {os.path.normpath(self._inside(path)): data for path, data in self._confinement.planted.items()}
        for path in planted:
            if f"{path}/".startswith(f"{self.workspace}/"):
                raise SandboxError(f"{path}: nothing can be planted in the workspace")
        return planted

    def _open(self) -> Client:
        walls.check(self._confinement.require)
        self._store.mkdir(mode=0o700, parents=True, exist_ok=True)
        shows = toolchains.find(self._workspace, self._confinement, os.environ)
        self._environment = toolchains.environment(self._workspace, shows, os.environ)
        planted = {path: b64encode(data).decode() for path, data in self._planted().items()}
        client = Client()
        try:
            about = {"planted": planted, "hidden": list(self._confinement.hidden)}
            client.start(store=os.fspath(self._store), workspace=self.workspace, shows=shows, **about)
        except ServerError as error:
            client.close()
            if error.errno in FULL and error.filename != "unshare":  # there it says: no more namespaces
                raise told("start", error) from error
            raise causes.explain(error, workspace=self._workspace) from error
        return client


def _is_still(seen: FileState | None, path: str) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return seen is None
    if seen is None or found.st_ino != seen.inode or stat.S_IMODE(found.st_mode) != seen.mode:
        return False
    return stat.S_ISDIR(found.st_mode) or found.st_mtime_ns == seen.mtime_ns


def _remove(store: bytes, names: Sequence[str]) -> None:
    if os.path.isdir(store):
        with locked(store):
            remove_dead_runs(store)
        removal.remove(store, names)


async def _thread(call: Callable[[], T], interrupt: Callable[[], None] | None = None) -> T:
    """Run a blocking call in a worker thread. Cancelled, it is interrupted if it can be, and waited for always."""
    future = asyncio.get_running_loop().run_in_executor(None, call)
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
            if interrupt is not None:
                interrupt()
    if cancelled is not None:
        future.exception()  # seen; the cancellation is what the caller is told
        raise cancelled
    return future.result()


def _effects(answer: dict[str, Any]) -> list[FileEffect]:
    found = [FileEffect.from_dict(effect) for effect in answer["effects"]]
    return sorted(found, key=lambda effect: effect.path)


def _raise(answer: dict[str, Any], path: str) -> None:
    if "failed" in answer:
        raise OSError(*answer["failed"], path)
    if answer["exit_code"] != 0:
        raise SandboxError(f"{path}: ended before it was done")
