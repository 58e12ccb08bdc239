"""The fast matcher says what difflib says; hunks have the numbers they always had."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentrt.history import hunks, matching
from agentrt.history.matching import Matcher

LINES = st.integers(2, 30).flatmap(
    lambda kinds: st.lists(st.integers(0, kinds).map(lambda n: b"%d\n" % n), max_size=60)
)


def plainly(old: list[bytes], new: list[bytes]) -> difflib.SequenceMatcher[bytes]:
    return difflib.SequenceMatcher(None, old, new)


@given(LINES, LINES, st.integers(1, 8))
def test_blocks_are_those_of_difflib(old: list[bytes], new: list[bytes], often: int) -> None:
    old, new = old * often, new * often  # from 200 lines on, what is everywhere is looked at last

    assert Matcher(old, new).get_matching_blocks() == plainly(old, new).get_matching_blocks()


@given(LINES, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 4), LINES), max_size=8), st.integers(1, 8))
def test_hunks_of_an_edited_text_are_those_of_difflib(
    old: list[bytes], edits: list[tuple[int, int, list[bytes]]], often: int
) -> None:
    old = [line for number, line in enumerate(old * often) for line in (line, b"unique %d\n" % number)]
    new = list(old)
    for at, gone, come in edits:
        new[at : at + gone] = come

    assert Matcher(old, new).get_opcodes() == plainly(old, new).get_opcodes()
    expected = len(list(plainly(old, new).get_grouped_opcodes(3)))
    assert hunks.count(b"".join(old), b"".join(new)) == expected


@pytest.mark.parametrize("most", [0, 20])
def test_blocks_are_the_same_where_too_much_is_alike(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_MOST_PAIRS", most)
    old = [b"%d\n" % (number * number % 7) for number in range(90)]
    new = [b"%d\n" % (number * number % 11) for number in range(90)]

    assert Matcher(old, new).get_matching_blocks() == plainly(old, new).get_matching_blocks()


def test_thousands_of_changes_are_found() -> None:
    """With difflib alone it takes five minutes."""
    old = [b"line %d\n" % number for number in range(50_000)]
    new = [line if number % 10 else b"changed %d\n" % number for number, line in enumerate(old)]

    assert hunks.count(b"".join(old), b"".join(new)) == 5000
