"""What sandboxes have in common whose actions are run by a server that also keeps their layers."""

from __future__ import annotations

import os
import socket
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from agentrt.contracts import Confinement, ExecResult, Sandbox
from agentrt.errors import SandboxError
from agentrt.records import Limits, Snapshot

from ..layers.client import Client
from ..layers.sandbox import LayersSandbox, effects_of, thread
from . import exceeded
from .client import ActingClient

T = TypeVar("T")


class ActingSandbox(LayersSandbox):
    """``agentrt.contracts.Sandbox``, but for how its server is started."""

    environment: Mapping[str, str]
    """What every action is given; set by ``open_server``."""

    def __init__(self, *, workspace: Path, store: Path, confinement: Confinement) -> None:
        super().__init__(workspace=workspace, store=store, confinement=confinement)
        self._client: ActingClient | None = None
        self._stale = True
        """The server does not stand on ``_standing`` yet."""
        self._entered = False
        """Actions can be run."""
        self._door: socket.socket | None = None

    @abstractmethod
    def twin(self) -> ActingSandbox:
        """Another one on the same workspace and store."""

    @abstractmethod
    def open_server(self) -> ActingClient:
        """Blocking, in a worker thread. Raises ``SandboxUnavailable``, ``SandboxError``."""

    def enter(self, client: ActingClient) -> None:
        """What it takes besides the server to run actions; blocking, in a worker thread. Raises the same."""

    def stop_entering(self) -> None:
        """Nobody waits for ``enter`` any more; from any thread."""

    def left(self) -> None:
        """The server has ended; blocking, in a worker thread. Raises nothing: what cannot be removed is ``gc``'s."""

    def explained(self, error: SandboxError) -> SandboxError:
        """What is known of why the server has nothing more to work with; blocking, in a worker thread."""
        return error

    async def start(self, snapshot: Snapshot) -> None:
        self._standing, self._stale = snapshot, True

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
        request = {"argv": list(argv), "cwd": cwd or ".", "terminal": terminal is not None}
        answer = await self._run(request, env, stdin, limits or Limits(), on_output, on_error, terminal)
        fields = ("exit_code", "timed_out", "killed", "seconds")
        told = "" if answer["exceeded"] is None else exceeded.sentence(*answer["exceeded"])
        return ExecResult(**{name: answer[name] for name in fields}, exceeded=told)

    async def read(self, path: str, *, limit: int | None = None) -> bytes:
        data = bytearray()
        request = {"call": "read", "path": path, "limit": limit, "cwd": "/"}
        answer = await self._run(request, None, b"", Limits(), data.extend, None)
        _raise(answer, path)
        return bytes(data)

    async def write(self, path: str, data: bytes) -> None:
        request = {"call": "write", "path": path, "cwd": "/"}
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
        self._sealed = before, self._standing, effects_of(answer)
        return self._standing

    async def discard(self) -> None:
        self._dirty, self._stale = False, True

    async def door(self) -> socket.socket:
        if self._door is None:
            self._door = await self._with_server(self.open_door)
        return self._door

    def open_door(self, client: ActingClient) -> socket.socket:
        """Where the server opened it."""
        return socket.socket(fileno=client.door()[0])

    async def restore(self, snapshot: Snapshot) -> None:
        self._standing, self._stale, self._dirty = snapshot, True, False

    async def fork(self, snapshot: Snapshot) -> Sandbox:
        twin = self.twin()
        await twin.start(snapshot)
        return twin

    async def remove(self, names: Sequence[str]) -> None:
        """Delete layers from the store for good, and what servers that were killed left."""
        if self._client is None:
            await self._remove_unasked(names)
            return
        # Without standing anywhere, which takes the room that may have to be made first.
        await self._with_server(lambda client: client.ask("remove", names=list(names), opened=self._stale), stand=False)

    async def purge(self, path: str, *, dry_run: bool = False) -> Sequence[str]:
        if not dry_run:
            await self.discard()
            self._sealed = None
        where = {"dry_run": dry_run}
        answer = await self._books(lambda client: client.ask("purge", path=self._inside(path), **where))
        found: list[str] = answer["layers"]
        return found

    async def close(self) -> None:
        client, self._client = self._client, None
        door, self._door = self._door, None
        if door is not None:
            door.close()
        if client is not None:
            try:
                await thread(client.close)
            finally:  # cancelled, too
                await thread(self.left)

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

        def run(client: ActingClient) -> dict[str, Any]:
            self._dirty = True
            for name in {"cwd", "path"} & request.keys():  # only now it is known where the home is
                request[name] = self._inside(request[name])
            given = {**self.environment, "PWD": request["cwd"], **(env or {})}
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

    async def _books(self, call: Callable[[Client], T]) -> T:
        """Nothing has to be mounted for it."""
        return await self._with_server(call, stand=False)

    async def _with_server(
        self, call: Callable[[ActingClient], T], interrupt: Callable[[], None] | None = None, *, stand: bool = True
    ) -> T:
        """``call`` in a worker thread. Of a server that died we let go: the layers on disk are the truth, and the
        next call starts a new one on them."""
        try:
            async with self._readying:
                client = await self._ready(stand)
            return await thread(partial(call, client), interrupt)
        except SandboxError as error:
            if self._client is not None and self._client.gone:
                raise await thread(partial(self.explained, error)) from error
            raise
        finally:
            if self._client is not None and self._client.gone:
                await self.close()

    async def _ready(self, stand: bool) -> ActingClient:
        if self._client is None:
            self._stale, self._entered = True, False
            await thread(self._start)
        client = self._client
        assert client is not None
        if stand and not self._entered:
            await thread(partial(self.enter, client), self.stop_entering)
            self._entered = True
        if self._stale and stand:
            await thread(partial(client.ask, "stand", layers=list(self._standing.layers)))
            self._stale = False
        return client

    def _start(self) -> None:
        """Kept also where nobody waits for it any more: a server that nobody knows would never be ended."""
        self._client = self.open_server()

    def planted(self) -> dict[str, bytes]:
        """By absolute path. Raises ``SandboxError``."""
        planted = {os.path.normpath(self._inside(path)): data for path, data in self._confinement.planted.items()}
        for path in planted:
            if f"{path}/".startswith(f"{self.workspace}/"):
                raise SandboxError(f"{path}: nothing can be planted in the workspace")
        return planted


def _raise(answer: dict[str, Any], path: str) -> None:
    if "failed" in answer:
        raise OSError(*answer["failed"], path)
    if answer["exit_code"] != 0:
        raise SandboxError(f"{path}: ended before it was done")
