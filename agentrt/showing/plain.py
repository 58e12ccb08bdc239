"""The border between what agents wrote and a person's terminal. Every untrusted string passes here, once."""

from __future__ import annotations

import re
import shutil
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache

_PIPED = 200
_UNUSUAL = re.compile(
    "[^ -~\xa1-\xac\xae-\u02ff\u03a3-\u0482\u048a-\u052f\u1e00-\u1eff\u2010-\u2027\u2030-\u205e\u2100-\u218b"
    "\u2190-\u23ff\u2500-\u27ff\u2801-\u2b73\u3001-\u3029\u3041-\u3096\u309b-\u30ff\u3131-\u3163\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uff01-\uff9f]+"
)
"""All but what most texts are made of, which is visible and has columns of its own. These are looked at one by one."""
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U00013441\U00013442\U00016fe4\U0001d159\U000e0100-\U000e01ef]"
)
"""Printable, as Unicode has it, yet nothing to be seen: fillers, joiners, blanks, variation selectors."""
_BESIDE = re.compile("[\u1160-\u11ff\ud7b0-\ud7ff\U0001f3fb-\U0001f3ff]")
"""No marks to Unicode, but they join what stands before them: vowels and finals of Hangul, skin tones."""
_FULL = 7
"""What one character bears: three marks above or below it (2 each), and a sign beside it (1)."""


def plain(text: str) -> str:
    """On one line, every character visible: as marks controls, escapes, directions, stray bytes, all that is zero wide
    or blank (but the space), and what combines with nothing or with too much.

    >>> plain("a\\x1b[31m\\nb")
    'a\\\\x1b[31m\\\\nb'
    """
    return text if _usual(text) else _UNUSUAL.sub(_visible, text)


def plain_lines(text: str) -> str:
    """The same, but lines stay lines and tabs stay tabs."""
    text = text.replace("\r\n", "\n")
    if _usual(text.replace("\n", " ").replace("\t", " ")):
        return text
    return "\n".join("\t".join(map(plain, line.split("\t"))) for line in text.split("\n"))


def _usual(text: str) -> bool:
    return text.isprintable() if text.isascii() else not _UNUSUAL.search(text)


def _visible(unusual: re.Match[str]) -> str:
    shown = []
    borne = 0 if unusual.start() else _FULL
    for character in unusual[0]:
        weight = _weight(character)
        borne = borne + weight if weight else 0
        if borne > _FULL:  # nor is what follows let fall upon the mark
            borne = _FULL
            character = _mark(character)
        shown.append(character)
    return "".join(shown)


@cache
def _weight(character: str) -> int:
    """What it puts on the character before it; nothing where it stands by itself; too much where it is not seen."""
    if not character.isprintable() or _BLANK.match(character):
        return _FULL + 1
    category = unicodedata.category(character)
    return 2 if category in ("Mn", "Me") else 1 if category == "Mc" or _BESIDE.match(character) else 0


def cells(text: str) -> int:
    """The columns a text takes on a terminal, as the app (Rich) counts them."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, width: int) -> str:
    """``text`` in at most ``width`` columns."""
    return text if cells(text) <= width else next(rows(text, max(width - 1, 1))) + "…"


def rows(text: str, width: int) -> Iterator[str]:
    """``text`` in pieces of at most ``width`` columns; of nothing one."""
    at, used = 0, 0
    for number, character in enumerate(text):
        taken = cells(character)
        if used + taken > width and number > at:
            yield text[at:number]
            at, used = number, 0
        used += taken
    yield text[at:]


def terminal_width() -> int:
    """Columns; where there is no terminal a fixed number, so that piped output is the same everywhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _PIPED


def _mark(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return ascii(character)[1:-1]
