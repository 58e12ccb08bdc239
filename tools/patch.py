"""Reading a patch in the V4A format (``*** Begin Patch`` … ``*** End Patch``); see docs/tools.md."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .display import cut
from .loading import Failed

_BEGIN, _END, _END_OF_FILE = "*** Begin Patch", "*** End Patch", "*** End of File"
_ADD, _DELETE, _UPDATE, _MOVE = "*** Add File: ", "*** Delete File: ", "*** Update File: ", "*** Move to: "
_SECTIONS = "'*** Update File: PATH', '*** Add File: PATH', '*** Delete File: PATH' or '*** End Patch'"


@dataclass(slots=True)
class Hunk:
    """One place in a file: where it is, and what changes there."""

    line: int
    """Of the patch."""
    anchors: list[str] = field(default_factory=list)
    """Lines of the file (``@@ …``) that stand before it, outermost first."""
    body: list[tuple[str, str]] = field(default_factory=list)
    """A sign (space, ``-`` or ``+``) and a line without its end."""
    at_end: bool = False
    """It is at the end of the file."""

    @property
    def old(self) -> list[str]:
        """What must be there."""
        return [text for sign, text in self.body if sign != "+"]


@dataclass(slots=True)
class Section:
    """What happens to one file."""

    line: int
    path: str
    kind: str
    """``add``, ``delete`` or ``update``."""
    content: str = ""
    """Of an added file."""
    hunks: list[Hunk] = field(default_factory=list)
    move_to: str | None = None


def wrong(line: int, message: str) -> Failed:
    return Failed(f"line {line} of the patch: {message}")


def parse(patch: str) -> list[Section]:
    """The sections of a patch, one a file. Raises ``Failed`` with the line of the patch."""
    lines = patch.split("\n")
    if all(line.endswith("\r") for line in lines[:-1]):
        lines = [line.removesuffix("\r") for line in lines]
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    last = max((number for number, line in enumerate(lines) if line.strip()), default=0)
    if lines[first].rstrip() != _BEGIN:
        raise wrong(first + 1, f"a patch begins with '{_BEGIN}', not {_quoted(lines[first])}")
    if last == first or lines[last].rstrip() != _END:
        raise wrong(last + 1, f"a patch ends with '{_END}', not {_quoted(lines[last])}")
    sections = [_section(group) for group in _groups(lines, first + 1, last)]
    if not sections:
        raise wrong(last + 1, "the patch names no file")
    _check_paths(sections)
    return sections


_Numbered = tuple[int, str]


def _groups(lines: list[str], first: int, last: int) -> Iterator[list[_Numbered]]:
    """The lines of each section with their numbers; empty lines that end a section are no part of it."""
    group: list[_Numbered] = []
    for number, line in enumerate(lines[first:last], first + 1):
        if line.startswith((_ADD, _DELETE, _UPDATE)):
            if group:
                yield _trimmed(group)
            group = [(number, line)]
        elif group:
            group.append((number, line))
        elif line.strip():
            raise wrong(number, f"expected {_SECTIONS}, not {_quoted(line)}")
    if group:
        yield _trimmed(group)


def _trimmed(group: list[_Numbered]) -> list[_Numbered]:
    while group and not group[-1][1]:
        group.pop()
    return group


def _section(group: list[_Numbered]) -> Section:
    (line, header), *rest = group
    for prefix, kind in ((_ADD, "add"), (_DELETE, "delete"), (_UPDATE, "update")):
        if header.startswith(prefix):
            section = Section(line, _path(line, header, prefix), kind)
    if section.kind == "add":
        section.content = _content(rest)
    elif section.kind == "delete":
        if rest:
            raise wrong(rest[0][0], f"nothing follows '{_DELETE}PATH' but {_SECTIONS}, not {_quoted(rest[0][1])}")
    else:
        if rest and rest[0][1].startswith(_MOVE):
            section.move_to = _path(rest[0][0], rest[0][1], _MOVE)
            rest = rest[1:]
        section.hunks = _hunks(rest)
        if not section.hunks and section.move_to is None:
            raise wrong(line, f"{section.path} is updated, but no change follows")
    return section


def _path(number: int, header: str, prefix: str) -> str:
    path = header.removeprefix(prefix).strip()
    if not path or "\0" in path:
        raise wrong(number, f"'{prefix}' is followed by a path")
    return path


def _content(rest: list[_Numbered]) -> str:
    for number, line in rest:
        if not line.startswith("+"):
            raise wrong(number, f"every line of an added file begins with '+', not {_quoted(line)}")
    return "".join(line[1:] + "\n" for _, line in rest)


def _hunks(rest: list[_Numbered]) -> list[Hunk]:
    hunks: list[Hunk] = []
    for number, line in rest:
        current = hunks[-1] if hunks and not hunks[-1].at_end else None
        if line.startswith("@@"):
            if current is None or current.body:
                hunks.append(current := Hunk(number))
            if anchor := _anchor(number, line):
                current.anchors.append(anchor)
        elif line.rstrip() == _END_OF_FILE:
            if current is None or not current.body:
                raise wrong(number, f"'{_END_OF_FILE}' ends a change, and none stands before it")
            current.at_end = True
        elif line == "" or line[0] in " +-":
            if current is None:
                hunks.append(current := Hunk(number))
            current.body.append((line[:1], line[1:]))
        else:
            expected = "' ', '-', '+', '@@' or '***'"
            raise wrong(number, f"a line of an update begins with {expected}, not {_quoted(line)}")
    for hunk in hunks:
        hunk.body = _with_signs(hunk.body)
        if all(sign == " " for sign, _ in hunk.body):
            raise wrong(hunk.line, "this part changes nothing: it has no line that begins with '-' or '+'")
    return hunks


def _anchor(number: int, line: str) -> str:
    if re.match(r"@@ -\d+(,\d+)? \+\d+(,\d+)? @@", line):
        raise wrong(number, "line numbers are not used here: write '@@' alone, or '@@ ' and a line of the file")
    return line[2:].strip()


def _with_signs(body: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """A line with nothing on it, not even a sign, is an empty line of context; before and after a change, a gap."""
    signs = [bool(sign) for sign, _ in body]
    if not any(signs):
        return []
    first, last = signs.index(True), len(signs) - signs[::-1].index(True)
    return [(sign or " ", text) for sign, text in body[first:last]]


def _check_paths(sections: list[Section]) -> None:
    seen: dict[str, int] = {}
    for section in sections:
        for path in filter(None, (section.path, section.move_to)):
            if (same := posixpath.normpath(path)) in seen:
                raise wrong(section.line, f"{path} was named at line {seen[same]}: one section a file")
            seen[same] = section.line


def _quoted(line: str) -> str:
    return repr(cut(line, 80)) if line.strip() else "an empty line"
