"""Questions at the terminal: shown whole, answered by a word, and made a rule only as shown."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from run_ground import Ground

from agentrt.cli.asking import answer
from agentrt.contracts import Question
from agentrt.errors import UsageError
from agentrt.records import Action, Answer, Decision

DECISION = Decision(verdict="ask", rule="mine.yaml:3", because="look first\x1b[2J")


class Approval:
    diff = "--- policy.yaml\n+++ policy.yaml\n+approved:\n"

    def __init__(self) -> None:
        self.written = 0

    def write(self) -> None:
        self.written += 1


def asked(*lines: str | None, approval: Any = None, decision: Decision = DECISION) -> tuple[Answer, str]:
    """The answer, and all that was shown."""
    said: list[str] = []
    typed = iter(lines)

    def read(prompt: str) -> str | None:
        said.append(prompt)
        return next(typed)

    def none() -> Any:
        raise UsageError("it is no rule: the shell writes a file")

    question = Question(Action(kind="bash"), "$ make deploy", decision, (lambda: approval) if approval else none)
    return answer(question, said.append, read), "\n".join(said)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("y\n", Answer(allow=True)),
        (" YES \n", Answer(allow=True)),
        ("n\n", Answer(allow=False)),
        ("\n", Answer(allow=False)),
        ("not on a Friday\n", Answer(allow=False, because="not on a Friday")),
        (None, Answer(allow=False, because="nobody answered")),
    ],
)
def test_a_word_decides(typed: str | None, meant: Answer) -> None:
    found, shown = asked(typed)
    assert found == meant
    assert "mine.yaml:3 asks: look first" in shown and "$ make deploy" in shown
    assert "\x1b" not in shown, "what a policy or an agent says moves no cursor"


def test_what_is_held_is_released() -> None:
    _, shown = asked("y\n", decision=DECISION.model_copy(update={"verdict": "hold"}))
    assert "holds this back until you release it" in shown


def test_always_shows_the_rule_and_writes_it_when_that_is_meant() -> None:
    approval = Approval()
    found, shown = asked("a\n", "y\n", approval=approval)
    assert found == Answer(allow=True, remembered=True) and approval.written == 1
    assert "+approved:" in shown


@pytest.mark.parametrize("word", ("n\n", "\n", None))
def test_always_and_then_no_is_this_once(word: str | None) -> None:
    approval = Approval()
    found, shown = asked("always\n", word, approval=approval)
    assert found == Answer(allow=True) and approval.written == 0
    assert "nothing is written" in shown


def test_what_can_be_no_rule_is_allowed_this_once_and_why_is_said() -> None:
    found, shown = asked("a\n")
    assert found == Answer(allow=True) and "allowed this once: it is no rule: the shell writes a file" in shown


POLICY = "decide:\n  - verdict: ask\n    run: [touch **]\n    because: look first\n"


def at_a_terminal(
    words: list[str], typed: list[bytes], *, cwd: Path, env: dict[str, str], early: bytes = b""
) -> tuple[int, str]:
    """Type when asked: each answer after a prompt that ends in ``: `` or ``] ``. An empty one: interrupt."""
    ours, theirs = pty.openpty()
    os.write(ours, early)
    command = [sys.executable, "-m", "agentrt", *words]
    process = subprocess.Popen(command, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                shown += os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
        if typed and shown.endswith((b": ", b"] ")):
            if line := typed.pop(0):
                os.write(ours, line)
            else:
                process.send_signal(signal.SIGINT)
    os.close(ours)
    return process.wait(10), shown.decode()


def test_an_interrupt_that_another_thread_gets_is_one(
    workspace: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    ground = Ground(tmp_path, workspace, environment)
    ground.policy(POLICY)
    terminal = ground.terminal("exec", "--", "touch", "made")
    terminal.until("why not: ")
    terminal.signal_thread(signal.SIGINT)
    assert terminal.end() == 130 and terminal.rows[-2].endswith("agentrt: interrupted")


def test_a_person_at_a_terminal(workspace: Path, environment: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "config"
    (config / "agentrt").mkdir(parents=True)
    (config / "agentrt/policy.yaml").write_text(POLICY)
    env = {**environment, "XDG_CONFIG_HOME": str(config)}

    code, shown = at_a_terminal(["exec", "--", "touch", "made"], [b"y\n"], cwd=workspace, env=env)
    assert code == 0 and "policy.yaml:2 asks: look first" in shown and "touch made" in shown

    code, shown = at_a_terminal(["exec", "--", "touch", "made"], [b"no thanks\n"], cwd=workspace, env=env)
    assert code == 3 and "a person said no: no thanks" in shown

    code, shown = at_a_terminal(["exec", "--", "touch", "made"], [b"n\n"], cwd=workspace, env=env, early=b"y\n")
    assert code == 3 and "a person said no" in shown

    code, shown = at_a_terminal(["exec", "--", "touch", "made"], [b""], cwd=workspace, env=env)
    assert code == 130 and shown.endswith("interrupted\r\n")  # at once, with nobody at the prompt any more

    code, shown = at_a_terminal(["exec", "--", "touch", "made"], [b"a\n", b"y\n"], cwd=workspace, env=env)
    assert code == 0 and "+approved:" in shown
    code, shown = at_a_terminal(["exec", "--", "touch", "made"], [], cwd=workspace, env=env)
    assert code == 0 and "asks" not in shown
