"""The chosen row, while rows come, go and are filtered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentrt.tui.lists import selection
from agentrt.tui.lists.rows import Key
from agentrt.tui.lists.selection import Selection


def key(number: int) -> Key:
    return Key("operation", number)


def keys(*numbers: int) -> list[Key]:
    return [key(number) for number in numbers]


NUMBERS = st.lists(st.integers(0, 12), unique=True, max_size=10)
STEPS = st.one_of(
    st.tuples(st.just("move"), st.integers(-15, 15)),
    st.tuples(st.sampled_from(("home", "end"))),
    st.tuples(st.just("select"), st.integers(0, 12)),
    st.tuples(st.sampled_from(("grown", "filtered")), NUMBERS),
)


def stepped(state: Selection, step: tuple) -> Selection:
    match step:
        case ("move", by):
            return selection.move(state, by)
        case ("select", number):
            return selection.select(state, key(number))
        case ("grown" | "filtered" as how, numbers):
            return getattr(selection, how)(state, keys(*numbers))
        case (where,):
            return getattr(selection, where)(state)
    raise AssertionError(step)


@given(st.booleans(), st.lists(STEPS, max_size=30))
def test_the_cursor_is_always_at_a_row_that_is_there(tails: bool, steps: list[tuple]) -> None:
    state = Selection(tails=tails, following=tails)
    for step in steps:
        old, state = state, stepped(state, step)

        assert state.tails is tails
        if not state.keys:
            assert state.key is None
            continue
        assert state.key == state.keys[state.at]
        last = state.at == len(state.keys) - 1
        if state.following:
            assert tails and last
        if step[0] == "grown":
            assert state.following is old.following, "only a person starts or ends following"
        elif step[0] != "select" or key(step[1]) in old.keys:
            assert state.following is (tails and last)
        survives = old.key in state.keys
        if step[0] == "filtered" or (step[0] == "grown" and not old.following):
            assert not survives or state.key == old.key


@given(NUMBERS, st.integers(0, 9), NUMBERS)
def test_a_row_that_went_leaves_the_cursor_at_the_next_that_is_left(old: list[int], at: int, new: list[int]) -> None:
    before = selection.move(Selection(keys(*old)), at)

    after = selection.grown(before, keys(*new))

    left = [number for number in old[before.at :] if number in new]
    left += [number for number in reversed(old[: before.at]) if number in new]
    if left:
        assert after.key == key(left[0])
    else:
        assert after.at == 0


def test_the_end_follows_and_moving_away_pauses() -> None:
    state = selection.grown(Selection(tails=True, following=True), keys(1, 2, 3))
    assert state.key == key(3)
    state = selection.grown(state, keys(1, 2, 3, 4))
    assert state.key == key(4)

    paused = selection.grown(selection.move(state, -1), keys(1, 2, 3, 4, 5))
    assert (paused.key, paused.following) == (key(3), False)

    resumed = selection.grown(selection.end(paused), keys(1, 2, 3, 4, 5, 6))
    assert (resumed.key, resumed.following) == (key(6), True)


def test_a_list_that_does_not_tail_stays() -> None:
    state = selection.end(selection.grown(Selection(), keys(1, 2)))

    assert selection.grown(state, keys(1, 2, 3)).key == key(2)


def test_what_a_filter_found_stays_chosen_when_it_is_taken_away() -> None:
    state = selection.grown(Selection(tails=True, following=True), keys(1, 2, 3, 4))

    found = selection.filtered(state, keys(1, 2))
    assert found.key == key(2)

    assert selection.filtered(found, keys(1, 2, 3, 4)).key == key(2)
