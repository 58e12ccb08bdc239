"""The keeper's end of a container: the stream the engine attached to its first process, and what is asked of that."""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .inside import entries
from .inside.entries import Content, Entry, Source, bytes_of
from .inside.frames import Link

_HEAD = struct.Struct("!BxxxI")
"""Before each piece of a container's output: which stream it is of, and its length (the engine's attach protocol)."""
_STDOUT = 1
_READ = 1 << 18
_SAID = 4000
"""Bytes kept of what the first process says on standard error, which is only ever why it failed."""
FULL = "the disk of the container engine is full"
_SANDBOXES = Path(__file__).parent.parent
_PACKAGES = ("", ".acting", ".layers", ".docker", ".docker.inside")
_MODULES = (
    *(".layers.times", ".layers.holes", ".layers.trees"),
    *(".acting.calls", ".acting.files", ".acting.privilege", ".acting.usage", ".acting.filling", ".acting.command"),
    *(".docker.inside.frames", ".docker.inside.watching", ".docker.inside.index", ".docker.inside.entries"),
    *(".docker.inside.putting", ".docker.inside.leftovers", ".docker.inside.tunnels"),
    *(".docker.inside.running", ".docker.inside.server"),
)
"""In the order in which they import each other."""
BOOT = """
import importlib.machinery, importlib.util, json, os, select, struct, sys
def get(size):
    data = b""
    while len(data) < size:
        # Nobody's end of the stream may have been there when this began: then no end of it is ever told.
        piece = select.select([0], [], [], 30)[0] and os.read(0, size - len(data))
        if not piece: sys.exit()
        data += piece
    return data
for name, source in json.loads(get(*struct.unpack("!I", get(4)))):
    spec = importlib.machinery.ModuleSpec(name, None, is_package=source is None)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    above, _, last = name.rpartition(".")
    if above: setattr(sys.modules[above], last, module)
    if source is not None: exec(compile(source, name, "exec"), module.__dict__)
sys.modules["sandboxes.docker.inside.server"].main()
"""
"""What the first process runs: it is sent the rest."""


class Lost(OSError):
    """The container is gone, or does not answer: nothing more can be asked of it."""


class Box:
    """Requests and their fields: start {roots, leave_out} · put {} and entries · settle {} · changed {all} ·
    collect {}, answered by entries first · door {} · run {of the runtime's; stdin, apart, size}, see ``running.py``."""

    def __init__(self, stream: socket.socket, patience: float) -> None:
        """``patience``: seconds without a sign until it is taken for dead. Raises ``Lost``."""
        stream.settimeout(patience)
        self._stream = stream
        self._raw = bytearray()
        self._said = bytearray()
        self.link = Link(self._read, self._write)
        program = [("sandboxes" + name, None) for name in _PACKAGES]
        sources = [("sandboxes" + name, _source(name)) for name in _MODULES]
        data = json.dumps([*program, *sources]).encode()
        self._write(struct.pack("!I", len(data)) + data)

    def fileno(self) -> int:
        return self._stream.fileno()

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Raises ``OSError``: what went wrong inside, or ``Lost``."""
        self.link.tell({"do": do, **fields})
        return self.answer()

    def answer(self) -> dict[str, Any]:
        return checked(self.link.hear())

    def put(self, sources: Iterable[Source]) -> None:
        self.link.tell({"do": "put"})
        try:
            try:
                entries.send(self.link, iter(sources))
            finally:
                self.answer()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise OSError(error.errno, FULL, error.filename) from error
            raise

    def changed(self, *, all: bool = False) -> list[bytes]:
        return list(map(bytes_of, self.ask("changed", all=all)["paths"]))

    def collect(self, take: Callable[[Entry, Content], object]) -> None:
        """``take`` is given all of them; what it raises is raised in the end."""
        self.link.tell({"do": "collect"})
        failed: OSError | None = None
        for entry, content in entries.receive(self.link):
            if failed is None:
                try:
                    take(entry, content)
                except OSError as error:
                    failed = error
        self.answer()
        if failed is not None:
            raise failed

    def silent(self) -> Lost:
        return Lost(errno.ETIMEDOUT, "it does not answer", "container")

    def close(self) -> None:
        self._stream.close()

    def _read(self) -> bytes:
        """What the first process sent, without the engine's own framing."""
        while True:
            try:
                data = self._stream.recv(_READ)
            except TimeoutError as error:
                raise self.silent() from error
            except ConnectionError:
                data = b""
            if not data:
                raise self._gone()
            self._raw += data
            if found := self._unframed():
                return found

    def _write(self, data: bytes) -> None:
        try:
            self._stream.sendall(data)
        except TimeoutError as error:
            raise self.silent() from error
        except ConnectionError as error:
            raise self._gone() from error

    def _gone(self) -> Lost:
        said = self._said.decode(errors="replace").strip().rpartition("\n")[2]
        return Lost(errno.EPIPE, "it is gone" + (f": {said}" if said else ""), "container")

    def _unframed(self) -> bytes:
        found = bytearray()
        while len(self._raw) >= _HEAD.size:
            stream, length = _HEAD.unpack_from(self._raw)
            end = _HEAD.size + length
            if len(self._raw) < end:
                break
            piece = self._raw[_HEAD.size : end]
            if stream == _STDOUT:
                found += piece
            else:
                self._said = (self._said + piece)[-_SAID:]
            del self._raw[:end]
        return bytes(found)


def checked(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        raise OSError(*answer["error"])
    return answer


def _source(name: str) -> str:
    return (_SANDBOXES / (name[1:].replace(".", os.sep) + ".py")).read_text(encoding="utf-8")
