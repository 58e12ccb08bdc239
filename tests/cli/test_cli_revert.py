"""``agentrt revert``: what it says, and what it exits with."""

from __future__ import annotations

from cli_ground import Cli


def test_a_revert_says_what_it_did_and_stays_undoable(both: Cli) -> None:
    both("exec", "--", "echo two >> a.txt; echo new > new")
    both("exec", "--", "echo 1 > src/later")
    previewed = both("revert", "1", "--preview")
    assert previewed.code == 0 and previewed.out.startswith("revert 1 would change: ")
    assert "a.txt" in previewed.out and "new" in previewed.out and "src/later" not in previewed.out
    done = both("revert", "1", "--because", "not asked for")
    assert done.code == 0 and done.out.startswith("operation 3: reverted 1: ") and "because not asked for" in done.out
    assert [(o["kind"], o["review"]) for o in both("log", "--json").json] == [
        ("act", "rejected"), ("act", "pending"), ("revert", None)
    ]  # fmt: skip
    assert "of 1: not asked for" in both("log").out
    assert both("exec", "--", "cat a.txt; test -e new || cat src/later").out == "one\n1\n"
    assert both("undo", "2").code == 0
    assert both("exec", "--", "cat a.txt new").out == "one\ntwo\nnew\n"


def test_the_document_of_a_revert(both: Cli) -> None:
    both("exec", "--", "echo two >> a.txt; echo new > new")
    preview = both("revert", "1", "--preview", "--json").json
    assert (preview["kind"], preview["target"], preview["paths"]) == ("revert", [1], ["a.txt", "new"])
    assert (preview["conflicts"], preview["dependents"], preview["possible"]) == ([], [], [])
    document = both("revert", "1", "--json").json
    assert (document["id"], document["kind"], document["target"]) == (2, "revert", [1])
    assert document["paths"] == ["a.txt", "new"]


def test_a_conflict_is_4_and_nothing_is_touched(both: Cli) -> None:
    both("exec", "--", "echo two > a.txt; echo new > new")
    both("exec", "--", "echo three > a.txt")
    log = both("log", "--json").json
    refused = both("revert", "1", "--json")
    assert refused.code == 4
    (conflict,) = refused.json["error"]["conflicts"]
    assert conflict == refused.json["conflicts"][0]
    assert (conflict["path"], conflict["operations"]) == ("a.txt", [1, 2])
    assert "one" in conflict["ours"] and "three" in conflict["theirs"]
    assert both("revert", "1").code == 4 and "--with-dependents" in both("revert", "1").err
    assert both("revert", "1", "--preview").code == 4
    assert both("log", "--json").json == log
    assert both("exec", "--", "cat a.txt new").out == "three\nnew\n"
    assert both("revert", "1", "--with-dependents").code == 0
    assert both("exec", "--", "cat a.txt; ls").out == "one\na.txt\nsrc\n"


def test_what_cannot_be_reverted_is_2_with_a_reason(both: Cli) -> None:
    both("exec", "--", "echo two > a.txt")
    both("exec", "--", "true")
    both("undo", "2")
    for words, said in (
        (("revert",), "no operation is named"),
        (("revert", "1"), "it was undone"),
        (("revert", "2"), "changed no file"),
        (("revert", "3"), "is of kind undo"),
        (("revert", "9"), "9"),
    ):
        refused = both(*words)
        assert (refused.code, said in refused.err, "hint: " in refused.err) == (2, True, True), refused.err
    assert len(both("log", "--json").json) == 3
