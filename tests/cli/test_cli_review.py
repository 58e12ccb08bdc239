"""``review``, ``accept``, ``reject``, ``revert``: what is said, exit codes, JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_ground import Cli


@pytest.fixture
def two(both: Cli, workspace: Path) -> Cli:
    (workspace / "n.txt").write_text("".join(f"{n}\n" for n in range(1, 31)))
    assert both("exec", "--", "sed -i 's/^3$/three/; s/^25$/25!/' n.txt; echo two > a.txt").code == 0
    assert both("exec", "--", "echo later > later").code == 0
    return both


def test_review_lists_what_waits_with_its_effects(two: Cli) -> None:
    done = two("review")
    assert done.code == 0
    assert "  reversible    modified  a.txt\n" in done.out and "  reversible    created   later\n" in done.out
    assert [op["id"] for op in two("review", "--json").json] == [1, 2]
    assert two("accept", "1", "2").out == "operation 3: accepted 1, 2\n"
    assert two("review").out == "nothing to review\n"
    assert two("review", "--json").json == []


def test_review_before_anything_was_done(cli: Cli) -> None:
    assert cli("review").out == "nothing to review\n"
    assert cli("review", "--json").json == []


def test_reject_of_a_hunk_and_of_a_file(two: Cli) -> None:
    done = two("reject", "1", "n.txt", "--hunk", "2", "--because", "25 was right")
    assert done.code == 0
    assert done.out.startswith("operation 3: rejected 1: n.txt (hunk 2): 1 file changed\n")
    assert "because 25 was right" in done.out
    assert "(hunk 2 rejected)" in two("review").out
    assert two("review", "--json").json[0]["parts"] == {"n.txt": {"2": "rejected"}}
    assert "-3\n+three" in two("diff").out and "25!" not in two("diff").out
    assert two("reject", "1", "a.txt").code == 0
    assert "a.txt" not in two("diff", "--stat").out
    assert two("review", "--json").json[0]["parts"] == {"n.txt": {"2": "rejected"}, "a.txt": {"0": "rejected"}}
    assert two("undo").code == 0
    assert "a.txt" in two("diff", "--stat").out
    assert two("review", "--json").json[0]["parts"] == {"n.txt": {"2": "rejected"}}, "what was undone is no word"


def test_reject_in_json_has_paths(two: Cli) -> None:
    found = two("reject", "1", "--json").json
    assert (found["kind"], found["target"], found["paths"]) == ("reject", [1], ["a.txt", "n.txt"])
    assert {op["id"]: op["review"] for op in two("log", "--json").json}[1] == "rejected"


def test_revert_keeps_later_work_and_says_what_stands_on_it(two: Cli) -> None:
    assert two("exec", "--", "echo more >> n.txt").code == 0
    done = two("revert", "1", "--preview")
    assert done.code == 0
    assert "modified  n.txt  (merged with later changes)" in done.out
    assert "what stands on it: operation 3" in done.out and "not known: operation 2" in done.out
    assert two("log", "--json").json[-1]["id"] == 3, "a preview is no operation"
    done = two("revert", "1", "--because", "no")
    assert done.code == 0 and "operation 4: reverted 1: 2 files changed" in done.out
    assert two("exec", "--", "sed -n 3p n.txt; tail -1 n.txt; cat a.txt later").out == "3\nmore\none\nlater\n"
    again = two("revert", "1")
    assert again.code == 2 and "nothing of operation 1 is left" in again.err


def test_a_conflict_names_both_sides_and_the_operations(two: Cli) -> None:
    assert two("exec", "--", "echo three > a.txt").code == 0
    done = two("revert", "1", "--json")
    assert done.code == 4
    (conflict,) = done.json["conflicts"]
    assert (conflict["path"], conflict["operations"]) == ("a.txt", [1, 3])
    assert "one" in conflict["ours"] and "three" in conflict["theirs"]
    assert two("revert", "1", "--preview").code == 4
    assert two("exec", "--", "cat a.txt; sed -n 3p n.txt").out == "three\nthree\n"
    done = two("revert", "1", "--with-dependents")
    assert done.code == 0
    assert two("exec", "--", "cat a.txt later; sed -n 3p n.txt").out == "one\nlater\n3\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["revert"], "no operation is named"),
        (["revert", "9"], "no operation 9"),
        (["revert", "x"], "whole number"),
        (["reject", "a.txt"], "no operation is named"),
        (["reject", "1", "a.txt", "n.txt", "--hunk", "1"], "--hunk is of one file"),
        (["reject", "1", "n.txt", "--hunk", "x"], "whole number"),
        (["reject", "1", "/etc/passwd"], "did not change /etc/passwd"),
        (["accept", "1", "nope"], "did not change nope"),
    ],
)
def test_mistakes(two: Cli, words: list[str], says: str) -> None:
    done = two(*words)
    assert done.code == 2 and says in done.err and "Traceback" not in done.err


def test_apply_of_an_operation(two: Cli, workspace: Path) -> None:
    assert "created   later" in two("apply", "2", "--preview").out
    done = two("apply", "2")
    assert done.code == 0 and "created   later" in done.out and "n.txt" not in done.out
    assert (workspace / "later").read_text() == "later\n" and (workspace / "a.txt").read_text() == "one\n"
    assert two("log").code == 0
    assert "later" not in two("diff", "--stat").out and "a.txt" in two("diff", "--stat").out
    patch = two("apply", "1", "--as", "patch")
    assert patch.code == 0 and "+three" in patch.out and "later" not in patch.out
    done = two("apply", "1", "a.txt")
    assert done.code == 2 and "operations and paths at once" in done.err
