"""``apply`` to a branch: one commit on top of HEAD, and nothing else of the user's is touched."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from agentrt import Conflict, UsageError

WORK = r"""
    echo two >> a.txt; rm link; ln -s src/b.py link; chmod -x run.sh; rm src/b.py; mkdir -p new/deep build
    echo n > 'new/with space'; printf x > "$(printf 'new/line\nbreak')"; printf y > "$(printf 'new/b\377te')"
    printf '"q"' > '"quoted"'; echo '#!' > new/deep/tool; chmod +x new/deep/tool
    echo log > x.log; echo out > build/out; mkfifo pipe; mkdir empty
"""


@pytest.mark.parametrize("box", ["local"])
def test_a_branch_has_what_the_session_has_and_nothing_else_moves(repo: Any, box: Any) -> None:
    with repo.open() as rt:
        rt.act("bash", command=WORK)
        (repo.path / "staged").write_text("mine\n")
        repo.git("add", "staged")
        untouched, before = repo.untouched(), repo.tree("HEAD")

        op = rt.apply(to="branch:agent/work", rest=True)

        assert op is not None and (op.kind, op.status, op.effects) == ("apply", "settled", ())
        assert rt.show(1).review == "pending"  # the fifo is left
        assert "pipe (git has no word for a fifo)" in op.note and "git ignores it: 2 paths" in op.note
        expected = dict(before)
        del expected["src/b.py"]
        expected |= {
            "a.txt": ("100644", "one\ntwo\n"),
            "link": ("120000", "src/b.py"),
            "run.sh": ("100644", "echo run\n"),
            "new/with space": ("100644", "n\n"),
            "new/line\nbreak": ("100644", "x"),
            "new/b\udcffte": ("100644", "y"),
            '"quoted"': ("100644", '"q"'),
            "new/deep/tool": ("100755", "#!\n"),
        }
        assert repo.tree("agent/work") == expected
        assert repo.git("rev-parse", "agent/work^").strip() == repo.head
        assert op.action == {
            "kind": "branch",
            "branch": "agent/work",
            "commit": repo.git("rev-parse", "agent/work").strip(),
            "parent": repo.head,
        }
        assert len(rt.pending()) > 8

        rt.undo()
        untouched()
        rt.redo()
        assert repo.tree("agent/work") == expected


def test_nobody_configured_commits_as_agentrt_and_the_message_says_what_was_done(repo: Any) -> None:
    with repo.open() as rt:
        rt.act("bash", command="echo x > x")
        rt.act("bash", command="echo y > y\x1b[31m")
        rt.apply(["x"], to="branch:one")
        rt.apply(to="branch:two")
        rt.apply(to="branch:three", message="Mine\n\nbecause")
    who = "agentrt <agent@agentrt.invalid>"
    assert repo.git("log", "-1", "--format=%an <%ae>|%cn <%ce>", "one") == f"{who}|{who}\n"
    assert repo.git("log", "-1", "--format=%B", "one") == (
        "bash echo x > x\n\n- operation 1: bash echo x > x\n\nAgentrt-Session: s1\n\n"
    )
    said = repo.git("log", "-1", "--format=%B", "two")
    assert said.startswith("What agentrt did in session s1\n\n- operation 1") and "\x1b" not in said
    assert repo.git("log", "-1", "--format=%B", "three") == "Mine\n\nbecause\n\nAgentrt-Session: s1\n\n"
    assert repo.git("log", "-1", "--format=%(trailers:key=Agentrt-Session,valueonly)", "two").strip() == "s1"
    assert (
        repo.git("reflog", "one")
        == f"{repo.git('rev-parse', '--short', 'one').strip()} one@{{0}}: agentrt: apply s1.3\n"
    )


def test_a_configured_identity_is_used(repo: Any) -> None:
    repo.git("config", "user.name", "Bea")
    repo.git("config", "user.email", "bea@example.org")
    with repo.open() as rt:
        rt.act("bash", command="echo x > x")
        rt.apply(to="branch:b")
    assert repo.git("log", "-1", "--format=%an <%ae> %cn", "b") == "Bea <bea@example.org> Bea\n"


def test_what_the_user_has_not_committed_is_a_conflict_unless_the_agent_never_saw_it(repo: Any) -> None:
    (repo.path / "a.txt").write_text("mine\n")
    (repo.path / "untracked").write_text("mine\n")
    (repo.path / "noise.log").write_text("mine\n")
    with repo.open() as rt:
        rt.act("bash", command="echo two >> a.txt; echo 2 > src/b.py; echo u >> untracked; echo l >> noise.log")
        untouched = repo.untouched()
        with pytest.raises(Conflict) as raised:
            rt.apply(to="branch:x")
        assert [(c.path, c.operations) for c in raised.value.conflicts] == [("a.txt", (1,)), ("untracked", (1,))]
        assert len(rt.log()) == 1
        untouched()
        (repo.path / "src/b.py").write_text("the user's, later\n")
        rt.apply(["src"], to="branch:y")
    assert repo.tree("y")["src/b.py"] == ("100644", "2\n") and repo.tree("y")["a.txt"] == ("100644", "one\n")
    assert (repo.path / "src/b.py").read_text() == "the user's, later\n"


@pytest.mark.parametrize("name", ["", "HEAD", "-x", "a..b", "a b", "x.lock", "@{-1}", "a\0b", "a/"])
def test_a_name_no_branch_can_have_is_a_mistake(repo: Any, name: str) -> None:
    with repo.open() as rt:
        rt.act("bash", command="echo x > x")
        untouched = repo.untouched()
        with pytest.raises(UsageError):
            rt.apply(to=f"branch:{name}")
        untouched()


def test_a_branch_that_exists_is_never_overwritten(repo: Any) -> None:
    repo.git("branch", "there")
    with repo.open() as rt:
        rt.act("bash", command="echo x > x")
        untouched = repo.untouched()
        for name in ("there", "main", "there/below"):
            with pytest.raises(Conflict):
                rt.apply(to=f"branch:{name}")
        untouched()
        assert rt.view.applied == ()


def test_undo_leaves_a_branch_that_someone_worked_on_or_checked_out(repo: Any, tmp_path: Path) -> None:
    with repo.open() as rt:
        rt.act("bash", command="echo x > x")
        rt.apply(to="branch:b")
        repo.git("worktree", "add", "-q", str(tmp_path / "tree"), "b")
        assert [c.path for c in rt.preview("undo").conflicts] == ["refs/heads/b"]
        with pytest.raises(Conflict, match="undo would overwrite"):
            rt.undo()
        subprocess.run(
            ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "more"],
            cwd=tmp_path / "tree",
            check=True,
        )
        repo.git("worktree", "remove", str(tmp_path / "tree"))
        tip = repo.git("rev-parse", "b")
        with pytest.raises(Conflict) as raised:
            rt.undo()
        assert "now at" in raised.value.conflicts[0].theirs
        assert repo.git("rev-parse", "b") == tip and rt.view.applied == (2,)


def test_the_session_goes_on_after_a_branch(repo: Any) -> None:
    with repo.open() as rt:
        rt.act("bash", command="echo x > x")
        rt.apply(to="branch:one")
        rt.act("bash", command="echo two >> a.txt")
        rt.apply(to="branch:two")
        assert rt.apply() is not None
        assert (repo.path / "x").exists()
        assert set(repo.tree("two")) == set(repo.tree("HEAD")) | {"x"}
        rt.undo()
        assert not (repo.path / "x").exists() and repo.git("branch", "--list", "two") != ""
        rt.restore(0)
        assert repo.git("branch", "--list", "one", "two") == ""
        rt.undo()
        assert repo.tree("two")["a.txt"] == ("100644", "one\ntwo\n")


def test_what_is_on_a_branch_only_can_still_be_reverted(repo: Any) -> None:
    with repo.open() as rt:
        rt.act("bash", command="echo x > x")
        rt.act("bash", command="echo y > y")
        rt.apply(to="branch:both")
        rt.revert(1)
        rt.apply(to="branch:one")
        assert set(repo.tree("both")) - set(repo.tree("main")) == {"x", "y"}
        assert set(repo.tree("one")) - set(repo.tree("main")) == {"y"}


def test_a_fork_from_before_a_branch_makes_its_own(repo: Any) -> None:
    with repo.open() as rt:
        rt.act("bash", command="echo x > x")
        rt.act("bash", command="echo y > y")
        rt.apply(to="branch:both")
        with rt.fork(1) as fork:
            fork.act("bash", command="echo z > z")
            fork.apply(to="branch:apart")
            assert "Agentrt-Session: s2" in repo.git("log", "-1", "--format=%B", "apart")
        assert set(repo.tree("apart")) - set(repo.tree("main")) == {"x", "z"}
        rt.undo()
        assert repo.git("branch", "--list", "--format=%(refname:short)") == "apart\nmain\n"


def test_an_undo_after_a_restart_finds_its_branch(repo: Any) -> None:
    with repo.open() as rt:
        rt.act("bash", command="echo x > x")
        rt.apply(to="branch:b")
    with repo.open() as rt:
        op = rt.undo()
        assert op.note == "branch b deleted" and repo.git("branch", "--list", "b") == ""


def test_a_workspace_below_the_top_changes_its_own_folder(repo: Any) -> None:
    (repo.path / "src/.gitignore").write_text("*.tmp\n")
    repo.commit("ignore")
    with repo.open("src") as rt:
        rt.act("bash", command="echo 2 >> b.py; echo c > c; echo t > t.tmp; echo l > l.log")
        rt.apply(to="branch:b")
    assert repo.git("diff-tree", "-r", "--name-status", "main", "b") == "M\tsrc/b.py\nA\tsrc/c\n"


def test_a_detached_head_a_linked_work_tree_and_a_sha256_repository(repo: Any, tmp_path: Path, box: Any) -> None:
    repo.git("checkout", "-q", "--detach")
    with repo.open() as rt:
        rt.act("bash", command="echo x > x")
        rt.apply(to="branch:b")
        assert repo.tree("b")["x"] == ("100644", "x\n")
    repo.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
    linked = type(repo)(tmp_path / "linked", box)
    with linked.open() as rt:
        rt.act("bash", command="echo y > y")
        rt.apply(to="branch:from-linked")
        assert repo.tree("from-linked")["y"] == ("100644", "y\n") and linked.status == []
    (tmp_path / "sha256").mkdir()
    long = type(repo)(tmp_path / "sha256", box)
    long.git("init", "-q", "-b", "main", "--object-format=sha256")
    (long.path / "f").write_text("1")
    long.commit()
    with long.open() as rt:
        rt.act("bash", command="rm f; echo g > g")
        rt.apply(to="branch:b")
        assert long.tree("b") == {"g": ("100644", "g\n")}
        rt.undo()
        long.git("fsck")


def test_a_sparse_checkout_keeps_what_is_not_checked_out(repo: Any) -> None:
    repo.git("sparse-checkout", "set", "--cone", "src")
    assert not (repo.path / "new").exists()
    with repo.open() as rt:
        rt.act("bash", command="echo 2 >> src/b.py")
        rt.apply(to="branch:b")
        assert repo.git("diff-tree", "-r", "--name-only", "main", "b") == "src/b.py\n"
    repo.git("sparse-checkout", "set", "--no-cone", "a.txt")
    with repo.open() as rt:
        rt.restore(0)
        rt.act("bash", command="mkdir -p src; echo mine > src/b.py")
        with pytest.raises(Conflict) as raised:
            rt.apply(to="branch:c")
        assert [c.path for c in raised.value.conflicts] == ["src/b.py"]


def test_where_there_is_nothing_to_commit_to(repo: Any, tmp_path: Path, box: Any) -> None:
    plain = type(repo)(tmp_path / "plain", box)
    plain.path.mkdir()
    with plain.open() as rt:
        rt.act("bash", command="echo x > x")
        with pytest.raises(UsageError, match="in no git repository"):
            rt.apply(to="branch:b")
        plain.git("init", "-q")
        with pytest.raises(Conflict, match="has no commit yet"):
            rt.apply(to="branch:b")
        plain.git("config", "core.bare", "true")
        with pytest.raises(UsageError, match="bare"):
            rt.apply(to="branch:b")
    with repo.open() as rt:
        rt.act("bash", command="mkdir -p build empty; echo x > build/x")
        with pytest.raises(UsageError, match="nothing of it is for git"):
            rt.apply(to="branch:b")
        assert rt.apply(["build"]) is not None


def test_other_repositories_inside_are_not_gone_into(repo: Any, tmp_path: Path) -> None:
    for name in ("sub", "nested"):
        subprocess.run(["git", "init", "-q", str(tmp_path / name)], check=True)
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "s"],
        cwd=tmp_path / "sub",
        check=True,
    )
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "sub"), "lib/sub")
    repo.commit("submodule")
    (tmp_path / "nested").rename(repo.path / "nested")
    with repo.open() as rt:
        rt.act("bash", command="echo x > lib/sub/x; echo x > nested/x; echo x > lib/x")
        with pytest.raises(Conflict) as raised:
            rt.apply(to="branch:b")
        assert {c.path: c.theirs for c in raised.value.conflicts} == {
            "lib/sub/x": "in the submodule lib/sub, a repository of its own",
            "nested/x": "in nested, a repository of its own",
        }
        rt.apply(["lib/x"], to="branch:b")
    assert repo.git("diff-tree", "-r", "--name-only", "main", "b") == "lib/x\n"


def test_a_folder_in_place_of_a_file_and_the_other_way_round(repo: Any) -> None:
    with repo.open() as rt:
        rt.act("bash", command="rm a.txt; mkdir a.txt; echo in > a.txt/in; rm -r src; echo file > src")
        rt.apply(to="branch:b")
    tree = repo.tree("b")
    assert tree["a.txt/in"] == ("100644", "in\n") and tree["src"] == ("100644", "file\n")
    assert "a.txt" not in tree and "src/b.py" not in tree


def test_line_endings_are_those_git_would_make(repo: Any) -> None:
    (repo.path / ".gitattributes").write_text("*.txt text eol=crlf\n")
    (repo.path / "a.txt").write_bytes(b"one\r\n")
    repo.commit("crlf")
    assert repo.status == []
    with repo.open() as rt:
        rt.act("bash", command=r"printf 'two\r\n' >> a.txt; printf 'n\r\n' > new.txt; printf 'r\r\n' > raw")
        rt.apply(to="branch:b")
    tree = repo.tree("b")
    assert (tree["a.txt"][1], tree["new.txt"][1], tree["raw"][1]) == ("one\ntwo\n", "n\n", "r\r\n")


def test_a_commit_gone_from_the_repository_cannot_be_redone(repo: Any) -> None:
    with repo.open() as rt:
        rt.act("bash", command="echo x > x")
        rt.apply(to="branch:b")
        rt.undo()
        repo.git("reflog", "expire", "--expire=now", "--all")
        repo.git("gc", "-q", "--prune=now")
        with pytest.raises(Conflict) as raised:
            rt.redo()
        assert "no longer in the repository" in raised.value.conflicts[0].theirs
