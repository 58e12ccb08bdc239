"""The timeline's filter."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from lists_ground import WORK, Session, entry

from agentrt.tui.lists.search import IS, read
from agentrt.tui.lists.timeline import timeline

PATHS = {1: ("a.txt", "src/b.py"), 2: ("src/App.py",), 4: ("build/x\x1b",)}


def paths(op: int) -> Collection[str]:
    return PATHS.get(op, ())


def found(text: str, session: Session = WORK) -> list[int | str]:
    query = read(text)
    assert query.mistakes == ()
    return [row.key.of for row in query.pick(timeline(session), paths) if row.entry is not None]


ALL = list(range(1, 13))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", ALL),
        ("  ", ALL),
        ("pytest", [1, 11]),
        ("PYTEST", []),
        ("curl POST", [3]),
        ("post CURL", []),
        ("rm build", [4]),
        ("-agent", [5, 6]),
        ("-agent -person", [5]),
        ('"rm -r"', [4]),
        ('"rm -r', [4]),
        ("rm -r", []),
        ('-"$ "', [2, 5, 6]),
        ("日本語", [5]),
        ("verify:", [11]),
        ("https://api", [3]),
        ("undone", [4, 5]),
        ("here", [9]),
        ("irreversible", [3]),
        ("rolled back", [10]),
        ("actor:test", [5]),
        ("actor:Test", []),
        ("-actor:agent", [5, 6]),
        ("actor:", ALL),
        ("kind:undo", [6]),
        ("kind:act is:pending", [2, 3, 9]),
        ("-kind:act", [6]),
        ("path:src", [1, 2]),
        ("path:app", [2]),
        ("path:App", [2]),
        ("path:APP", []),
        ("-path:src", [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ("path:src -path:b.py", [2]),
        ("path:\\x1b", [4]),
        ("path:", ALL),
        ("-", ALL),
        ('"', ALL),
    ],
)
def test_a_row_is_shown_that_has_all_of_it(text: str, numbers: list[int]) -> None:
    assert found(text) == numbers


def test_is_asks_what_became_of_it() -> None:
    by_word = {word: found(f"is:{word}") for word in IS}

    assert by_word == {
        "pending": [2, 3, 9],
        "accepted": [1],
        "rejected": [],
        "undone": [4, 5],
        "irreversible": [3],
        "denied": [7],
        "failed": [8],
        "outside": [9],
    }
    assert found("is:rejected", Session((entry(1, review="rejected"), entry(2)))) == [1]
    assert found("-is:pending -is:undone pytest") == [1, 11]


def test_what_is_no_operation_is_found_by_its_words_only() -> None:
    def keys(text: str) -> list[object]:
        return [row.key.of for row in read(text).pick(timeline(WORK), paths)]

    assert keys("s-9") == ["s-9"]
    assert keys("again") == ["s-9"]
    assert keys("fork") == ["s-4", "s-9"]
    assert keys("is:undone") == [4, 5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("is:undoen", "is:undone? There is no is:undoen"),
        ("is:irr", "is:irreversible? There is no is:irr"),
        ("kind:accpet", "kind:accept? There is no kind:accpet"),
        (
            "is:\x1b]0;",
            "is: pending, accepted, rejected, undone, irreversible, denied, failed, outside; no is:\\x1b]0;",
        ),
        ("is:", "is: pending, accepted, rejected, undone, irreversible, denied, failed, outside"),
    ],
)
def test_an_unknown_value_is_told_with_the_nearest_and_filters_nothing(text: str, said: str) -> None:
    query = read(f"pytest {text}")

    assert query.mistakes == (said,)
    assert [row.key.of for row in query.pick(timeline(WORK), paths)] == [1, 11]


def test_paths_are_asked_for_only_where_all_else_holds() -> None:
    asked: list[int] = []

    def watched(op: int) -> Collection[str]:
        asked.append(op)
        return paths(op)

    assert [row.key.of for row in read("path:a.txt pytest").pick(timeline(WORK), watched)] == [1]
    assert asked == [1, 11]
    read("pytest is:pending").pick(timeline(WORK), watched)
    assert asked == [1, 11]
