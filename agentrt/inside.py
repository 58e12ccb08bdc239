"""What a process in a sandbox sees at many paths: read by processes in it, so through what is mounted there."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from agentrt.contracts import Sandbox
from agentrt.errors import SandboxError
from agentrt.records import FileState, Limits, Snapshot
from agentrt.records.effects import FileType

_TYPES: dict[bytes, FileType] = {b"f": "file", b"d": "directory", b"l": "symlink", b"p": "fifo", b"s": "socket"}
_LARGE = 1 << 20
_LOOK = rf"""exec find "$@" -maxdepth 0 -printf '= %y %m %s %T@ %C@ %i %p\0%l\0' \
    -type f -size -{_LARGE // 1024 + 1}k -exec sha256sum -z -- {{}} +"""
"""One process a snapshot: starting one is most of what a look costs. Large files are hashed apart, once."""
_NOT_ALL = 123
"""xargs: of some paths the command said no."""
_LIMITS = Limits(seconds=3600)


class Seen(NamedTuple):
    states: dict[str, FileState | None]
    """By path, what is there; None: nothing."""
    out_of_reach: set[str]
    """Paths in a folder that processes inside may not enter: nothing is known of them."""


class Inside:
    """Looks at one snapshot after the other. What is large and did not change from one to the next is hashed once.

    The sandbox is its own to move about: whatever is unsealed there is discarded.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._digests: dict[tuple[bytes, ...], str] = {}

    async def look(self, snapshot: Snapshot, paths: Iterable[str]) -> Seen:
        """Raises ``SandboxError``, ``OSError``, where the snapshot cannot be restored."""
        wanted = set(paths)
        await self._sandbox.restore(snapshot)
        await self._sandbox.begin("look")
        try:
            names = sorted({above for path in wanted for above in _folders(path)} | wanted)
            found = await self._stat(snapshot, [".", *names])
        finally:
            await self._sandbox.discard()
        seen = Seen({}, set())
        for path in wanted:
            above = [found.get(folder) for folder in _folders(path)]
            # A link on the way leads elsewhere: nothing is at this very path.
            led_away = any(state is not None and state.type != "directory" for state in above)
            seen.states[path] = None if led_away else found.get(path)
            if path not in found and not led_away and any(state and not state.mode & stat.S_IXUSR for state in above):
                seen.out_of_reach.add(path)
        return seen

    async def _stat(self, snapshot: Snapshot, names: list[str]) -> dict[str, FileState]:
        found: dict[str, FileState] = {}
        files: dict[str, tuple[bytes, ...]] = {}
        digests: dict[str, str] = {}
        lines = iter(await self._each(("sh", "-c", _LOOK, "sh"), names))
        for line in lines:
            if line.startswith(b"= "):
                _, kind, mode, size, mtime, ctime, inode, path = line.split(b" ", 7)
                name = _named(path)
                found[name] = _state(kind, int(mode, 8), int(size), mtime, next(lines))
                if found[name].type == "file":
                    files[name] = inode, size, mtime, ctime
            else:
                digests[_named(line[66:])] = line[:64].decode("ascii")
        if "." not in found:
            raise SandboxError("the sandbox could not be looked at: GNU find is not there")
        await self._hash(snapshot, {name: one for name, one in files.items() if name not in digests})
        for name, identity in files.items():
            digest = digests.get(name) or self._digests[identity]
            found[name] = found[name].model_copy(update={"digest": digest})
        return found

    async def _hash(self, snapshot: Snapshot, files: dict[str, tuple[bytes, ...]]) -> None:
        """Files that are large, or that a process inside may not read."""
        new = [name for name, identity in files.items() if identity not in self._digests]
        for line in await self._each(("sha256sum", "-z", "--"), new):
            self._digests[files[_named(line[66:])]] = line[:64].decode("ascii")
        for name in new:
            if files[name] not in self._digests:
                with await self._sandbox.read_at(snapshot, name) as file:
                    self._digests[files[name]] = hashlib.sha256(file.read()).hexdigest()

    async def _each(self, command: tuple[str, ...], names: list[str]) -> list[bytes]:
        """What a command prints of each name, in one process for all of them."""
        if not names:
            return []
        printed, errors = bytearray(), bytearray()
        ended = await self._sandbox.exec(
            ("xargs", "-0", *command),
            env={"LC_ALL": "C"},
            stdin=b"".join(_argument(name) + b"\0" for name in names),
            limits=_LIMITS,
            on_output=printed.extend,
            on_error=errors.extend,
        )
        if ended.exit_code not in (0, _NOT_ALL):
            said = os.fsdecode(bytes(errors)).strip() or f"exit code {ended.exit_code}"
            raise SandboxError(f"the sandbox could not be looked at: {said}")
        return bytes(printed).split(b"\0")[:-1]


def _state(kind: bytes, mode: int, size: int, mtime: bytes, target: bytes) -> FileState:
    seconds, _, fraction = mtime.partition(b".")
    found = FileState(
        type=_TYPES.get(kind, "device"),
        mode=mode,
        size=size if kind in (b"f", b"l") else 0,
        mtime_ns=int(seconds + fraction[:9]),
    )
    if kind != b"l":
        return found
    return found.model_copy(update={"target": os.fsdecode(target), "digest": hashlib.sha256(target).hexdigest()})


def _argument(name: str) -> bytes:
    """So that no program takes it for an option or an expression."""
    return os.fsencode(name if name.startswith("/") else f"./{name}")


def _named(argument: bytes) -> str:
    return os.fsdecode(argument.removeprefix(b"./"))


def _folders(path: str) -> Iterator[str]:
    """The folders on the way, outermost first."""
    names = path.split("/")
    return ("/".join(names[:depth]) for depth in range(1, len(names)) if names[depth - 1])
