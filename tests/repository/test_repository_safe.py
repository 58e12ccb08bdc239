"""Git of the host executes nothing that an agent wrote, nor what the user's repository would have it execute."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from agentrt import Conflict, UsageError

HOOKS = (
    *("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "reference-transaction", "post-index-change"),
    *("pre-auto-gc", "post-rewrite", "post-checkout"),
)


def program(folder: Path, name: str) -> Path:
    """One that leaves a mark when it is run."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\necho {name} >> {folder / 'ran'}\ncat\n")
    file.chmod(0o755)
    return file


def test_no_hook_fsmonitor_filter_or_alias_runs(repo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marks = tmp_path / "marks"
    for name in HOOKS:
        hook = program(marks, name)
        (repo.path / ".git/hooks").mkdir(exist_ok=True)
        (repo.path / ".git/hooks" / name).symlink_to(hook)
    tool = program(marks, "tool")
    # Configuration that a team keeps in the work tree, where an agent's earlier work may have been applied.
    repo.git("config", "include.path", "../.gitconfig")
    (repo.path / ".gitconfig").write_text(
        f"[core]\n fsmonitor = {tool}\n pager = {tool}\n editor = {tool}\n sshCommand = {tool}\n hooksPath = {marks}\n"
        f"[alias]\n commit-tree = !{tool}\n update-ref = !{tool}\n"
        f"[commit]\n gpgSign = true\n[gpg]\n program = {tool}\n[trailer]\n ifexists = add\n"
        f'[trailer "Agentrt-Session"]\n command = {tool}\n[diff]\n external = {tool}\n'
        f'[filter "evil"]\n clean = {tool}\n smudge = {tool}\n required = true\n'
    )
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(tool))
    monkeypatch.setenv("GIT_EXEC_PATH", str(marks))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    with repo.open() as rt:
        rt.act("bash", command="echo two >> a.txt; echo '*.evil filter=evil' > .gitattributes; echo e > x.evil")
        with pytest.raises(Conflict) as raised:
            rt.apply(to="branch:b")
        assert [(c.path, c.theirs) for c in raised.value.conflicts] == [
            ("x.evil", "goes through the filter evil, a program agentrt does not run")
        ]
        rt.apply(["a.txt"], to="branch:b")
        rt.undo()
        rt.redo()
        rt.apply(["a.txt"], to="commit")
        rt.undo()
        rt.redo()
    assert not (marks / "ran").exists()
    assert not (tmp_path / "index").exists()


def test_a_git_in_the_work_tree_is_not_the_one_that_is_run(
    repo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with repo.open() as rt:
        rt.act(
            "bash",
            command=f"mkdir bin; printf '#!/bin/sh\\ntouch {tmp_path}/ran\\n' > bin/git; chmod +x bin/git; echo x > x",
        )
        rt.apply(["bin"])
        with monkeypatch.context() as patched:
            patched.setenv("PATH", f"bin:{repo.path}/bin:{os.environ['PATH']}")
            rt.apply(to="branch:b")
    assert repo.tree("b")["x"] == ("100644", "x\n") and not (tmp_path / "ran").exists()


def test_files_that_look_like_a_bare_repository_are_not_taken_for_one(repo: Any, tmp_path: Path) -> None:
    tool = program(tmp_path / "marks", "tool")
    plant = (
        "mkdir -p objects refs; echo 'ref: refs/heads/main' > HEAD; "
        f"printf '[core]\\n\\tbare = true\\n\\tfsmonitor = {tool}\\n' > config"
    )
    (repo.path / "src").joinpath("kept").write_text("k\n")
    repo.commit("kept")
    with repo.open("src") as rt:
        rt.act("bash", command=plant)
        rt.apply()
        rt.act("bash", command="echo x > x")
        rt.apply(to="branch:b")
    assert repo.git("diff-tree", "-r", "--name-only", "main", "b") == "src/x\n"
    alone = type(repo)(tmp_path / "alone", repo.box)
    alone.path.mkdir()
    with alone.open() as rt:
        rt.act("bash", command=plant)
        rt.apply()
        rt.act("bash", command="echo x > x")
        with pytest.raises(UsageError, match="in no git repository"):
            rt.apply(to="branch:b")
    assert not (tmp_path / "marks/ran").exists()


def test_what_the_agent_did_to_git_itself_stays_in_the_sandbox(repo: Any) -> None:
    config = (repo.path / ".git/config").read_bytes()
    with repo.open() as rt:
        rt.act(
            "bash",
            command="cd .git && echo '[core] fsmonitor = evil' >> config; echo x > hooks-x; cd ..; echo x > x;"
            " mkdir -p sub/.git; echo y > sub/.git/config; echo y > sub/y",
        )
        op = rt.apply(to="branch:b")
        assert op is not None and ".git" in op.note
        assert (repo.path / ".git/config").read_bytes() == config
        assert repo.git("diff-tree", "-r", "--name-only", "main", "b") == "sub/y\nx\n"
        with pytest.raises(Conflict) as raised:
            rt.apply([".git/config"], to="branch:c")
        assert "in a .git folder" in raised.value.conflicts[0].theirs


def test_a_link_the_agent_made_leads_nothing_astray(repo: Any, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / ".gitattributes").write_text("* text\n")
    with repo.open() as rt:
        rt.act("bash", command=f"rm -r src; ln -s {outside} src; ln -s /etc/passwd .gitattributes")
        rt.apply(to="branch:b")
        tree = repo.tree("b")
        assert tree["src"] == ("120000", str(outside)) and tree[".gitattributes"] == ("120000", "/etc/passwd")
    assert os.listdir(outside) == [".gitattributes"]
    assert repo.status == []
