"""An example's scripts as what a model says, and a journal without what no two runs have in common."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from vendors import Call, Reply, Request

_NAMED = re.compile(r"Your name is ([a-z]+)\.")


def replies(script: Path) -> list[Reply]:
    """A turn of the model for each turn of a script. What a script expects, a model need not."""
    turns = YAML(typ="safe").load(script.read_text())["turns"]
    return [
        Reply(
            text=turn.get("text", ""),
            thinking=f"Now turn {number}.",
            calls=tuple(Call(kind, given or {}) for action in turn["actions"] for kind, given in action.items()),
        )
        for number, turn in enumerate(turns, 1)
    ]


class Cast:
    """A model that plays several agents: which one is meant it is told in the system prompt."""

    def __init__(self, parts: dict[str, list[Reply]]) -> None:
        self._parts = {name: list(said) for name, said in parts.items()}
        self.left = self._parts

    def __call__(self, request: Request) -> Reply:
        named = _NAMED.search(json.dumps(request.body))
        return self._parts[named[1] if named else "agent"].pop(0)


_TIMES = ("started", "ended", "at", "created", "seconds", "mtime_ns", "mtime", "ctime_ns", "inode", "ino")


def journal(file: Path, *places: Path, scrub: Callable[[str], str] = str) -> bytes:
    """Every row of every table, without times, and with the names of ``places`` made the same."""
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
        db.row_factory = sqlite3.Row
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        rows = [(table, _plain(dict(row))) for table in tables for row in db.execute(f'SELECT * FROM "{table}"')]
    db.close()
    text = "\n".join(json.dumps(row, sort_keys=True) for row in rows)
    for number, place in enumerate(places):
        text = text.replace(str(place), f"<place {number}>")
    return scrub(text).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return _plain(json.loads(value))
        except ValueError:
            return value
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if key not in _TIMES}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
