"""Into namespaces of a server's own: of users, and what it has a right to there."""

from __future__ import annotations

import fcntl
import os
import socket
import struct

from . import kernel

ALONE = kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS | kernel.CLONE_NEWNET
"""Mounts, IPC, names, and a network with nothing but a loopback."""
_WAITING = 128
"""Connections at the door that nobody has taken yet."""


def _identity() -> tuple[str, str]:
    """The id maps of the new user namespace: root keeps all it has, others map themselves."""
    if os.geteuid() != 0:
        return f"{os.geteuid()} {os.geteuid()} 1", f"{os.getegid()} {os.getegid()} 1"
    maps = []
    for name in ("uid_map", "gid_map"):
        with open(f"/proc/self/{name}") as file:
            maps.append("\n".join(f"{first} {first} {count}" for first, _, count in map(str.split, file)))
    return maps[0], maps[1]


def enter_namespaces(flags: int) -> None:
    """A user namespace with the same ids, and those of ``flags`` (``kernel.CLONE_NEW…``).

    Raises ``OSError`` whose ``filename`` names the step that was refused.
    """
    uids, gids = _identity()
    go_read, go_write = os.pipe()
    parent = os.getpid()
    helper = os.fork()
    if helper == 0:  # only a process outside may write the maps of many ids
        os.close(go_write)
        code = 1
        try:
            if os.read(go_read, 1):
                if os.geteuid() != 0:
                    _write(f"/proc/{parent}/setgroups", "deny")
                _write(f"/proc/{parent}/uid_map", uids)
                _write(f"/proc/{parent}/gid_map", gids)
                code = 0
        except OSError as error:
            code = error.errno or 1
        finally:
            os._exit(code)
    os.close(go_read)
    try:
        kernel.unshare(kernel.CLONE_NEWUSER)
        os.write(go_write, b"1")
    finally:
        os.close(go_write)
        code = os.waitstatus_to_exitcode(os.waitpid(helper, 0)[1])
    if code:
        raise OSError(code, os.strerror(code), "uid_map")
    kernel.unshare(flags)


def open_door() -> tuple[dict[str, int], list[int]]:
    """A socket of this network, for somebody in another one: a descriptor keeps the network it was made in. As a
    server's answer."""
    door = socket.create_server(("127.0.0.1", 0), backlog=_WAITING)
    return {"port": door.getsockname()[1]}, [door.detach()]


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def loopback_up() -> None:
    """127.0.0.1 works inside: test suites start servers. SIOCSIFFLAGS with IFF_UP | IFF_RUNNING (netdevice(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))
