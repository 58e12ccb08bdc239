"""A run that was interrupted, or ended, goes on: with ``agentrt run --resume``, or by its session."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from cli_ground import Cli
from run_ground import SUBMIT, Ground, bash

SIGNALS = ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129))
GO_ON = "agentrt: interrupted; to go on: agentrt run --resume\n"


@pytest.fixture
def ground(tmp_path: Path, workspace: Path, environment: dict[str, str]) -> Ground:
    return Ground(tmp_path, workspace, environment)


def acts(cli: Cli, ground: Ground, *words: str) -> list[tuple[str, str, str | None]]:
    """Who, how it ended, and why where it failed."""
    found = [op for op in cli("log", "--json", *words, **ground.env).json if op["kind"] == "act"]
    return [(op["actor"], op["status"], (op["observation"] or {}).get("error")) for op in found]


def resumed(cli: Cli, ground: Ground, *words: str) -> dict[str, Any]:
    done = cli("run", "--resume", "--json", *words, **ground.env)
    lines = [line for line in done.out.splitlines() if line.startswith('{"event": "result"')]
    assert len(lines) == 1, done.err
    import json

    found: dict[str, Any] = json.loads(lines[0])
    assert done.code == (0 if found["success"] else 1)
    return found


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_interrupted_while_the_planner_thinks(ground: Ground, cli: Cli, number: int, code: int) -> None:
    thinking = bash("echo 2 > two", steps=[{"say": "well"}, {"pause": 600}])
    run = ground.start(ground.task(bash("echo 1 > one"), thinking, SUBMIT))
    run.until("text")
    assert run.end(number) == (code, GO_ON)
    assert acts(cli, ground) == [("agent", "settled", None)]
    ground.task(bash("echo 1 > one"), bash("echo 2 > two"), SUBMIT)  # the same planner, which is quicker now
    found = resumed(cli, ground)
    assert (found["success"], found["turns"], found["actions"], len(found["operations"])) == (True, 3, 2, 1)
    assert cli("exec", "--", "ls").out == "a.txt\none\nsrc\ntwo\n"


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_interrupted_in_an_action_nothing_of_it_is_kept(ground: Ground, cli: Cli, number: int, code: int) -> None:
    run = ground.start(ground.task(bash("echo 1 > one; echo begun; exec sleep 600"), bash("ls"), SUBMIT))
    run.until("output")
    assert run.end(number) == (code, GO_ON)
    assert acts(cli, ground) == [("agent", "failed", "interrupted")]
    found = resumed(cli, ground)
    assert (found["success"], found["actions"]) == (True, 2), "what was cut off is told, and not run again"
    assert cli("show", "2", "--output").out == "a.txt\nsrc\n"


def test_a_script_does_again_what_was_interrupted(ground: Ground, cli: Cli, tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.touch()
    (tmp_path / "script.yaml").write_text(
        f"turns: [{{actions: [{{bash: {{command: 'echo begun; ! test -e {slow} || exec sleep 600; echo 1 > one'}}}}]}}]\n"
    )
    task = tmp_path / "scripted.yaml"
    task.write_text(
        f"objective: x\nworkspace: {ground.workspace}\nsandbox: memory\nplanner: {{script: script.yaml}}\n"
        "verify: test -e one\n"
    )
    run = ground.start(task)
    run.until("output")
    assert run.end(signal.SIGINT) == (130, GO_ON)
    slow.unlink()
    assert resumed(cli, ground)["success"]


def test_interrupted_while_the_outcome_is_verified(ground: Ground, cli: Cli, tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.touch()
    verify = f"verify: '! test -e {slow} || exec sleep 600'\n"
    run = ground.start(ground.task(bash("echo 1 > one"), SUBMIT, more=verify))
    run.until("action", actor="agentrt")
    assert run.end(signal.SIGINT) == (130, GO_ON)
    assert acts(cli, ground)[-1] == ("agentrt", "failed", "interrupted")
    slow.unlink()
    found = resumed(cli, ground)
    assert found["success"] and found["verify"]["id"] == 3 and not found["already"]


def test_interrupted_before_anything_was_said(ground: Ground, cli: Cli) -> None:
    run = ground.start(ground.task({"steps": [{"pause": 600}]}))
    run.until("started")
    assert run.end(signal.SIGTERM) == (143, GO_ON)
    ground.task(SUBMIT)
    assert resumed(cli, ground)["success"]


def test_where_to_go_on_is_said_from_where_one_stands(ground: Ground, cli: Cli, tmp_path: Path) -> None:
    task = ground.task(bash("echo 1 > one"))
    done = cli(str(task), cwd=tmp_path, **ground.env)
    assert done.code == 1
    *_, session, go_on = done.out.splitlines()
    name = ground.workspace.name
    assert session == f"session s1: agentrt --workspace {name} log · diff · undo · apply"
    assert go_on == f"to go on with it: agentrt run --resume --workspace {name}"
    elsewhere = cli("run", "--resume", "--workspace", str(ground.workspace), cwd=tmp_path / "plugins", **ground.env)
    assert elsewhere.out.splitlines()[-1].endswith(f"--workspace {ground.workspace}")
    again = cli("run", "--resume", "--workspace", str(ground.workspace), cwd=tmp_path, **ground.env)
    assert again.code == 1 and "failed: no agent proposed" not in again.out


def test_a_run_that_is_done_says_so_and_exits_as_it_did(ground: Ground, cli: Cli) -> None:
    more = "verify: test -e one\nrules: [{rule: small, check: 'true'}]\n"
    assert cli(str(ground.task(bash("echo 1 > one"), SUBMIT, more=more)), **ground.env).code == 0
    log = cli("log", "--json").json
    done = cli("run", "--resume", **ground.env)
    assert done.code == 0 and done.out.startswith(
        "session s1 goes on: 2 turns, 1 action so far\n\ndone already, nothing was run: all done\n"
    )
    found = resumed(cli, ground)
    assert (found["already"], found["operations"], found["turns"]) == (True, [], 2)
    assert found["verify"] is not None and found["rules"][0]["held"] is True
    assert cli("log", "--json").json == log


def test_what_was_done_without_handing_it_in_is_done_as_well(ground: Ground, cli: Cli) -> None:
    assert cli(str(ground.task(bash("echo 1 > one"), more="verify: test -e one\n")), **ground.env).code == 0
    assert resumed(cli, ground)["already"]


def test_apply_ask_is_asked_again(ground: Ground, cli: Cli) -> None:
    assert cli(str(ground.task(bash("echo 1 > one"), SUBMIT, more="apply: ask\n")), **ground.env).code == 3
    done = cli("run", "--resume", **ground.env)
    assert done.code == 3 and "needs a person" in done.err


def test_after_a_reject_the_agent_goes_on(ground: Ground, cli: Cli) -> None:
    ground.task(bash("echo 1 > one"), SUBMIT, bash("echo 2 > two"), SUBMIT)
    assert cli(str(ground.folder / "task.yaml"), **ground.env).code == 0
    assert cli("reject", "1", "--because", "two, not one").code == 0
    found = resumed(cli, ground)
    assert (found["success"], found["already"], found["turns"]) == (True, False, 4)
    assert cli("exec", "--", "ls").out == "a.txt\nsrc\ntwo\n"


def test_after_an_undo_of_all_it_begins_anew(ground: Ground, cli: Cli) -> None:
    ground.task(bash("echo 1 > one"), SUBMIT)
    assert cli(str(ground.folder / "task.yaml"), **ground.env).code == 0
    assert cli("restore", "0").code == 0
    assert cli("exec", "--", "ls").out == "a.txt\nsrc\n"
    assert resumed(cli, ground)["success"]
    assert cli("exec", "--", "ls").out == "a.txt\none\nsrc\n"


def test_a_fork_of_a_run_goes_on_by_itself(ground: Ground, cli: Cli) -> None:
    ground.task(bash("echo 1 > one"), bash("echo 2 > two"), SUBMIT, more="verify: test -e two\n")
    assert cli(str(ground.folder / "task.yaml"), **ground.env).code == 0
    before = cli("log", "--json").json
    assert cli("fork", "1").code == 0
    found = resumed(cli, ground)
    assert (found["session"], found["success"], found["already"], found["turns"]) == ("s2", True, False, 3)
    assert cli("exec", "--", "ls").out == "a.txt\none\nsrc\ntwo\n"
    assert cli("log", "--json", "--session", "s1").json == before
    assert resumed(cli, ground, "--session", "s1")["already"]


def test_a_file_may_raise_limits_and_nothing_else(ground: Ground, cli: Cli, tmp_path: Path) -> None:
    turns = (bash("echo 1 > one"), bash("echo 2 > two"), SUBMIT)
    task = str(ground.task(*turns, more="limits: {turns: 1}\n"))
    assert cli(task, **ground.env).code == 1
    found = resumed(cli, ground)
    assert (found["success"], found["code"], found["operations"]) == (False, "turns", [])
    ground.task(*turns, more="limits: {turns: 5}\n")
    found = resumed(cli, ground, task)
    assert (found["success"], found["turns"]) == (True, 3)

    ground.task(*turns, objective="another thing")
    done = cli("run", "--resume", task, **ground.env)
    assert done.code == 2 and "another objective" in done.err and "hint: " in done.err
    done = cli("run", "--resume", task, "--workspace", str(tmp_path), **ground.env)
    assert done.code == 2 and f"the task is on {ground.workspace}, not on {tmp_path}" in done.err


@pytest.mark.parametrize(
    ("before", "words", "said"),
    [
        ((), (), "there is no run to resume in "),
        ((), ("--session", "s1"), "there is no run to resume in "),
        (("new",), (), "session s1 was not made by a task"),
        (("exec", "--", "true"), (), "session s1 was not made by a task"),
        (("exec", "--", "true"), ("--session", "s7"), 'no session "s7"'),
        (("new", "do it"), (), "the run in session s1 ended before it began"),
        (("new", "something"), ("TASK",), "has another objective"),
    ],
)
def test_what_is_no_run_is_2(
    ground: Ground, cli: Cli, before: tuple[str, ...], words: tuple[str, ...], said: str
) -> None:
    task = str(ground.task(SUBMIT))
    if before:
        assert cli(*before).code == 0
    done = cli("run", "--resume", *(task if word == "TASK" else word for word in words), **ground.env)
    assert done.code == 2 and said in done.err and "hint: " in done.err and done.out == ""


def test_a_run_that_died_before_its_first_word_is_begun(ground: Ground, cli: Cli) -> None:
    assert cli("new", "do it").code == 0
    assert resumed(cli, ground, str(ground.task(bash("echo 1 > one"), SUBMIT)))["session"] == "s1"


def test_a_task_or_resume_is_needed(ground: Ground, cli: Cli) -> None:
    done = cli("run")
    assert done.code == 2 and "TASK is missing" in done.err and "--resume" in done.err


def test_a_run_that_goes_on_elsewhere_is_busy(ground: Ground, cli: Cli) -> None:
    run = ground.start(ground.task(bash("exec sleep 600"), SUBMIT))
    run.until("action")
    done = cli("run", "--resume", **ground.env)
    assert done.code == 4 and f"process {run.process.pid}" in done.err
    run.end(signal.SIGINT)


@pytest.mark.parametrize("after", [0, 0.002, 0.02, 0.1])
def test_a_second_interrupt_ends_it_at_once_and_the_session_goes_on(ground: Ground, cli: Cli, after: float) -> None:
    run = ground.start(ground.task(bash("echo begun; exec sleep 61.62"), bash("ls"), SUBMIT, sandbox="local"))
    run.until("output")
    os.kill(run.process.pid, signal.SIGINT)
    time.sleep(after)
    code, said = run.end(signal.SIGINT)
    assert code in (130, -signal.SIGINT)  # the second one may meet an interpreter that is leaving: to a shell the same
    assert "Traceback" not in said
    assert said.startswith("agentrt: interrupted; to go on: agentrt run --resume")
    until_gone("sleep", "61.62")
    assert acts(cli, ground)[0][1] in ("failed", "intent")
    ground.task(bash("echo done"), bash("ls"), SUBMIT, sandbox="local")
    assert resumed(cli, ground)["success"]


def until_gone(*words: str) -> None:
    """No process has this command line any more."""
    deadline = time.monotonic() + 60
    while any(_words(process) == words for process in Path("/proc").glob("[0-9]*")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _words(process: Path) -> tuple[str, ...]:
    try:
        return tuple((process / "cmdline").read_text("utf-8", "replace").split("\0")[:-1])
    except OSError:
        return ()


def test_who_leaves_the_pipe_does_not_end_the_run(ground: Ground, cli: Cli) -> None:
    import subprocess
    import sys

    task = ground.task(bash("echo 1 > one"), bash("seq 100; echo 2 > two"), SUBMIT)
    command = f"{sys.executable} -m agentrt {task} | head -1"
    subprocess.run(command, shell=True, cwd=ground.workspace, env=ground.env, capture_output=True, check=True)
    assert resumed(cli, ground)["already"]
