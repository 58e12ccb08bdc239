"""What the planner is told about its actions."""

from __future__ import annotations

from typing import Any

import pytest

from agentrt.agent.conversation import pending, since_last_turn, unfinished
from agentrt.agent.describing import describe_effects, describe_operation
from agentrt.records import (
    FileEffect,
    Message,
    Observation,
    Operation,
    ProposedAction,
    Turn,
    View,
)


def operation(**fields: Any) -> Operation:
    given = {"id": 7, "session": "s1", "kind": "act", "actor": "agent", "status": "settled", "started": 0.0}
    return Operation(**(given | {"before": View(), "after": View()} | fields))


def created(*paths: str) -> tuple[FileEffect, ...]:
    return tuple(FileEffect(path=path, change="created") for path in paths)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"observation": Observation(exit_code=0)}, "exit code 0"),
        ({"observation": Observation(exit_code=1, output="FAILED\n\n")}, "exit code 1\nFAILED"),
        ({"observation": Observation(output="text")}, "text"),
        ({"observation": Observation(error="no match; nearest is line 3")}, "error: no match; nearest is line 3"),
        (
            {"observation": Observation(exit_code=137, error="stopped after 5 seconds", timed_out=True)},
            "exit code 137\nerror: stopped after 5 seconds",
        ),
        ({"observation": Observation(exit_code=0), "effects": created("a", "/tmp/x")},
         "exit code 0\n[created a; changed 1 path outside the workspace]"),
        ({"observation": Observation()}, "done"),
        (
            {
                "status": "rolled_back",
                "observation": Observation(exit_code=0, output="removed", error="rolled back: deleted 9 files"),
                "effects": created("a"),
            },
            "exit code 0\nremoved\nerror: rolled back: deleted 9 files",
        ),
        (
            {"status": "denied", "observation": Observation(error="denied by p.yaml:3")},
            "error: denied by p.yaml:3",
        ),
        ({"status": "intent"}, "Cut off: it may have run; nothing it did is kept."),
    ],
)  # fmt: skip
def test_each_outcome_is_told(fields: dict[str, Any], told: str) -> None:
    assert describe_operation(operation(**fields)) == told


def test_many_effects_are_counted_and_few_are_named() -> None:
    assert describe_effects(created("b", "a")) == "created b; created a"
    many = (*created(*map(str, range(1200))), FileEffect(path="x", change="deleted"))
    assert describe_effects(many) == "created 1,200 paths; deleted 1 path"


def test_names_that_are_no_text_stay_on_their_line() -> None:
    assert describe_effects(created("a\nb\x1b[31m\udcff")) == r"created a\nb\x1b[31m\udcff"


def talk(*bodies: tuple[str, dict[str, Any]]) -> list[Message]:
    return [Message(id=at, role=role, body=body) for at, (role, body) in enumerate(bodies, 1)]


def test_pending_is_what_the_last_turn_asked_and_nobody_answered() -> None:
    asked = Turn(actions=tuple(ProposedAction(call=call, kind="bash", arguments={}) for call in "ab")).to_dict()
    old = ("observation", {"call": "b", "text": "of an earlier turn", "operation": None})
    answer = ("observation", {"call": "a", "text": "x", "operation": 1})
    messages = talk(("task", {"text": "x"}), old, ("planner", asked), answer)
    assert [action.call for action in pending(messages)] == ["b"]
    assert [message.body["text"] for message in since_last_turn(messages)] == ["x"]
    assert pending(talk(("task", {"text": "x"}))) == []


def test_unfinished_is_what_nothing_says_the_end_of() -> None:
    def turn(*kinds: str) -> tuple[str, dict[str, Any]]:
        actions = tuple(ProposedAction(call=kind, kind=kind, arguments={}) for kind in kinds)
        return "planner", Turn(actions=actions).to_dict()

    def answer(call: str, **more: Any) -> tuple[str, dict[str, Any]]:
        return "observation", {"call": call, "text": "x", "operation": None, **more}

    task, more = ("task", {"text": "x"}), ("notice", {"text": "more", "asked": "more"})
    assert unfinished(talk(task))
    assert unfinished(talk(task, turn("bash")))
    assert unfinished(talk(task, turn("bash"), answer("bash")))
    assert unfinished(talk(task, turn("submit"), answer("submit", failed=True)))
    assert unfinished(talk(task, turn("bash"), answer("bash", cut_off=True)))
    assert not unfinished(talk(task, turn()))
    assert not unfinished(talk(task, turn("submit"), answer("submit")))
    assert not unfinished(talk(task, turn("submit"), answer("submit"), more))
    assert not unfinished(talk(more))
