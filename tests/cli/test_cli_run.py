"""A run in a pipe: plain lines for people, JSON Lines for programs, what it came to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_ground import Cli
from run_ground import SUBMIT, Ground, bash


@pytest.fixture
def ground(tmp_path: Path, workspace: Path, environment: dict[str, str]) -> Ground:
    return Ground(tmp_path, workspace, environment)


def without_seconds(out: str) -> str:
    return "".join(line for line in out.splitlines(keepends=True) if " action" not in line)


TALK = [{"say": "I lo"}, {"delay": [0.5, "429 slow down"]}, {"say": "I look"}]


def test_a_line_for_what_starts_and_one_for_what_became_of_it(ground: Ground, cli: Cli) -> None:
    turn = {"actions": [["bash", {"command": "echo x > x"}], ["nonsense", {}]], "text": "I look", "steps": TALK}
    done = cli(str(ground.task(turn, SUBMIT)), **ground.env)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[:5] == [
        "  429 slow down, asked again in 0.5 s",
        "",
        "I look",
        "→ $ echo x > x",
        "  operation 1, 1 file created",
    ] or lines[4].startswith("  operation 1, exit code 0, 1 file")
    assert lines[5].startswith("  not carried out: ")
    assert lines[6:8] == ["", "done: all done"] and lines[9].startswith("session s1: agentrt log")


def test_the_summary_has_rules_scores_and_what_was_used(ground: Ground, cli: Cli) -> None:
    usage = {"input_tokens": 1000, "cached_tokens": 500, "output_tokens": 100}
    more = "verify: test -e a\nrules:\n  - be kind\n"
    more += "".join(f"  - {{rule: there is {name}, check: test -e {name}}}\n" for name in "abc")
    task = ground.task(bash("touch a", usage=usage), bash("true"), bash("touch b", usage=usage), more=more)
    done = cli(str(task), **ground.env)
    assert done.code == 1
    summary = done.out[done.out.index("\nfailed: ") :].splitlines()[1:]
    assert summary[0].startswith(
        "failed: Rule 4 does not hold (there is c); its check, `test -e c` ended with exit code 1"
    )
    assert summary[1].startswith("verify: passed (operation ")
    assert summary[2] == "rule not checked: be kind"
    assert [line.split(" (")[0] for line in summary[3:6]] == [
        "rule held: there is a",
        "rule held: there is b",
        "rule not held: there is c",
    ]
    assert summary[6] == "rules held: 1/3 → 2/3"
    assert summary[7].startswith("5 turns, 3 actions, ")
    assert summary[7].endswith(", 2,200 tokens (50% of the input from a cache), price unknown")
    assert summary[9] == "to go on with it: agentrt run --resume"


def test_a_known_price_is_in_the_summary(ground: Ground, cli: Cli) -> None:
    usage = {"input_tokens": 1, "output_tokens": 1, "cost_usd": 0.125}
    done = cli(str(ground.task({**SUBMIT, "usage": usage})), **ground.env)
    assert "2 tokens, 0.12 USD\n" in done.out


def test_json_has_every_event_and_the_result_last(ground: Ground, cli: Cli) -> None:
    more = "verify: test -e x\nlimits: {context_tokens: 1000}\n"
    turns: tuple[dict[str, Any], ...] = (
        SUBMIT,
        {**bash("echo " + "y" * 9000), "steps": TALK, "text": "I look"},
        {"actions": [["nonsense", {}], ["ask", {"question": "now?"}]]},
        bash("touch x"),
        SUBMIT,
    )
    done = cli(str(ground.task(*turns, more=more)), "--json", **ground.env)
    assert done.code == 0
    events = [json.loads(line) for line in done.out.splitlines()]
    assert (events[0]["event"], events[0]["session"], events[0]["resumed"]) == ("started", "s1", False)
    assert (events[-1]["event"], events[-1]["success"], events[-1]["session"]) == ("result", True, "s1")
    assert {event["event"] for event in events} == {
        "started", "asked", "turn", "text", "delayed", "compacted", "action", "refused", "answered", "output", "operation",
        "not_done", "ended", "result",
    }  # fmt: skip
    refused = next(event for event in events if event["event"] == "refused")
    assert (refused["actor"], refused["action"]["kind"]) == ("agent", "nonsense")
    assert next(event for event in events if event["event"] == "delayed")["seconds"] == 0.5
