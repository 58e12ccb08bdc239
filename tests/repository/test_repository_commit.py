"""``apply`` as a commit: the files, and a commit of just these on the user's branch; both or neither."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from treestate import assert_same_tree, tree_state

from agentrt import Conflict, UsageError

WORK = r"""
    echo two >> a.txt; rm link; ln -s src/b.py link; chmod -x run.sh; rm src/b.py; mkdir -p new/deep build
    echo n > 'new/with space'; printf x > "$(printf 'new/line\nbreak')"; printf y > "$(printf 'new/b\377te')"
    echo log > x.log; echo ':(top)x' > ':(top)x'; mkdir empty
"""


@pytest.mark.parametrize("box", ["local"])
def test_files_commit_and_index_move_together_and_back(repo: Any, box: Any) -> None:
    (repo.path / "mine").write_text("mine\n")
    repo.git("add", "mine")
    (repo.path / ".gitignore").write_text("*.log\n/build/\n# mine, not staged\n")
    status, head, staged = repo.status, repo.head, repo.git("diff", "--cached")
    before = tree_state(repo.path)
    before = {path: entry for path, entry in before.items() if path.split(b"/")[0] not in (b".git", b".")}

    def files() -> dict[bytes, Any]:
        return {p: e for p, e in tree_state(repo.path).items() if p.split(b"/")[0] not in (b".git", b".")}

    with repo.open() as rt:
        rt.act("bash", command=WORK)

        op = rt.apply(to="commit", message="Work")

        assert op is not None and op.action is not None and len(op.effects) > 8
        assert op.action == {"kind": "commit", "branch": "main", "commit": repo.head, "parent": head}
        assert rt.show(1).review == "accepted" and "git ignores it: 1 path" in op.note
        assert repo.status == status and repo.git("diff", "--cached") == staged
        assert (
            repo.git("symbolic-ref", "HEAD") == "refs/heads/main\n" and repo.git("rev-parse", "HEAD^").strip() == head
        )
        assert set(repo.git("diff-tree", "-r", "-z", "--name-status", head, "HEAD").split("\0")[1::2]) == {
            *("a.txt", "link", "run.sh", "src/b.py", ":(top)x"),
            *("new/with space", "new/line\nbreak", "new/b\udcffte"),
        }
        assert (repo.path / "x.log").read_text() == "log\n" and (repo.path / "empty").is_dir()
        assert repo.git("diff-files", "--name-only") == ".gitignore\n"  # git need not read the files to know
        after, commit = files(), repo.head
        repo.git("fsck", "--strict")

        back = rt.undo()
        assert "main is at " + head[:10] in back.note
        assert repo.head == head and repo.status == status and repo.git("diff", "--cached") == staged
        assert_same_tree(before, files())

        rt.redo()
        assert repo.head == commit and repo.status == status and repo.git("diff", "--cached") == staged
        assert_same_tree(after, files())
    reflog = repo.git("reflog", "--format=%gs", "main").splitlines()
    assert reflog[:3] == ["agentrt: apply s1.2", "agentrt: undo of apply s1.2", "agentrt: apply s1.2"]
    assert sorted(name for name in os.listdir(repo.path / ".git") if "agentrt" in name or "lock" in name) == []


def test_an_undo_after_a_restart(repo: Any) -> None:
    head = repo.head
    with repo.open("src") as rt:
        rt.act("bash", command="echo 2 >> b.py")
        rt.apply(to="commit")
    assert repo.git("diff-tree", "-r", "--name-only", head, "HEAD") == "src/b.py\n" and repo.status == []
    with repo.open("src") as rt:
        rt.undo()
    assert (repo.head, repo.status) == (head, [])
    assert (repo.path / "src/b.py").read_text() == "b = 1\n"


@pytest.mark.parametrize(
    ("prepare", "path", "said"),
    [
        ("echo mine >> a.txt", "a.txt", "not committed"),
        ("echo mine >> a.txt; git add a.txt; git show HEAD:a.txt > a.txt", "a.txt", "staged otherwise"),
        ("git rm -q --cached a.txt", "a.txt", "staged otherwise"),
        ("echo mine > new; git add new; rm new", "new", "staged otherwise"),
    ],
)
def test_what_the_user_has_not_committed_is_not_committed_for_them(
    repo: Any, prepare: str, path: str, said: str
) -> None:
    repo.git("-c", f"alias.do=!{prepare}", "do")
    with repo.open() as rt:
        rt.act("bash", command="echo two >> a.txt; echo new > new")
        untouched = repo.untouched()
        with pytest.raises(Conflict) as raised:
            rt.apply(to="commit")
        assert [c.path for c in raised.value.conflicts] == [path] and said in raised.value.conflicts[0].theirs
        untouched()
        assert len(rt.log()) == 1 and rt.apply() is not None


@pytest.mark.parametrize("state", ["detached", "merging", "unborn", "index.lock", "ref lock"])
def test_where_no_commit_can_be_made_nothing_changes(repo: Any, state: str) -> None:
    if state == "detached":
        repo.git("checkout", "-q", "--detach")
    elif state == "merging":
        repo.git("checkout", "-q", "-b", "side")
        repo.git("commit", "-q", "--allow-empty", "-m", "side")
        repo.git("checkout", "-q", "main")
        repo.git("merge", "-q", "--no-ff", "--no-commit", "side")
    elif state == "unborn":
        repo.git("checkout", "-q", "--orphan", "nothing")
    with repo.open() as rt:
        rt.act("bash", command="echo two >> a.txt; echo new > new")
        if state == "index.lock":
            (repo.path / ".git/index.lock").write_text("")
        elif state == "ref lock":
            (repo.path / ".git/refs/heads/main.lock").write_text("")
        untouched = repo.untouched()
        with pytest.raises(Conflict):
            rt.apply(to="commit")
        untouched()
        assert rt.view.applied == () and len(rt.pending()) == 2
        assert [op.status for op in rt.log()[1:]] == (["failed"] if state == "ref lock" else [])


def test_an_undo_that_git_refuses_changes_nothing(repo: Any) -> None:
    with repo.open() as rt:
        rt.act("bash", command="echo two >> a.txt; echo new > new")
        rt.apply(to="commit")
        commit = repo.head
        lock = repo.path / ".git/refs/heads/main.lock"
        lock.write_text("")
        untouched = repo.untouched()
        with pytest.raises(Conflict):
            rt.undo()
        untouched()
        lock.unlink()
        (repo.path / "new").write_text("the user's\n")
        repo.git("add", "new")
        untouched = repo.untouched()
        with pytest.raises(Conflict) as raised:
            rt.undo()
        assert {c.path for c in raised.value.conflicts} == {"new"}
        untouched()
        (repo.path / "new").write_text("new\n")
        repo.git("add", "new")
        repo.git("commit", "-q", "--allow-empty", "-m", "on top")
        untouched = repo.untouched()
        with pytest.raises(Conflict) as raised:
            rt.undo()
        assert raised.value.conflicts[0].path == "refs/heads/main" and "now at" in raised.value.conflicts[0].theirs
        untouched()
        repo.git("reset", "-q", "--soft", commit)
        repo.git("checkout", "-q", "-b", "elsewhere")
        with pytest.raises(Conflict) as raised:
            rt.undo()
        assert "HEAD is on refs/heads/elsewhere" in raised.value.conflicts[0].theirs
        repo.git("checkout", "-q", "main")
        rt.undo()
        assert repo.status == [] and not (repo.path / "new").exists()


def test_what_the_user_stages_between_commit_and_undo_stays_staged(repo: Any) -> None:
    with repo.open() as rt:
        rt.act("bash", command="echo two >> a.txt")
        rt.apply(to="commit")
        (repo.path / "src/b.py").write_text("mine\n")
        repo.git("add", "src/b.py")
        staged = repo.git("diff", "--cached")
        rt.undo()
        assert repo.git("diff", "--cached") == staged and repo.git("diff", "--name-only") == ""


def test_a_path_that_is_named_is_committed_alone(repo: Any) -> None:
    head = repo.head
    with repo.open() as rt:
        rt.act("bash", command="echo two >> a.txt; echo new > new; echo log > x.log")
        rt.apply(["new"], to="commit")
        assert repo.git("diff-tree", "-r", "--name-only", head, "HEAD") == "new\n" and repo.status == []
        with pytest.raises(UsageError, match="nothing of it is for git"):
            rt.apply(["x.log"], to="commit")
        rt.apply(to="commit")
        assert repo.status == [] and (repo.path / "x.log").exists()
        rt.undo()
        assert repo.git("rev-list", "--count", "HEAD") == "2\n"
        rt.restore(0)
        assert repo.head == head and repo.status == []
        assert sorted(os.listdir(repo.path)) == [".git", ".gitignore", "a.txt", "link", "run.sh", "src"]


def test_a_split_index_a_sparse_checkout_and_a_linked_work_tree(repo: Any, tmp_path: Path, box: Any) -> None:
    repo.git("update-index", "--split-index")
    repo.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
    linked = type(repo)(tmp_path / "linked", box)
    linked.git("sparse-checkout", "set", "--cone", "--sparse-index", "src")
    for place in (repo, linked):
        head = place.head
        with place.open() as rt:
            rt.act("bash", command="echo 2 >> src/b.py; echo c > src/c")
            rt.apply(to="commit")
            assert place.status == [] and place.git("rev-parse", "HEAD^").strip() == head
            rt.undo()
            assert (place.head, place.status) == (head, [])
    repo.git("fsck")


def test_a_message_without_a_commit_or_without_text_is_a_mistake(repo: Any) -> None:
    with repo.open() as rt:
        rt.act("bash", command="echo two >> a.txt")
        for to, message in (("files", "m"), ("commit", " \n"), ("commit", "a\0"), ("tag", None), ("branch", None)):
            with pytest.raises(UsageError):
                rt.apply(to=to, message=message)
    assert repo.status == []


def test_what_is_merged_with_a_commit_made_meanwhile_is_committed_merged(repo: Any) -> None:
    lines = [f"line {number}" for number in range(20)]
    (repo.path / "a.txt").write_text("\n".join(lines) + "\n")
    repo.commit("long")
    with repo.open() as rt:
        rt.act("bash", command="sed -i 's/line 3/agent/' a.txt")
        (repo.path / "a.txt").write_text("\n".join([*lines[:-1], "user"]) + "\n")
        with pytest.raises(Conflict) as raised:
            rt.apply(to="commit")
        assert [c.path for c in raised.value.conflicts] == ["a.txt"]
        head = repo.commit("meanwhile")
        rt.apply(to="commit")
        assert repo.status == [] and repo.git("rev-parse", "HEAD^").strip() == head
        assert {"agent", "user"} <= set(repo.tree("HEAD")["a.txt"][1].splitlines())
        rt.undo()
        assert (repo.head, repo.status) == (head, [])
