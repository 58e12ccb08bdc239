"""What other agents' undo did to people, each with the public report it is named for: none of it happens here.

The last ones are what GoEX (Gorilla's execution engine) leaves out; where a report of the like was found, it is named.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from treestate import assert_same_tree, tree_state

from agentrt import Conflict, Runtime
from agentrt.testing.sandbox_ground import same_tree
from agentrt.testing.trees import Tree, parse_view, view_command
from agentrt.testing.trees import tree_state as tree_of

ANONYMOUS = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
ME = ("-c", "user.name=me", "-c", "user.email=me@localhost")
ODD = ("$(touch pwned)", "'; touch pwned; '", '"`touch pwned`"', "a\nb", "-rf", "\\")
"""Names and messages that a shell would take for something else."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a commit, something staged, something ignored, and something git never heard of."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name, value in ANONYMOUS.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / ".gitignore").write_text("*.log\n")
    (folder / "src/main.py").write_text("print(1)\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, *ME, "commit", "-q", "-m", "start")
    (folder / "src/main.py").write_text("print(2)\n")
    git(folder, "add", "src/main.py")
    (folder / "debug.log").write_text("ignored\n")
    (folder / "notes").write_text("untracked\n")
    return folder


def git(folder: Path, *words: str) -> str:
    command = ["git", *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def agentrt(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agentrt", *words]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr and "this is a bug" not in done.stderr
    return done


def run(folder: Path, work: Callable[[Runtime], Awaitable[None]]) -> None:
    async def opened() -> None:
        async with Runtime.open(folder) as rt:
            await work(rt)

    asyncio.run(opened())


async def bash(rt: Runtime, command: str) -> str:
    """What it printed; it must succeed."""
    operation = await rt.act("bash", command=command)
    assert operation.status == "settled" and operation.observation is not None, operation
    assert operation.observation.exit_code == 0, operation.observation.output
    return operation.observation.output


async def inside(rt: Runtime) -> Tree:
    """The whole workspace as the agent's next command would see it."""
    box, printed = await rt.sandbox.fork(rt.view.snapshot), bytearray()
    try:
        await box.begin("look")
        done = await box.exec(view_command(box.workspace), on_output=printed.extend)
    finally:
        await box.close()
    assert done.exit_code == 0, printed
    return parse_view(bytes(printed))


async def check_undone(rt: Runtime, before: Tree) -> None:
    """The agent sees what the user has, and that is what it was."""
    same_tree(before, tree_of(rt.store.workspace), "the workspace")
    same_tree(before, await inside(rt), "the agent's view")


def test_a_restore_deletes_no_file_that_the_agent_never_touched(project: Path) -> None:
    """github/copilot-cli #1675: restoring a checkpoint ran `git clean` and took every untracked file along."""

    async def work(rt: Runtime) -> None:
        await bash(rt, "mkdir out; echo agent > out/agent; git clean -fdxq -e out; ls out")
        await rt.apply(["out"])
        (project / "out/results.jsonl").write_text("the user's\n")
        (project / "more").write_text("the user's\n")
        before = tree_of(project)
        with pytest.raises(Conflict):  # the folder that would have to go holds a file of the user's
            await rt.restore(0)
        same_tree(before, tree_of(project), "the workspace")
        (project / "out/results.jsonl").rename(project / "results.jsonl")
        await rt.restore(0)
        left = {path.name for path in project.iterdir()}
        assert left == {".git", ".gitignore", "src", "debug.log", "notes", "more", "results.jsonl"}
        await check_undone(rt, tree_of(project))

    run(project, work)


def test_an_ignore_file_that_is_reverted_first_takes_nothing_along(project: Path) -> None:
    """cline/cline #14367: a restore reverted an uncommitted .gitignore and then cleaned what it had protected."""
    with (project / ".gitignore").open("a") as file:
        file.write("data/\n")
    (project / "data").mkdir()
    (project / "data/corpus").write_text("a year's work\n")
    before = tree_of(project)

    async def work(rt: Runtime) -> None:
        await bash(rt, "git checkout -q .gitignore && git clean -fdq && ! test -e data")
        await rt.restore(0)
        await check_undone(rt, before)

    run(project, work)


def test_a_repository_within_the_repository_is_put_back_and_never_renamed(project: Path) -> None:
    """cline/cline #5598: checkpoints renamed .git folders, so that nested repositories broke."""
    inner = project / "vendor/inner"
    inner.mkdir(parents=True)
    git(inner, "init", "-q")
    (inner / "lib").write_text("1\n")
    git(inner, "add", "lib")
    git(inner, *ME, "commit", "-q", "-m", "inner")
    before = tree_of(project)

    async def work(rt: Runtime) -> None:
        await bash(rt, "cd vendor/inner && echo 2 > lib && git -c user.name=a -c user.email=a commit -qam two")
        await bash(rt, "rm -rf vendor/inner/.git")
        await rt.undo()
        assert await bash(rt, "cd vendor/inner && git log --format=%s") == "two\ninner\n"
        await rt.undo(2)
        await check_undone(rt, before)
        await rt.redo()
        await rt.apply()
        assert git(inner, "log", "--format=%s") == "inner\n" and (inner / "lib").read_text() == "2\n"
        await rt.undo()
        same_tree(before, tree_of(project), "the workspace")

    run(project, work)


def test_without_a_git_identity_everything_can_be_undone(project: Path, tmp_path: Path) -> None:
    """google-gemini/gemini-cli #14646: checkpoints could not be made where git did not know who the user is."""
    home = tmp_path / "home"
    home.mkdir()
    assert subprocess.run(["git", "commit", "-m", "x"], cwd=project, env={**os.environ, "HOME": str(home)}).returncode
    before = tree_state(project)
    for words in (("exec", "--", "rm -rf src notes"), ("apply",), ("undo",), ("undo",)):
        done = agentrt(project, *words, HOME=str(home))
        assert done.returncode == 0, done.stderr
    assert_same_tree(before, tree_state(project))
    assert list(home.iterdir()) == []


def test_a_repository_that_the_agent_deletes_after_its_commit_is_whole(project: Path) -> None:
    """anthropics/claude-code #70687: the agent removed all files with git, and then the history with `rm -rf .git`."""
    before = tree_of(project)

    async def work(rt: Runtime) -> None:
        await bash(rt, "git -c user.name=a -c user.email=a commit -qam mine && git rm -rfq . && rm -rf .git")
        operation = await rt.apply()
        assert operation is not None and ".git" in operation.note
        assert git(project, "log", "--format=%s") == "start\n" and git(project, "fsck") == ""
        await rt.undo(2)
        await check_undone(rt, before)

    run(project, work)


def test_what_the_user_has_staged_stays_staged(project: Path) -> None:
    """openai/codex #8214: undo wrote to the user's index, and what was staged was lost."""
    before, staged = tree_of(project), git(project, "diff", "--cached")
    assert "+print(2)" in staged

    async def work(rt: Runtime) -> None:
        await bash(rt, "git reset -q --hard; echo agent > src/new.py; git add -A")
        await rt.apply()
        await rt.undo()
        await rt.redo()
        await rt.restore(0)
        await check_undone(rt, before)

    run(project, work)
    assert git(project, "diff", "--cached") == staged


def test_an_action_that_could_not_be_kept_for_undo_is_said_and_rolled_back(project: Path, tmp_path: Path) -> None:
    """google-gemini/gemini-cli #4115: checkpoints failed without a word, and the agent went on."""
    before = tree_state(project)
    assert agentrt(project, "exec", "--", "echo 1 > one").returncode == 0
    (layers,) = (tmp_path / "state").glob("agentrt/workspaces/*/layers")
    (layers / "s1.2").write_text("in the way of the next layer")
    done = agentrt(project, "exec", "--", "rm -rf src; echo 2 > two")
    assert done.returncode == 125 and "rolled back" in done.stderr
    assert agentrt(project, "exec", "--", "ls").stdout == "debug.log\nnotes\none\nsrc\n"
    log = agentrt(project, "log").stdout.splitlines()
    assert "failed" in log[1] and "pending" in log[0]
    assert_same_tree(before, tree_state(project))


def test_undo_in_one_session_leaves_the_other_one_alone(project: Path) -> None:
    """anthropics/claude-code #28078: a rewind in a session without changes destroyed another session's."""
    assert agentrt(project, "exec", "--", "echo first > first").returncode == 0
    assert agentrt(project, "apply").returncode == 0
    assert agentrt(project, "exec", "--", "echo more > first").returncode == 0
    before = tree_state(project)
    assert agentrt(project, "new", "second").returncode == 0
    assert agentrt(project, "undo").returncode == 2  # it has nothing of its own
    assert agentrt(project, "exec", "--", "rm first src -r").returncode == 0
    assert agentrt(project, "restore", "0").returncode == 0
    assert_same_tree(before, tree_state(project))
    assert agentrt(project, "exec", "--session", "s1", "--", "cat first").stdout == "more\n"
    assert agentrt(project, "exec", "--", "cat first").stdout == "first\n"


def test_what_was_undone_by_mistake_comes_back(project: Path) -> None:
    """anthropics/claude-code #16023: what a rewind replaced was lost for good, there was no redo."""

    async def work(rt: Runtime) -> None:
        await bash(rt, "echo 1 > one; mkdir -p d/empty; chmod 700 d")
        await bash(rt, "mv one two; rm notes")
        await rt.apply()
        applied, view = tree_of(project), await inside(rt)
        await rt.undo(3)
        for _ in range(3):
            await rt.redo()
        same_tree(applied, tree_of(project), "the workspace", mtimes=False)
        same_tree(view, await inside(rt), "the agent's view", mtimes=False)
        await rt.restore(0)
        await rt.undo()
        same_tree(applied, tree_of(project), "the workspace", mtimes=False)

    run(project, work)


def test_a_home_folder_is_no_workspace(tmp_path: Path) -> None:
    """ilovepixelart/pi-code #251: started in the home folder, checkpoints of all of it nearly filled the disk."""
    home = tmp_path / "home"
    (home / "project").mkdir(parents=True)
    (home / "project/file").write_text("1\n")
    before = tree_state(home)
    done = agentrt(home, "exec", "--", "ls", HOME=str(home), XDG_STATE_HOME="")
    assert done.returncode == 2 and "home folder" in done.stderr and "hint:" in done.stderr
    assert_same_tree(before, tree_state(home))


def test_a_file_of_a_hundred_megabytes_comes_back(project: Path) -> None:
    """shisa-ai/shisad #131: of files over a size nothing was kept, and the rollback reported success."""
    big = project / "big.bin"
    with big.open("wb") as file:
        file.write(os.urandom(1 << 20) * 100)
    before, digest = tree_of(project), hashlib.sha256(big.read_bytes()).hexdigest()

    async def work(rt: Runtime) -> None:
        await bash(rt, "printf x | dd of=big.bin bs=1 seek=50000000 conv=notrunc 2>/dev/null")
        await bash(rt, "rm big.bin")
        await rt.apply()
        assert not big.exists()
        await rt.undo()
        assert hashlib.sha256(big.read_bytes()).hexdigest() == digest
        await rt.undo(2)
        await check_undone(rt, before)

    run(project, work)


def test_the_store_is_never_part_of_what_it_stores(project: Path) -> None:
    """HarnessRouter/harnessrouter #193: two stores kept each other in themselves, until the machine gave up."""
    before = tree_state(project)
    done = agentrt(project, "exec", "--", "ls", XDG_STATE_HOME=str(project / ".state"))
    assert done.returncode == 2 and "is inside the workspace" in done.stderr
    assert_same_tree(before, tree_state(project))


def test_an_apply_writes_through_no_link(project: Path, tmp_path: Path) -> None:
    """google-gemini/gemini-cli #1121: paths were checked as they were written, and links led out of the workspace."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "main.py").write_text("not yours\n")
    before = tree_state(outside)

    async def work(rt: Runtime) -> None:
        await bash(rt, f"ln -s {outside} link; echo evil > src/main.py")
        await rt.apply(["link"])
        await bash(rt, "rm link; mkdir link; echo evil > link/main.py")
        await rt.apply(["link"])  # the link goes, and a folder comes
        assert not (project / "link").is_symlink() and (project / "link/main.py").read_text() == "evil\n"

    run(project, work)
    (project / "src/main.py").unlink()
    (project / "src").rmdir()
    (project / "src").symlink_to(outside)
    done = agentrt(project, "apply")
    assert done.returncode == 4 and "src/main.py: a symbolic link stands" in done.stderr
    done = agentrt(project, "apply", "--rest")
    assert done.stdout.startswith("nothing to apply\nrefused: src/main.py (a symbolic link stands")
    assert_same_tree(before, tree_state(outside))
    assert os.readlink(project / "src") == str(outside)


def test_ignored_files_come_back(project: Path) -> None:
    """anthropics/claude-code #29179: what .gitignore named was deleted, and no undo knew of it. GoEX: the same."""
    before = tree_of(project)

    async def work(rt: Runtime) -> None:
        await bash(rt, "git clean -fdXq && ! test -e debug.log && echo new > other.log")
        await rt.apply()
        assert not (project / "debug.log").exists() and (project / "other.log").exists()
        await rt.undo(2)
        await check_undone(rt, before)

    run(project, work)


def test_modes_and_empty_folders_come_back(project: Path) -> None:
    """GoEX: git keeps neither, and its undo is git's."""
    (project / "empty/deeper").mkdir(parents=True)
    (project / "empty/deeper").chmod(0o2750)
    (project / "src/main.py").chmod(0o754)
    (project / "notes").chmod(0o400)
    before = tree_of(project)

    async def work(rt: Runtime) -> None:
        await bash(rt, "rm -r empty; chmod 600 src/main.py; chmod 777 src; rm -f notes; echo x > notes; mkdir new")
        await rt.apply()
        await rt.undo(2)
        await check_undone(rt, before)

    run(project, work)


def test_what_is_written_outside_the_workspace_stays_in_the_sandbox(project: Path, tmp_path: Path) -> None:
    """anthropics/claude-code #84107: files outside the working directory were deleted. GoEX sees only its folder."""
    neighbour = tmp_path / "neighbour"
    neighbour.mkdir()
    (neighbour / "file").write_text("1\n")
    before, home = tree_state(tmp_path / "neighbour"), sorted(os.listdir(Path.home()))

    async def work(rt: Runtime) -> None:
        await bash(
            rt, f"rm -rf {neighbour}; echo mine > ~/agentrt-peer; echo mine > /tmp/agentrt-peer; rm -rf /usr 2>&1; true"
        )
        assert {e.path for e in rt.show(1).effects} == {"/home/agent/agentrt-peer", "/tmp/agentrt-peer"}
        await rt.undo()
        await bash(rt, "! test -e ~/agentrt-peer && ! test -e /tmp/agentrt-peer && test -x /usr/bin/env")

    run(project, work)
    assert_same_tree(before, tree_state(neighbour))
    assert sorted(os.listdir(Path.home())) == home and not Path("/tmp/agentrt-peer").exists()


def test_names_and_messages_are_never_a_shells_words(project: Path) -> None:
    """GoEX builds `git commit -m "…"` as a line for a shell; the like: carloscuesta/gitmoji-cli #52."""
    before = tree_of(project)

    async def work(rt: Runtime) -> None:
        rt.new_session(ODD[0])
        for name in ODD:
            await rt.act("write", path=name, content=name)
        await rt.act("git", args=["add", "--", *ODD])
        await rt.act("git", args=["-c", "user.name=a", "-c", "user.email=a", "commit", "-q", "-m", "".join(ODD)])
        shown = await rt.act("git", args=["log", "-1", "--format=%B"])
        assert shown.observation is not None and shown.observation.output.rstrip("\n") == "".join(ODD)
        await rt.reject(1, because=ODD[1])
        await rt.apply()
        assert {path.name for path in project.iterdir()} >= set(ODD[1:])
        await rt.restore(0)
        await check_undone(rt, before)

    run(project, work)
    done = agentrt(project, "exec", "--", "printf", "%s|", *ODD)
    assert done.stdout == "".join(f"{word}|" for word in ODD)
    assert not [path for path in project.parent.rglob("*pwned") if path.name == "pwned"]


def test_undo_with_nothing_done_says_so_and_makes_nothing(project: Path, tmp_path: Path) -> None:
    """tj/git-extras #688: undo of the first commit was a fatal error of git's. GoEX: `git reset HEAD~1`, the same."""
    before = tree_state(project)
    for words in (("undo",), ("redo",), ("restore", "1"), ("undo", "3")):
        done = agentrt(project, *words)
        assert done.returncode == 2 and "nothing was done here yet" in done.stderr, done
    assert not (tmp_path / "state").exists()
    assert agentrt(project, "new").returncode == 0
    done = agentrt(project, "undo")
    assert done.returncode == 2 and "nothing to undo" in done.stderr
    assert_same_tree(before, tree_state(project))
