"""A kernel that lacks something, for real: run as a program, it refuses a system call as such a kernel does and becomes
another program. ``python lacking.py landlock|seccomp|namespaces ARGV…``
"""

from __future__ import annotations

import errno
import os
import platform
import struct
import sys

from agentrt.sandboxes.acting import privilege

_PRCTL, _SET_SECCOMP = (167 if platform.machine() == "aarch64" else 157), 22
_LOAD, _EQUAL, _RETURN, _ALLOW, _FAIL = 0x20, 0x15, 0x06, 0x7FFF_0000, 0x0005_0000
_UNSHARE = 97 if platform.machine() == "aarch64" else 272
_FILTERS = {
    "namespaces": (
        (_LOAD, 0, 0, 0),
        (_EQUAL, 0, 1, _UNSHARE),
        (_RETURN, 0, 0, _FAIL | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ),
    "landlock": (
        (_LOAD, 0, 0, 0),
        (_EQUAL, 0, 1, 444),
        (_RETURN, 0, 0, _FAIL | errno.ENOSYS),
        (_RETURN, 0, 0, _ALLOW),
    ),
    "seccomp": (
        (_LOAD, 0, 0, 0),
        (_EQUAL, 0, 3, _PRCTL),
        (_LOAD, 0, 0, 16),
        (_EQUAL, 0, 1, _SET_SECCOMP),
        (_RETURN, 0, 0, _FAIL | errno.EINVAL),
        (_RETURN, 0, 0, _ALLOW),
    ),
}

if __name__ == "__main__":
    privilege.prctl(38, 1)  # no_new_privs
    privilege.filter_calls(b"".join(struct.pack("=HBBI", *step) for step in _FILTERS[sys.argv[1]]))
    os.execvp(sys.argv[2], sys.argv[2:])
