# ruff: noqa: ASYNC230, ASYNC240 (everything here is small, and blocks)
"""The smallest sandbox that meets the contract: plain copies, and NO CONFINEMENT AT ALL.

A model for people who write a sandbox, and a fast ground for tests of what stands above one. The workspace is
copied whole at ``begin``; commands run in the copy with the rights of this process; ``seal`` compares the copy
with what it was. What is done outside the workspace is neither seen nor undone. Of limits it keeps to ``seconds``
alone, so the kit's checks of the others are not for it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

from agentrt.contracts import Confinement, ExecResult, Sandbox
from agentrt.errors import SandboxError, SandboxUnavailable
from agentrt.records import FileEffect, FileState, Limits, Pick, Snapshot, dump_json

from .memory_trees import Tree, build, by_path, compare, copy_file, remove, scan, written


def open_sandbox(
    options: Mapping[str, object], *, workspace: Path, store: Path, confinement: Confinement, folder: Path
) -> Sandbox:
    """The entry point's function. ``options["unavailable"]`` makes ``start`` fail, as a machine without confinement."""
    unavailable = f"it has no {' and no '.join(confinement.require)}" if confinement.require else ""
    return MemorySandbox(workspace, store, unavailable=str(options.get("unavailable", unavailable)))


class MemorySandbox:
    """A layer is a folder: ``effects.json`` and the content of each changed file, by number."""

    def __init__(self, workspace: Path, store: Path, *, unavailable: str = "") -> None:
        self._real, self._store, self._unavailable = workspace, store, unavailable
        self._snapshot = Snapshot()
        self._live: Path | None = None
        self._name: str | None = None
        self._before: Tree = {}
        self._door: socket.socket | None = None

    @property
    def workspace(self) -> str:
        return str(self._live or self._real)

    async def start(self, snapshot: Snapshot) -> None:
        if self._unavailable:
            raise SandboxUnavailable(f"no sandbox: {self._unavailable}", hint="use another machine")
        self._snapshot = snapshot

    async def begin(self, name: str) -> None:
        await self.discard()
        self._live = Path(tempfile.mkdtemp(prefix="live-", dir=self._store))
        tree = self._tree(self._snapshot)
        build(self._live, tree)
        self._before, self._name = scan(self._live), name

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
        if terminal is not None:
            raise SandboxError("the memory sandbox has no terminals")
        take = on_output or (lambda chunk: None)
        started, pipe = time.monotonic(), asyncio.subprocess.PIPE
        folder = os.path.join(self.workspace, cwd or "")
        if not Path(folder).is_dir():
            raise SandboxError(f"{cwd}: no such folder")
        inherited = {key: os.environ[key] for key in ("PATH", "LANG", "TERM") if key in os.environ}
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                cwd=folder,
                env={**inherited, **(env or {})},
                stdin=pipe,
                stdout=pipe,
                stderr=asyncio.subprocess.STDOUT if on_error is None else pipe,
                start_new_session=True,
            )
        except (FileNotFoundError, NotADirectoryError):
            (on_error or take)(f"{argv[0]}: command not found\n".encode())
            return ExecResult(exit_code=127, seconds=time.monotonic() - started)
        assert process.stdin is not None and process.stdout is not None
        timed_out = False
        readers = [asyncio.ensure_future(_pump(process.stdout, take))]
        if process.stderr is not None and on_error is not None:
            readers.append(asyncio.ensure_future(_pump(process.stderr, on_error)))
        try:
            with suppress(BrokenPipeError, ConnectionResetError):
                process.stdin.write(stdin)
                await process.stdin.drain()
            process.stdin.close()
            await asyncio.wait_for(process.wait(), limits.seconds if limits else None)
        except TimeoutError:
            timed_out = True
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            code = await process.wait()
            await asyncio.wait(readers)
        return ExecResult(
            exit_code=code if code >= 0 else 128 - code,
            timed_out=timed_out,
            seconds=time.monotonic() - started,
        )

    async def read(self, path: str, *, limit: int | None = None) -> bytes:
        with open(os.path.join(self.workspace, path), "rb") as file:
            return file.read(-1 if limit is None else limit)

    async def write(self, path: str, data: bytes) -> None:
        target = Path(self.workspace, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    async def seal(self) -> Snapshot:
        assert self._live is not None and self._name is not None, "seal without begin"
        after = scan(self._live)
        effects = compare(self._before, after)
        if effects:
            self._snapshot = Snapshot(layers=(*self._snapshot.layers, self._layer(self._name, effects, after)))
        await self.discard()
        return self._snapshot

    async def discard(self) -> None:
        if self._live is not None:
            remove(self._live)
        self._live = self._name = None

    async def changes(self, a: Snapshot, b: Snapshot) -> list[FileEffect]:
        return compare(self._tree(a), self._tree(b))

    async def look(self, snapshot: Snapshot, paths: Sequence[str]) -> list[FileState | None]:
        tree = self._tree(snapshot)
        return [tree[path][0] if path in tree else None for path in paths]

    async def read_at(self, snapshot: Snapshot, path: str) -> BinaryIO:
        found = self._tree(snapshot).get(path)
        if found is None:
            raise FileNotFoundError(path)
        if found[0].type != "file":
            raise OSError(f"{path}: not a regular file")
        return open(found[1], "rb")  # the caller closes it

    async def read_many(self, snapshot: Snapshot, paths: Sequence[str]) -> list[BinaryIO]:
        with ExitStack() as opened:
            files = [opened.enter_context(await self.read_at(snapshot, path)) for path in paths]
            opened.pop_all()
        return files

    async def door(self) -> socket.socket:
        if self._door is None:
            self._door = socket.create_server(("127.0.0.1", 0))
        return self._door

    async def restore(self, snapshot: Snapshot) -> None:
        await self.discard()
        self._snapshot = snapshot

    async def keep(self, snapshot: Snapshot, effects: Sequence[FileEffect], name: str) -> Snapshot:
        if not effects:
            return Snapshot()
        return Snapshot(layers=(self._layer(name, effects, self._tree(snapshot)),))

    async def graft(self, onto: Snapshot, picks: Sequence[Pick], name: str) -> Snapshot:
        before = self._tree(onto)
        after, going = dict(before), {p.path for p in picks if p.path not in self._tree(p.source)}
        with tempfile.TemporaryDirectory(prefix="graft-", dir=self._store) as folder:
            for number, pick in enumerate(sorted(picks, key=lambda pick: by_path((pick.path, None)))):
                found, inside = self._tree(pick.source).get(pick.path), f"{pick.path}/"
                if found is None:
                    if all(path in going for path in after if path.startswith(inside)):
                        after = {path: node for path, node in after.items() if not f"{path}/".startswith(inside)}
                    continue
                above = after.get(os.path.dirname(pick.path))
                if "/" in pick.path and (above is None or above[0].type != "directory"):
                    continue
                if found[0].type != "directory":
                    after = {path: node for path, node in after.items() if not path.startswith(inside)}
                after[pick.path] = found if pick.content is None else written(found[0], pick.content, folder, number)
            effects = compare(before, after)
            if not effects:
                return onto
            return Snapshot(layers=(*onto.layers, self._layer(name, effects, after)))

    async def remove(self, names: Sequence[str]) -> None:
        for name in names:
            remove(self._store / name)

    async def purge(self, path: str, *, dry_run: bool = False) -> Sequence[str]:
        await self.discard()
        path = os.path.relpath(os.path.join(self._real, path), self._real)
        found = []
        for layer in sorted(folder for folder in self._store.iterdir() if (folder / "effects.json").exists()):
            effects = _effects(layer)
            kept = [e for e in effects if e.after is None or not f"{e.path}/".startswith(f"{path}/")]
            if len(kept) < len(effects):
                found.append(layer.name)
                if not dry_run:
                    _keep_only(layer, [effects.index(effect) for effect in kept], kept)
        return found

    async def fork(self, snapshot: Snapshot) -> Sandbox:
        other = MemorySandbox(self._real, self._store)
        await other.start(snapshot)
        return other

    async def close(self) -> None:
        await self.discard()
        if self._door is not None:
            self._door.close()
            self._door = None

    def _tree(self, snapshot: Snapshot) -> Tree:
        """The real workspace with the layers laid over it."""
        tree = scan(self._real)
        for name in snapshot.layers:
            tree = dict(sorted(self._over(tree, self._store / name).items(), key=by_path))
        return tree

    def _over(self, tree: Tree, layer: Path) -> Tree:
        for number, effect in enumerate(_effects(layer)):
            for path in [p for p in tree if p == effect.path or p.startswith(effect.path + "/")]:
                if effect.after is None or path == effect.path or effect.after.type != "directory":
                    del tree[path]
            if effect.after is not None:
                tree[effect.path] = (effect.after, layer / str(number))
        return tree

    def _layer(self, name: str, effects: Sequence[FileEffect], tree: Tree) -> str:
        half = self._store / f"{name}.half"
        remove(half)
        half.mkdir()
        for number, effect in enumerate(effects):
            if effect.after is not None and effect.after.type == "file":
                copy_file(tree[effect.path][1], half / str(number))
        (half / "effects.json").write_text(dump_json([effect.to_dict() for effect in effects]))
        half.rename(self._store / name)
        return name


def _effects(layer: Path) -> list[FileEffect]:
    import json

    return [FileEffect.from_dict(data) for data in json.loads((layer / "effects.json").read_text())]


def _keep_only(layer: Path, numbers: Sequence[int], effects: Sequence[FileEffect]) -> None:
    """The others' content goes, and these are numbered anew."""
    for file in [file for file in layer.iterdir() if file.name.isdigit() and int(file.name) not in numbers]:
        file.unlink()
    for new, old in enumerate(numbers):
        if (layer / str(old)).exists():
            (layer / str(old)).rename(layer / str(new))
    (layer / "effects.json").write_text(dump_json([effect.to_dict() for effect in effects]))


async def _pump(stream: asyncio.StreamReader, take: Callable[[bytes], None]) -> None:
    while chunk := await stream.read(65536):
        take(chunk)
