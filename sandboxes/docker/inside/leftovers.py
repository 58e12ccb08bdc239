"""What an action can leave in a container besides files in its places and processes: shared memory and queues."""

from __future__ import annotations

import ctypes
import os
import stat
from contextlib import suppress

from ...layers.trees import remove_tree

_FOLDERS = (b"/dev/shm", b"/dev/mqueue")
_RMID = 0
_KINDS = (("shm", "shmctl"), ("msg", "msgctl"), ("sem", "semctl"))


def remove() -> None:
    """What is our user's own; nothing else can an action have left."""
    for folder in _FOLDERS:
        with suppress(OSError):
            for name in os.listdir(folder):
                path = folder + b"/" + name
                with suppress(OSError):
                    if stat.S_ISDIR(os.lstat(path).st_mode):
                        remove_tree(path)
                    else:
                        os.unlink(path)
    for kind, call in _KINDS:
        with suppress(OSError):
            _remove_all(kind, call)


def _remove_all(kind: str, call: str) -> None:
    """Of one kind of System V IPC (sysvipc(7)): key and id are the first two columns."""
    with open(f"/proc/sysvipc/{kind}", "rb") as file:
        ids = [int(line.split()[1]) for line in file.readlines()[1:]]
    libc = ctypes.CDLL(None)
    for number in ids:
        if kind == "sem":
            libc.semctl(number, 0, _RMID)
        else:
            getattr(libc, call)(number, _RMID, None)
