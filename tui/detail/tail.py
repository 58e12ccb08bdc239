"""The end of what a command prints, as a terminal would show it: progress bars that overwrite themselves stand once.

Only what moves the cursor or erases is obeyed; colours and all else are dropped. However much is printed, what is kept
is a screen of lines.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import cached_property

from agentrt.showing.plain import plain

LINES = 10
"""Lines that are shown."""
_FIRST, _LAST = 12, 24
"""Lines that are shown when it is over."""
_SCREEN = 40
"""Lines a cursor can go back up to."""
_COLUMNS = 400
"""Where a line that does not end is broken."""
_CHUNK = 64 * 1024
"""Characters of one piece of output that are looked at, the last ones; a screen is never more than a part of it."""
_LONGEST = 256
"""Characters of an escape sequence that has not ended yet."""

_TOKEN = re.compile(
    r"\x1b\[(?P<numbers>[\d;:?<=>]*)[ -/]*(?P<final>[@-~])"  # CSI
    r"|\x1b[\]PX^_].{0,256}?(?:\x07|\x1b\\)"  # OSC, DCS …: strings
    r"|\x1b[ -/]*[0-Z\\^-~]"  # other escapes
    r"|(?P<control>[\r\n\x08\t])|(?P<text>[^\x1b\r\n\x08\t]+)",
    re.DOTALL,
)
_UNFINISHED = re.compile(r"\x1b(?:\[[\d;:?<=>]*[ -/]*|[\]PX^_](?:(?!\x1b\\)[^\x07])*|[ -/]*)\Z", re.DOTALL)


@dataclass(frozen=True)
class Tail:
    """Frozen: what comes gives another one."""

    screen: tuple[str, ...] = ("",)
    row: int = 0
    column: int = 0
    rest: str = ""
    """An escape sequence that has not ended."""
    torn: bytes = b""
    """A character that has not ended."""
    came: int = 0
    """Lines that have ended."""

    def fed(self, data: bytes | str, skipped: int = 0) -> Tail:
        """With the next piece of output: raw bytes, or text that was decoded. ``skipped``: lines left out before it."""
        torn = b""
        if isinstance(data, bytes):
            decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
            text = decoder.decode(self.torn + data)
            torn = decoder.getstate()[0]
        else:
            text = data
        came = self.came + skipped + text.count("\n")
        text = self.rest + text
        if len(text) > _CHUNK:
            text = text[-_CHUNK:].partition("\n")[2] or text[-_CHUNK:]
        rest = found[0] if (found := _UNFINISHED.search(text[-_LONGEST:])) else ""
        terminal = _Terminal(list(self.screen), self.row, self.column)
        terminal.write(text.removesuffix(rest) if rest else text)
        return Tail(tuple(terminal.screen), terminal.row, terminal.column, rest, torn, came)

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The last ones, safe to show."""
        return self.last(LINES)

    def last(self, number: int = _SCREEN) -> tuple[str, ...]:
        screen = [line.rstrip() for line in self.screen]
        while screen and not screen[-1]:
            screen.pop()
        return tuple(map(plain, screen[-number:]))


def printed(output: str, *, whole: bool = True) -> tuple[str, ...]:
    """What is shown of all that a command has printed, safe to show. ``whole``: ``output`` is that; else part of it."""
    lines = output.removesuffix("\n").split("\n")
    left = len(lines) - _FIRST - _LAST
    if left <= 1:
        return _screen(lines)
    more = f"… {left:,} more lines" if whole else "… more lines"
    return (*_screen(lines[:_FIRST])[:_FIRST], more, *_screen(lines[-_LAST:])[-_LAST:])


def _screen(lines: list[str]) -> tuple[str, ...]:
    return Tail().fed("\n".join(lines)).last()


@dataclass
class _Terminal:
    screen: list[str]
    row: int
    column: int

    def write(self, text: str) -> None:
        # Where nothing goes up, what is a screen above the end is out of sight when all is written.
        if "\x1b" not in text and text.count("\n") > _SCREEN:
            text = "\n".join(text.split("\n")[-_SCREEN - 1 :])
            self.screen, self.row, self.column = [""], 0, 0
        for token in _TOKEN.finditer(text):
            if (printed := token["text"]) is not None:
                self._print(printed)
            elif (control := token["control"]) is not None:
                self._control(control)
            elif (final := token["final"]) is not None:
                self._sequence(final, token["numbers"])

    def _control(self, control: str) -> None:
        if control == "\n":
            self.column = 0
            self.row += 1
            if self.row == len(self.screen):
                self.screen.append("")
                del self.screen[:-_SCREEN]
                self.row = len(self.screen) - 1
        elif control == "\r":
            self.column = 0
        elif control == "\b":
            self.column = max(self.column - 1, 0)
        else:
            self._print(" " * (8 - self.column % 8))

    def _print(self, text: str) -> None:
        while text:
            room = _COLUMNS - self.column
            if room <= 0:
                self._control("\n")
                continue
            piece, text = text[:room], text[room:]
            line = self.screen[self.row].ljust(self.column)
            self.screen[self.row] = line[: self.column] + piece + line[self.column + len(piece) :]
            self.column += len(piece)

    def _sequence(self, final: str, numbers: str) -> None:
        first = numbers.split(";")[0]
        number = int(first[:4]) if first.isascii() and first.isdigit() else 0
        line = self.screen[self.row]
        if final == "K":
            blank = " " * self.column
            self.screen[self.row] = (line[: self.column], blank + line[self.column :], "")[min(number, 2)]
        elif final == "J":
            if number == 0:
                self.screen[self.row] = line[: self.column]
                del self.screen[self.row + 1 :]
            else:
                self.screen, self.row = [""], 0
        elif final in "AF":
            self.row = max(self.row - max(number, 1), 0)
        elif final in "BE":
            self.row = min(self.row + max(number, 1), len(self.screen) - 1)
        elif final == "C":
            self.column = min(self.column + max(number, 1), _COLUMNS)
        elif final == "D":
            self.column = max(self.column - max(number, 1), 0)
        elif final == "G":
            self.column = min(max(number, 1), _COLUMNS) - 1
        elif final == "H":
            self.row = self.column = 0
        if final in "EF":
            self.column = 0
