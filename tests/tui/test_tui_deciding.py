"""What each key means for what is selected."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from agentrt.preview import Preview
from agentrt.records import FileEffect, PathConflict
from agentrt.tui.deciding import (
    Choices,
    No,
    Reason,
    Request,
    Selected,
    accept,
    apply,
    conflicting,
    redo,
    reject,
    revert,
    undo,
    undo_to,
)


@dataclass(frozen=True)
class Operation:
    id: int = 7
    kind: str = "act"
    status: str = "settled"
    review: str | None = "pending"
    about: str = "$ make"


WAITING = Selected(entry=Operation(), stands=True)
ASKED = Selected(question="q1", question_kind="ask")
CONFLICT = PathConflict(path="a.py", ours="one", theirs="two", operations=(9,))


def test_accept() -> None:
    assert accept(WAITING) == Request("accept", {"ops": [7]}, "operation 7 accepted")
    assert accept(ASKED) == Request("answer", {"question": "q1", "allow": True}, "let through, this once")
    of_file = Selected(entry=Operation(), path="a\nb.py", stands=True)
    assert accept(of_file) == Request("accept", {"ops": [7], "parts": {"a\nb.py": []}}, "a\\nb.py accepted")
    of_hunk = Selected(entry=Operation(), path="a.py", hunk=2, stands=True)
    assert accept(of_hunk) == Request("accept", {"ops": [7], "parts": {"a.py": [2]}}, "hunk 2 of a.py accepted")


def test_reject_wants_a_reason() -> None:
    decided = reject(WAITING)
    assert isinstance(decided, Reason) and decided.request.arguments == {"ops": [7]}
    decided = reject(ASKED)
    assert isinstance(decided, Reason) and decided.request.arguments == {"question": "q1", "allow": False}
    assert reject(Selected(question="q1", question_kind="inquire")) == Request(
        "reply", {"question": "q1", "text": None}, "left without an answer"
    )


@pytest.mark.parametrize(
    ("decided", "why"),
    [
        (accept(Selected()), "select an operation first"),
        (accept(Selected(entry=Operation(review=None))), "operation 7 needs no review"),
        (accept(Selected(question="q", question_kind="inquire")), "it wants words: enter answers it"),
        (reject(Selected()), "select an operation first"),
        (reject(Selected(entry=Operation(review="rejected"))), "operation 7 is rejected already"),
        (reject(Selected(entry=Operation(review=None))), "operation 7 needs no review; v takes it out all the same"),
        (undo(None, loses=False, preview=None), "nothing to undo"),
        (redo(None, loses=False, preview=None), "nothing to redo"),
        (undo_to(Selected(), loses=False, preview=None), "select an operation first"),
        (revert(Selected(), None, {}), "select an operation first"),
        (
            revert(Selected(entry=Operation()), None, {}),
            "operation 7 does not stand: there is nothing of it to take out",
        ),
        (apply(Preview(kind="apply")), "nothing to apply: the workspace has it all"),
    ],
)
def test_what_cannot_be_is_said(decided: object, why: str) -> None:
    assert decided == No(why)


def test_undo_asks_only_when_it_matters_and_says_what_it_is_about() -> None:
    step = Operation(about="$ rm -rf build")
    done = "undone: operation 7, $ rm -rf build"
    assert undo(step, loses=False, preview=Preview(kind="undo")) == Request(
        "undo", {"n": 1, "step": 7, "scope": "both"}, done
    )
    decided = undo(step, loses=True, preview=Preview(kind="undo"))
    assert isinstance(decided, Choices)
    assert decided.text == "Undo operation 7, $ rm -rf build:\nmore was said since; what goes back?"
    assert [(option.key, option.word) for option in decided.options] == [
        ("b", "both"),
        ("f", "files only"),
        ("c", "conversation only"),
    ]
    files_only = "undone, files only: operation 7, $ rm -rf build"
    assert decided.answers["f"][1] == Request("undo", {"n": 1, "step": 7, "scope": "files"}, files_only)
    applied = Request("undo", {"n": 1, "step": 7, "scope": "both"}, "undone: operation 7, apply 11 paths")
    assert undo(Operation(kind="apply", about="11 paths"), loses=False, preview=None) == applied
    again = Request("redo", {"step": 7, "scope": "both"}, "redone: operation 7, $ rm -rf build")
    assert redo(step, loses=False, preview=None) == again
    stopping = undo(step, loses=False, preview=None, working=True)
    assert isinstance(stopping, Choices) and "this stops what goes on" in stopping.text


def test_what_reaches_the_real_workspace_is_never_done_unasked() -> None:
    decided = undo_to(WAITING, loses=False, preview=Preview(kind="restore", take_back=(8, 4)))
    assert isinstance(decided, Choices) and list(decided.answers) == ["y"]
    assert "changes your real workspace too (apply 8, 4)" in decided.text


def test_a_revert_asks_where_others_stand_on_it() -> None:
    alone = Request("revert", {"ops": [7]}, "operation 7 reverted")
    assert revert(WAITING, Preview(kind="revert"), {}) == alone
    decided = revert(WAITING, Preview(kind="revert", dependents=(9, 11)), {9: "$ make"})
    assert isinstance(decided, Choices)
    assert decided.text == "These stand on operation 7:\n  9 $ make\n  11"
    assert decided.answers["v"][1] == alone and decided.answers["w"][1].arguments["with_dependents"] is True
    # Where it cannot be told apart from what came later, it can only go with it.
    decided = revert(WAITING, Preview(kind="revert", dependents=(9,), conflicts=(CONFLICT,)), {})
    assert isinstance(decided, Choices) and list(decided.answers) == ["w"]
    assert isinstance(revert(WAITING, Preview(kind="revert", conflicts=(CONFLICT,)), {}), No)


def test_a_rejection_that_conflicts_can_take_along_what_stands_on_it() -> None:
    rejection = Request("reject", {"ops": [7], "because": "not so"})
    decided = conflicting(rejection, [CONFLICT])
    assert isinstance(decided, Choices) and "operation 7" in decided.text and "a.py" in decided.text
    request = decided.answers["w"][1]
    assert request.method == "revert"
    assert request.arguments == {"ops": [7], "with_dependents": True, "because": "not so"}


def test_undo_after_an_accept_is_asked() -> None:
    step = Operation()
    assert isinstance(undo(step, loses=False, preview=None), Request)
    decided = undo(step, loses=False, preview=None, accepted=True)
    assert isinstance(decided, Choices) and decided.answers["y"][1] == undo(step, loses=False, preview=None)
    assert isinstance(undo(None, loses=False, preview=None, accepted=True), No)


def test_apply_shows_what_it_writes_and_what_it_accepts() -> None:
    effects = tuple(FileEffect(path=f"{n}.py", change="created") for n in range(202))
    decided = apply(Preview(kind="apply", effects=effects, left=(".git/hooks/x",), target=(4, 7)))
    assert isinstance(decided, Choices)
    lines = decided.text.splitlines()
    assert lines[:3] == [
        "Write to your real workspace (202 paths):",
        "this accepts 2 operations that are to review",
        "left in the sandbox: .git/hooks/x",
    ]
    assert lines[3:] == [*(f"  created   {n}.py" for n in range(200)), "  and 2 more"]
    decided = apply(Preview(kind="apply", effects=effects[:1]))
    assert isinstance(decided, Choices)
    assert decided.text == "Write to your real workspace (1 path):\n  created   0.py"


def test_what_cannot_be_applied_keeps_nothing_else_back() -> None:
    effects = tuple(FileEffect(path=path, change="modified") for path in ("a.py", "b.py", "c.py"))
    decided = apply(Preview(kind="apply", effects=effects, conflicts=(CONFLICT,), target=(8, 9), as_of=4))
    assert isinstance(decided, Choices)
    assert decided.text.splitlines()[1:] == [
        "  a.py: here two; agentrt (operation 9): one",
        "The other 2 paths can be:",
        "this accepts 1 operation that is to review",  # of the other something is left
        "  modified  b.py",
        "  modified  c.py",
    ]
    word, request = decided.answers["w"]
    assert word == "write the other 2 paths"
    assert request == Request("apply", {"paths": ["b.py", "c.py"], "rest": False, "as_of": 4}, "2 paths applied")
    assert isinstance(apply(Preview(kind="apply", effects=effects[:1], conflicts=(CONFLICT,))), No)
