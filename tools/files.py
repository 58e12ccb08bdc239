"""``read`` and ``write``: a text file, whole or in part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from agentrt.contracts import Needs, World
from agentrt.records import Action, Observation

from .display import count, line_range, numbered, one_line
from .fields import Content, FilePath, encode
from .kinds import binary_kind
from .lines import TextFile, all_crlf, bare, end_of, split
from .loading import Failed, exists, load, store

_MOST_READ = 32 * 1024 * 1024
_PAGE_LINES = 2000
_PAGE_BYTES = 24_000
"""Stays below what an observation shows by default, so that a page is never cut in its middle."""
_WIDTH = 2000


class Read(Action):
    """Show a text file."""

    kind: Literal["read"] = "read"
    path: FilePath
    """The file."""
    start: int | None = Field(default=None, ge=1)
    """The first line to show, from 1; the file's first by default."""
    end: int | None = Field(default=None, ge=1)
    """The last line to show, itself included; the file's last by default."""

    @model_validator(mode="after")
    def _in_order(self) -> Read:
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError(f"end ({self.end}) is before start ({self.start})")
        return self


class ReadTool:
    name = "read"
    description = (
        "Show a text file with its line numbers (six columns and a tab stand before each line and are not part of "
        "it), whole or from line `start` to line `end`. A long file comes in pages; the last line in brackets says "
        "which lines these are, of how many, and where to read on. Binary files are refused with their type."
    )
    action: type[Action] = Read

    async def run(self, action: Action, world: World) -> Observation:
        assert isinstance(action, Read)
        try:
            data = await load(world, action.path, limit=_MOST_READ + 1)
            return world.show(_page(action, data))
        except Failed as failure:
            return Observation(error=str(failure))

    def show(self, action: Action) -> str:
        assert isinstance(action, Read)
        lines = f", lines {action.start or 1}-{action.end or ''}" if action.start or action.end else ""
        return one_line(f"read {action.path}{lines}")

    def needs(self, action: Action) -> Needs:
        assert isinstance(action, Read)
        return Needs(files=(action.path,))

    def reads(self, action: Action) -> Sequence[str] | None:
        assert isinstance(action, Read)
        return (action.path,)


def _page(action: Read, data: bytes) -> str:
    if not data:
        return f"[{action.path} is empty]"
    if kind := binary_kind(data):
        cure = "; iconv turns it into UTF-8" if kind.startswith("UTF-") else ""
        raise Failed(f"{action.path} is not a text file: {kind}{cure}")
    partial = len(data) > _MOST_READ
    if partial:
        data = data[: data.rfind(b"\n") + 1] or data
    file = TextFile.of(data)
    lines = split(file.text)
    total = count(len(lines), "line")
    first, last = action.start or 1, min(action.end or len(lines), len(lines))
    if first > len(lines):
        has = f"its first 32 MiB have {total}; use bash for the rest" if partial else f"it has {total}"
        raise Failed(f"{action.path} has no line {first}: {has}")
    last = _fitting(lines, first, last)
    shown = [_printable(bare(line)) for line in lines[first - 1 : last]]
    notes = [f"{line_range(first, last)} of {len(lines):,}{' or more' if partial else ''}"]
    if last < min(action.end or len(lines), len(lines)):
        notes.append(f"read on with start={last + 1}")
    if partial:
        notes.append("only the first 32 MiB of the file were read")
    return numbered(shown, first, _WIDTH) + f"\n[{'; '.join(notes + _habits(file, lines))}]"


def _fitting(lines: list[str], first: int, last: int) -> int:
    """The last line of the page that begins with line ``first``."""
    room = _PAGE_BYTES
    last = min(last, first + _PAGE_LINES - 1)
    for number in range(first, last + 1):
        room -= len(encode(lines[number - 1][:_WIDTH])) + 8
        if room < 0:
            return max(number - 1, first)
    return last


def _printable(line: str) -> str:
    """Bytes that are not UTF-8 as ``\\xNN``."""
    return encode(line).decode("utf-8", "backslashreplace")


def _habits(file: TextFile, lines: list[str]) -> list[str]:
    """What is not to be seen in the lines, and matters to whoever edits them."""
    ends = [end_of(line) for line in lines]
    crlf = ends.count("\r\n")
    notes = []
    if crlf:
        notes.append("CRLF line ends" if all_crlf(file.text) else f"{count(crlf, 'line')} end in CRLF, others in LF")
    if not ends[-1]:
        notes.append("no newline at the end")
    if file.marked:
        notes.append("begins with a UTF-8 byte order mark")
    if strange := sum("\udc80" <= character <= "\udcff" for character in file.text):
        notes.append(f"{count(strange, 'byte')} not UTF-8, shown as \\xNN")
    return notes


class Write(Action):
    """Create a file, or replace all of its content."""

    kind: Literal["write"] = "write"
    path: FilePath
    """The file; missing folders are made."""
    content: Content
    """All that the file will hold, byte for byte: end it with a newline where one is wanted."""


class WriteTool:
    name = "write"
    description = (
        "Create a file, or replace the whole content of one (its mode is kept). To change a part of a file use edit."
    )
    action: type[Action] = Write

    async def run(self, action: Action, world: World) -> Observation:
        assert isinstance(action, Write)
        data = encode(action.content)
        try:
            done = "replaced" if await exists(world, action.path) else "created"
            await store(world, action.path, data)
        except Failed as failure:
            return Observation(error=str(failure))
        return world.show(f"{done} {action.path}: {_size(action)}")

    def show(self, action: Action) -> str:
        assert isinstance(action, Write)
        return one_line(f"write {action.path}: {_size(action)}")

    def reads(self, action: Action) -> Sequence[str] | None:
        return ()


def _size(action: Write) -> str:
    return f"{count(len(split(action.content)), 'line')}, {count(len(encode(action.content)), 'byte')}"
