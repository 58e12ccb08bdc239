"""Driven as a person would: in a real terminal, by keys, and what comes of it looked at on the disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import Any

from person_ground import SUBMIT, Ground, bash, ground
from terminal import Terminal

__all__ = ["ground"]

LINES = [f"line {number}" for number in range(1, 41)]
WORK = "for i in 1 2 3 4 5 6; do echo step $i; sleep 0.3; done; sed -i 's/^line 2$/second/; s/^line 35$/later/' a.txt"
LONG = "for i in 1 2 3 4 5 6 7 8 9; do echo step $i; sleep 1; done; echo new > b.txt"


def test_a_task_from_typing_it_to_writing_its_outcome(ground: Ground) -> None:
    file = ground.work / "a.txt"
    file.write_text("\n".join(LINES) + "\n")
    ground.script(bash(WORK, "I **change** two lines."), SUBMIT)
    with ground.open(size=(100, 30)) as app:
        app.wait("Inbox 0")
        app.type("change two lines")
        app.press("Enter")
        app.wait("I change two lines.", "step 1", "running", gone=["step 6"])
        app.wait("✓ done", "all done", "Inbox 1", "1 file to apply")
        leave(app)
        app.press("n")
        app.wait("▸ Inbox")
        app.press("Enter")
        app.wait("│┏", "hunk 1 of 2")
        app.press("]", "]")
        app.wait(">@@ -32")
        # All at once: no letter of the reason is taken for a key, however slow the app is.
        app.send(b"xnobody asked for it; undo it, will you?\r")
        app.wait("✗ rejected  @@ -32", "reject of 1, a.txt: nobod")
        (act, reject) = ground.log()
        assert [act["kind"], reject["kind"], reject["target"]] == ["act", "reject", [1]]
        assert reject["action"]["because"] == "nobody asked for it; undo it, will you?"
        app.press("u")
        app.wait("undo")
        _until_logged(ground, "act", "reject", "undo")
        app.press("r")
        _until_logged(ground, "act", "reject", "undo", "redo")
        app.wait("1 file to apply")
        assert file.read_text().split("\n")[1] == "line 2"
        app.press("w")
        app.wait("Write to your real workspace (1 path):", "a.txt", "w write it")
        app.press("w")
        app.wait("applied", gone=["to apply"])
        lines = file.read_text().split("\n")
        assert (lines[1], lines[34]) == ("second", "line 35")
        app.press("q")
        app.wait("exit code 0")
    with ground.open(size=(100, 30)) as app:
        app.wait("Timeline 5", "nobody asked for it; undo it", "all done", gone=["to apply"])
        app.press("q")
        app.wait("exit code 0")


def leave(app: Terminal) -> None:
    """The prompt."""
    app.press("Escape")
    app.wait("▸ Timeline")


def _until_logged(ground: Ground, *kinds: str) -> None:
    for _ in range(100):
        if [operation["kind"] for operation in ground.log()] == list(kinds):
            return
    raise AssertionError(ground.log())


def test_the_agent_goes_on_while_nobody_looks(ground: Ground) -> None:
    ground.script(bash(LONG, "It takes a while."), SUBMIT)
    with ground.open() as app:
        app.wait("Inbox 0")
        app.type("take your time")
        app.press("Enter")
        app.wait("step 1")
        leave(app)
        app.press("q")
        app.wait("the agent goes on; agentrt attaches again", "exit code 0")
    with ground.open() as app:
        app.wait("running", "step 2")
        app.wait("✓ done", "all done", "1 file to apply")
        app.press("q")
        app.wait("exit code 0")
    assert [operation["status"] for operation in ground.log()] == ["settled"]


def test_a_killed_app_loses_nothing(ground: Ground) -> None:
    ground.script(bash(LONG, "It takes a while."), SUBMIT)
    with ground.open() as app:
        app.wait("Inbox 0")
        app.type("take your time")
        app.press("Enter")
        app.wait("step 1")
        os.kill(ground.app(), signal.SIGKILL)
        app.wait("exit code 137")
    with ground.open() as app:
        app.wait("take your time", "It takes a while.", "✓ done", "all done", "1 file to apply")
        app.press("q")
        app.wait("exit code 0")
    assert ground.run("diff").count("new") >= 1


def test_a_headless_run_is_attached_to_and_its_question_answered(ground: Ground) -> None:
    (ground.folder / "script.yaml").write_text(json.dumps({"turns": [bash("touch made"), SUBMIT]}))
    policy = {"decide": [{"verdict": "ask", "actions": ["bash"], "because": "I look at every command"}]}
    task: dict[str, Any] = {"objective": "make a file", "planner": {"script": "script.yaml"}, "policy": policy}
    (ground.folder / "task.yaml").write_text(json.dumps({**task, "workspace": str(ground.work)}))
    pipe = subprocess.PIPE
    # Somebody is there before the run asks: else what is asked about is denied at once.
    with ground.open() as first, ground.open(size=(140, 45)) as second:
        first.wait("Inbox 0")
        second.wait("Inbox 0")
        words = ground.command(str(ground.folder / "task.yaml"), "--json")
        env = {**os.environ, **ground.env}
        with subprocess.Popen(words, cwd=ground.work, env=env, stdin=subprocess.DEVNULL, stdout=pipe) as run:
            try:
                first.wait("asks", "$ touch made", "Inbox 1")
                second.wait("I look at every command")
                leave(first)
                first.press("n")
                first.wait("▸ Inbox")
                first.press("a")
                first.wait("let through")
                second.wait("idle", "Inbox 1", "all done")
                said, _ = run.communicate()
            finally:
                run.kill()
        assert run.returncode == 0, said
        first.press("q")
        leave(second)
        second.press("q")
        first.wait("exit code 0")
        second.wait("exit code 0")
    (made,) = ground.log()
    assert (made["decision"]["verdict"], made["decision"]["answer"]) == ("ask", "allowed by a person")
