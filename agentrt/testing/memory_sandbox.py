# ruff: noqa: ASYNC230, ASYNC240 (everything here is small, and blocks)
"""The smallest sandbox that meets the contract: plain copies, and NO CONFINEMENT AT ALL.

A model for people who write a sandbox, and a fast ground for tests of what stands above one. The workspace is
copied whole at ``begin``; commands run in the copy with the rights of this process; ``seal`` compares the copy
with what it was. What is done outside the workspace is neither seen nor undone.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from agentrt.contracts import Confinement, ExecResult, Sandbox
from agentrt.errors import SandboxError, SandboxUnavailable
from agentrt.records import FileEffect, FileState, Limits, Pick, Snapshot, dump_json

Tree = dict[str, tuple[FileState, Path]]
"""Path → what it is, and where its content lies. Parents sort before what is in them."""


def open_sandbox(options: Mapping[str, object], *, workspace: Path, store: Path, confinement: Confinement) -> Sandbox:
    """The entry point's function. ``options["unavailable"]`` makes ``start`` fail, as a machine without confinement."""
    return MemorySandbox(workspace, store, unavailable=str(options.get("unavailable", "")))


class MemorySandbox:
    """A layer is a folder: ``effects.json`` and the content of each changed file, by number."""

    def __init__(self, workspace: Path, store: Path, *, unavailable: str = "") -> None:
        self._real, self._store, self._unavailable = workspace, store, unavailable
        self._snapshot = Snapshot()
        self._live: Path | None = None
        self._name: str | None = None
        self._before: Tree = {}

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
        _build(self._live, tree)
        self._before, self._name = _scan(self._live), name

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
    ) -> ExecResult:
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
        after = _scan(self._live)
        effects = _compare(self._before, after)
        if effects:
            self._snapshot = Snapshot(layers=(*self._snapshot.layers, self._layer(self._name, effects, after)))
        await self.discard()
        return self._snapshot

    async def discard(self) -> None:
        if self._live is not None:
            _remove(self._live)
        self._live = self._name = None

    async def changes(self, a: Snapshot, b: Snapshot) -> list[FileEffect]:
        return _compare(self._tree(a), self._tree(b))

    async def read_at(self, snapshot: Snapshot, path: str) -> BinaryIO:
        found = self._tree(snapshot).get(path)
        if found is None:
            raise FileNotFoundError(path)
        if found[0].type != "file":
            raise OSError(f"{path}: not a regular file")
        return open(found[1], "rb")  # the caller closes it

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
            for number, pick in enumerate(sorted(picks, key=lambda pick: _by_path((pick.path, None)))):
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
                after[pick.path] = found if pick.content is None else _written(found[0], pick.content, folder, number)
            effects = _compare(before, after)
            if not effects:
                return onto
            return Snapshot(layers=(*onto.layers, self._layer(name, effects, after)))

    async def remove(self, names: Sequence[str]) -> None:
        for name in names:
            _remove(self._store / name)

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

    def _tree(self, snapshot: Snapshot) -> Tree:
        """The real workspace with the layers laid over it."""
        tree = _scan(self._real)
        for name in snapshot.layers:
            tree = dict(sorted(self._over(tree, self._store / name).items(), key=_by_path))
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
        _remove(half)
        half.mkdir()
        for number, effect in enumerate(effects):
            if effect.after is not None and effect.after.type == "file":
                _copy(tree[effect.path][1], half / str(number))
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


def _written(like: FileState, content: bytes, folder: str, number: int) -> tuple[FileState, Path]:
    file = Path(folder, str(number))
    file.write_bytes(content)
    known = {"size": len(content), "digest": hashlib.sha256(content).hexdigest(), "mtime_ns": time.time_ns()}
    return like.model_copy(update=known), file


def _by_path(item: tuple[str, object]) -> bytes:
    return os.fsencode(item[0]).replace(b"/", b"\0")


def _scan(root: Path) -> Tree:
    return dict(sorted(_walk(str(root), ""), key=_by_path))


def _walk(root: str, folder: str) -> Iterator[tuple[str, tuple[FileState, Path]]]:
    for entry in os.scandir(os.path.join(root, folder)):
        path = os.path.join(folder, entry.name)
        yield path, (_state(entry), Path(entry.path))
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(root, path)


def _state(entry: os.DirEntry[str]) -> FileState:
    found = entry.stat(follow_symlinks=False)
    digest = target = None
    if stat.S_ISREG(found.st_mode):
        with open(entry.path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        kind = "file"
    elif stat.S_ISLNK(found.st_mode):
        target = os.readlink(entry.path)
        digest, kind = hashlib.sha256(os.fsencode(target)).hexdigest(), "symlink"
    elif stat.S_ISDIR(found.st_mode):
        kind = "directory"
    else:
        kind = {stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket"}.get(stat.S_IFMT(found.st_mode), "device")
    return FileState.from_dict(
        {
            "type": kind,
            "mode": 0o777 if kind == "symlink" else stat.S_IMODE(found.st_mode),
            "size": found.st_size if kind in ("file", "symlink") else 0,
            "mtime_ns": found.st_mtime_ns,
            "inode": found.st_ino,
            "digest": digest,
            "target": target,
        }
    )


def _compare(before: Tree, after: Tree) -> list[FileEffect]:
    effects = []
    for path, _ in sorted(dict.fromkeys((*before, *after)).items(), key=_by_path):
        old, new = before.get(path, (None,))[0], after.get(path, (None,))[0]
        if old is None or new is None:
            change = "created" if old is None else "deleted"
        elif (old.type, old.digest) != (new.type, new.digest):
            change = "modified"
        elif old.mode != new.mode:
            change = "mode"
        else:
            continue
        effects.append(FileEffect.from_dict({"path": path, "change": change, "before": old, "after": new}))
    return effects


def _build(root: Path, tree: Tree) -> None:
    """Make ``tree`` under ``root``; modes and times last, innermost first, or nothing could be put in."""
    for path, (state, content) in tree.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)  # the real one may be gone from under a layer
        if state.type == "directory":
            target.mkdir()
        elif state.type == "symlink":
            target.symlink_to(state.target or "")
        elif state.type == "fifo":
            os.mkfifo(target)
        elif state.type == "file":
            _copy(content, target)
    for path, (state, _) in reversed(tree.items()):
        if state.type in ("file", "directory", "fifo"):
            os.chmod(root / path, state.mode)
            os.utime(root / path, ns=(state.mtime_ns, state.mtime_ns))


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _remove(folder: Path) -> None:
    for around, names, _ in os.walk(folder):
        for name in names:
            path = os.path.join(around, name)
            if not os.path.islink(path):
                os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)
