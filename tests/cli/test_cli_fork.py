"""``fork``, the tree of ``sessions``, and the log as it stood."""

from __future__ import annotations

from pathlib import Path

from cli_ground import Cli


def test_fork_starts_a_session_that_is_current_from_then_on(both: Cli, workspace: Path) -> None:
    both("exec", "--", "echo 1 > f")
    both("exec", "--", "echo 2 > f")
    done = both("fork", "1")
    assert done.code == 0
    assert (
        done.out
        == "session s2: forked from s1 at 1; it is the current one now\nagentrt --session s1 … goes on with s1\n"
    )
    assert both("exec", "--", "cat f; echo b > f").out == "1\n"
    assert both("exec", "--session", "s1", "--", "cat f").out == "2\n"
    assert both("undo", "2").code == 2, "what its parent did is not the fork's to undo"
    assert both("undo").out.startswith("operation 2: undid 1: ")
    assert both("--session", "s1", "--json").json["undo"] == [1, 2, 3]
    assert both("apply").code == 0 and (workspace / "f").read_text() == "1\n"
    assert "session s2 (forked from s1 at 1)" in both().out


def test_fork_in_json_is_the_new_session(cli: Cli) -> None:
    cli("new", "the title")
    cli("exec", "--", "echo 1 > f")
    document = cli("fork", "1", "--json").json
    assert document.keys() == cli("new", "--json").json.keys()
    told = ("id", "parent", "parent_operation", "title")
    assert [document[key] for key in told] == ["s2", "s1", 1, "the title"]
    assert document["start"]["snapshot"]["layers"] == ["s1.1"]


def test_fork_at_another_workspace_is_4_and_says_what_to_do(cli: Cli, workspace: Path) -> None:
    cli("exec", "--", "echo 1 > f")
    cli("apply")
    done = cli("fork", "1")
    assert done.code == 4 and "after operation 1" in done.err and "hint: agentrt restore 1" in done.err
    assert cli("fork", "0", "--json").json["error"]["code"] == "conflict"
    assert cli("fork", "2").code == 0 and cli("exec", "--", "cat f").out == "1\n"
    assert cli("restore", "0").code == 0 and (workspace / "f").exists()


def test_what_no_fork_can_be_made_of_is_2(cli: Cli) -> None:
    done = cli("fork", "0")
    assert done.code == 2 and "nothing was done here yet" in done.err
    cli("exec", "--", "true")
    for words in (("fork",), ("fork", "2"), ("fork", "-1"), ("fork", "x"), ("fork", "0", "--session", "s9")):
        assert cli(*words).code == 2, words
    assert len(cli("sessions", "--json").json) == 1


def test_sessions_are_a_tree(cli: Cli) -> None:
    cli("exec", "--", "echo 1 > f")
    cli("new", "apart")
    cli("fork", "1", "--session", "s1")
    cli("exec", "--", "echo 2 > f")
    cli("fork", "1")
    cli("fork", "0", "--session", "s1")
    lines = [line.split() for line in cli("sessions").out.splitlines()]
    assert [(line[0], line[-4:]) for line in lines] == [
        ("s1", lines[0][-4:]),
        ("s3", ["1", "operation", "at", "1"]),
        ("s4", ["0", "operations", "at", "1"]),
        ("*", ["0", "operations", "at", "0"]),
        ("s2", lines[4][-4:]),
    ]
    text = cli("sessions").out.splitlines()
    assert [line[:8].rstrip() for line in text] == ["  s1", "    s3", "      s4", "*   s5", "  s2"]
    assert text[4].endswith("0 operations    apart") and len({line.index(":") for line in text}) == 1
    assert [info["id"] for info in cli("sessions", "--json").json] == ["s1", "s2", "s3", "s4", "s5"]


def test_the_log_as_it_stood_after_an_operation(cli: Cli) -> None:
    cli("exec", "--", "echo 1 > f")
    cli("exec", "--", "echo 2 > f")
    cli("undo")
    cli("exec", "--", "echo 3 > f")
    words = [
        [line.split()[4] for line in cli("log", *at).out.splitlines()] for at in ((), ("--at", "3"), ("--at", "2"))
    ]
    assert words == [["pending", "undone", "done", "pending"], ["pending", "undone", "done"], ["pending", "pending"]]
    assert [entry["id"] for entry in cli("log", "--at", "2", "--json").json] == [1, 2]
    assert cli("log", "--at", "0").out == "no operations yet\n" and cli("log", "--at", "0", "--json").json == []
    assert cli("log", "--at", "5").code == cli("log", "--at", "x").code == 2
    assert len(cli("log").out.splitlines()) == 4, "nothing was touched"


def test_gc_keeps_what_a_fork_needs(both: Cli, tmp_path: Path) -> None:
    both("exec", "--", "echo 1 > f")
    both("exec", "--", "echo 2 > f")
    both("fork", "2")
    both("exec", "--", "echo 3 > g")
    both("apply")
    assert both("gc").out == "nothing to remove\n"
    assert both("exec", "--", "cat f g").out == "2\n3\n"
    assert both("undo", "2").code == 0 and both("exec", "--", "cat f").out == "2\n"
