"""``gc --purge``: a path is in nothing that is kept, and moves across it say so instead of inventing it."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_ground import Cli

SECRET = "hunter2-and-nothing-else"


def kept(tmp_path: Path) -> list[str]:
    """Files of the store, but for the journal, that have the secret."""
    root = tmp_path / "state"
    files = (path for path in root.rglob("*") if path.is_file() and not path.name.startswith("journal.db"))
    return [str(path.relative_to(root)) for path in files if SECRET.encode() in path.read_bytes()]


def test_a_file_the_agent_made_is_gone_from_everywhere(both: Cli, workspace: Path, tmp_path: Path) -> None:
    (workspace / "a.txt").write_text(f"{SECRET}\n")
    both("exec", "--", f"echo {SECRET} | tr a-z a-z > .env; echo more >> a.txt; echo b > b")
    both("apply")
    both("undo")
    both("new")
    both("exec", "--", f"echo {SECRET} > .env")
    dry = both("gc", "--purge", ".env", "--dry-run", "--json").json
    assert dry["layers"] == ["s1.1", "s2.1"] and dry["aside"] == ["s1.2"] and dry["dry_run"]
    assert kept(tmp_path)
    assert ".env was in 2 layers, 1 apply" in both("gc", "--purge", ".env").out
    assert both("gc", "--purge", "a.txt").code == 0
    assert kept(tmp_path) == []
    assert (workspace / "a.txt").read_text() == f"{SECRET}\n", "the real workspace is not touched"
    assert "purge .env" in both("log").out
    told = both("redo", "--session", "s1").out
    assert ".env is not put back: it was purged on" in told and (workspace / "b").read_text() == "b\n"
    assert not (workspace / ".env").exists() and (workspace / "a.txt").read_text() == f"{SECRET}\n"
    assert "it was purged on" in both("undo", "--session", "s1").out
    assert not (workspace / "b").exists() and (workspace / "a.txt").read_text() == f"{SECRET}\n"


def test_what_an_apply_replaced_is_not_put_back(both: Cli, workspace: Path, tmp_path: Path) -> None:
    (workspace / "conf").write_text(f"{SECRET}\n")
    both("exec", "--", "echo agent > conf; echo 2 > a.txt")
    both("apply")
    both("gc", "--purge", "conf")
    assert kept(tmp_path) == []
    done = both("undo")
    assert done.code == 0 and "conf is not put back: it was purged on" in done.out
    assert (workspace / "a.txt").read_text() == "one\n" and (workspace / "conf").read_text() == "agent\n"


def test_outside_the_workspace_and_what_is_no_path(cli: Cli) -> None:
    cli("exec", "--", f"echo {SECRET} > ~/.env", AGENTRT_SANDBOX="local")
    done = cli("gc", "--purge", "/home/agent/.env", "--json", AGENTRT_SANDBOX="local")
    assert done.json == {"path": "/home/agent/.env", "layers": ["s1.1"], "aside": [], "bases": 0, "dry_run": False}
    assert cli("exec", "--", "ls -A ~", AGENTRT_SANDBOX="local").out == ""
    assert "in nothing that is kept" in cli("gc", "--purge", "nowhere").out


@pytest.mark.parametrize("path", [".", "/", "/home", ".."])
def test_more_than_a_path_is_refused(cli: Cli, path: str) -> None:
    cli("exec", "--", "echo 1 > f")
    done = cli("gc", "--purge", path)
    assert done.code == 2 and "hint: " in done.err
