"""``log show diff sessions`` and the status: what is said, also of hostile names, and what JSON holds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cli_ground import Cli


def test_nothing_yet(cli: Cli, tmp_path: Path) -> None:
    assert cli("log").out.startswith("nothing was done here yet\nnext: ")
    assert cli("log", "--json").json == cli("sessions", "--json").json == []
    assert cli().code == cli("sessions").code == 0
    assert cli("--json").json == {"session": None, "operations": 0}
    for words in (("show", "1"), ("diff",), ("undo",), ("apply",), ("gc",), ("log", "--session", "s1")):
        done = cli(*words)
        assert done.code == 2 and done.err.startswith("agentrt: nothing ") and "hint: agentrt exec" in done.err, words
    assert not (tmp_path / "state").exists()


def test_log_is_a_line_an_operation_oldest_first(cli: Cli) -> None:
    cli("exec", "--", "echo two > a.txt; mkdir d")
    cli("exec", "--", "true")
    cli("undo", "2")
    lines = [line.split(maxsplit=5) for line in cli("log").out.splitlines()]
    assert [line[0] for line in lines] == ["1", "2", "3"]
    assert [line[2:5] for line in lines] == [
        ["user", "act", "undone"],
        ["user", "act", "undone"],
        ["user", "undo", "done"],
    ]
    assert "$ echo two > a.txt; mkdir d" in cli("log").out and lines[2][5].endswith("of 2, 1")
    entries = cli("log", "--json").json
    assert [entry["id"] for entry in entries] == [1, 2, 3]
    assert entries[0]["observation"]["output"] == "" and entries[2]["paths"] == ["a.txt", "d"]


def test_an_apply_is_told_by_what_it_wrote(cli: Cli, workspace: Path) -> None:
    """And not by what it accepted: that is less, where something was accepted before."""
    for number in range(3):
        cli("exec", "--", f"echo {number} > {number}.txt; echo {number} >> a.txt")
    cli("accept", "1", "2")
    assert cli("apply", "--json").json["target"] == [3]
    cli("exec", "--", "touch later other")
    cli("exec", "--", "touch last")
    assert cli("apply", "7", "--json").json["target"] == [7]
    lines = cli("log").out.splitlines()
    assert [line.rsplit("  ", 1)[1] for line in lines if " apply " in line] == ["4 paths", "of 7, 1 path"]
    cli("report", str(workspace / "report.html"))
    assert "4 paths" in (workspace / "report.html").read_text("utf-8")


def test_what_agents_wrote_cannot_reach_the_terminal(cli: Cli) -> None:
    cli("exec", "--", "printf x > $'e\\033[31m\\nx\\u202ey\\377'; printf 'o\\033]0;title\\007\\u200b'")
    for words in (("log",), ("show", "1"), ("diff", "--stat"), ("undo", "--preview"), ("apply", "--preview")):
        raw = cli(*words).raw
        assert b"\x1b" not in raw and "‮".encode() not in raw and b"\xff" not in raw and b"\x07" not in raw, words
    assert "e\\x1b[31m\\nx\\u202ey\\xff" in cli("show", "1").out
    assert "o\\x1b]0;title\\x07\\u200b" in cli("show", "1").out
    # A program gets the name exactly.
    (effect,) = cli("show", "1", "--json").json["effects"]
    assert os.fsencode(effect["path"]) == b"e\x1b[31m\nx\xe2\x80\xaey\xff"


def test_show_tells_all_and_output_is_byte_for_byte(cli: Cli) -> None:
    cli("exec", "--", "seq 1 20000; printf '\\377\\033'; echo x > x")
    shown = cli("show", "1").out
    assert "operation 1: act by user, settled, pending" in shown and "exit code: 0" in shown
    assert "\nwhole output: agentrt show 1 --output\n" in shown and "created   x" in shown
    whole = b"".join(b"%d\n" % n for n in range(1, 20001)) + b"\xff\x1b"
    assert cli("show", "1", "--output").raw == whole
    document = cli("show", "1", "--json").json
    assert document["observation"]["truncated"] and document["observation"]["output_bytes"] == len(whole)
    assert cli("show", "1", "--output", "--json").json["observation"]["output"].startswith("1\n2\n")
    cli("exec", "--", "echo short")
    assert cli("show", "2", "--output").raw == b"short\n" and "whole output" not in cli("show", "2").out


def test_a_piped_diff_is_a_patch_git_applies(cli: Cli, workspace: Path, tmp_path: Path) -> None:
    (workspace / "run").write_text("#!/bin/sh\n")
    (workspace / "gone").write_text("no newline")
    (workspace / "bytes").write_bytes(b"\xff\x1b\n")
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", workspace, copy], check=True)
    script = (
        "printf 'one\\nmore' > a.txt; chmod +x run; rm gone; ln -s a.txt link; mkdir 'new dir';"
        " printf 'q\\n' > 'new dir/q\"\\\\\n'; printf '\\377\\033\\r\\n\\376\\n' > bytes; : > empty"
    )
    assert cli("exec", "--", script).code == 0
    patch = cli("diff").raw
    subprocess.run(["git", "apply", "-"], cwd=copy, input=patch, check=True)
    cli("apply")
    compare = subprocess.run(
        ["diff", "-r", "--no-dereference", workspace, copy], capture_output=True, text=True, check=False
    )
    assert compare.returncode == 0, compare.stdout
    assert os.access(copy / "run", os.X_OK)
    # What was there before is no longer below the layers, but beside them.
    assert cli("diff", "1").raw == patch
    applied = cli("diff", "2").raw
    assert b"-no newline" in applied and b"+more" in applied


def test_diff_of_an_operation_and_between_two(cli: Cli) -> None:
    cli("exec", "--", "echo two > a.txt")
    cli("exec", "--", "echo three > a.txt; echo n > n; mkdir d; printf '\\0' > bin; mkfifo p")
    first = "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+two\n"
    assert cli("diff", "1").out == first
    second = cli("diff", "2").out
    assert "-two\n+three\n" in second and "# d: folder created, mode 0" in second
    assert "Binary files /dev/null and b/bin differ" in second and "# p: fifo created" in second
    assert "-one\n+three\n" in cli("diff", "0..2").out and "-three\n+one\n" in cli("diff", "2..0").out
    assert cli("diff", "1..1").out == ""
    stat = cli("diff", "--stat").out.splitlines()
    assert stat[0] == "modified  a.txt  +1 -1" and stat[1] == "created   bin  binary" and "created   n  +1 -0" in stat
    document = cli("diff", "1", "--json").json
    assert document["diff"] == first and document["stat"] == [{"path": "a.txt", "added": 1, "removed": 1}]
    assert [effect["path"] for effect in document["effects"]] == ["a.txt"]
    for wrong in ("x", "1..", "9", "1..9", "-1"):
        assert cli("diff", wrong).code == 2, wrong


def test_a_diff_of_what_was_edited_outside_since_is_whole(both: Cli, workspace: Path) -> None:
    both("exec", "--", "echo two > a.txt")
    before = both("diff", "1").out
    assert "-one\n+two\n" in before
    (workspace / "a.txt").write_text("mine\n")
    assert both("diff", "1").out == before


def test_diff_leaves_out_what_apply_leaves_out(cli: Cli) -> None:
    cli("exec", "--", "mkdir .git; echo x > .git/config; echo f > f")
    done = cli("diff")
    assert ".git" not in done.out and "+++ b/f" in done.out and ".git (2 paths)" in done.err
    assert ".git/config" in cli("diff", "1").out


def test_sessions_new_and_the_status(cli: Cli) -> None:
    cli("exec", "--", "echo 1 > f")
    assert cli("new", "second try").out.startswith("session s2 on ")
    assert cli("exec", "--", "ls").out == "a.txt\nsrc\n"
    lines = cli("sessions").out.splitlines()
    assert (
        lines[0].startswith("  s1 ")
        and lines[1].startswith("* s2 ")
        and lines[1].endswith("1 operation     second try")
    )
    assert [(s["id"], s["operations"], s["current"]) for s in cli("sessions", "--json").json] == [
        ("s1", 1, False),
        ("s2", 1, True),
    ]
    assert cli("exec", "--session", "s1", "--", "ls").out == "a.txt\nf\nsrc\n"
    status = cli("--session", "s1")
    assert "session s1" in status.out and "1 operation changed files" in status.out and "agentrt apply" in status.out
    assert cli("--session", "s1", "--json").json["pending"] == [1]
    assert "session s2 — second try" in cli().out
    assert cli("new", "--json").json["id"] == "s3"
    done = cli("log", "--session", "s9")
    assert done.code == 2 and "s9" in done.err and "s1, s2, s3" in done.err


def test_a_log_nobody_reads_to_the_end_is_quiet(cli: Cli, workspace: Path, environment: dict[str, str]) -> None:
    for _ in range(3):
        cli("exec", "--", "true")
    command = f"{sys.executable} -m agentrt log --json | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=workspace, env=environment, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"0\n", b"")
