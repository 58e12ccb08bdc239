"""What of the machine itself a trick could change, and how it is. Looked at twice, it must be the same.

Other tests run beside these, and make files of their own in some of the folders; their names begin with ``agentrt``.
What is new counts only if it carries the trick's mark.
"""

from __future__ import annotations

import ctypes
import glob
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_DEEP = ("/etc", "/var/spool/cron", "/boot")
_FLAT = ("/", "/usr", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/local", "/usr/local/bin", "/usr/local/lib", "/opt")
_FLAT += ("/root", "/srv", "/mnt", "/media", "/var", "/var/lib", "/dev", "/sys", "/proc/sys/fs/binfmt_misc")
_MARKED = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run", "/run/lock", "/var/log", "/var/spool/cron/crontabs")
_SETTINGS = (
    *(f"/proc/sys/kernel/{name}" for name in (
        "core_pattern", "core_uses_pid", "modprobe", "hotplug", "poweroff_cmd", "hostname", "domainname", "sysrq",
        "printk", "randomize_va_space", "yama/ptrace_scope", "unprivileged_bpf_disabled", "usermodehelper/bset",
    )),
    *("/proc/sys/vm/overcommit_memory", "/proc/sys/vm/swappiness", "/proc/sys/net/ipv4/ip_forward"),
    *("/proc/sys/fs/protected_symlinks", "/proc/sys/fs/suid_dumpable", "/proc/swaps", "/sys/kernel/uevent_helper"),
    *("/proc/self/oom_score_adj", "/proc/self/cgroup", "/proc/self/uid_map"),
)  # fmt: skip


class Machine:
    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._files = dict(_files())
        self._settings = dict(_settings())

    def changed(self) -> list[str]:
        now, settings = dict(_files()), dict(_settings())
        found = [f"{path} is {now.get(path)}, not {was}" for path, was in self._files.items() if now.get(path) != was]
        found += [f"{path} is new" for path in now.keys() - self._files.keys() if self._mark in path]
        found += [f"{path} is {settings[path]!r}" for path, was in self._settings.items() if settings[path] != was]
        found += [f"{path} is new" for folder in _MARKED for path in _names(folder) if self._mark in path]
        found += [f"{line} is mounted" for line in _mounts() if self._mark in line]
        return found + [f"{path} is there" for path in glob.glob(f"/sys/fs/cgroup/**/*{self._mark}*")]

    def mend(self) -> None:
        """A setting that a trick could change would trouble everything that runs later."""
        for path, was in self._settings.items():
            with suppress(OSError):
                if Path(path).read_bytes() != was:
                    Path(path).write_bytes(was)


def _files() -> Iterator[tuple[str, tuple[int, ...]]]:
    for folder in _FLAT:
        yield from _states(folder, _names(folder))
    for folder in _DEEP:
        for inner, folders, names in os.walk(folder):
            yield from _states(inner, [f"{inner}/{name}" for name in (*folders, *names)])


def _states(folder: str, paths: list[str]) -> Iterator[tuple[str, tuple[int, ...]]]:
    for path in (folder, *paths):
        if os.path.basename(path).startswith("agentrt"):
            continue
        with suppress(OSError):
            status = os.lstat(path)
            state = status.st_mode, status.st_uid, status.st_gid, status.st_ino
            # A folder changes with the files that others make in it; a device with every use.
            is_file = stat.S_ISREG(status.st_mode)
            yield path, (*state, status.st_size, status.st_ctime_ns) if is_file else state


def _mounts() -> list[str]:
    return Path("/proc/self/mountinfo").read_text().splitlines()


def _names(folder: str) -> list[str]:
    try:
        return [os.path.join(folder, name) for name in os.listdir(folder)]
    except OSError:
        return []


def _settings() -> Iterator[tuple[str, bytes]]:
    groups = [
        f"/sys/fs/cgroup{depth}/{name}" for depth in ("", "/*") for name in ("release_agent", "notify_on_release")
    ]
    for path in (*_SETTINGS, *(found for pattern in groups for found in glob.glob(pattern))):
        with suppress(OSError):
            yield path, Path(path).read_bytes()


class Shared:
    """What System V and POSIX let programs share by a name, each with a secret in it: memory (shmget(2)), a queue of
    messages (msgget(2)), and a file."""

    _libc = ctypes.CDLL(None, use_errno=True)

    def __init__(self, secret: str, mark: str) -> None:
        self.key = int(mark[-7:], 16) | 1
        self.file = Path("/dev/shm", f"agentrt-{mark[-8:]}")
        self._secret = secret.encode()
        self._segment = self._libc.shmget(self.key, 4096, 0o1600)
        self._queue = self._libc.msgget(self.key, 0o1600)
        assert self._segment >= 0 and self._queue >= 0, os.strerror(ctypes.get_errno())
        self._libc.shmat.restype = ctypes.c_void_p
        self._at = self._libc.shmat(self._segment, None, 0)
        self.write(self._secret)
        self._send()
        self.file.write_bytes(self._secret)
        self.file.chmod(0o600)

    def changed(self) -> list[str]:
        found = []
        if ctypes.string_at(self._at, len(self._secret)) != self._secret:
            found.append("shared memory was written to")
        message = ctypes.create_string_buffer(8 + 256)
        if self._libc.msgrcv(self._queue, message, 256, 0, 0o4000) < 0 or self._secret not in message.raw:
            found.append("a message was taken")
        self._send()
        if not self.file.is_file() or self.file.read_bytes() != self._secret:
            found.append(f"{self.file} was changed")
        return found

    def write(self, what: bytes) -> None:
        """Into the shared memory."""
        ctypes.memmove(self._at, what, len(what))

    def close(self) -> None:
        self._libc.shmdt(ctypes.c_void_p(self._at))
        self._libc.shmctl(self._segment, 0, None)
        self._libc.msgctl(self._queue, 0, None)
        self.file.unlink(missing_ok=True)

    def _send(self) -> None:
        text = struct.pack("@l", 1) + self._secret
        self._libc.msgsnd(self._queue, text, len(self._secret), 0o4000)


class Key:
    """A secret that the kernel keeps for the user's login session (keyrings(7)), where it keeps any."""

    _ADD, _CONTROL = {"x86_64": (248, 250), "aarch64": (217, 219)}[os.uname().machine]
    _SESSION, _UNLINK = -3, 9

    def __init__(self, secret: str) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        text = secret.encode()
        self._key = self._libc.syscall(self._ADD, b"user", b"agentrt-test", text, len(text), self._SESSION)

    def close(self) -> None:
        if self._key >= 0:
            self._libc.syscall(self._CONTROL, self._UNLINK, self._key, self._SESSION)
