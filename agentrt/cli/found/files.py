"""A folder that anybody filled: only regular files within it are opened, and none but small ones."""

from __future__ import annotations

import json
import os
import re
import stat
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

MOST_BYTES = 256 * 1024
"""Of one file. What says how a project is tested is a few kilobytes."""
MOST_FILES = 100_000
_NOT_ITS_OWN = {"node_modules", "site-packages", "vendor", "third_party", "venv", "env", "target", "build", "dist"}


class Folder:
    """What lies in ``path``; links are followed where they lead to something within it."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self.odd: dict[str, str] = {}
        """Files that could not be read, and why; by name."""
        self.files, self.more = self._walk()
        """Relative names of all that is no folder, the upper ones first; whether there are more."""
        self.top = [name for name in self.files if "/" not in name]
        self._read: dict[str, str | None] = {}

    def own(self, pattern: str) -> list[str]:
        """Names that match a regular expression, without those a package manager or a build put there."""
        return [name for name in self.files if re.fullmatch(pattern, name) and not _brought(name)]

    def has(self, name: str) -> bool:
        """Whether it is a regular file within the folder."""
        return self._regular(name) is not None

    def runs(self, name: str) -> bool:
        """Whether it could be started. A tool's link may lead to an interpreter outside."""
        path = self.path / name
        return os.path.isfile(path) and os.access(path, os.X_OK)

    def text(self, name: str) -> str | None:
        """Its text, stray bytes replaced; None where it is missing, no regular file, or too large."""
        if name not in self._read:
            self._read[name] = self._text(name)
        return self._read[name]

    def json(self, name: str) -> Mapping[str, Any]:
        """Empty where there is no such mapping."""
        text = self.text(name)
        if text is None:
            return {}
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            self.odd[name] = "is no JSON"
            return {}
        return data if isinstance(data, Mapping) else {}

    def _text(self, name: str) -> str | None:
        real = self._regular(name)
        if real is None:
            return None
        try:
            # It may have become something else meanwhile: a FIFO would be waited for, a link leads anywhere.
            descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            with open(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return None
                data = file.read(MOST_BYTES + 1)
        except OSError as error:
            self.odd[name] = f"cannot be read: {error.strerror}"
            return None
        if len(data) > MOST_BYTES:
            self.odd[name] = f"is larger than {MOST_BYTES // 1024} KB, and was not looked at"
            return None
        return data.decode("utf-8-sig", "replace")

    def _regular(self, name: str) -> str | None:
        with suppress(OSError, ValueError):  # a name that came from a file may hold anything
            real = os.path.realpath(self.path / name)
            if real.startswith(f"{self.path}/".replace("//", "/")) and stat.S_ISREG(os.lstat(real).st_mode):
                return real
        return None

    def _walk(self) -> tuple[list[str], bool]:
        files: list[str] = []
        waiting = deque([""])
        seen = 0
        while waiting:
            below = waiting.popleft()
            with suppress(OSError), os.scandir(self.path / below) as entries:
                for entry in entries:
                    seen += 1
                    if len(files) == MOST_FILES or seen > 2 * MOST_FILES:
                        return sorted(files, key=_depth), True
                    name = f"{below}/{entry.name}" if below else entry.name
                    if not entry.is_dir(follow_symlinks=False):
                        files.append(name)
                    elif entry.name != ".git":
                        waiting.append(name)
        return sorted(files, key=_depth), False


def _brought(name: str) -> bool:
    return any(part in _NOT_ITS_OWN or part.startswith(".") for part in name.split("/")[:-1])


def _depth(name: str) -> tuple[int, str]:
    return name.count("/"), name
