"""Every mistake a user can make: exit code, one line, a hint, the same in JSON; never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_ground import Cli


@pytest.mark.parametrize(
    ("words", "says", "hint"),
    [
        (("undoo",), "no command 'undoo'", "did you mean undo?"),
        (("frobnicate",), "no command 'frobnicate'", "--help"),
        (("nosuch.yaml",), "nosuch.yaml:1:1: no such file", ""),
        (("run",), "run: TASK is missing", "agentrt run --resume goes on"),
        (("run", "nosuch.yaml"), "nosuch.yaml:1:1: no such file", ""),
        (("exec",), "exec: COMMAND is missing", "agentrt exec -- "),
        (("exec", "ls", "-la"), "exec: no option -la", "agentrt exec -- ls -la"),
        (("exec", "--cwd"), "exec: --cwd needs a value", "agentrt exec --help"),
        (("log", "extra"), "log: too much: 'extra'", "agentrt log --help"),
        (("log", "--jsn"), "log: no option --jsn", "did you mean --json?"),
        (("--jsn",), "no option --jsn", "did you mean --json?"),
        (("show",), "show: OP is missing", "agentrt show --help"),
        (("show", "x"), "show: OP must be a whole number, not 'x'", "agentrt show --help"),
        (("undo", "1.5"), "undo: N must be a whole number, not '1.5'", ""),
        (("undo", "--preview=maybe"), "undo: --preview must be", ""),
        (("restore",), "restore: OP is missing", ""),
        (("policy", "check"), "policy check: FILE is missing", ""),
        (("policy", "check", "defualt"), 'no policy pack is called "defualt"', "default"),
        (("policy", "check", "no.yaml"), "no.yaml:1:1: no such file", ""),
        (("log", "--workspace", "nowhere"), "there is no folder nowhere", "make it first"),
        (("log", "--workspace", "a.txt"), "a.txt is not a folder", "name the folder"),
        (("exec", "--workspace", "/", "--", "true"), "/ is no workspace", ""),
    ],
)
def test_mistakes(cli: Cli, words: tuple[str, ...], says: str, hint: str) -> None:
    done = cli(*words)
    assert done.code == 2 and done.out == ""
    first, *rest = done.err.splitlines()
    assert first.startswith("agentrt: ") and says in first
    assert "Traceback" not in done.err and len(rest) <= 1
    assert hint in "".join(rest) and (not rest or rest[0].startswith("hint: "))


def test_mistakes_in_json(cli: Cli) -> None:
    done = cli("show", "x", "--json")
    error = done.json["error"]
    assert done.code == 2 and error["code"] == "usage" and "whole number" in error["message"] and error["hint"]
    assert cli("log", "--json", "--workspace", "nowhere").json["error"]["code"] == "workspace"
    assert cli("run", "no.yaml", "--json").json["error"]["code"] == "document"


def test_a_home_or_the_state_is_no_workspace(cli: Cli, workspace: Path, tmp_path: Path) -> None:
    done = cli("exec", "--", "true", HOME=str(workspace))
    assert done.code == 2 and "home" in done.err
    done = cli("exec", "--", "true", XDG_STATE_HOME=str(workspace / "src"))
    assert done.code == 2 and "state folder" in done.err
    assert sorted(p.name for p in workspace.rglob("*")) == ["a.txt", "b.py", "src"]


def test_after_some_work(cli: Cli) -> None:
    cli("exec", "--", "true")
    for words, says in (
        (("undo", "0"), "cannot undo 0 steps"),
        (("undo", "5"), "only 1 to undo, not 5"),
        (("redo",), "nothing to redo"),
        (("restore", "99"), "no operation 99"),
        (("show", "99"), "no operation 99"),
        (("apply", "a.txt"), "nothing to apply at a.txt"),
        (("undo", "--session", "s9"), "s9"),
    ):
        done = cli(*words)
        assert done.code == 2 and says in done.err and "hint: " in done.err, words


def test_options_may_stand_before_the_command(cli: Cli, workspace: Path, tmp_path: Path) -> None:
    cli("exec", "--", "true")
    assert cli("--workspace", str(workspace), "--json", "log", cwd=tmp_path).json[0]["id"] == 1
    assert cli(f"--workspace={workspace}", "exec", "--", "echo", "--json", cwd=tmp_path).out == "--json\n"


def test_help_and_version(cli: Cli) -> None:
    for words in ((), ("exec",), ("policy", "check")):
        done = cli(*words, "--help")
        assert done.code == 0 and done.out.startswith(f"Usage: agentrt {' '.join(words)}".strip())
    help = cli("--help").out
    for command in (
        "exec",
        "log",
        "show",
        "diff",
        "undo",
        "redo",
        "restore",
        "apply",
        "sessions",
        "new",
        "gc",
        "doctor",
    ):
        assert f" {command} " in help
    assert cli("--version").out.startswith("agentrt ")


def test_a_damaged_journal_is_said(cli: Cli, tmp_path: Path) -> None:
    cli("exec", "--", "true")
    (journal,) = (tmp_path / "state").glob("agentrt/workspaces/*/journal.db")
    for beside in journal.parent.glob("journal.db-*"):
        beside.unlink()
    journal.write_bytes(b"not a database" * 100)
    done = cli("log")
    assert done.code == 1 and "journal" in done.err and "hint: " in done.err and "Traceback" not in done.err
    assert cli("exec", "--", "true").code == 125


def test_a_bug_is_a_line_and_not_a_page(cli: Cli, tmp_path: Path) -> None:
    package = tmp_path / "plugins/buggy-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: buggy\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[agentrt.sandboxes]\nbuggy = math:sqrt\n")
    done = cli("exec", "--", "true", AGENTRT_SANDBOX="buggy")
    assert done.code == 125 and "bug in agentrt" in done.err and "Traceback" not in done.err
    assert "Traceback" in cli("exec", "--", "true", AGENTRT_SANDBOX="buggy", AGENTRT_DEBUG="1").err
