"""GitHub's issues, at the shapes its documentation gives them: numbers it hands out, and no way to delete one."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_ISSUE = re.compile(r"/repos/([^/]+)/([^/]+)/issues(?:/(\d+))?")


class GitHub:
    def __init__(self) -> None:
        self.issues: dict[int, dict[str, Any]] = {}
        self.seen: list[tuple[str, str, str]] = []
        """Method, path and who asked."""
        hub, self._times = self, 0

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                hub.seen.append((self.command, self.path, self.headers.get("authorization", "")))
                status, said = hub._answer(self.command, self.path, json.loads(body) if body else {})
                out = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(out)))
                if status == 201:
                    self.send_header("Location", said["url"])
                self.end_headers()
                self.wfile.write(out)

            do_GET = do_POST = do_PATCH = do_DELETE = _any

            def log_message(self, *about: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def edit(self, number: int, **changes: Any) -> None:
        self._times += 1
        self.issues[number] |= {**changes, "updated_at": f"2026-01-01T00:00:{self._times:02}Z"}

    def _answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        found = _ISSUE.fullmatch(path)
        if found is None:
            return 404, {"message": "Not Found"}
        owner, repo, number = found.groups()
        if number is None and method == "POST":
            new = len(self.issues) + 1
            self.issues[new] = {
                "id": 1_000_000 + new,
                "number": new,
                "url": f"{self.url}/repos/{owner}/{repo}/issues/{new}",
                "state": "open",
                "state_reason": None,
                "title": body["title"],
                "body": body.get("body"),
                "labels": [{"name": name} for name in body.get("labels", [])],
                "closed_at": None,
                "created_at": "2026-01-01T00:00:00Z",
            }
            self.edit(new)
            return 201, self.issues[new]
        if number is None or int(number) not in self.issues:
            return 404, {"message": "Not Found"}
        if method == "PATCH":
            closed = {"closed_at": "2026-01-02T00:00:00Z" if body.get("state") == "closed" else None}
            self.edit(int(number), **body, **(closed if "state" in body else {}))
        elif method != "GET":
            return 404, {"message": "Not Found"}  # as it says of what it does not do
        return 200, self.issues[int(number)]
