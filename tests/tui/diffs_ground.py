"""Effects on files and their contents, without a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from agentrt.records import FileEffect, FileState
from agentrt.tui.diffs.drawing import Palette, States, draw
from agentrt.tui.diffs.model import DiffModel
from agentrt.tui.diffs.rows import Options, Rows

Sides = tuple[bytes | None, bytes | None]

LINES = st.lists(
    st.one_of(
        st.sampled_from([b"", b"a", b"b", b"    return x", b"\ttab", b"\xff\xfe", b"\r", b"\x1b[31m"]),
        st.binary(max_size=20).map(lambda data: data.replace(b"\n", b"").replace(b"\0", b"")),
    ),
    max_size=40,
)
CONTENTS = st.tuples(LINES, st.booleans()).map(lambda told: b"\n".join(told[0]) + b"\n" * (bool(told[0]) and told[1]))
"""With a newline at the end, and without."""


def state(content: bytes | None, mode: int = 0o644, **fields: Any) -> FileState | None:
    if content is None:
        return None
    return FileState(**{"type": "file", "mode": mode, "size": len(content), "mtime_ns": 0, **fields})


def effect(path: str, before: bytes | None, after: bytes | None, /, **fields: Any) -> FileEffect:
    change = "created" if before is None else "deleted" if after is None else "modified"
    return FileEffect(**{"path": path, "change": change, "before": state(before), "after": state(after), **fields})


def model(files: Mapping[str, Sides], *, there: bool = True) -> DiffModel:
    """Modified, created or deleted; ``there``: with their contents."""
    found = DiffModel.of(effect(path, *sides) for path, sides in files.items())
    for path, sides in files.items() if there else ():
        found = found.with_sides(path, *sides)
    return found


def rows(files: Mapping[str, Sides], **options: Any) -> Rows:
    """All of them unfolded."""
    return Rows(model(files), Options(folded=dict.fromkeys(files, False), **options))


def texts(rows: Rows, states: States | None = None) -> list[str]:
    """What is drawn, row by row; where there are two sides, with a bar between them."""
    palette = Palette()
    return ["|".join(map(str, draw(rows, row, states or {}, palette))) for row in rows]


def numbered(count: int, word: str = "line") -> bytes:
    return b"".join(f"{word} {number}\n".encode() for number in range(1, count + 1))
