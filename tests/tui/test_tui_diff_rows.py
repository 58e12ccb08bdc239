"""Rows of a diff by index: what they show, that nothing is lost, and where the cursor goes."""

from __future__ import annotations

from typing import Any

import pytest
from diffs_ground import CONTENTS, effect, model, numbered, rows, texts
from hypothesis import given
from hypothesis import strategies as st

from agentrt.history import hunks
from agentrt.tui.diffs.model import DiffModel
from agentrt.tui.diffs.rows import LONG, PAGE, Options, Row, Rows, RunKey

MODES = st.sampled_from(["unified", "sides"])


@given(CONTENTS, CONTENTS, st.booleans())
def test_the_old_lines_and_the_rows_give_the_new_ones(before: bytes, after: bytes, wrap: bool) -> None:
    shown = rows({"a": (before, after)}, wrap=wrap, width=30)
    old, new = hunks.lines(before), hunks.lines(after)

    result: list[bytes] = []
    at = 0
    for row in shown:
        if row.part or row.kind not in ("context", "added", "removed"):
            continue
        if row.old:
            result += old[at : row.old - 1]
            at = row.old
        if row.new:
            result.append(new[row.new - 1])
    assert result + old[at:] == new


@given(CONTENTS, CONTENTS)
def test_sides_line_up(before: bytes, after: bytes) -> None:
    shown = rows({"a": (before, after)}, mode="sides", width=120)
    old, new = hunks.lines(before), hunks.lines(after)
    lines = [row for row in shown if row.old or row.new]

    for row in lines:
        if row.kind == "context":
            assert old[row.old - 1] == new[row.new - 1]
    unified = [row for row in rows({"a": (before, after)}) if row.old or row.new]
    for side in ("old", "new"):
        numbers = [getattr(row, side) for row in lines if getattr(row, side)]
        assert numbers == sorted(set(numbers)) == [getattr(row, side) for row in unified if getattr(row, side)]


@given(CONTENTS, CONTENTS, MODES, st.booleans())
def test_every_row_is_found_again(before: bytes, after: bytes, mode: Any, wrap: bool) -> None:
    shown = rows({"x": (b"", b"x\n"), "a": (before, after)}, mode=mode, wrap=wrap, width=110)

    for index in range(len(shown)):
        row = shown[index]
        assert (
            shown.index_of(row) == index - row.part
            if row.old or row.new
            else shown[shown.index_of(row)].file == row.file
        )


@given(CONTENTS, CONTENTS)
def test_a_line_is_found_in_the_other_mode(before: bytes, after: bytes) -> None:
    one = rows({"a": (before, after)})
    two = rows({"a": (before, after)}, mode="sides", width=110)

    for here, there in ((one, two), (two, one)):
        for row in here:
            found = there[there.index_of(row)]
            if row.old or row.new:
                assert (row.old and found.old == row.old) or (row.new and found.new == row.new)
            else:
                assert found.kind == row.kind


@given(CONTENTS, CONTENTS, st.integers(20, 60))
def test_a_wrapped_line_is_all_there(before: bytes, after: bytes, width: int) -> None:
    cut, wrapped = rows({"a": (before, after)}), rows({"a": (before, after)}, wrap=True, width=width)
    left = 2 * cut.digits(0) + 4

    def lines(of: Rows) -> list[str]:
        found: list[str] = []
        for row, text in zip(of, texts(of), strict=True):
            if row.part:
                found[-1] += text[left:]
            elif row.old or row.new:
                found.append(text[left:])
        return found

    # What is said about the end of a file is not counted among a line's columns.
    said = "  \\ No newline at end of file"
    assert [line.removesuffix(said) for line in lines(cut)] == [line.split("  \\ No")[0] for line in lines(wrapped)]


def test_two_sides_want_room() -> None:
    narrow = rows({"a": (b"a\n", b"b\n")}, mode="sides", width=77)

    assert narrow[0] == Row("note", text="side by side wants 78 columns, here are 77: shown unified")
    assert [row.kind for row in narrow] == ["note", "file", "hunk", "removed", "added"]
    wide = rows({"a": (b"a\n", b"b\nc\n")}, mode="sides", width=100)
    assert texts(wide)[2:] == ["1 - a|1 + b", "    |2 + c"]


def test_what_is_not_there_yet_is_a_row_of_dots() -> None:
    shown = Rows(model({"a": (b"a", b"b")}, there=False), Options())

    assert texts(shown) == ["▾ modified  a", "…"]


def test_a_folded_file_says_how_much_is_in_it() -> None:
    shown = Rows(model({"a": (b"a\n", b"b\nc\n")}), Options(folded={"a": True}))

    assert texts(shown) == ["▸ modified  a  +2 -1 in 1 hunk"]


def test_long_runs_are_shown_page_by_page() -> None:
    files = {"a": (numbered(LONG + 100, "old"), numbered(LONG, "new"))}

    shown = rows(files)

    assert len(shown) == 2 + PAGE + 1 + LONG
    fold = shown[2 + PAGE]
    assert (fold.kind, fold.more, fold.key) == ("fold", LONG + 100 - PAGE, RunKey("a", 1, 0))
    assert texts(shown)[2 + PAGE] == "… 300 lines more, enter shows 200"
    more = rows(files, more={RunKey("a", 1, 0): PAGE})
    assert texts(more)[2 + 2 * PAGE] == "… 100 lines more, enter shows 100"
    all_of_it = rows(files, more={RunKey("a", 1, 0): 2 * PAGE})
    assert [row.kind for row in all_of_it] == ["file", "hunk"] + ["removed"] * (LONG + 100) + ["added"] * LONG


@pytest.mark.parametrize(("mode", "wrap"), [("unified", False), ("sides", False), ("unified", True)])
def test_thousands_of_hunks_are_addressed_one_by_one(mode: Any, wrap: bool) -> None:
    before = numbered(20_000)
    after = b"".join(x if n % 10 else b"changed\n" for n, x in enumerate(before.splitlines(keepends=True)))

    shown = rows({"a": (before, after)}, mode=mode, wrap=wrap, width=120)

    last = shown[len(shown) - 1]
    assert (last.kind, last.hunk, last.old, last.new) == ("context", 2000, 19_994, 19_994)
    with pytest.raises(IndexError):
        shown[len(shown)]
    assert shown.hunk_from(len(shown) - 1, -1) == len(shown) - (9 if mode == "unified" else 8)


FILES = {
    "a": (numbered(30), numbered(30).replace(b"line 2\n", b"x\n").replace(b"line 20\n", b"y\n")),
    "binary": (b"\0", b"\0\0"),
    "b": (None, b"new\n"),
}


def test_brackets_go_from_hunk_to_hunk_and_leave_out_no_file() -> None:
    shown = rows(FILES)

    index, visited = 0, []
    while (following := shown.hunk_from(index, 1)) != index:
        index = following
        visited.append((shown[index].kind, shown[index].file, shown[index].hunk))

    assert visited == [("hunk", 0, 1), ("hunk", 0, 2), ("file", 1, 0), ("hunk", 2, 1)]
    assert shown.hunk_from(index, -1) == next(n for n, row in enumerate(shown) if row == Row("file", 1))
    assert shown[shown.hunk_from(3, -1)] == Row("hunk", 0, 1), "from inside a hunk to its start"
    assert shown.hunk_from(0, -1) == 0


def test_brackets_stop_at_folded_files() -> None:
    shown = Rows(model(FILES), Options(folded={"a": True, "b": True}))

    assert shown.hunk_from(0, 1) == 1
    assert shown.hunk_from(1, 1) == 3


def test_braces_go_from_file_to_file() -> None:
    shown = rows(FILES)

    second = shown.file_from(0, 1)
    third = shown.file_from(second, 1)

    assert (shown[second], shown[third]) == (Row("file", 1), Row("file", 2))
    assert shown.file_from(third, 1) == third
    assert shown.file_from(third, -1) == second
    assert shown.file_from(second - 1, -1) == 0


def test_the_review_of_hunks_and_files_is_said() -> None:
    shown = rows(FILES)

    said = texts(shown, {"a": {1: "accepted", 2: "rejected"}, "b": {0: "pending"}})

    assert [text for row, text in zip(shown, said, strict=True) if row.kind in ("hunk", "file")] == [
        "▾ modified  a  +2 -2",
        "✓ accepted  @@ -1,5 +1,5 @@  hunk 1 of 2",
        "✗ rejected  @@ -17,7 +17,7 @@  hunk 2 of 2",
        "▾ modified  binary",
        "▾ ● to review  created   b  +1 -0",
        "@@ -0,0 +1 @@  hunk 1 of 1",
    ]


def test_harm_is_said_before_a_path_of_any_length() -> None:
    path = "x" * 300
    harmful = DiffModel.of([effect(path, b"", b"a", reversibility="irreversible")])

    said = texts(Rows(harmful, Options()), {path: {0: "pending"}})

    assert said[0].startswith("▾ ● to review  ‼ irreversible  modified  xxx")
