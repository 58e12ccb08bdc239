"""Engines that this machine does not have: what answers as they do."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

Answer = tuple[int, dict[str, object]]


@contextmanager
def serving(where: Path | ssl.SSLContext | None, answers: Callable[[str], Answer]) -> Iterator[str]:
    """Something that speaks as an engine does, at a socket, by TLS or in the open; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, document = answers(self.path)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

        def address_string(self) -> str:
            return "somebody"

    class Server(HTTPServer):
        address_family = socket.AF_UNIX if isinstance(where, Path) else socket.AF_INET

        def server_bind(self) -> None:
            self.socket.bind(self.server_address)
            self.server_address = self.socket.getsockname()

        def handle_error(self, *_: object) -> None:
            pass

    server: Any = Server(str(where) if isinstance(where, Path) else ("127.0.0.1", 0), Handler)
    if isinstance(where, ssl.SSLContext):
        server.socket = where.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"unix://{where}" if isinstance(where, Path) else f"tcp://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def podman(path: str) -> Answer:
    """As podman 4.3 answers without delegated controllers."""
    if path.endswith("/version"):
        parts = [{"Name": "Podman Engine", "Version": "4.3.1"}, {"Name": "Conmon", "Version": "2.1.6"}]
        return 200, {"Version": "4.3.1", "ApiVersion": "1.41", "Components": parts}
    if path.endswith("/libpod/info"):
        return 200, {"host": {"cgroupControllers": ["cpu"], "security": {"rootless": True}}}
    limits = {"MemoryLimit": True, "PidsLimit": True, "CpuCfsQuota": True}  # which is not true
    safe = ["name=seccomp,profile=default"]
    return 200, {"Driver": "overlay", "CgroupVersion": "2", "SecurityOptions": safe, "NCPU": 4, **limits}
