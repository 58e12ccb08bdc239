"""Lines as they are drawn: safe whatever they hold, with the colours and the changed words where they belong."""

from __future__ import annotations

from typing import Any

import pytest
from diffs_ground import CONTENTS, rows, texts
from hypothesis import given
from hypothesis import strategies as st

from agentrt.showing.plain import cells, plain
from agentrt.tui.diffs.drawing import Palette, draw
from agentrt.tui.diffs.syntax import LOOKS, Colours
from agentrt.tui.diffs.text import MOST_CHARACTERS, Piece, Span, decoded, pieces
from agentrt.tui.diffs.words import changed_words

PYTHON = b'''import os


def walk(top):  # all of it
    """Over
    lines."""
    return os.walk(top, 1)
'''
SPANS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 12), st.sampled_from(LOOKS)).map(
        lambda told: Span(min(told[:2]), max(told[:2]), told[2])
    ),
    max_size=6,
)


def coloured(path: str, content: bytes) -> list[list[tuple[str, str]]]:
    lines = content.splitlines(keepends=True)
    colours = Colours(path, lines)
    found = []
    for number, line in enumerate(lines, 1):
        text, _ = decoded(line)
        found.append([(text[span.start : span.end].rstrip("\n"), span.look) for span in colours.spans(number)])
    return found


def test_every_line_has_its_own_colours() -> None:
    assert coloured("src/a.py", PYTHON) == [
        [("import", "keyword"), ("os", "name")],
        [],
        [],
        [("def", "keyword"), ("walk", "name"), ("# all of it", "comment")],
        [('"""Over', "string")],
        [('    lines."""', "string")],
        [("return", "keyword"), ("1", "number")],
    ]


def test_a_line_in_the_middle_is_told_what_came_before() -> None:
    colours = Colours("a.py", PYTHON.splitlines(keepends=True))

    assert {span.look for span in colours.spans(6)} == {"string"}


@pytest.mark.parametrize("path", ["a.unknown", "a", "a.txt", "", "py"])
def test_what_has_no_language_has_no_colours(path: str) -> None:
    assert not any(coloured(path, PYTHON))


def test_long_files_have_colours_at_their_beginning() -> None:
    lines = [b"x = 1\n"] * 20_000

    colours = Colours("a.py", lines)

    assert colours.spans(1)
    assert not colours.spans(20_000)


def test_a_line_that_is_too_long_ends_the_colours() -> None:
    lines = [b"x = 1\n", b"x = " + b"1" * MOST_CHARACTERS + b"\n", b"x = 1\n"]

    colours = Colours("a.py", lines)

    assert [bool(colours.spans(number)) for number in (1, 2, 3)] == [True, False, False]


@given(
    st.lists(st.binary(max_size=30), max_size=8),
    st.sampled_from(["a.py", "a.js", "a.md", "a.yaml", "a.sh", "Makefile"]),
)
def test_spans_lie_in_their_lines(contents: list[bytes], path: str) -> None:
    lines = [line.replace(b"\n", b"") + b"\n" for line in contents]
    colours = Colours(path, lines)

    for number, line in enumerate(lines, 1):
        text, _ = decoded(line)
        for span in colours.spans(number):
            assert 0 <= span.start < span.end <= len(text) + 1


@given(st.text(max_size=12), SPANS)
def test_pieces_are_the_plain_text_whatever_is_said_of_it(text: str, spans: list[Span]) -> None:
    text = text.replace("\t", "")

    assert "".join(piece.text for piece in pieces(text, spans)) == plain(text)


def test_pieces_look_as_their_spans_say() -> None:
    found = pieces("def f\x1b", [Span(0, 3, "keyword"), Span(2, 5, "changed"), Span(5, 9, "string")], ("added",))

    assert found == [
        Piece("de", ("added", "keyword")),
        Piece("f", ("added", "keyword", "changed")),
        Piece(" f", ("added", "changed")),
        Piece("\\x1b", ("added", "string")),
    ]


def test_tabs_reach_to_where_they_would() -> None:
    (piece,) = pieces("\ta\tbcd\t\tZ", [])

    assert piece.text == "    a   bcd     Z"
    assert "".join(piece.text for piece in pieces("\ta\tZ", [Span(1, 2, "name")])) == "    a   Z"


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=5), CONTENTS, st.booleans(), st.sampled_from([20, 120]))
def test_no_bytes_reach_the_screen_as_they_are(parts: list[bytes], before: bytes, wrap: bool, width: int) -> None:
    after = b"\n".join(parts).replace(b"\0", b"")
    for mode in ("unified", "side-by-side"):
        shown = rows({"a.py": (before, after)}, mode=mode, wrap=wrap, width=width)
        for text in texts(shown):
            assert text.isprintable()


HOSTILE = "\x1b]8;;http://x\x07[@click=app.quit]x[/] \u202e\u200b\ufeff\x9b31m\x7f e\u0301\u0301\u0301\u0301\u0301 日本 \ud800"


@pytest.mark.parametrize("mode", ["unified", "side-by-side"])
def test_hostile_text_is_shown_as_marks(mode: Any) -> None:
    line = HOSTILE.encode("utf-8", "surrogatepass") + b"\xff\r"

    said = texts(rows({"a": (b"", line)}, mode=mode, width=200))[2]

    for mark in (
        "\\x1b]8;;http://x\\x07[@click=app.quit]x[/]",
        "\\u202e",
        "\\u200b",
        "\\ufeff",
        "\\x9b",
        "\\x7f",
        "\\xff\\r",
    ):
        assert mark in said
    assert said.isprintable()


def test_a_line_of_a_megabyte_is_cut_and_counted() -> None:
    said = texts(rows({"a": (b"", b"x" * 1_000_000 + b"\n")}))[2]

    assert said == "  1 + " + "x" * MOST_CHARACTERS + " … 996,000 bytes more"
    wide = texts(rows({"a": (b"", "日".encode() * 300_000 + b"\n")}))[2]
    assert wide.endswith("日 … 888,000 bytes more")


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("return x + 1", "return x + y + 1", ([], ["y + "])),
        ("a = one(b)", "a = two(b)", (["one"], ["two"])),
        ("x\ty", "x    y", (["\t"], ["    "])),
        ("the same", "the same", ([], [])),
        ("nothing", "in common at all", ([], [])),
        ("", "new", ([], [])),
    ],
)
def test_changed_words_are_found(old: str, new: str, changed: tuple[list[str], list[str]]) -> None:
    spans = changed_words(old, new)

    sides = ([line[span.start : span.end] for span in side] for line, side in zip((old, new), spans, strict=True))
    assert tuple(sides) == changed


@given(st.text(max_size=30), st.text(max_size=30))
def test_what_is_not_stressed_is_the_same_on_both_sides(old: str, new: str) -> None:
    left = []
    for text, spans in zip((old, new), changed_words(old, new), strict=True):
        left.append("".join(c for at, c in enumerate(text) if not any(s.start <= at < s.end for s in spans)))

    assert left[0] == left[1] or changed_words(old, new) == ((), ())


def test_long_lines_are_stressed_as_one() -> None:
    old, new = ("a " + " ".join(f"{word}{n}" for n in range(400)) + " b" * 900 for word in ("x", "y"))

    (one,), (other,) = changed_words(old, new)

    assert (one.start, other.start) == (2, 2)


@pytest.mark.parametrize("mode", ["unified", "side-by-side"])
def test_replaced_lines_are_compared_with_their_own(mode: Any) -> None:
    shown = rows({"a": (b"a = one(b)\nc = d(2)\n", b"a = two(b)\nc = d(3)\n")}, mode=mode, width=120)

    stressed = [
        piece.text
        for row in shown
        for side in draw(shown, row, {}, Palette())
        for piece in side.text
        if "changed" in piece.looks
    ]

    assert sorted(stressed) == ["2", "3", "one", "two"]


@given(st.text(max_size=40))
def test_columns_are_counted_as_they_are_drawn(text: str) -> None:
    line = text.replace("\n", "").encode("utf-8", "surrogatepass")
    shown = rows({"a": (b"", line + b"\n")}, wrap=True, width=26)

    assert all(cells(said) <= 26 for row, said in zip(shown, texts(shown), strict=True) if row.new)
