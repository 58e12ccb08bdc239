"""A folder out of an engine's archive, on the host: what lies in it, and nothing anywhere else."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from agentrt.history.beneath import Beneath


class Chunks(io.RawIOBase):
    """What comes piece by piece, to be read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            if (chunk := next(self._chunks, None)) is None:
                return 0
            self._rest = memoryview(chunk)
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


def unpack(archive: io.RawIOBase, into: Path) -> None:
    """The archive's one folder becomes ``into``, which is there and empty.

    Modes, times, symbolic and hard links are as they were; the owner is who runs this. Files lose set-user-id and
    set-group-id, which would now be of another user; devices, pipes and sockets are left out. Raises ``OSError``
    (``ELOOP``: a name led through a link) and ``tarfile.TarError``.
    """
    folders: list[tuple[bytes, tarfile.TarInfo]] = []
    with (
        io.BufferedReader(archive, 1 << 20) as stream,
        tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape") as tar,
        Beneath(into) as root,
    ):
        for member in tar:
            path = _within(member.name)
            if member.isdir():
                folders.append((path, member))
            if path:
                with root.parent(path) as (folder, name):
                    _put(tar, member, root, folder, name)
            elif not member.isdir():
                raise tarfile.ReadError("this is no folder")
        # What lies within is there by now, and the modes may keep its owner out.
        for path, member in reversed(folders):
            descriptor = root.open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fchmod(descriptor, member.mode & 0o3777)
                os.utime(descriptor, ns=_times(member))
            finally:
                os.close(descriptor)


def _put(tar: tarfile.TarFile, member: tarfile.TarInfo, root: Beneath, folder: int, name: bytes) -> None:
    if member.isdir():
        os.mkdir(name, 0o700, dir_fd=folder)
    elif member.issym():
        os.symlink(os.fsencode(member.linkname), name, dir_fd=folder)
        os.utime(name, ns=_times(member), dir_fd=folder, follow_symlinks=False)
    elif member.islnk():
        with root.parent(_within(member.linkname)) as (other, known):
            os.link(known, name, src_dir_fd=other, dst_dir_fd=folder, follow_symlinks=False)
    elif (content := tar.extractfile(member)) is not None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(name, flags, 0o600, dir_fd=folder), "wb") as file:
            shutil.copyfileobj(content, file, 1 << 20)
            file.flush()
            os.fchmod(file.fileno(), member.mode & 0o1777)
            os.utime(file.fileno(), ns=_times(member))


def _within(name: str) -> bytes:
    """A member's path below the folder that the archive is of, which has no name where podman gives a volume. Raises
    ``tarfile.ReadError``."""
    first, *parts = os.fsencode(name).rstrip(b"/").split(b"/")
    if first in (b".", b"..") or any(part in (b"", b".", b"..") for part in parts):
        raise tarfile.ReadError(f"a name in it leads elsewhere: {name!r}")
    return b"/".join(parts)


def _times(member: tarfile.TarInfo) -> tuple[int, int]:
    exact = int(Decimal(member.pax_headers.get("mtime", member.mtime)) * 10**9)
    return exact, exact
