"""The status line says what matters most first, and no more than fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentrt.records import Usage
from agentrt.showing.plain import cells
from agentrt.tui.status import Status, cost, hints, line

BUSY = Status("running", "$ pytest -q", turns=3, actions=7, usage=Usage(cost_usd=0.128), changes=4, review=2, final=1)


def test_all_of_it_where_there_is_room() -> None:
    said = "running $ pytest -q · 2 to review · ‼ 1 not undoable · 4 files to apply · step 3 · $0.13 · 7 actions"
    assert line(BUSY, 120) == said


def test_what_cannot_be_undone_stays_where_there_is_little() -> None:
    assert line(BUSY, 56) == "running $ pytest -q · 2 to review · ‼ 1 not undoable"
    assert line(BUSY, 48).startswith("running $ py") and line(BUSY, 48).endswith("‼ 1 not undoable")


def test_nothing_going_on() -> None:
    assert line(Status(), 30, ["? help", "q quit", "a very long hint"]) == "idle           ? help · q quit"


def test_how_to_stop_what_goes_on_stays_where_there_is_little() -> None:
    keys = hints("pane", works=True)
    for width in (56, 72, 90, 120):
        assert line(BUSY, width, keys).endswith("esc stops it") or "esc stops it · ? help" in line(BUSY, width, keys)
    assert line(BUSY, 60, keys) == "running $ py… · 2 to review · ‼ 1 not undoable  esc stops it"


def test_no_host() -> None:
    assert line(Status(trouble="no space\x1b[31m"), 80).startswith("no host: no space\\x1b[31m · idle")


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        (Usage(), ""),
        (Usage(input_tokens=900, output_tokens=50), "950 tokens"),
        (Usage(input_tokens=12_000, output_tokens=400), "12.4k tokens"),
        (Usage(input_tokens=5, cost_usd=0.0), "$0.00"),
    ],
)
def test_cost(usage: Usage, said: str) -> None:
    assert cost(usage) == said


@given(st.text(max_size=60), st.integers(1, 200), st.integers(0, 99), st.integers(0, 99))
def test_it_is_never_wider_than_the_screen(doing: str, width: int, review: int, final: int) -> None:
    text = line(Status("running", doing, review=review, final=final), width, ["? help"])
    assert cells(text) <= max(width, 1) + 1 and text.isprintable()
