"""What a process in a sandbox sees at many paths: read by processes in it, so through what is mounted there."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from agentrt.contracts import Sandbox
from agentrt.errors import SandboxError
from agentrt.history.states import type_of_mode
from agentrt.records import FileState, Limits, Snapshot

_STAT = ("stat", "--printf", r"%f %s %.9Y %.9Z %i %n\0", "--")
_NOT_ALL = 123
"""xargs: of some paths the command said no."""
_LIMITS = Limits(seconds=3600)


class Seen(NamedTuple):
    states: dict[str, FileState | None]
    """By path, what is there; None: nothing."""
    out_of_reach: set[str]
    """Paths in a folder that processes inside may not enter: nothing is known of them."""


class Inside:
    """Looks at one snapshot after the other. What did not change from one to the next is hashed once.

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
            found = await self._stat(snapshot, names)
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
        for line in await self._each(_STAT, names):
            bits, size, mtime, ctime, inode, path = line.split(b" ", 5)
            mode, name = int(bits, 16), os.fsdecode(path)
            kind = type_of_mode(mode)
            found[name] = FileState(
                type=kind,
                mode=stat.S_IMODE(mode),
                size=int(size) if kind in ("file", "symlink") else 0,
                mtime_ns=int(mtime.replace(b".", b"")),
            )
            if kind == "file":
                files[name] = inode, size, mtime, ctime
        links = [name for name, state in found.items() if state.type == "symlink"]
        targets = await self._each(("readlink", "-z", "--"), links)
        if len(targets) != len(links):
            raise SandboxError("links were changed while they were read")
        for name, target in zip(links, targets, strict=True):
            about = {"target": os.fsdecode(target), "digest": hashlib.sha256(target).hexdigest()}
            found[name] = found[name].model_copy(update=about)
        await self._hash(snapshot, {name: one for name, one in files.items() if one not in self._digests})
        for name, identity in files.items():
            found[name] = found[name].model_copy(update={"digest": self._digests[identity]})
        return found

    async def _hash(self, snapshot: Snapshot, files: dict[str, tuple[bytes, ...]]) -> None:
        for line in await self._each(("sha256sum", "-z", "--"), list(files)):
            self._digests[files[os.fsdecode(line[66:])]] = line[:64].decode("ascii")
        for name, identity in files.items():
            if identity not in self._digests:  # a process inside may not read it
                with await self._sandbox.read_at(snapshot, name) as file:
                    self._digests[identity] = hashlib.sha256(file.read()).hexdigest()

    async def _each(self, command: tuple[str, ...], names: list[str]) -> list[bytes]:
        """What a command prints of each name, in one process for all of them."""
        if not names:
            return []
        printed, errors = bytearray(), bytearray()
        ended = await self._sandbox.exec(
            ("xargs", "-0", *command),
            env={"LC_ALL": "C"},
            stdin=b"".join(os.fsencode(name) + b"\0" for name in names),
            limits=_LIMITS,
            on_output=printed.extend,
            on_error=errors.extend,
        )
        if ended.exit_code not in (0, _NOT_ALL):
            said = os.fsdecode(bytes(errors)).strip() or f"exit code {ended.exit_code}"
            raise SandboxError(f"{command[0]} could not be run in the sandbox: {said}")
        return bytes(printed).split(b"\0")[:-1]


def _folders(path: str) -> Iterator[str]:
    """The folders on the way, outermost first."""
    names = path.split("/")
    return ("/".join(names[:depth]) for depth in range(1, len(names)) if names[depth - 1])
