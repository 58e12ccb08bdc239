"""What reaches a terminal: nothing unseen, nothing that acts, and as wide as it is said to be."""

from __future__ import annotations

import sys

import pytest
import regex
from rich.cells import cell_len

from agentrt.showing.plain import cells, cut, plain, plain_lines, rows

EVERY = [chr(code) for code in range(sys.maxunicode + 1)]


def test_what_most_texts_are_made_of_is_left_as_it_is() -> None:
    for text in (
        "def f(x): return x  # hello",
        "naïve café, Übergröße, Ελληνικά, Русский, ½ € “quotes” … → ✓ ┌─┐",
        "这是文本。カタカナ、ひらがな, 한국어, \uff57ide",
        "עברית, العربية, हिन्दी, ภาษาไทย, မြို့, བསྒྲུབས, தமிழ்",
        "e\u0301 u\u0308\u0301 \U0001f600 \U0001f44b\U0001f3fd \u1112\u1161\u11ab",
        "three high: a\u0301\u0302\u0303, and again b\u0301\u0302\u0303",
    ):
        assert plain(text) == text
        assert plain_lines(f"{text}\r\n\t{text}\n") == f"{text}\n\t{text}\n"


@pytest.mark.parametrize(
    "text",
    [
        *"\0\a\b\t\n\v\f\r\x1b\x7f\x85\x9b\xa0\xad\u1680\u2000\u2007\u200a\u202f\u205f\u3000",
        *"\u200b\u200c\u200d\u2028\u2029\u2060\ufeff\u180e",
        *"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
        *"\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5\u180b\u180f\ufe00\ufe0f\U000e0041\U000e0100",
        *"\ud800\udc80\udfff\ue000\U0010ffff",
    ],
)
def test_what_is_not_seen_is_a_mark(text: str) -> None:
    shown = plain(f"漢{text}z")
    assert shown.isascii() is False and text not in shown
    assert shown[:2] == "漢\\" and shown[-1] == "z" and shown[2:].isascii() and shown.isprintable()
    assert plain(f"a{text}") == f"a{plain(text)}" == "a" + shown[1:-1]


def test_every_character_that_may_be_ignored_is_a_mark() -> None:
    for character in EVERY:
        if regex.match(r"\p{Default_Ignorable_Code_Point}|\p{Bidi_Control}|[\p{Z}\p{C}--[ ]]", character, regex.V1):
            assert plain(f"a{character}") != f"a{character}", ascii(character)


def test_accents_stand_on_something_and_not_on_many_others() -> None:
    pile = "\u0301" * 6
    assert plain(f"a{pile}b") == "a\u0301\u0301\u0301" + "\\u0301" * 3 + "b"
    assert plain(pile) == "\\u0301" * 6
    assert plain_lines("a\n\u0301b\t\u0301c") == "a\n\\u0301b\t\\u0301c"
    assert plain("\x1b\u0301") == "\\x1b\\u0301", "on the mark, the mark is another"
    assert plain("\u0903" * 9 + "x").endswith("\\u0903x"), "nor do signs beside it go on without end"


def test_columns_are_counted_as_the_app_counts_them() -> None:
    for character in filter(str.isprintable, EVERY):
        text = plain(f"{character}a{character}b")
        assert cells(text) == cell_len(text) == sum(map(cells, text)), ascii(character)
        assert cells(plain(character)) > 0, ascii(character)


def test_pieces_are_as_wide_as_asked_and_lose_nothing() -> None:
    text = "".join(c for c in EVERY[0x20:0x3400] if plain(f"a{c}") == f"a{c}") + "漢字" * 20
    for width in (2, 7, 80):
        pieces = list(rows(text, width))
        assert "".join(pieces) == text
        assert max(map(cell_len, pieces)) <= width
        assert cell_len(cut(text, width)) <= width
    assert list(rows("", 5)) == [""]
