"""Everything outside that could be spoken to: sockets of the machine, a terminal, a fifo. None may hear a word."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

VSOCK_ANY = 0xFFFF_FFFF


class Listeners:
    """Of what the machine does not have (IPv6, vsock) there is none; its name is then not told."""

    def __init__(self, ground: Path, workspace: Path, mark: str) -> None:
        self._heard: dict[str, int] = {}
        self._open: list[socket.socket | int] = []
        self.told: dict[str, str] = {}
        stream, datagram = socket.SOCK_STREAM, socket.SOCK_DGRAM
        for name, family, kind, address in (
            ("TCP4", socket.AF_INET, stream, ("0.0.0.0", 0)),
            ("TCP6", socket.AF_INET6, stream, ("::", 0)),
            ("UDP4", socket.AF_INET, datagram, ("0.0.0.0", 0)),
            ("UDP6", socket.AF_INET6, datagram, ("::", 0)),
            ("UNIX", socket.AF_UNIX, stream, str(ground / "outside.sock")),
            ("UNIX_INSIDE", socket.AF_UNIX, stream, str(workspace / "host.sock")),
            ("UNIX_DATAGRAM", socket.AF_UNIX, datagram, str(ground / "datagram.sock")),
            ("ABSTRACT", socket.AF_UNIX, stream, f"\0{mark}"),
            ("ABSTRACT_DATAGRAM", socket.AF_UNIX, datagram, f"\0{mark}.d"),
            ("VSOCK", socket.AF_VSOCK, stream, (VSOCK_ANY, VSOCK_ANY)),
        ):
            with suppress(OSError):
                self._listen(name, family, kind, address)
        self._fifo(workspace / "fifo")
        self._terminal()

    def heard(self) -> list[str]:
        """Who was spoken to."""
        poll = select.poll()
        names = {file: name for name, file in self._heard.items()}
        for file in names:
            poll.register(file, select.POLLIN)
        return sorted(f"{names[file]} was spoken to" for file, _ in poll.poll(0) if not self._is_quiet(file))

    def close(self) -> None:
        for one in self._open:
            os.close(one) if isinstance(one, int) else one.close()

    def knockers(self) -> dict[str, Callable[[], object]]:
        """By name, how each is spoken to by somebody outside."""

        def knock(name: str) -> None:
            one = next(s for s in self._open if isinstance(s, socket.socket) and s.fileno() == self._heard[name])
            with socket.socket(one.family, one.type) as caller:
                address = one.getsockname()
                if one.family == socket.AF_VSOCK:
                    address = (1, address[1])
                caller.connect(address)
                caller.send(b"x")

        return {
            name: lambda name=name: knock(name) for name in self._heard if name not in ("FIFO", "TERMINAL", "VSOCK")
        }

    def _listen(self, name: str, family: int, kind: int, address: object) -> None:
        listener = socket.socket(family, kind)
        self._open.append(listener)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        if kind == socket.SOCK_STREAM:
            listener.listen()
        found = listener.getsockname()
        self.told[name] = found.decode().lstrip("\0") if isinstance(found, bytes) else str(found)
        if isinstance(found, tuple):
            self.told[name] = str(found[1])
        self._heard[name] = listener.fileno()

    def _fifo(self, path: Path) -> None:
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._open.append(reader)
        self._heard["FIFO"] = reader
        self.told["FIFO"] = str(path)

    def _terminal(self) -> None:
        mine, theirs = os.openpty()
        self._open += [mine, theirs]
        self._heard["TERMINAL"] = mine
        self.told["TERMINAL"] = os.ttyname(theirs)

    def _is_quiet(self, file: int) -> bool:
        """A fifo whose writers left reads as nothing, which is not a word."""
        return file == self._heard["FIFO"] and os.read(file, 1) == b""
