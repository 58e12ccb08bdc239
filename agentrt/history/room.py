"""How much room there is: on the disk, within the quota, and the little that is kept for when there is none."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agentrt.errors import DiskFull, UsageError
from agentrt.units import format_size, parse_size

from .store import Store

QUOTA = "AGENTRT_QUOTA"
_QUOTA, _QUOTA_SHARE = 5_000_000_000, 10
_FLOOR, _FLOOR_SHARE = 64_000_000, 20
_INODES = 1000
_RESERVE = 1_000_000
"""An undo on a full disk writes 150 kB, most of it the journal's; a server that starts on ext4 needs some folders."""


def quota(store: Store) -> int:
    """Bytes the store may take: ``AGENTRT_QUOTA``, else 5 GB or a tenth of the disk. Raises ``UsageError``."""
    if given := os.environ.get(QUOTA):
        try:
            return parse_size(int(given) if given.isascii() and given.isdigit() else given)
        except ValueError as error:
            raise UsageError(f"{QUOTA}: {error}", hint=f"as in {QUOTA}=20GB") from None
    disk = _disk(store.root)
    return min(_QUOTA, disk.f_blocks * disk.f_frsize // _QUOTA_SHARE)


def check_floor(store: Store) -> None:
    """Raises ``DiskFull`` where an action could fill up what its own end has to be written down with."""
    disk = _disk(store.root)
    free, needed = disk.f_bavail * disk.f_frsize, min(_FLOOR, disk.f_blocks * disk.f_frsize // _FLOOR_SHARE)
    hint = "make room there; agentrt gc, undo, restore, apply and log work meanwhile"
    if free < needed:
        raise DiskFull(
            f"only {format_size(free)} are free on the disk of {store.root}, and agentrt wants {format_size(needed)}"
            " before it runs anything",
            hint=hint,
        )
    # Some file systems have as many as there is room for, and say 0.
    if disk.f_files and disk.f_favail < min(_INODES, disk.f_files // _FLOOR_SHARE):
        raise DiskFull(f"only {disk.f_favail:,} more files fit on the disk of {store.root}", hint=hint)


def keep_reserve(store: Store) -> None:
    """A megabyte that a later ``spend_reserve`` gives back; where it does not fit there is none."""
    place = _reserve(store)
    if not place.exists():
        try:
            place.write_bytes(os.urandom(_RESERVE))  # nothing a file system could make smaller
        except OSError:
            place.unlink(missing_ok=True)


def spend_reserve(store: Store) -> None:
    """If the disk is full: what is kept for that is free."""
    disk = _disk(store.root)
    if disk.f_bavail * disk.f_frsize < _RESERVE or (disk.f_files and not disk.f_favail):
        with suppress(OSError):
            _reserve(store).unlink()


def measure_store(store: Store) -> int:
    """Bytes on disk of the whole store, without the reserve."""
    reserve = _reserve(store)
    return measure(store.root) - (reserve.stat().st_blocks * 512 if reserve.exists() else 0)


def measure(folder: Path) -> int:
    """Bytes on disk of all that lies in a folder, each file once, as far as it can be seen."""
    total, seen, folders = 0, set[int](), [os.fspath(folder)]
    while folders:
        try:
            entries = list(os.scandir(folders.pop()))
        except OSError:
            continue
        for entry in entries:
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if status.st_nlink == 1 or entry.is_dir(follow_symlinks=False) or status.st_ino not in seen:
                    total += status.st_blocks * 512
                seen.add(status.st_ino)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
    return total


@dataclass
class Usage:
    """What a store takes, without looking at all of it each time. Kept in the file ``usage`` while nobody works."""

    used: int
    look_at: int
    """If it is more than the quota: how much it may come to before it is measured again; else 0."""
    told: bool = False
    """A person knows that it is more than the quota."""

    @classmethod
    def take(cls, store: Store) -> Usage | None:
        """What the last one left. None after a crash, and the first time: then it must be measured."""
        place = store.root / "usage"
        try:
            used, look_at, told = map(int, place.read_text("ascii").split())
            place.unlink()
        except (OSError, ValueError):
            return None
        return cls(used, look_at, bool(told))

    def leave(self, store: Store) -> None:
        with suppress(OSError):
            (store.root / "usage").write_text(f"{self.used} {self.look_at} {self.told:d}\n", "ascii")


def _reserve(store: Store) -> Path:
    return store.root / "reserve"


def _disk(folder: Path) -> os.statvfs_result:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.statvfs(folder)
