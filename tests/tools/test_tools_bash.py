"""bash: what is run, where, for how long."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from agentrt.tools.bash import Bash, BashTool


def test_output_of_both_kinds_and_the_exit_code_come_back(act, tmp_path: Path) -> None:
    seen = act("bash", command="echo out; echo err >&2; touch made; exit 3")
    assert (seen.exit_code, seen.output, seen.error) == (3, "out\nerr\n", None)
    assert (tmp_path / "made").exists()


def test_it_is_bash_in_the_workspace_without_input(act, tmp_path: Path) -> None:
    seen = act("bash", command='a=(x y); echo "${a[1]}"; pwd; cat')
    assert seen.output == f"y\n{tmp_path.resolve()}\n"


def test_cwd_is_where_it_runs(act, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    assert act("bash", command="pwd", cwd="sub").output == f"{tmp_path.resolve()}/sub\n"
    missing = act("bash", command="pwd", cwd="nope")
    assert (missing.exit_code, missing.output) == (125, "agentrt: cannot enter nope: No such file or directory\n")


def test_a_time_limit_ends_it_and_all_it_started(act, tmp_path: Path) -> None:
    began = time.monotonic()
    seen = act("bash", command="(sleep 1; touch late) & echo begun; sleep 60", seconds=0.3)
    assert time.monotonic() - began < 5
    assert seen.timed_out
    assert seen.error == "stopped after 0.3 seconds"
    assert seen.output == "begun\n"
    time.sleep(1)
    assert not (tmp_path / "late").exists()


def test_no_start_up_file_is_read(act, tmp_path: Path) -> None:
    for name in (".profile", ".bash_profile", ".bashrc"):
        (tmp_path / name).write_text("echo read me\n")
    assert act("bash", command=f"HOME={tmp_path} bash -c true; shopt login_shell").output.split() == [
        "login_shell",
        "off",
    ]


def test_a_command_that_begins_with_a_dash_is_a_command(act) -> None:
    seen = act("bash", command="-c 'echo hi'")
    assert seen.exit_code == 127
    assert "-c: command not found" in seen.output


def test_a_command_that_is_not_there(act) -> None:
    seen = act("bash", command="no-such-command-here")
    assert seen.exit_code == 127
    assert "no-such-command-here: command not found" in seen.output


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"command": "a\0b"}, "must not hold a NUL character"),
        ({"command": "é" * 70_000}, "is 140,000 bytes long and 131,071 is the most: write it to a file first"),
        ({"command": "x", "seconds": 0}, "greater than 0"),
        ({"command": "x", "seconds": float("nan")}, "finite"),
        ({"command": "x", "cwd": ""}, "must not be empty"),
        ({"command": 7}, "must be text"),
        ({}, "Field required"),
    ],
)
def test_what_cannot_be_run_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Bash.from_dict(fields)


def test_the_longest_command_runs(act) -> None:
    assert act("bash", command=": " + "x" * (131_071 - 2)).exit_code == 0


def test_a_person_sees_one_line() -> None:
    assert BashTool().show(Bash(command="for a in 1 2; do\n    echo $a\ndone", cwd="src")) == (
        "(in src) $ for a in 1 2; do echo $a done"
    )
    assert len(BashTool().show(Bash(command="x" * 1000))) == 120
