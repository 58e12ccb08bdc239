"""A git server on this machine: ``git http-backend``, which lets in who knows the password."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from pathlib import Path

from loopback import Asked, Loopback, Said

USER, PASSWORD = "ann", "s3cret-pässword"


class GitServer(Loopback):
    """Serves the repositories in ``root``."""

    def __init__(self, root: Path) -> None:
        self.root, self.seen, self.let_in = root, list[Asked](), list[Asked]()
        self.refuse: int | None = None
        """This status, whoever asks."""
        self.takes_its_time = threading.Event()
        """When it is cleared it does what is pushed, and answers, once it is set."""
        self.takes_its_time.set()
        super().__init__(self._answer)

    @property
    def pushed(self) -> int:
        """How many pushes it was sent."""
        return sum(map(_posts, self.let_in))

    def _answer(self, asked: Asked) -> Said | None:
        self.seen.append(asked)
        if self.refuse is not None:
            return self.refuse, {}, b"no\n"
        given = asked.headers.get("authorization", "")
        if given != f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}":
            return 401, {"WWW-Authenticate": 'Basic realm="here"'}, b""
        self.let_in.append(asked)
        if _posts(asked):
            self.takes_its_time.wait()
        return self._backend(asked)

    def _backend(self, asked: Asked) -> Said:
        path, _, query = asked.path.partition("?")
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "REQUEST_METHOD": asked.method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REMOTE_USER": USER,  # without one nothing is received
            "CONTENT_TYPE": asked.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(asked.body)),
            "HTTP_CONTENT_ENCODING": asked.headers.get("content-encoding", ""),
            "GIT_PROTOCOL": asked.headers.get("git-protocol", ""),
        }
        done = subprocess.run(["git", "http-backend"], input=asked.body, env=env, capture_output=True, check=True)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        return int(headers.pop("Status", "200").split()[0]), headers, body


def _posts(asked: Asked) -> bool:
    return asked.method == "POST" and asked.path.endswith("/git-receive-pack") and asked.body != b"0000"
