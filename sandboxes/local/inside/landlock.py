"""Landlock (landlock(7)): beside what the mounts say, an action writes only beneath the places that are its own.

Should a mount be writable by mistake, or be made so through a flaw of the kernel, this wall still stands. Reading is
not its business, so opening a file to read costs nothing. Signals and abstract sockets end at the action, too.
"""

from __future__ import annotations

import errno
import os
import struct

from ...acting import kernel

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_ASK_VERSION, _PATH_BENEATH = 1, 1

_WRITE_FILE = 1 << 1
_REMOVE_DIR, _REMOVE_FILE = 1 << 4, 1 << 5
_MAKE_CHAR, _MAKE_DIR, _MAKE_REG, _MAKE_SOCK = 1 << 6, 1 << 7, 1 << 8, 1 << 9
_MAKE_FIFO, _MAKE_BLOCK, _MAKE_SYM = 1 << 10, 1 << 11, 1 << 12
_REFER = 1 << 13
"""Renames and links across folders."""
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
_SCOPED = 0b11
"""Abstract unix sockets, and signals."""

_TREE = _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SOCK | _MAKE_FIFO | _MAKE_SYM | _REFER
_NEVER = _MAKE_CHAR | _MAKE_BLOCK
OLDEST = 2
"""The first could only forbid renames across folders, which ordinary work cannot do without."""
_SINCE = {3: _TRUNCATE, 5: _IOCTL_DEVICE}
SCOPED_SINCE = 6


def abi() -> int:
    """The version this kernel has; 0 where there is none: switched off, or kept from us by a container's filter."""
    try:
        return kernel.call(_CREATE_RULESET, None, 0, _ASK_VERSION, what="landlock")
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM):
            return 0
        raise


class Wall:
    """It stands nowhere before ``enforce``; places can be added until then."""

    def __init__(self, version: int) -> None:
        later = sum(right for since, right in _SINCE.items() if version >= since)
        self._tree, self._device = _TREE | (later & _TRUNCATE), _WRITE_FILE | later
        scoped = _SCOPED if version >= SCOPED_SINCE else 0
        attributes = struct.pack("=QQQ", _TREE | _NEVER | later, 0, scoped)
        self._rules = kernel.call(_CREATE_RULESET, attributes, len(attributes), 0, what="landlock")

    def let_change(self, tree: bytes) -> None:
        """Anything may be done beneath it, but making devices."""
        self._allow(tree, self._tree)

    def let_write(self, folder: bytes) -> None:
        """What is there already may be written, and asked what only devices can be asked."""
        self._allow(folder, self._device)

    def enforce(self) -> None:
        """For good, on this process and all it starts. After no_new_privs."""
        kernel.call(_RESTRICT_SELF, self._rules, 0, what="landlock")

    def _allow(self, path: bytes, rights: int) -> None:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            rule = struct.pack("=Qi", rights, place)
            kernel.call(_ADD_RULE, self._rules, _PATH_BENEATH, rule, 0, what="landlock")
        finally:
            os.close(place)
