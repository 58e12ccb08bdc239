"""``apply --as branch:NAME`` and ``--as commit``, as a person and a script see them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cli_ground import Cli


@pytest.fixture
def repo(workspace: Path) -> Path:
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=workspace, check=True)
    subprocess.run(["git", "add", "-A"], cwd=workspace, check=True)
    git(workspace, "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-q", "-m", "first")
    return workspace


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_a_branch_and_its_undo(both: Cli, repo: Path) -> None:
    both("exec", "--", "echo two > a.txt")
    done = both("apply", "--as", "branch:fix", "--message", "Fix it")
    assert (done.code, done.err) == (0, "")
    tip = git(repo, "rev-parse", "fix")[:10]
    assert (
        done.out
        == f"operation 2: made branch fix ({tip}); your workspace stays as it is\n1 path committed\nagentrt undo takes it out again\n"
    )
    assert git(repo, "show", "fix:a.txt") == "two\n" and git(repo, "status", "--porcelain") == ""
    assert git(repo, "log", "-1", "--format=%s", "fix") == "Fix it\n"
    assert "branch fix" in both("log").out
    done = both("undo")
    assert done.code == 0 and "branch fix deleted" in done.out
    assert git(repo, "branch", "--list", "fix") == ""


def test_a_commit_as_json(both: Cli, repo: Path) -> None:
    both("exec", "--", "echo two > a.txt; echo n > new")
    op = both("apply", "new", "--as", "commit", "--json").json
    assert (op["kind"], op["paths"], op["action"]["kind"], op["action"]["branch"]) == (
        "apply",
        ["new"],
        "commit",
        "main",
    )
    assert op["action"]["commit"] == git(repo, "rev-parse", "HEAD").strip()
    done = both("apply", "--as", "commit")
    assert f"committed on main ({git(repo, 'rev-parse', 'HEAD')[:10]})" in done.out
    assert git(repo, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--as", "branch:a..b"), 2, "is no name for a branch"),
        (("--as", "branch:main"), 4, "there is a branch main already"),
        (("--as", "branch"), 2, "as in --as branch:"),
        (("--as", "tag"), 2, "files, commit or branch:NAME"),
        (("--message", "m"), 2, "a message is for a commit"),
        (("--as", "patch", "--message", "m"), 2, "a message is for a commit"),
        (("--as", "commit", "--preview"), 2, "leave out --as"),
    ],
)
def test_mistakes_and_what_stands_against_it(
    cli: Cli, repo: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    cli("exec", "--", "echo two > a.txt")
    head, refs = git(repo, "rev-parse", "HEAD"), git(repo, "for-each-ref")
    done = cli("apply", *words)
    assert done.code == code and said in done.err
    assert (git(repo, "rev-parse", "HEAD"), git(repo, "for-each-ref")) == (head, refs)
    assert (repo / "a.txt").read_text() == "one\n" and len(cli("log", "--json").json) == 1


def test_the_users_own_changes_are_named_exit_4(cli: Cli, repo: Path) -> None:
    (repo / "a.txt").write_text("mine\n")
    cli("exec", "--", "echo two >> a.txt; echo n > new")
    for to in ("branch:b", "commit"):
        done = cli("apply", "--as", to)
        assert done.code == 4 and "a.txt: here not committed" in done.err and "(operation 1)" in done.err
    assert cli("apply", "new", "--as", "commit").code == 0


def test_without_git_or_a_repository_it_says_so(cli: Cli, workspace: Path) -> None:
    cli("exec", "--", "echo n > new")
    done = cli("apply", "--as", "commit")
    assert done.code == 2 and "in no git repository" in done.err and "git init" in done.err
    (workspace / ".git").mkdir()
    assert cli("apply", "--as", "commit").code == 2
    done = cli("apply", "--as", "commit", PATH="/nowhere")
    assert done.code == 2 and "git is not installed" in done.err


def test_nothing_to_apply(cli: Cli, repo: Path) -> None:
    cli("exec", "--", "true")
    assert cli("apply", "--as", "branch:b").out == "nothing to apply\n"
    assert git(repo, "branch", "--list", "b") == ""
