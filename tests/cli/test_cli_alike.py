"""``accept --all-like``: nothing is written that nobody looked at."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_ground import Cli
from run_ground import Ground, bash

SED = "sed -i s/one/two/ a.txt"


@pytest.fixture
def ground(workspace: Path, environment: dict[str, str], tmp_path: Path) -> Ground:
    return Ground(tmp_path, workspace, environment)


def test_without_a_terminal_the_rule_is_shown_and_a_person_is_needed(cli: Cli, ground: Ground) -> None:
    config = ground.env["XDG_CONFIG_HOME"]
    assert cli("exec", "--", SED, XDG_CONFIG_HOME=config).code == 0
    done = cli("accept", "--all-like", "1", XDG_CONFIG_HOME=config)
    assert done.code == 3 and "+    paths: [./*.txt]\n" in done.out
    assert "a person has to look at the rule before it is written" in done.err
    assert "hint: at a terminal: agentrt accept --all-like 1; without the rule: agentrt accept 1" in done.err
    assert not Path(config).exists() and cli("review").out.startswith("1 ")
    assert cli("accept", "--all-like", "1", "--json", XDG_CONFIG_HOME=config).json["error"]["code"] == "denied"


def test_what_is_asked_wrongly(cli: Cli) -> None:
    assert cli("exec", "--", "echo x > new.sh; chmod +x new.sh").code == 0
    for words in (("2",), ("--actor", "agent")):
        done = cli("accept", "--all-like", "1", *words)
        assert done.code == 2 and "--all-like is of one operation and of nothing else" in done.err
    done = cli("accept", "--all-like", "1")
    assert done.code == 2 and "this cannot become a rule: new.sh is executable" in done.err
    assert "hint: it can be accepted each time, once it was looked at" in done.err


def test_at_a_terminal_it_is_written_once_a_person_says_so(ground: Ground, cli: Cli) -> None:
    config = ground.env["XDG_CONFIG_HOME"]
    for command in (SED, "sed -i s/two/three/ a.txt", "echo x > b.txt"):
        assert cli("exec", "--", command, XDG_CONFIG_HOME=config).code == 0
    file = Path(config) / "agentrt/policy.yaml"

    terminal = ground.terminal("accept", "--all-like", "1")
    terminal.until("policy? [y/N] ")
    terminal.type("n\n")
    assert terminal.end() == 3 and not file.exists()

    terminal = ground.terminal("accept", "--all-like", "1")
    terminal.until("policy? [y/N] ")
    terminal.type("y\n")
    assert terminal.end() == 0
    assert any("operation 4: accepted 1, 2, and all like it from now on" in row for row in terminal.rows)
    assert "run: [sed **]" in file.read_text()

    assert cli("exec", "--", "sed -i s/three/four/ a.txt", XDG_CONFIG_HOME=config).code == 0
    assert [op["id"] for op in cli("review", "--json").json] == [3]
    replayed = cli("policy", "replay", "s1", "--policy", "default", "--json", XDG_CONFIG_HOME=config).json
    assert [(one["operation"]["id"], one["now"]["verdict"]) for one in replayed["differing"]] == [
        (1, "accept"),
        (2, "accept"),
    ]
    explained = cli("policy", "explain", "--", "sed x", XDG_CONFIG_HOME=config)
    assert "policy.yaml:2: accept, where it does what that rule says: accepted with all like it" in explained.out


def test_the_policy_of_the_task_that_made_the_session_has_a_say(ground: Ground, cli: Cli) -> None:
    config = ground.env["XDG_CONFIG_HOME"]
    looked_at = "policy: {judge: [{verdict: review, paths: [a.txt], because: others read it}]}\n"
    task = ground.task(bash(SED), {"actions": [["submit", {"text": "done"}]]}, more=looked_at)
    assert cli("run", task, XDG_CONFIG_HOME=config, PYTHONPATH=ground.env["PYTHONPATH"]).code == 0
    done = cli("accept", "--all-like", "1", XDG_CONFIG_HOME=config)
    assert done.code == 2 and "wants it to be looked at: a.txt was modified: others read it" in done.err
