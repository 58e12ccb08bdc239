"""From a text to everything that may run: both parsers, then every wrapper, down to the last program."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from . import shfmt, sitter
from .inside import Code, Hidden, Run
from .programs import inside
from .reading import Command, Opaque, Reading
from .script import Doubt, Redirect, Script, Unreadable
from .variables import decides
from .words import Word

LONGEST = 64 * 1024
"""Bytes of a text."""
DEEPEST = 50
"""Texts and commands within each other."""
MOST = 1000
"""Commands."""
SECONDS = 5.0
"""For a text and all the texts in it; each parser has a limit of its own as well."""
_SHOWN = 200


def read(text: str, *, confirm: bool = True) -> Reading:
    """Everything that may run when bash is given this text. Never raises.

    Without ``confirm`` one parser alone is asked: fast, and good enough only for what no harm can come of.
    """
    reader = _Reader(confirm)
    try:
        reader.text(text, "bash", (), _Place(text), 0)
    except _TooMuch as much:
        reader.opaque.append(Opaque(str(much), text[:_SHOWN]))
    except RecursionError:
        reader.opaque.append(Opaque("it is nested too deep", text[:_SHOWN]))
    return Reading(tuple(reader.commands), tuple(reader.opaque))


class _TooMuch(Exception):
    """A cap is reached: what has been found so far is not all there is."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where something stands in the outermost text."""

    whole: str
    fixed: tuple[int, int] | None = None
    """What stands in a text within the text is where that one is."""

    def at(self, start: int) -> tuple[int, int]:
        if self.fixed is not None:
            return self.fixed
        before = self.whole.encode(errors="replace")[:start].decode(errors="replace")
        return before.count("\n") + 1, len(before) - before.rfind("\n")


class _Reader:
    def __init__(self, confirm: bool) -> None:
        self.confirm = confirm
        self.commands: list[Command] = []
        self.opaque: list[Opaque] = []
        self.end = time.monotonic() + SECONDS

    def text(self, text: str, dialect: str, through: tuple[str, ...], place: _Place, depth: int) -> None:
        if depth > DEEPEST:
            raise _TooMuch(f"commands are nested more than {DEEPEST} deep")
        try:
            script = self.parse(text, dialect)
        except Unreadable as unreadable:
            self.hide(str(unreadable), text, place.at(0))
            return
        source = text.encode()
        for doubt in script.doubts:
            shown = source[doubt.start : doubt.end].decode(errors="replace")
            self.hide(doubt.because, shown, place.at(doubt.start))
        for simple in script.commands:
            at = place.at(simple.start)
            self.run(simple.words, simple.assigns, simple.redirects, dialect, through, at, depth)

    def parse(self, text: str, dialect: str) -> Script:
        """What both parsers say. The second one knows better which command a redirection belongs to."""
        if (why := _unfit(text)) is not None:
            raise Unreadable(why)
        if time.monotonic() > self.end:
            raise _TooMuch("it takes too long to read")
        first = sitter.parse(text)
        if len(first.commands) > MOST:
            raise _TooMuch(f"there are more than {MOST:,} commands")
        if not self.confirm:
            return first
        second = shfmt.parse(text, dialect)
        doubts = first.doubts
        if not first.agrees(second):
            doubts = [Doubt("the two parsers disagree", 0, len(text.encode())), *doubts]
        return Script(second.commands, doubts)

    def run(
        self,
        words: Sequence[Word],
        assigns: Sequence[tuple[str, Word]],
        redirects: Sequence[Redirect],
        dialect: str,
        through: tuple[str, ...],
        at: tuple[int, int],
        depth: int,
    ) -> None:
        """One command, and whatever it runs in turn."""
        if depth > DEEPEST:
            raise _TooMuch(f"commands are nested more than {DEEPEST} deep")
        if len(self.commands) >= MOST:
            raise _TooMuch(f"there are more than {MOST:,} commands")
        name = words[0].literal if words else ""
        shown = " ".join(word.literal or "…" for word in words)
        if name is None:
            words = ()
            self.hide("the program's name is computed at run time", shown, at)
        for variable, _ in assigns:
            if decides(variable):
                self.hide(f"{variable} decides what programs run", shown or variable, at)
            elif re.search(r"\[(?!\d+\])", variable):
                self.hide("a subscript may hold code", variable, at)
        reads = tuple(each.target.literal for each in redirects if each.operator in ("<", "<>"))
        writes = tuple(each.target.literal for each in redirects if _writes(each))
        if words or assigns or reads or writes:
            argv = tuple(word.literal for word in words)
            given = tuple((variable, value.literal) for variable, value in assigns)
            self.commands.append(Command(argv, through, None in argv, given, reads, writes, *at))
        if not words or name is None:
            return
        through = (*through, name.rpartition("/")[2])
        for found in inside(words):
            match found:
                case Run():
                    self.run(found.words, found.assigns, (), dialect, through, at, depth + 1)
                case Code():
                    self.text(found.text, found.dialect or dialect, through, _Place("", at), depth + 1)
                case Hidden():
                    self.hide(found.because, shown, at, tuple(word.literal for word in words))

    def hide(self, because: str, shown: str, at: tuple[int, int], of: tuple[str | None, ...] = ()) -> None:
        found = Opaque(because, shown[:_SHOWN], *at, of)
        if self.opaque[-1:] != [found]:
            self.opaque.append(found)


def _writes(redirect: Redirect) -> bool:
    """``>&1`` and ``<&3`` name descriptors, ``>&file`` a file."""
    if redirect.operator == ">&":
        return redirect.target.literal is None or not re.fullmatch(r"\d*-?", redirect.target.literal)
    return redirect.operator in (">", ">>", ">|", "&>", "&>>", "<>")


def _unfit(text: str) -> str | None:
    """Why a text is not given to the parsers."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "it is not valid text"
    if size > LONGEST:
        return f"it is longer than {LONGEST // 1024} KB"
    if text.isascii():
        return "there is a control character in it" if re.search(r"[^\t\n -~]", text) else None
    for char in set(text):
        if char not in "\t\n " and unicodedata.category(char) in ("Cc", "Cf", "Zs", "Zl", "Zp", "Co", "Cn"):
            return "there is a character in it that is not seen, or only looks like a space"
    return None
