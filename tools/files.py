"""``read`` and ``write``: a text file, whole or in part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from agentrt.contracts import Needs, World
from agentrt.records import Action, Observation

from .display import count, one_line
from .fields import Content, FilePath, encode
from .kinds import binary_kind
from .lines import TextFile, all_crlf, bare, end_of, split
from .loading import Failed, load, store
from .outputs import page_of
from .pages import Page

_MOST_READ = 32 * 1024 * 1024


class Read(Action):
    """Show a text file, or the whole output of an operation."""

    kind: Literal["read"] = "read"
    path: FilePath | None = None
    """The file."""
    output: int | None = Field(default=None, ge=1)
    """The operation whose whole output to show, instead of a file."""
    part: int | None = Field(default=None, ge=1)
    """Of an operation with several long outputs the one to show; by default the one it showed."""
    start: int | None = Field(default=None, ge=1)
    """The first line to show, from 1; the first there is by default."""
    end: int | None = Field(default=None, ge=1)
    """The last line to show, itself included; the last there is by default."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Read:
        if self.path is None and self.output is None:
            raise ValueError("what to read is missing: `path` of a file, or `output` of an operation")
        if self.path is not None and self.output is not None:
            raise ValueError("`path` and `output` are two things to read: give one of them")
        if self.part is not None and self.output is None:
            raise ValueError("`part` goes with `output`")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError(f"end ({self.end}) is before start ({self.start})")
        return self


class ReadTool:
    name = "read"
    description = (
        "Show a text file with its line numbers (six columns and a tab stand before each line and are not part of "
        "it), whole or from line `start` to line `end`. A long file comes in pages; the last line in brackets says "
        "which lines these are, of how many, and where to read on. Binary files are refused with their type. With "
        "`output` instead of `path`: the whole output of an earlier operation, where only a part of it was shown."
    )
    action: type[Action] = Read

    async def run(self, action: Action, world: World) -> Observation:
        assert isinstance(action, Read)
        try:
            if action.path is None:
                assert action.output is not None
                page = page_of(world, action.output, action.part, action.start or 1, action.end)
            else:
                data = await load(world, action.path, limit=_MOST_READ + 1)
                page = _page(action.path, data, action.start or 1, action.end)
            return world.show(page)
        except Failed as failure:
            return Observation(error=str(failure))

    def show(self, action: Action) -> str:
        assert isinstance(action, Read)
        lines = f", lines {action.start or 1}-{action.end or ''}" if action.start or action.end else ""
        part = f", part {action.part}" if action.part else ""
        return one_line(f"read {action.path or f'the output of operation {action.output}'}{part}{lines}")

    def needs(self, action: Action) -> Needs:
        assert isinstance(action, Read)
        return Needs(files=(action.path,)) if action.path is not None else Needs()

    def reads(self, action: Action) -> Sequence[str] | None:
        assert isinstance(action, Read)
        return () if action.path is None else (action.path,)


def _page(path: str, data: bytes, first: int, end: int | None) -> str:
    if not data:
        return f"[{path} is empty]"
    if kind := binary_kind(data):
        cure = "; iconv turns it into UTF-8" if kind.startswith("UTF-") else ""
        raise Failed(f"{path} is not a text file: {kind}{cure}")
    partial = len(data) > _MOST_READ
    if partial:
        data = data[: data.rfind(b"\n") + 1] or data
    file = TextFile.of(data)
    lines = split(file.text)
    total = count(len(lines), "line")
    last = min(end or len(lines), len(lines))
    if first > len(lines):
        has = f"its first 32 MiB have {total}; use bash for the rest" if partial else f"it has {total}"
        raise Failed(f"{path} has no line {first}: {has}")
    page = Page(first, last, of=f"{len(lines):,}{' or more' if partial else ''}")
    for line in lines[first - 1 : last]:
        if not page.add(bare(line)):
            break
    notes = ["only the first 32 MiB of the file were read"] if partial else []
    return page.text(*notes, *_habits(file, lines))


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
            await store(world, action.path, data)
        except Failed as failure:
            return Observation(error=str(failure))
        # Whether it was there before is for the measured effect to say.
        return world.show(f"wrote {action.path}: {_size(action)}")

    def show(self, action: Action) -> str:
        assert isinstance(action, Write)
        return one_line(f"write {action.path}: {_size(action)}")

    def reads(self, action: Action) -> Sequence[str] | None:
        return ()


def _size(action: Write) -> str:
    return f"{count(len(split(action.content)), 'line')}, {count(len(encode(action.content)), 'byte')}"
