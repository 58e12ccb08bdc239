"""``--actor``: what one agent did is taken out, accepted, listed, without its numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_ground import Cli
from run_ground import Ground, bash

CREW = "crew: {agents: {maker: {planner: {provider: talking, file: one.json}}, breaker: {}}}\n"


@pytest.fixture
def crew(tmp_path: Path, workspace: Path, environment: dict[str, str], cli: Cli) -> Cli:
    """After a run of two agents: maker did 1 and 3, breaker 2 and 4, of which 4 changed nothing."""
    ground = Ground(tmp_path, workspace, environment)
    ground.task(bash("echo m > m1"), bash("echo m >> a.txt"))
    (tmp_path / "turns.json").rename(tmp_path / "one.json")
    task = ground.task(bash("echo b > b1"), bash("true"), more=CREW)
    assert cli(str(task), **ground.env).code == 1
    return cli


def test_all_that_one_did_is_reverted_at_once(crew: Cli) -> None:
    preview = crew("revert", "--actor", "maker", "--preview")
    assert preview.code == 0 and preview.out.startswith("revert 3, 1 would change: ")
    done = crew("revert", "--actor", "maker", "--because", "it was told not to")
    assert done.code == 0 and done.out.startswith("operation 5: reverted 3, 1: ")
    assert crew("exec", "--", "cat a.txt; ls").out == "one\na.txt\nb1\nsrc\n"
    again = crew("revert", "--actor", "maker")
    assert (again.code, again.out) == (0, "nothing to revert: no work of maker is in the session's files\n")
    nothing = crew("revert", "--actor", "maker", "--json").json
    assert (nothing["id"], nothing["kind"], nothing["status"], nothing["paths"]) == (None, "revert", "nothing", [])


def test_who_is_not_there_is_2_and_who_is_there_is_said(crew: Cli) -> None:
    for words in (("revert",), ("accept",), ("reject",), ("log",)):
        done = crew(*words, "--actor", "make")
        assert done.code == 2 and '"make"' in done.err and "there are: maker, breaker" in done.err
    for words in (("revert", "1"), ("accept", "1"), ("reject", "1")):
        done = crew(*words, "--actor", "maker")
        assert done.code == 2 and "operations and --actor at once" in done.err
    assert len(crew("log", "--json").json) == 4


def test_accepted_and_rejected(crew: Cli) -> None:
    assert crew("accept", "--actor", "breaker").out.startswith("operation 5: accepted 2")
    assert crew("reject", "--actor", "maker").out.startswith("operation 6: rejected 3, 1")
    assert [op["review"] for op in crew("log", "--json").json][:4] == ["rejected", "accepted", "rejected", None]
    assert crew("reject", "--actor", "maker", "--json").json["status"] == "nothing"


def test_the_log_of_one(crew: Cli) -> None:
    assert [op["id"] for op in crew("log", "--json", "--actor", "maker").json] == [1, 3]
    lines = crew("log").out.splitlines()
    assert len({line.index(" act ") for line in lines}) == 1, "names of any length stand in one column"
    assert crew("log", "--actor", "breaker").out.splitlines() == [lines[1], lines[3]]
