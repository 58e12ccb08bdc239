"""The system calls Python does not offer, each raising ``OSError`` with the path it was about."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import re
from contextlib import suppress
from typing import Any

from .privilege import prctl

# PyDLL keeps the interpreter lock across the call: after a raw fork the child must own it.
_libc = ctypes.PyDLL(None, use_errno=True)

CLONE_NEWNS = 0x0002_0000
CLONE_NEWUTS = 0x0400_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000
SIGCHLD = 17

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x4_0000
MNT_DETACH = 0x2

PR_SET_PDEATHSIG = 1
_PR_CAPBSET_DROP = 24

_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_MOUNT_ATTR_RDONLY = 0x1
_MOUNT_ATTR_NOSUID = 0x2

_NUMBERS = {
    "x86_64": {"clone": 56, "pivot_root": 155, "keyctl": 250},
    "aarch64": {"clone": 220, "pivot_root": 41, "keyctl": 219},
}
_KEYCTL_JOIN_SESSION_KEYRING = 1
_PIDS_ARE_OWN = tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) >= (6, 14)
"""Before, ``pid_max`` was the whole machine's."""
_MOST_PIDS = 4096
"""Of a fork bomb's processes some 10,000 keep init from looking."""
_MOUNT_SETATTR = 442  # the same on every architecture, as all calls since 424


class _MountAttr(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns_fd")]


def _check(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)
    return result


def call(number: int, *args: Any, what: str) -> int:
    """A system call by its number; integers are passed as long as a register is."""
    given = [ctypes.c_long(value) if isinstance(value, int) else value for value in args]
    return _check(_libc.syscall(ctypes.c_long(number), *given), what)


def _number(name: str) -> int:
    machine = platform.machine()
    if machine not in _NUMBERS:
        raise OSError(38, f"no system call numbers known for {machine}", name)
    return _NUMBERS[machine][name]


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def fork_into(flags: int) -> int:
    """``fork`` whose child starts in new namespaces; 0 in the child. For a process with one thread only."""
    zero = ctypes.c_long(0)
    return call(_number("clone"), ctypes.c_long(flags | SIGCHLD), zero, zero, zero, zero, what="clone")


def mount(source: bytes, target: bytes, kind: bytes | None, flags: int, options: bytes | None = None) -> None:
    _check(_libc.mount(source, target, kind, ctypes.c_ulong(flags), options), os.fsdecode(target))


def bind(source: bytes, target: bytes) -> None:
    """Bind with all that is mounted below: a user namespace may not take submounts off."""
    mount(source, target, None, MS_BIND | MS_REC)


def make_read_only(target: bytes) -> None:
    """Recursively, set-user-id bits without force."""
    _set_attributes(target, _MountAttr(set=_MOUNT_ATTR_RDONLY | _MOUNT_ATTR_NOSUID))


def make_writable(target: bytes) -> None:
    """Recursively, what ``make_read_only`` made read-only."""
    _set_attributes(target, _MountAttr(clear=_MOUNT_ATTR_RDONLY))


def _set_attributes(target: bytes, attributes: _MountAttr) -> None:
    call(
        _MOUNT_SETATTR,
        ctypes.c_int(_AT_FDCWD),
        target,
        ctypes.c_uint(_AT_RECURSIVE),
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
        what=os.fsdecode(target),
    )


def unmount(target: bytes) -> None:
    _check(_libc.umount2(target, MNT_DETACH), os.fsdecode(target))


def pivot_root(new_root: bytes) -> None:
    """Make ``new_root`` the root and let go of the old one."""
    os.chdir(new_root)
    call(_number("pivot_root"), b".", b".", what=os.fsdecode(new_root))
    unmount(b".")
    os.chdir(b"/")


def bound_capabilities(keep: frozenset[int]) -> None:
    """No program executed from here on can have more capabilities than ``keep``; this process keeps its own."""
    with open("/proc/sys/kernel/cap_last_cap", "rb") as file:
        last = int(file.read())
    for capability in range(last + 1):
        if capability not in keep:
            prctl(_PR_CAPBSET_DROP, capability)


def bound_processes(proc: bytes) -> None:
    """Of root's in this PID namespace, whose ``proc`` that is: RLIMIT_NPROC is not for them."""
    if os.geteuid() == 0 and _PIDS_ARE_OWN:
        # Some hundred processors want more.
        with suppress(OSError), open(proc + b"/sys/kernel/pid_max", "wb", buffering=0) as file:
            file.write(b"%d" % _MOST_PIDS)


def forget_keys() -> None:
    """Leave the login session's keyring (keyrings(7)) for a new, empty one."""
    try:
        call(_number("keyctl"), ctypes.c_int(_KEYCTL_JOIN_SESSION_KEYRING), ctypes.c_void_p(None), what="keyctl")
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EPERM):  # then nobody in here can ask for keys
            raise


def set_hostname(name: bytes) -> None:
    _check(_libc.sethostname(name, ctypes.c_size_t(len(name))), "sethostname")
