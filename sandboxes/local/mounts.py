"""File systems mounted in the workspace: the kernel puts no layer over a folder with something mounted below it."""

from __future__ import annotations

import os
import re
from pathlib import Path

_ESCAPED = re.compile(rb"\\([0-7]{3})")


def beneath(workspace: Path) -> tuple[str, ...]:
    """What is mounted in ``workspace``, by name, sorted; nothing where that cannot be known."""
    folder = os.path.realpath(os.fsencode(workspace))
    try:
        mount, table = _mount_of(folder), Path("/proc/self/mountinfo").read_bytes()
    except OSError:
        return ()
    found = set()
    for line in table.splitlines():
        _, parent, _, _, place, *_ = line.split(b" ")  # proc(5)
        path = _ESCAPED.sub(lambda code: bytes([int(code[1], 8)]), place)
        # What another mount covers has another parent than what is seen.
        if parent == mount and path.startswith(folder.rstrip(b"/") + b"/"):
            found.add(os.fsdecode(os.path.relpath(path, folder)))
    return tuple(sorted(found))


def _mount_of(folder: bytes) -> bytes:
    """The id of the mount it lies on."""
    file = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        told = Path(f"/proc/self/fdinfo/{file}").read_bytes()
    finally:
        os.close(file)
    return next(line.split()[1] for line in told.splitlines() if line.startswith(b"mnt_id:"))
