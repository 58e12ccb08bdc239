"""``exec``, ``undo redo restore``, ``apply``: outcomes on disk, exit codes, what is said."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_ground import Cli


def test_exec_streams_bytes_has_the_commands_code_and_is_confined(both: Cli, workspace: Path) -> None:
    done = both("exec", "--", "printf 'a\\377\\033[31m'; echo two > a.txt; rm src/b.py; exit 7")
    assert (done.code, done.raw) == (7, b"a\xff\x1b[31m")
    assert done.err == "agentrt: operation 1: 1 file changed, 1 deleted — `agentrt undo` takes it back\n"
    assert (workspace / "a.txt").read_text() == "one\n" and (workspace / "src/b.py").exists()
    done = both("exec", "--", "cat", "a.txt")
    assert (done.code, done.out, done.err) == (0, "two\n", "")


def test_exec_words_are_kept_apart(cli: Cli) -> None:
    assert cli("exec", "--", "printf", "<%s>", "a b", "$HOME", "--json").out == "<a b><$HOME><--json>"
    assert cli("exec", "--", "echo $((1 + 1)); echo x").out == "2\nx\n"
    assert cli("exec", "echo", "x").out == "x\n"
    assert cli("exec", "--", "printf", "%s", b"\xff").raw == b"\xff"


def test_exec_in_a_folder(cli: Cli) -> None:
    assert cli("exec", "--cwd", "src", "--", "ls").out == "b.py\n"


def test_exec_json_is_one_document(cli: Cli) -> None:
    done = cli("exec", "--json", "--", "echo hello; echo two > a.txt; exit 4")
    assert done.code == 4
    op = done.json
    assert {key: op[key] for key in ("id", "kind", "actor", "status", "review")} == {
        "id": 1,
        "kind": "act",
        "actor": "user",
        "status": "settled",
        "review": "pending",
    }
    assert op["action"]["kind"] == "bash" and op["action"]["command"].startswith("echo hello")
    assert op["decision"]["verdict"] == "allow" and op["decision"]["rule"].startswith("default.yaml:")
    assert op["judgement"]["verdict"] == "review"
    seen = op["observation"]
    assert (seen["exit_code"], seen["output"], seen["truncated"]) == (4, "hello\n", False)
    (effect,) = op["effects"]
    assert (effect["kind"], effect["path"], effect["change"], effect["reversibility"]) == (
        "file",
        "a.txt",
        "modified",
        "reversible",
    )


def test_an_exec_over_a_limit_is_rolled_back_exit_3(both: Cli, workspace: Path) -> None:
    for number in range(1200):
        (workspace / f"f{number}").touch()
    done = both("exec", "--", "rm f*; echo gone")
    assert (done.code, done.out) == (3, "gone\n")
    assert "operation 1 rolled back" in done.err and "1,200" in done.err and "default.yaml:" in done.err
    assert both("exec", "--", "ls | wc -l").out.strip() == "1202"


def test_exec_has_125_where_agentrt_could_not_run_it(cli: Cli) -> None:
    done = cli("exec", "--cwd", "nowhere", "--", "ls")
    assert done.code == 125 and "operation 1 failed" in done.err and "nowhere" in done.err


def test_exec_without_a_sandbox_is_5(cli: Cli, tmp_path: Path) -> None:
    done = cli("exec", "--", "true", AGENTRT_SANDBOX="lokal")
    assert done.code == 2 and "lokal" in done.err and "local" in done.err
    # The kernel refuses the first step.
    code = (
        "import sys, errno, agentrt.sandboxes.layers.client as c\n"
        "def refused(self, *files, **fields): raise c.ServerError(errno.EPERM, 'Operation not permitted', 'unshare')\n"
        "c.Client.start = refused\n"
        "from agentrt.cli.main import main\n"
        "main(['exec', '--json', '--', 'true'])\n"
    )
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    (tmp_path / "ws2").mkdir()
    done2 = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "ws2", env=environment, capture_output=True)
    assert done2.returncode == 5
    error = json.loads(done2.stdout)["error"]
    assert error["code"] == "no-sandbox" and error["hint"]


def test_an_interrupted_exec_is_130_and_leaves_nothing(
    both: Cli, workspace: Path, environment: dict[str, str], request: pytest.FixtureRequest
) -> None:
    box = request.node.callspec.params["both"]
    command = [sys.executable, "-m", "agentrt", "exec", "--", "echo x > x; echo begun; exec sleep 60"]
    process = subprocess.Popen(
        command,
        cwd=workspace,
        env={**environment, "AGENTRT_SANDBOX": box},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stdout.readline() == b"begun\n"
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, b"agentrt: interrupted\n")
    assert time.monotonic() - started < 10
    (op,) = both("log", "--json").json
    assert (op["status"], op["observation"]["error"]) == ("failed", "interrupted")
    assert both("exec", "--", "ls").out == "a.txt\nsrc\n"


def test_a_reader_that_leaves_does_not_stop_the_action(cli: Cli, workspace: Path, environment: dict[str, str]) -> None:
    command = f"{sys.executable} -m agentrt exec -- 'seq 1 100000; echo x > x' | head -1"
    done = subprocess.run(command, shell=True, cwd=workspace, env=environment, capture_output=True, check=True)
    assert done.stdout == b"1\n" and b"Traceback" not in done.stderr and b"1 file created" in done.stderr


def test_undo_redo_restore(both: Cli) -> None:
    for text in ("1", "2", "3"):
        both("exec", "--", f"echo {text} > f")
    done = both("undo", "2")
    assert (done.code, done.err) == (0, "")
    assert done.out == "operation 4: undid 3, 2: 1 file changed\n  modified  f\n"
    assert both("exec", "--", "cat f").out == "1\n"
    assert both("redo").code == 2
    assert both("restore", "3").code == 0
    assert both("exec", "--", "cat f").out == "3\n"
    op = both("restore", "0", "--json").json
    assert (op["kind"], op["target"], op["paths"]) == ("restore", [0], ["f"])
    states = [line.split()[4] for line in both("log").out.splitlines()]
    assert states == ["undone", "undone", "undone", "done", "done", "done", "done", "done"]
    assert both("exec", "--", "ls").out == "a.txt\nsrc\n"
    op = both("undo", "2", "--json").json
    assert (op["kind"], op["actor"], op["paths"], op["target"]) == ("undo", "user", ["f"], [9, 8])
    assert both("redo", "--json").json["kind"] == "redo"


def test_previews_touch_nothing(cli: Cli, workspace: Path) -> None:
    cli("exec", "--", "echo n > new")
    log = cli("log", "--json").json
    for words in (("undo",), ("restore", "0"), ("apply",)):
        done = cli(*words, "--preview")
        assert done.code == 0 and "new" in done.out and "would change: 1 file" in done.out
        document = cli(*words, "--preview", "--json").json
        assert (document["kind"], document["paths"]) == (words[0], ["new"])
    assert cli("log", "--json").json == log and not (workspace / "new").exists()


def test_files_and_conversation(cli: Cli) -> None:
    cli("exec", "--", "echo 1 > f")
    assert cli("undo", "--conversation").out == "operation 2: undid 1: no file changed\n"
    assert cli("exec", "--", "cat f").out == "1\n"
    assert cli("restore", "0", "--files").code == 0
    assert cli("exec", "--", "ls").out == "a.txt\nsrc\n"
    for words in (("--files", "--conversation"), ("--both", "--files"), ("--both", "--conversation")):
        refused = cli("undo", *words)
        assert refused.code == 2 and f"{words[0]} and {words[1]} at once" in refused.err
    cli("undo", "2", "--both")
    assert cli("exec", "--", "cat f").out == "1\n"


def test_apply_and_its_undo(both: Cli, workspace: Path) -> None:
    both("exec", "--", "mkdir d .git; echo x > d/x; echo evil > .git/config; rm a.txt")
    done = both("apply")
    assert done.code == 0 and (workspace / "d/x").read_text() == "x\n" and not (workspace / "a.txt").exists()
    assert not (workspace / ".git").exists()
    assert "applied to" in done.out and "left in the sandbox: .git (2 paths)" in done.out
    done = both("apply")
    assert (done.code, done.out.splitlines()[0]) == (0, "nothing to apply") and ".git" in done.out
    assert both("apply", "--json").json == {
        "id": None,
        "kind": "apply",
        "status": "nothing",
        "effects": [],
        "paths": [],
        "left": [".git", ".git/config"],
        "refused": [],
    }
    op = both("undo", "--json").json
    assert sorted(op["paths"]) == ["a.txt", "d", "d/x"] and "taken out" in op["note"]
    assert (workspace / "a.txt").read_text() == "one\n" and not (workspace / "d").exists()
    assert both("redo").code == 0 and (workspace / "d/x").exists()


def test_apply_of_named_paths_from_where_one_stands(cli: Cli, workspace: Path) -> None:
    cli("exec", "--", "echo 1 > src/one; echo 2 > src/two; echo 3 > three")
    done = cli("apply", "one", "--workspace", "..", "--json", cwd=workspace / "src")
    assert done.json["paths"] == ["src/one"]
    assert cli("apply", str(workspace / "three"), "--json").json["paths"] == ["three"]
    assert sorted(p.name for p in workspace.rglob("*")) == ["a.txt", "b.py", "one", "src", "three"]
    done = cli("apply", "../elsewhere")
    assert done.code == 2 and "not in the workspace" in done.err
    assert cli("apply", "nothing").code == 2


def test_a_conflict_is_4_names_both_sides_and_touches_nothing(cli: Cli, workspace: Path) -> None:
    cli("exec", "--", "echo agent > a.txt; echo new > n")
    (workspace / "a.txt").write_text("user\n")
    done = cli("apply")
    assert done.code == 4 and done.out == ""
    assert "a.txt" in done.err and "here modified" in done.err and "agentrt (operation 1): modified" in done.err
    done = cli("apply", "--json")
    (conflict,) = done.json["conflicts"]
    assert (done.code, conflict["path"], conflict["operations"]) == (4, "a.txt", [1])
    assert conflict["ours"] and conflict["theirs"]
    assert done.json["error"]["code"] == "conflict" and done.json["error"]["conflicts"] == [conflict]
    assert cli("apply", "--preview").code == 4
    assert (workspace / "a.txt").read_text() == "user\n" and not (workspace / "n").exists()
    assert [op["kind"] for op in cli("log", "--json").json] == ["act"]


def test_two_processes_do_not_interleave(cli: Cli, workspace: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "agentrt", "exec", "--", "echo begun; sleep 1; cat n 2>/dev/null; echo x >> n"]
    processes = [subprocess.Popen(command, cwd=workspace, env=environment, stdout=subprocess.PIPE) for _ in range(2)]
    assert sorted(process.communicate(timeout=30)[0] for process in processes) == [b"begun\n", b"begun\nx\n"]
    assert [process.returncode for process in processes] == [0, 0]
    assert [op["id"] for op in cli("log", "--json").json] == [1, 2]


def test_the_log_can_be_read_while_another_works(cli: Cli, workspace: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "agentrt", "exec", "--", "echo begun; sleep 20"]
    working = subprocess.Popen(
        command, cwd=workspace, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert working.stdout is not None and working.stdout.readline() == b"begun\n"
        started = time.monotonic()
        assert [op["status"] for op in cli("log", "--json").json] == ["intent"]
        assert cli("show", "1").code == 0
        assert time.monotonic() - started < 5
    finally:
        working.send_signal(signal.SIGINT)
        working.communicate(timeout=20)


def test_what_is_refused_is_said_also_where_nothing_is_left_to_apply(cli: Cli, workspace: Path) -> None:
    cli("exec", "--", "mkfifo pipe")
    said = "nothing to apply\nrefused: pipe (a fifo is never written to a workspace)\n"
    done = cli("apply", "--rest")
    assert done.code == 0 and done.out == said


def test_with_something_that_is_never_written_the_rest_is_applied_only_if_asked(cli: Cli, workspace: Path) -> None:
    cli("exec", "--", "mkfifo pipe; echo new > new")
    for words in ((), ("--preview",), ("--as", "patch"), ("pipe",)):
        done = cli("apply", *words)
        assert done.code == 4 and not (workspace / "new").exists(), words
        assert "--preview" in words or ("pipe: a fifo is never" in done.err and "agentrt apply --rest" in done.err)
    assert cli("apply", "--rest", "--preview").code == 0
    done = cli("apply", "--rest", "--as", "patch")
    assert done.code == 0 and "+new" in done.out
    done = cli("apply", "--rest")
    assert done.code == 0 and "refused: pipe (a fifo is never written to a workspace)" in done.out
    assert (workspace / "new").read_text() == "new\n" and not (workspace / "pipe").exists()
