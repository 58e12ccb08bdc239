"""System calls no action gets: a seccomp filter (seccomp(2)), inherited by all it starts.

Namespaces and capabilities refuse most of these already; this is the second wall, and the first against flaws of the
kernel behind calls that a build or a test has no use for.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterator, Sequence

_REFUSED = {
    # Looking into other processes.
    **{"ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272)},
    **{"pidfd_getfd": (438, 438), "perf_event_open": (298, 241)},
    # The user's keys.
    **{"add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219)},
    # Programs in the kernel, and pages that a process of ours answers for.
    **{"bpf": (321, 280), "userfaultfd": (323, 282)},
    # Mounts, roots and namespaces.
    **{"mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "setns": (308, 268)},
    **{"open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431)},
    **{"fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442), "fanotify_init": (300, 262)},
    **{"open_by_handle_at": (304, 265), "quotactl": (179, 60), "quotactl_fd": (443, 443), "acct": (163, 89)},
    # The machine.
    **{"swapon": (167, 224), "swapoff": (168, 225), "reboot": (169, 142), "syslog": (103, 116), "vhangup": (153, 58)},
    **{"kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105), "iopl": (172, None)},
    **{"finit_module": (313, 273), "delete_module": (176, 106), "settimeofday": (164, 170), "ioperm": (173, None)},
    **{"clock_settime": (227, 112), "lookup_dcookie": (212, 18), "nfsservctl": (180, 42)},
}
"""Number on x86_64 and on aarch64."""
_ABSENT = {"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "clone3": 435}
"""As if the kernel had none: programs go without. What clone3 is asked for a filter cannot see; clone does the same."""
_MACHINES = {"x86_64": (0, 0xC000_003E), "aarch64": (1, 0xC000_00B7)}
"""Which number counts, and what the kernel calls the architecture."""
_UNSHARE, _CLONE, _IOCTL = (272, 97), (56, 220), (16, 29)
_SOCKET, _SOCKETPAIR = (41, 198), (53, 199)
_FAMILIES = (1, 2, 10, 16)
"""AF_UNIX, INET, INET6, NETLINK. Of the others some belong to no network namespace: AF_VSOCK reaches the hypervisor."""
_OF_PROCESS = {
    **{"prlimit64": (302, 261), "sched_setparam": (142, 118), "sched_setscheduler": (144, 119)},
    **{"sched_setaffinity": (203, 122), "sched_setattr": (314, 274)},
}
"""Their first argument is a process. One of the same user may lower what another one has, for good: not the first."""
_OF_SOME = {"setpriority": ((141, 140), 2), "ioprio_set": ((251, 30), 3)}
"""So may these; and which value of their first argument says that the second is a user, of whom the first is one."""
_NEW_NAMESPACES = 0x7E02_0000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET."""
_NEW_TIME = 0x80
"""Of unshare alone: for clone these bits are a signal."""
_TYPING = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX put words into the mouth of whoever sits at the terminal."""

_LOAD, _JUMP, _EQUAL, _AT_LEAST, _ANY_OF, _RETURN = 0x20, 0x05, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_ALLOW, _FAIL = 0x7FFF_0000, 0x0005_0000
_OTHER_ABI = 0x4000_0000
"""x32: other numbers for the same calls."""


def program() -> bytes | None:
    """The filter, as the kernel takes it (``struct sock_filter``); None on a machine whose numbers are not known."""
    machine = platform.machine()
    if machine not in _MACHINES:
        return None
    column, architecture = _MACHINES[machine]
    return b"".join(struct.pack("=HBBI", *step) for step in _steps(column, architecture))


def _steps(column: int, architecture: int) -> Iterator[tuple[int, int, int, int]]:
    """Code, how many steps to skip if it is so and if it is not, and a value."""
    yield _LOAD, 0, 0, _ARCHITECTURE_AT
    yield _EQUAL, 1, 0, architecture
    yield _RETURN, 0, 0, _FAIL | errno.ENOSYS
    yield _LOAD, 0, 0, _NUMBER_AT
    yield _AT_LEAST, 0, 1, _OTHER_ABI
    yield _RETURN, 0, 0, _FAIL | errno.ENOSYS
    for number in _ABSENT.values():
        yield _EQUAL, 0, 1, number
        yield _RETURN, 0, 0, _FAIL | errno.ENOSYS
    for numbers in _REFUSED.values():
        if (found := numbers[column]) is not None:
            yield _EQUAL, 0, 1, found
            yield _RETURN, 0, 0, _FAIL | errno.EPERM
    yield from _if_argument(_CLONE[column], 0, [(_ANY_OF, _NEW_NAMESPACES)])
    yield from _if_argument(_UNSHARE[column], 0, [(_ANY_OF, _NEW_NAMESPACES | _NEW_TIME)])
    yield from _if_argument(_IOCTL[column], 1, [(_EQUAL, value) for value in _TYPING])
    for numbers in _OF_PROCESS.values():
        yield from _if_argument(numbers[column], 0, [(_EQUAL, 1)])
    for numbers, of_user in _OF_SOME.values():
        yield from _if_argument(numbers[column], 0, [(_EQUAL, of_user)])
        yield from _if_argument(numbers[column], 1, [(_EQUAL, 1)])
    for number in (_SOCKET[column], _SOCKETPAIR[column]):
        yield from _unless_first_argument(number, _FAMILIES)
    yield _RETURN, 0, 0, _ALLOW


def _unless_first_argument(number: int, values: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
    """Refused unless the lower half of the first argument is one of the values."""
    yield _EQUAL, 0, len(values) + 3, number
    yield _LOAD, 0, 0, _ARGUMENTS_AT
    for left, value in zip(range(len(values), 0, -1), values, strict=True):
        yield _EQUAL, left, 0, value
    yield _RETURN, 0, 0, _FAIL | errno.EAFNOSUPPORT
    yield _LOAD, 0, 0, _NUMBER_AT


def _if_argument(number: int, index: int, tests: list[tuple[int, int]]) -> Iterator[tuple[int, int, int, int]]:
    """Refused if the lower half of an argument passes one of the tests."""
    yield _EQUAL, 0, len(tests) + 4, number
    yield _LOAD, 0, 0, _ARGUMENTS_AT + 8 * index
    for left, (code, value) in zip(range(len(tests), 0, -1), tests, strict=True):
        yield code, left, 0, value
    yield _JUMP, 0, 0, 1
    yield _RETURN, 0, 0, _FAIL | errno.EPERM
    yield _LOAD, 0, 0, _NUMBER_AT
