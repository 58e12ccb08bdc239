"""GitHub's issues, at the shapes its documentation gives them: numbers it hands out, and no way to delete one."""

from __future__ import annotations

import json
import re
from typing import Any

from loopback import Asked, Loopback

_ISSUE = re.compile(r"/repos/([^/]+)/([^/]+)/issues(?:/(\d+))?")


class GitHub(Loopback):
    def __init__(self) -> None:
        self.issues: dict[int, dict[str, Any]] = {}
        self.seen: list[tuple[str, str, str]] = []
        """Method, path and who asked."""
        self._times = 0
        super().__init__(self._asked)

    def _asked(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        self.seen.append((asked.method, asked.path, asked.headers.get("authorization", "")))
        status, said = self._answer(asked.method, asked.path, json.loads(asked.body) if asked.body else {})
        headers = {"Content-Type": "application/json; charset=utf-8"} | (
            {"Location": said["url"]} if status == 201 else {}
        )
        return status, headers, json.dumps(said).encode()

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
