"""What is at a path, as it travels: an ``Entry``, and where it is a file, its content after it.

In a batch come first its entries, then the content of all its files, one after the other.
"""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ...acting.files import write_all
from ...layers.holes import data_of
from .frames import BLOB, HOLE, MOST, NUMBER, Link
from .index import accessible

_BATCH, _BATCH_BYTES = 256, 1 << 20
FILE, FOLDER, SYMLINK, FIFO, SOCKET, GONE = "f", "d", "l", "p", "s", ""
_TYPES = {
    stat.S_IFREG: FILE,
    stat.S_IFDIR: FOLDER,
    stat.S_IFLNK: SYMLINK,
    stat.S_IFIFO: FIFO,
    stat.S_IFSOCK: SOCKET,
}
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MARKS = ("trusted.", "security.", "system.")
"""Attributes that are not the user's own."""


class Entry(NamedTuple):
    path: str
    """Absolute, in the container."""
    type: str = GONE
    mode: int = 0
    mtime_ns: int = 0
    size: int = 0
    """Of a file: so many bytes of content come with it."""
    target: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    """Name, and value in base64."""


class Source(NamedTuple):
    entry: Entry
    content: int | None
    """A file open for reading, for who sends it to close."""


def named(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def bytes_of(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def look(
    path: bytes, shown: bytes, status: os.stat_result, attributes: Iterable[tuple[str, bytes]], *, ours: bool = True
) -> Source:
    """What is at ``path``, to be told as what is at ``shown``. A device is told as nothing. ``ours``: where its mode
    keeps its owner from reading it, that is changed for a moment. Raises ``OSError``."""
    kind = _TYPES.get(stat.S_IFMT(status.st_mode), GONE)
    if kind == GONE:
        return Source(Entry(named(shown)), None)
    target = named(os.readlink(path)) if kind == SYMLINK else ""
    mode = stat.S_IMODE(status.st_mode)
    kept = tuple((name, base64.b64encode(value).decode()) for name, value in attributes)
    entry = Entry(named(shown), kind, mode, status.st_mtime_ns, 0, target, kept)
    if kind != FILE:
        return Source(entry, None)
    content = open_file(path) if ours else os.open(path, _READ)
    return Source(entry._replace(size=os.fstat(content).st_size), content)


def attributes_of(path: bytes, status: os.stat_result) -> list[tuple[str, bytes]]:
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        return []
    try:
        names = sorted(os.listxattr(path, follow_symlinks=False))
        return [(name, os.getxattr(path, name, follow_symlinks=False)) for name in names if not name.startswith(_MARKS)]
    except OSError:
        return []


def open_file(path: bytes) -> int:
    """For reading, whatever its mode."""
    try:
        return os.open(path, _READ)
    except PermissionError:
        with accessible(path):
            return os.open(path, _READ)


def send(link: Link, sources: Iterator[Source]) -> None:
    """All of them in batches, and a message that they were all. Raises what ``sources`` does, after that message."""
    batch: list[Source] = []
    size = 0
    try:
        for source in sources:
            batch.append(source)
            size += source.entry.size
            if len(batch) == _BATCH or size >= _BATCH_BYTES:
                full, batch, size = batch, [], 0
                _send_batch(link, full)
        last, batch = batch, []
        if last:
            _send_batch(link, last)
    finally:
        for source in batch:
            if source.content is not None:
                os.close(source.content)
        link.tell({"entries": []})


def _send_batch(link: Link, batch: list[Source]) -> None:
    """All that is announced is sent, whatever fails: who hears it must know where it ends."""
    link.tell({"entries": [source.entry for source in batch]})
    failed: OSError | None = None
    for entry, content in batch:
        if content is not None:
            try:
                send_content(link, content, entry.size)
            except OSError as error:
                failed = failed or error
            finally:
                os.close(content)
    if failed is not None:
        raise failed


def send_content(link: Link, file: int, size: int) -> None:
    """``size`` bytes: what became shorter under our hands was changed, and is read again by whoever looks for that."""
    sent = 0
    try:
        for start, end in data_of(file, size):
            if start > sent:
                link.send(HOLE, NUMBER.pack(start - sent))
                sent = start
            while sent < end and (data := os.pread(file, min(end - sent, MOST), sent)):
                if data.count(0) == len(data):
                    link.send(HOLE, NUMBER.pack(len(data)))
                else:
                    link.send(BLOB, data)
                sent += len(data)
    finally:
        if sent < size:
            link.send(HOLE, NUMBER.pack(size - sent))


class Content:
    """The content of one file, as it comes in: who takes the entry reads all of it, or passes over it."""

    def __init__(self, link: Link, size: int) -> None:
        self._link, self._left = link, size

    def write(self, file: int) -> None:
        """To a new file; holes stay holes."""
        whole = self._left
        for data, hole in self._pieces():
            if hole:
                os.lseek(file, hole, os.SEEK_CUR)
            write_all(file, data)
        os.ftruncate(file, whole)

    def pass_over(self) -> None:
        for _ in self._pieces():
            pass

    def _pieces(self) -> Iterator[tuple[bytes, int]]:
        while self._left:
            kind, data = self._link.get()
            if kind == HOLE:
                [hole] = NUMBER.unpack(data)
                self._left -= hole
                yield b"", hole
            elif kind == BLOB:
                self._left -= len(data)
                yield data, 0


def receive(link: Link) -> Iterator[tuple[Entry, Content]]:
    """What ``send`` sends. Raises ``OSError`` where an error is told instead."""
    while True:
        message: dict[str, Any] = link.hear()
        if "error" in message:
            raise OSError(*message["error"])
        if not message["entries"]:
            return
        for fields in message["entries"]:
            entry = Entry(*fields)
            content = Content(link, entry.size if entry.type == FILE else 0)
            yield entry, content
            content.pass_over()
