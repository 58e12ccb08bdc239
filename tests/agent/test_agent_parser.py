"""What a planner worded wrongly comes back in words: what was wrong, and what was probably meant."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from agentrt.agent.conversation import SUBMIT
from agentrt.agent.parser import Parser
from agentrt.contracts import World
from agentrt.records import Action, Observation, ProposedAction


class Fetch(Action):
    kind: Literal["fetch"] = "fetch"
    path: str
    start: int | None = None
    all: bool = False


class FetchTool:
    name = "fetch"
    description = "Fetch a thing."
    action = Fetch

    async def run(self, action: Action, world: World) -> Observation:
        return Observation()

    def show(self, action: Action) -> str:
        return "fetch"

    def reads(self, action: Action) -> None:
        return None


PARSER = Parser({"fetch": FetchTool()}, permitted=["fetch", SUBMIT])
TAKES = "\n`fetch` takes: `path`, `start` (optional), `all` (optional)."


def proposed(kind: str, arguments: dict[str, Any]) -> ProposedAction:
    return ProposedAction(call="1", kind=kind, arguments=arguments)


def test_a_good_proposal_is_the_action() -> None:
    assert PARSER.parse(proposed("fetch", {"path": "a", "start": 3})) == Fetch(path="a", start=3)


@pytest.mark.parametrize(
    ("kind", "arguments", "told"),
    [
        ("fecth", {}, 'no action is called "fecth". Did you mean `fetch`? There is: fetch, submit.'),
        ("rm", {}, 'no action is called "rm". There is: fetch, submit.'),
        ("fetch", {}, "`path` is missing." + TAKES),
        ("fetch", {"path": 5}, "`path` must be text, not the number 5." + TAKES),
        ("fetch", {"path": "a", "start": "x"}, '`start` must be a whole number, not text "x".' + TAKES),
        (
            "fetch",
            {"pth": "a"},
            "unknown argument `pth` (did you mean `path`?)." + TAKES,
        ),
        (
            "fetch",
            {"path": None, "all": []},
            "`path` must be text, not nothing; `all` must be true or false, not a list." + TAKES,
        ),
        (
            "fetch",
            {"path": "a", "zzzz": 1},
            "unknown argument `zzzz` (there is `all`, `path`, `start`)." + TAKES,
        ),
        ("fetch", {"path": "a", "kid": 1}, "unknown argument `kid` (there is `all`, `path`, `start`)." + TAKES),
        (
            "fetch",
            {"path": "a", "kind": "bash"},
            "unknown argument `kind` (it is the name of the action itself)." + TAKES,
        ),
    ],
)
def test_a_malformed_proposal_is_told_what_is_wrong(kind: str, arguments: dict[str, Any], told: str) -> None:
    assert PARSER.parse(proposed(kind, arguments)) == told


def test_what_a_planner_is_offered() -> None:
    fetch, submit = PARSER.specs
    assert (fetch.name, fetch.description) == ("fetch", "Fetch a thing.")
    assert set(fetch.parameters["properties"]) == {"path", "start", "all"}
    assert fetch.parameters["required"] == ["path"]
    assert fetch.parameters["additionalProperties"] is False
    assert submit.name == "submit"
    assert set(submit.parameters["properties"]) == {"text"}
    assert submit.parameters.get("required", []) == []
