"""Giving up for good what a process may do: capabilities, being looked into, system calls (prctl(2), seccomp(2))."""

from __future__ import annotations

import ctypes
import errno
import os

# PyDLL keeps the interpreter lock across the call: after a raw fork the child must own it.
_libc = ctypes.PyDLL(None, use_errno=True)

_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))


class _CapHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapData(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


def _check(result: int, what: str) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)


def prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    _check(_libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero), f"prctl {option}")


def hide() -> None:
    """Be no one's to trace, and let none of the same user look into this process."""
    prctl(_PR_SET_DUMPABLE, 0)


def drop_privilege(keep: frozenset[int]) -> None:
    """Give up every capability but ``keep`` and the way to gain any; be no one's to trace."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    mask = sum(1 << capability for capability in keep)
    data = (_CapData * 2)()
    for half in range(2):
        word = (mask >> (32 * half)) & 0xFFFF_FFFF
        data[half] = _CapData(word, word, 0)
    header = _CapHeader(0x2008_0522, 0)
    _check(_libc.capset(ctypes.byref(header), data), "capset")
    hide()


def filter_calls(program: bytes) -> None:
    """Install a seccomp filter, for good. After ``drop_privilege``."""
    buffer = ctypes.create_string_buffer(program, len(program))
    wanted = _Program(len(program) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    zero = ctypes.c_ulong(0)
    mode = ctypes.c_ulong(_SECCOMP_MODE_FILTER)
    _check(_libc.prctl(_PR_SET_SECCOMP, mode, ctypes.byref(wanted), zero, zero), "seccomp")


def filters_calls() -> bool:
    """Whether there are seccomp filters: who has them looks for the program, which is at no address here."""
    zero = ctypes.c_ulong(0)
    _libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), zero, zero, zero)
    return ctypes.get_errno() == errno.EFAULT
