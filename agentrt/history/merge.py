"""Three-way merge of text, by ``git merge-file``: on files of our own, in a folder no repository reaches.

A change that only one side made is taken, one that both made alike is taken once; where the two changed the same
lines differently, they clash (diff3: S. Khanna, K. Kunal, B. Pierce, "A Formal Investigation of Diff3", 2007).
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from agentrt.errors import AgentrtError

MOST_BYTES = 4 << 20
"""Larger files are not merged."""
_SNIFFED = 8000
_MARK = 23
"""Length of the conflict marks: longer than any that stand in texts by themselves."""


@dataclass(frozen=True, slots=True)
class Clash:
    """Lines that both sides changed. Line numbers count from 1 in ``ours``."""

    line: int
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of it: ``content``, unless there are ``clashes``."""

    content: bytes
    clashes: tuple[Clash, ...] = ()


def is_text(content: bytes) -> bool:
    """As git tells it: no zero byte near the beginning. Nor is it too large to be merged."""
    return len(content) <= MOST_BYTES and b"\0" not in content[:_SNIFFED]


def merge(base: bytes, ours: bytes, theirs: bytes) -> Merged:
    """``ours`` with what leads from ``base`` to ``theirs``. Raises ``AgentrtError`` where git is missing."""
    for same, other in ((base, theirs), (ours, theirs)):
        if same == other:
            return Merged(ours)
    if base == ours:
        return Merged(theirs)
    with tempfile.TemporaryDirectory(prefix="agentrt-merge-") as folder:
        for name, content in (("ours", ours), ("base", base), ("theirs", theirs)):
            Path(folder, name).write_bytes(content)
        command = ["git", "merge-file", "-p", "-q", "--diff3", f"--marker-size={_MARK}", "ours", "base", "theirs"]
        try:
            ran = subprocess.run(command, cwd=folder, env=_environment(folder), capture_output=True, check=False)
        except FileNotFoundError as error:
            raise AgentrtError("git is needed to merge text, and is not installed", hint="install git") from error
    if ran.returncode > 127:
        raise AgentrtError(f"git merge-file failed: {ran.stderr.decode(errors='replace').strip()}")
    return Merged(ran.stdout, _clashes(ran.stdout)) if ran.returncode else Merged(ran.stdout)


def _environment(folder: str) -> dict[str, str]:
    """Nothing of the user's configuration, and no repository found above the folder."""
    kept = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": folder}
    return kept | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CEILING_DIRECTORIES": os.path.dirname(folder),
    }


def _clashes(marked: bytes) -> tuple[Clash, ...]:
    found: list[Clash] = []
    parts: dict[bytes, list[bytes]] = {}
    side: bytes | None = None
    line = 1
    for text in marked.splitlines(keepends=True):
        is_mark = text[:1] in b"<|=>" and text.rstrip(b"\r\n").split(b" ")[0] == text[:1] * _MARK
        mark = text[:1] if is_mark else b""
        if mark == b"<" and side is None:
            side, parts = b"<", {b"<": [], b"|": [], b"=": []}
        elif side is not None and mark in (b"|", b"="):
            side = mark
        elif side is not None and mark == b">":
            ours, theirs = (b"".join(parts[key]).decode(errors="replace") for key in (b"<", b"="))
            found.append(Clash(line, ours, theirs))
            line += len(parts[b"<"])
            side = None
        elif side is not None:
            parts[side].append(text)
        else:
            line += 1
    return tuple(found)
