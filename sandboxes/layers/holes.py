"""The content of files, without what only seems to be there."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

_CHUNK = 1 << 20


def data_of(file: int, size: int) -> Iterator[tuple[int, int]]:
    """Where each run of data begins and ends in the first ``size`` bytes; what lies between is holes."""
    end = 0
    while end < size:
        try:
            start = os.lseek(file, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing more but a hole
                return
            raise
        if start >= size:
            return
        end = min(os.lseek(file, start, os.SEEK_HOLE), size)
        yield start, end


def copy(old: int, new: int) -> None:
    """All of ``old`` to ``new``, which is empty; holes stay holes."""
    size = os.fstat(old).st_size
    for start, end in data_of(old, size):
        os.lseek(new, start, os.SEEK_SET)
        while start < end and (sent := os.sendfile(new, old, start, min(_CHUNK, end - start))):
            start += sent
    os.ftruncate(new, size)
