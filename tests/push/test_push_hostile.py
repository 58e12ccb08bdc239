"""Whatever an agent writes into its copy of the repository, what was shown is what goes, and to where it was shown."""

from __future__ import annotations

from typing import Any

import pytest
from push_ground import COMMIT, committed, git, said

MARK = "the agent's own"


@pytest.mark.parametrize("box", ["memory", "local"])
def test_its_configuration_hooks_and_remotes_have_no_say(ground: Any, box: str) -> None:
    opened = {} if box == "memory" else {"box": box}
    ran = ground.path.parent / "ran"
    with ground.open(**opened) as rt:
        rt.act(
            "bash",
            command=f"""
git remote set-url origin file:///nowhere/else.git
git config remote.origin.pushurl 'ext::sh -c "touch {ran}"'
git config url.file:///nowhere/.insteadOf {ground.far.parent}/
git config core.sshCommand 'touch {ran}'
git config core.fsmonitor 'touch {ran}'
git config credential.helper '!touch {ran}'
git config uploadpack.packObjectsHook 'touch {ran}'
git config diff.external 'touch {ran}'
git config diff.x.textconv 'touch {ran}'
echo '* diff=x filter=x' > .gitattributes
mkdir -p .git/hooks
for hook in pre-push reference-transaction post-index-change pre-auto-gc; do
    printf '#!/bin/sh\\ntouch {ran}\\n' > .git/hooks/$hook; chmod +x .git/hooks/$hook
done
git update-ref refs/remotes/origin/main 4b825dc642cb6eb9a060e54bf8d69288fbee4904 2>/dev/null
rm -f {ran}; true""",
        )
        new = committed(rt)
        ran.unlink(missing_ok=True)  # in the memory sandbox its own git ran these
        asked = rt.act("push", branch="main")
        if box == "memory":
            ran.unlink(missing_ok=True)
        assert f"origin, {ground.far}" in said(asked) and said(asked).count("Bot <") == 1
        rt.accept(asked.id)
        assert ground.there() == new and not ran.exists()
        assert git(ground.path, "config", "remote.origin.url").strip() == str(ground.far)
        rt.undo()
        assert ground.there() != new and not ran.exists()


def test_replaced_and_grafted_commits_are_shown_as_they_are(ground: Any) -> None:
    with ground.open() as rt:
        evil = committed(rt, text="evil")
        rt.act(
            "bash",
            command=f"""
good=$(git commit-tree -p HEAD~ -m harmless HEAD~^{{tree}})
git replace {evil} $good
echo {evil} > .git/info/grafts""",
        )
        asked = rt.act("push", branch="main")
        assert evil in said(asked) and "add evil" in said(asked) and "harmless" not in said(asked)
        assert "1 commit," in said(asked)
        rt.accept(asked.id)
        assert ground.there() == evil and "evil" in git(ground.far, "show", f"{evil}:a.txt")


def test_objects_that_lie_elsewhere_come_along(ground: Any) -> None:
    """The agent's alternates lead nowhere outside of the sandbox: what is packed is whole, or refused."""
    with ground.open() as rt:
        rt.act("bash", command="git clone -q --bare . /tmp/agentrt-alt.$$; mv /tmp/agentrt-alt.$$ .alt")
        rt.act("bash", command="echo ../../.alt/objects > .git/objects/info/alternates; echo .alt > .git/info/exclude")
        command = (
            f"export GIT_OBJECT_DIRECTORY=$PWD/.alt/objects; echo two >> a.txt; {COMMIT} -am two; git rev-parse HEAD"
        )
        done = rt.act("bash", command=command)
        new = said(done).strip().splitlines()[-1]
        asked = rt.act("push", branch="main")
        assert new in said(asked)
        rt.accept(asked.id)
        assert ground.there() == new
        git(ground.far, "fsck", "--strict")


def test_a_commit_that_is_not_whole_is_not_queued(ground: Any) -> None:
    with ground.open() as rt:
        committed(rt)
        rt.act("bash", command="name=$(git rev-parse HEAD:a.txt); rm -f .git/objects/$(echo $name | cut -c1-2)/*")
        asked = rt.act("push", branch="main")
        assert "could not be packed" in said(asked) and asked.requests == ()


def test_a_git_that_lies_is_found_out(ground: Any) -> None:
    """The sandbox's git is the agent's: whatever it gives for a pack is looked at."""
    bad = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nparent {0}\nauthor x\n\nbad\n"
    with ground.open() as rt:
        rt.act(
            "bash",
            command=f"""
old=$(git rev-parse HEAD)
new=$(printf '{bad.format("'$old'")}' | git hash-object --literally -t commit -w --stdin)
echo $new > .git/refs/heads/bad""",
        )
        asked = rt.act("push", branch="bad")
        assert "not sound" in said(asked) and asked.requests == ()


@pytest.mark.parametrize(
    "name", ["-x", "..", "a..b", "HEAD", "a b", "x.lock", "@{-1}", "a\nb", "+main", "main:other", "refs/heads/../x"]
)
def test_names_that_are_none(ground: Any, name: str) -> None:
    before = ground.refs(ground.far)
    with ground.open() as rt:
        committed(rt)
        for asked in (rt.act("push", branch=name), rt.act("push", branch="main", to=name)):
            if asked.requests:  # git takes it for a name
                rt.accept(asked.id)
                assert set(ground.refs(ground.far)) - set(before) == {f"refs/heads/{name}"}
                assert ground.there() == before["refs/heads/main"]
            else:
                assert "no name for a branch" in said(asked) or "no branch" in said(asked)


def test_names_of_remotes_that_are_none(ground: Any) -> None:
    with ground.open() as rt:
        committed(rt)
        for name in ("--exec=x", str(ground.far), "ext::sh", "https://example.org/x.git", "orig"):
            assert "has no remote" in said(rt.act("push", remote=name, branch="main"))


def test_an_odd_name(ground: Any) -> None:
    with ground.open() as rt:
        new = committed(rt, branch="größe/δ")
        rt.act("push", branch="größe/δ")
        rt.accept(2)
        assert ground.there("größe/δ") == new
        rt.undo()
        assert ground.there("größe/δ") is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ext::sh -c x", "no URL that agentrt pushes to"),
        ("inside.git", "lies in the workspace"),
        ("file://{ws}/inside.git", "lies in the workspace"),
    ],
)
def test_remotes_that_would_execute_something(ground: Any, url: str, why: str) -> None:
    git(ground.path, "init", "-q", "--bare", "inside.git")
    git(ground.path, "remote", "set-url", "origin", url.format(ws=ground.path))
    with ground.open() as rt:
        committed(rt)
        assert why in said(rt.act("push", branch="main"))


def test_a_relative_remote_and_a_rewritten_one(ground: Any) -> None:
    git(ground.path, "config", f"url.{ground.far.parent}/.insteadOf", "work:")
    for url in ("../far.git", "work:far.git"):
        git(ground.path, "remote", "set-url", "origin", url)
        with ground.open() as rt:
            new = committed(rt, branch=f"b{len(url)}")
            asked = rt.act("push", branch=f"b{len(url)}")
            assert f"origin, {ground.far}" in said(asked)
            rt.accept(asked.id)
            assert ground.there(f"b{len(url)}") == new


def test_what_lets_somebody_in_is_nowhere_kept(ground: Any) -> None:
    git(ground.path, "remote", "set-url", "origin", "https://ann:s3cret-t0ken@127.0.0.1:9/x.git")
    with ground.open() as rt:
        committed(rt)
        asked = rt.act("push", branch="main")
        assert "https://127.0.0.1:9/x.git" in said(asked)
        kept = rt.accept(asked.id)
        assert "waits on" in kept.note and "s3cret" not in kept.note
    state = ground.path.parent / "state"
    assert not [file for file in state.rglob("*") if file.is_file() and b"s3cret" in _outside_git(file)]


def _outside_git(file: Any) -> bytes:
    """The sandbox's layers may hold a copy of the user's .git/config: that is not a push's."""
    return b"" if "layers" in file.parts else bytes(file.read_bytes())


def test_the_users_own_environment_says_nothing(ground: Any) -> None:
    old = ground.there()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
            patch.setenv(name, "/nowhere")
        patch.setenv("GIT_NAMESPACE", "other")
        with ground.open() as rt:
            new = committed(rt)
            rt.act("push", branch="main")
            rt.accept(2)
        patch.setenv("GIT_OBJECT_DIRECTORY", "/nowhere")
        with ground.open() as rt:
            committed(rt, text="three")
            assert "GIT_OBJECT_DIRECTORY" in said(rt.act("push", branch="main"))
    assert ground.there() == new != old
