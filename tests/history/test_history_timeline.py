from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentrt.errors import JournalError, UnknownOperation, UsageError
from agentrt.history.timeline import Step, Timeline
from agentrt.records import Operation, Snapshot, View
from agentrt.records.operations import Kind, Status


def view(*layers: str) -> View:
    return View(snapshot=Snapshot(layers=layers))


class Story:
    """A session as the runtime would record it."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    @property
    def timeline(self) -> Timeline:
        return Timeline.of(view("start"), self.operations)

    def record(
        self, kind: Kind, after: View | None = None, *, target: tuple[int, ...] = (), status: Status = "settled"
    ) -> int:
        before = self.timeline.view
        id = len(self.operations) + 1
        self.operations.append(
            Operation(
                id=id,
                session="s1",
                kind=kind,
                actor="agent",
                status=status,
                started=0.0,
                target=target,
                before=before,
                after=after or before,
            )
        )
        return id

    def act(self, kind: Kind = "act", status: Status = "settled") -> int:
        return self.record(kind, view(f"after {len(self.operations) + 1}"), status=status)

    def take(self, step: Step) -> int:
        return self.record(step.kind, step.view, target=step.target)


def test_an_empty_session_stands_on_its_start() -> None:
    timeline = Story().timeline
    assert (timeline.view, timeline.done, timeline.undone) == (view("start"), (), ())


def test_undo_of_several_is_redone_one_by_one() -> None:
    story = Story()
    for _ in range(3):
        story.act()
    step = story.timeline.undo(2)
    assert step == Step("undo", (3, 2), view("after 1"))
    story.take(step)
    assert story.timeline.done == (1,)
    assert story.timeline.undone == (3, 2)
    assert story.timeline.redo() == Step("redo", (2,), view("after 2"))
    story.take(story.timeline.redo())
    assert story.timeline.redo() == Step("redo", (3,), view("after 3"))
    story.take(story.timeline.redo())
    assert story.timeline.done == (1, 2, 3)
    assert story.timeline.view == view("after 3")


def test_a_restore_is_undone_like_anything_else() -> None:
    story = Story()
    story.act()
    story.act()
    story.take(story.timeline.restore(0))
    assert story.timeline.view == view("start")
    assert story.timeline.undo() == Step("undo", (3,), view("after 2"))


@pytest.mark.parametrize("kind", ["act", "restore", "revert", "apply"])
def test_new_work_ends_redo(kind: Kind) -> None:
    story = Story()
    story.act()
    story.take(story.timeline.undo())
    story.act(kind)
    assert story.timeline.undone == ()
    with pytest.raises(UnknownOperation, match="nothing to redo"):
        story.timeline.redo()


@pytest.mark.parametrize("status", ["intent", "denied", "failed", "rolled_back"])
def test_what_left_nothing_is_no_step_and_keeps_redo(status: Status) -> None:
    story = Story()
    story.act()
    story.take(story.timeline.undo())
    story.record("act", status=status)
    assert story.timeline.done == ()
    assert story.timeline.undone == (1,)
    assert story.timeline.redo().target == (1,)


def test_a_verification_is_no_step_and_keeps_redo() -> None:
    story = Story()
    story.act()
    story.act()
    story.take(story.timeline.undo())
    story.record("act", target=(3,))
    assert (story.timeline.done, story.timeline.undone) == ((1,), (2,))
    assert story.timeline.undo() == Step("undo", (1,), view("start"))
    assert story.timeline.redo() == Step("redo", (2,), view("after 2"))
    assert story.timeline.restore(4) == Step("restore", (4,), view("after 1"))


def test_a_verification_of_the_start_is_no_step() -> None:
    story = Story()
    story.record("act", target=(0,))
    assert story.timeline.done == ()


@pytest.mark.parametrize("kind", ["undo", "redo", "restore"])
def test_a_move_that_did_not_happen_moves_nothing(kind: Kind) -> None:
    story = Story()
    story.act()
    story.record(kind, target=(1,), status="failed")
    assert (story.timeline.done, story.timeline.undone) == ((1,), ())


def test_an_undone_operation_stays_restorable() -> None:
    story = Story()
    for _ in range(9):
        story.act()
    story.take(story.timeline.undo())
    assert story.timeline.restore(9) == Step("restore", (9,), view("after 9"))


def test_restore_reaches_an_operation_that_was_rolled_back() -> None:
    story = Story()
    story.act()
    story.record("act", status="rolled_back")
    story.act()
    assert story.timeline.restore(2).view == view("after 1")


def test_restore_of_what_is_not_there_says_what_is() -> None:
    story = Story()
    story.act()
    for wrong in (2, -1):
        with pytest.raises(UnknownOperation) as caught:
            story.timeline.restore(wrong)
        assert caught.value.hint == "this session has 0 (its start) to 1"


def test_undo_says_how_much_there_is_to_undo() -> None:
    story = Story()
    with pytest.raises(UnknownOperation, match="nothing to undo"):
        story.timeline.undo()
    story.act()
    with pytest.raises(UnknownOperation, match="only 1 to undo, not 2"):
        story.timeline.undo(2)
    with pytest.raises(UsageError, match="cannot undo 0 steps"):
        story.timeline.undo(0)


def test_a_session_that_contradicts_itself_is_refused() -> None:
    story = Story()
    story.act()
    story.act()
    story.record("undo", target=(1,))
    with pytest.raises(JournalError, match="operation 3 of s1"):
        _ = story.timeline


_MOVES = st.sampled_from(["act", "apply", "revert", "note", "verify", "denied", "intent", "undo", "redo", "restore"])


@given(st.lists(st.tuples(_MOVES, st.integers(0, 12)), max_size=30))
def test_it_behaves_like_two_stacks(moves: list[tuple[str, int]]) -> None:
    """The model keeps whole states: (operation, state before, state after)."""
    story = Story()
    state = view("start")
    states = [state]
    done: list[tuple[int, View, View]] = []
    undone: list[tuple[int, View, View]] = []
    for move, number in moves:
        next_id = len(story.operations) + 1
        if move == "undo":
            n = number + 1
            if n > len(done):
                with pytest.raises(UnknownOperation):
                    story.timeline.undo(n)
                continue
            story.take(story.timeline.undo(n))
            for _ in range(n):
                undone.append(done.pop())
                state = undone[-1][1]
        elif move == "redo":
            if not undone:
                with pytest.raises(UnknownOperation):
                    story.timeline.redo()
                continue
            story.take(story.timeline.redo())
            done.append(undone.pop())
            state = done[-1][2]
        elif move == "restore":
            if number >= len(states):
                with pytest.raises(UnknownOperation):
                    story.timeline.restore(number)
                continue
            story.take(story.timeline.restore(number))
            done.append((next_id, state, states[number]))
            undone.clear()
            state = states[number]
        elif move == "note":
            story.record("note")
        elif move == "verify":
            story.record("act", target=(next_id - 1,))
        elif move == "denied":
            story.record("act", status="denied")
        elif move == "intent":
            story.record("undo", target=(1,), status="intent")
        else:
            story.act("act" if move == "act" else "apply" if move == "apply" else "revert")
            done.append((next_id, state, view(f"after {next_id}")))
            undone.clear()
            state = done[-1][2]
        states.append(state)
        timeline = story.timeline
        assert timeline.view == state
        assert timeline.done == tuple(id for id, _, _ in done)
        assert timeline.undone == tuple(id for id, _, _ in undone)
