"""A service on this machine, of a test: what is asked of it goes to a function, whose answer goes back."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit


class Asked(NamedTuple):
    method: str
    path: str
    """With the query."""
    headers: Mapping[str, str]
    """By name in small letters."""
    body: bytes

    @property
    def given(self) -> dict[str, Any]:
        """What the query says, and what the body does as a form or in JSON; of a name that is there twice, the last."""
        given: dict[str, Any] = _fields(urlsplit(self.path).query)
        if "json" in self.headers.get("content-type", ""):
            return given | json.loads(self.body or b"{}")
        return given | _fields(self.body.decode())


def _fields(form: str) -> dict[str, Any]:
    return {name: values[-1] for name, values in parse_qs(form, keep_blank_values=True).items()}


Said = tuple[int, Mapping[str, str], bytes]
"""Status, headers without the length, and body."""


class Loopback:
    """Each request in a thread of its own. ``answer``: None hangs up without a word."""

    def __init__(self, answer: Callable[[Asked], Said | None], port: int = 0) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                while "transfer-encoding" in self.headers and (size := int(self.rfile.readline() or b"0", 16)):
                    body += self.rfile.read(size + 2)[:-2]
                headers = {name.lower(): value for name, value in self.headers.items()}
                said = answer(Asked(self.command, self.path, headers, body))
                if said is None:
                    self.close_connection = True
                    return
                status, more, out = said
                self.send_response(status)
                for name, value in {**more, "Content-Length": str(len(out))}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(out)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _any

            def log_message(self, *about: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
