"""Taking layers, or one path of every layer, out of the store for good.

What goes is never part of a mount: ``remove`` is for layers that no view has, and before ``purge`` all is unmounted.
A squashed run goes before the layers it was made of, so that what is cut off leaves none that tells of what is gone.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence

from . import disk
from .layered import is_whiteout
from .store import OF, SQUASH, Store, layers_stay, remove_at_once
from .trees import remove_tree


def remove(folder: bytes, names: Sequence[str]) -> None:
    """Layers, and the squashed runs they are in."""
    gone = set(map(os.fsencode, names))
    with layers_stay(folder):
        _remove_squashes(folder, lambda member: member in gone)
        for name in gone:
            remove_tree(folder + b"/" + name)


def purge(store: Store, path: str, *, dry_run: bool) -> list[str]:
    """Take what lies at ``path`` out of every layer; the names of the layers that had it.

    That a layer deleted something there is not taken out: it says nothing of what it was.
    """
    part, inner = store.place(os.path.normpath(os.fsencode(path)))
    if part is None:
        return []
    names = sorted(name for name in os.listdir(store.folder) if not name.startswith(b"."))
    found = [name for name in names if _holds(store.layer(os.fsdecode(name), part), inner)]
    if found and not dry_run:
        with layers_stay(store.folder):
            _remove_squashes(store.folder, lambda member: member in found)
            for name in found:
                _take_out(store.layer(os.fsdecode(name), part) + b"/" + inner)
        disk.sync_file_system(store.folder)
    return list(map(os.fsdecode, found))


def _remove_squashes(folder: bytes, chosen: Callable[[bytes], bool]) -> None:
    for place, members in _squashes(folder):
        if members is None or any(map(chosen, members)):
            remove_at_once(folder, place)


def _squashes(folder: bytes) -> Iterator[tuple[bytes, set[bytes] | None]]:
    """Each with the names of its layers; None where it does not tell."""
    for name in os.listdir(folder):
        place = folder + b"/" + name
        if place.startswith(folder + SQUASH):
            try:
                with open(place + OF, "rb") as file:
                    yield place, {line.partition(b"/")[0] for line in file}
            except OSError:
                yield place, None


def _holds(root: bytes, path: bytes) -> bool:
    """Whether a layer has something at a path; links on the way are not followed."""
    *folders, _ = path.split(b"/")
    here = root
    for name in folders:
        here += b"/" + name
        if not _is_folder(here):
            return False
    try:
        status = os.lstat(root + b"/" + path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return not is_whiteout(root + b"/" + path, status)


def _is_folder(path: bytes) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _take_out(path: bytes) -> None:
    """The folder it was in keeps its time (unless we are killed right here): views that differ in nothing else stay
    as they were."""
    folder = os.path.dirname(path)
    before = os.stat(folder)
    if _is_folder(path):
        remove_tree(path)
    else:
        os.unlink(path)
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))
