"""Making files and folders of a layer like others: owner, mode, attributes, times; not the kernel's own marks."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from . import holes
from .layered import attributes


def copy_meta(source: bytes, place: bytes, named: Callable[[str], str] = str) -> None:
    """Owner (which only root can give), mode, attributes and times of a file or directory. ``named``: what an attribute
    is called at ``place`` (``layered.as_inside``, where that is no layer)."""
    status = os.stat(source)
    if os.geteuid() == 0:
        os.chown(place, status.st_uid, status.st_gid)
    for name, value in attributes(source):
        os.setxattr(place, named(name), value)
    os.chmod(place, stat.S_IMODE(status.st_mode))
    os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))


def copy(source: bytes, place: bytes, named: Callable[[str], str] = str) -> None:
    """Another file, folder, link or fifo like ``source``. Raises ``OSError``; of a device ``EPERM``."""
    status = os.lstat(source)
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(source), place)
        if os.geteuid() == 0:
            os.chown(place, status.st_uid, status.st_gid, follow_symlinks=False)
        os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)
        return
    if stat.S_ISDIR(status.st_mode):
        os.mkdir(place)
    elif stat.S_ISREG(status.st_mode):
        write(place, source)
    else:
        os.mknod(place, status.st_mode, status.st_rdev)
    copy_meta(source, place, named)


def write(place: bytes, source: bytes) -> None:
    """A new file with the content of ``source``; holes stay holes."""
    flags = os.O_NOFOLLOW | os.O_CLOEXEC
    old = os.open(source, os.O_RDONLY | flags)
    try:
        new = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | flags, 0o600)
        try:
            holes.copy(old, new)
        finally:
            os.close(new)
    finally:
        os.close(old)
