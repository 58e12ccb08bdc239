"""``agentrt shell`` at real terminals and without: what is seen in it, what is kept of it, and how the terminal is after."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_ground import Cli
from run_ground import Terminal

from agentrt.terminal import AFTER

Open = Callable[..., Terminal]
SAID = "nothing it changes is kept"


@pytest.fixture
def env(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "AGENTRT_SANDBOX": "local", "TERM": "xterm"}


@pytest.fixture
def local(cli: Cli) -> Cli:
    return lambda *words, **how: cli(*words, AGENTRT_SANDBOX="local", **how)


@pytest.fixture
def sit(workspace: Path, env: dict[str, str]) -> Open:
    """At a terminal, with a shell whose prompt is there."""

    def sit(*words: str, prompt: str = "$ ", **more: str) -> Terminal:
        terminal = Terminal(("shell", *words), workspace, {**env, **more}, 80)
        terminal.until(SAID)
        terminal.until(prompt if os.geteuid() else prompt.replace("$", "#"))
        return terminal

    return sit


def script(text: str, *words: str, workspace: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agentrt", "shell", *words]
    return subprocess.run(command, cwd=workspace, env=env, input=text, capture_output=True, text=True, check=False)


def test_what_it_changes_is_seen_in_it_and_gone_after(sit: Open, local: Cli, workspace: Path) -> None:
    local("exec", "--", "echo two > b.txt")
    before = local("log", "--json").json
    terminal = sit()
    terminal.type("pwd; cat b.txt; rm a.txt b.txt; echo x > new; echo x > ~/new; ls -A . ~; exit 7\n")
    assert terminal.end() == 7
    shown = terminal.raw.decode()
    assert f"{workspace}\r\n" in shown and "two\r\n" in shown and "new" in shown
    assert shown.rstrip().endswith("agentrt: the shell has ended; nothing it changed is kept")
    assert local("log", "--json").json == before
    assert sorted(os.listdir(workspace)) == ["a.txt", "src"] and not local("diff", "--stat").out.count("new")
    assert local("exec", "--", "cat a.txt b.txt; ls ~").out == "one\ntwo\n"


def test_the_files_of_an_older_operation(sit: Open, local: Cli, workspace: Path, env: dict[str, str]) -> None:
    for number in (1, 2, 3):
        local("exec", "--", f"echo {number} > n{number}; rm -f a.txt; echo {number} > same")
    terminal = sit("2", prompt="(agentrt 2) ")
    terminal.type("echo [*] $(cat same); exit\n")
    assert terminal.end() == 0 and "[*] 2" in terminal.raw.decode().replace("same)", "")
    for op, names in ((0, "a.txt src"), (1, "n1 same src"), (3, "n1 n2 n3 same src")):
        done = script("echo *", str(op), workspace=workspace, env=env)
        assert done.stdout == f"{names}\n" and SAID in done.stderr
    none = script("echo *", "9", workspace=workspace, env=env)
    assert (none.returncode, none.stdout) == (2, "") and "no operation 9" in none.stderr


def test_commands_are_read_from_what_is_no_terminal(workspace: Path, env: dict[str, str]) -> None:
    done = script("read line\nwords\necho $line; cat; exit 9\nrest\n", workspace=workspace, env=env)
    assert (done.returncode, done.stdout) == (9, "words\nrest\n")
    done = script("test -t 0 || echo no; echo e >&2; echo x > a.txt; exit 3", workspace=workspace, env=env)
    assert (done.returncode, done.stdout) == (3, "no\n") and "\ne\n" in done.stderr
    assert (workspace / "a.txt").read_text() == "one\n"


def test_job_control(sit: Open) -> None:
    terminal = sit()
    terminal.type("sleep 100 &\n")
    terminal.until("[1] ")
    terminal.type("fg\n")
    terminal.until("\rsleep 100\r\n")
    terminal.insist("\x1a", "Stopped")
    terminal.type("bg; jobs\n")
    terminal.until("Running")
    terminal.type("fg\n")
    terminal.until("\rsleep 100\r\n")
    terminal.insist("\x03", "# " if os.geteuid() == 0 else "$ ")
    terminal.type("echo is $?\n")
    terminal.until("is 130")
    terminal.insist("\x04", "exit")  # until the prompt is there it is no end of input
    assert terminal.end() == 0


def test_its_size_is_the_terminals(sit: Open) -> None:
    terminal = sit()
    terminal.type("stty size\n")
    terminal.until("24 80\r\n")
    terminal.resize(132)
    terminal.process.send_signal(signal.SIGWINCH)  # which the kernel does where it is the controlling one
    terminal.insist("stty size\n", "24 132\r\n")  # the key may be read before the signal is
    terminal.type("exit\n")
    assert terminal.end() == 0


def test_what_a_program_knows_of_the_terminal(sit: Open) -> None:
    terminal = sit(TERM="xterm-256color", COLORTERM="truecolor", AGENTRT_OTHER="secret")
    terminal.type("echo $TERM/$COLORTERM/$AGENTRT_OTHER.; exit\n")
    assert terminal.end() == 0 and b"xterm-256color/truecolor/.\r\n" in terminal.raw


def attributes(terminal: Terminal) -> list[object]:
    return termios.tcgetattr(terminal.ours)


@pytest.mark.parametrize(
    "ends",
    ["stty raw -echo; kill -9 $$", "stty -echo; exec sleep 100 & exit", "exec python3 -c 'import os; os.abort()'"],
)
def test_the_terminal_is_as_it_was_however_the_shell_ends(
    ends: str, workspace: Path, env: dict[str, str], local: Cli
) -> None:
    local("exec", "--", "true")
    terminal = Terminal(("shell",), workspace, env, 80)
    before = attributes(terminal)
    terminal.until(SAID)
    terminal.until(") ")
    assert attributes(terminal) != before
    terminal.type(f"printf '\\033[?1049h\\033[?1003h\\033[31m\\033]0;mine\\007'; {ends}\n")
    terminal.until("the shell has ended")
    assert attributes(terminal) == before
    assert terminal.end() in (0, 134, 137)
    assert AFTER in terminal.raw and terminal.raw.rindex(AFTER) > terminal.raw.index(b"\x1b]0;mine")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_the_terminal_is_as_it_was_after_a_signal(
    number: signal.Signals, code: int, workspace: Path, env: dict[str, str]
) -> None:
    terminal = Terminal(("shell",), workspace, env, 80)
    before = attributes(terminal)
    terminal.until(SAID)
    terminal.until(") ")
    terminal.type("trap '' TERM HUP INT; stty -echo raw; echo go''ing; sleep 1000\n")
    terminal.until("going")
    terminal.process.send_signal(number)
    terminal.until("interrupted")
    assert attributes(terminal) == before and AFTER in terminal.raw
    assert terminal.end() == code


def test_when_the_terminal_goes_away_all_of_it_ends(sit: Open, tmp_path: Path) -> None:
    terminal = sit()
    terminal.type(f"trap '' TERM HUP INT; exec -a {tmp_path.name} sleep 1000\n")
    while not asleep(tmp_path.name):
        time.sleep(0.05)
    os.close(terminal.ours)
    assert terminal.process.wait(30) == 1
    assert not asleep(tmp_path.name)


def test_daemons_left_behind_end_with_it(sit: Open, tmp_path: Path) -> None:
    terminal = sit()
    terminal.type(f"(trap '' HUP; exec -a {tmp_path.name} setsid sleep 1000 >/dev/null 2>&1 </dev/null &)\n")
    terminal.type(f"exec -a {tmp_path.name} sleep 1000 & disown; echo le''ft\n")
    terminal.until("left")
    while not asleep(tmp_path.name):
        time.sleep(0.05)
    terminal.type("exit\n")
    assert terminal.end() == 0
    assert not asleep(tmp_path.name)


def asleep(name: str) -> list[str]:
    """Processes of that name, wherever."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if os.fsencode(name) in words[:1]:
            found.append(pid)
    return found


def test_keys_are_heard_however_much_is_printed_and_pasted(sit: Open) -> None:
    terminal = sit()
    terminal.type("yes\n")
    terminal.until("y\r\ny\r\n" * 20)
    terminal.type("\x03")
    terminal.until("^C")
    terminal.type("stty -icanon -echo; echo go''; head -c 300000 | md5sum; exit\n")
    terminal.until("go\r\n")
    pasted = b"0123456789" * 30_000
    terminal.paste(pasted)
    assert terminal.end() == 0
    assert hashlib.md5(pasted).hexdigest().encode() in terminal.raw


def test_others_work_on_while_it_is_open(sit: Open, local: Cli, workspace: Path) -> None:
    local("exec", "--", "echo 1 > b")
    terminal = sit()
    assert local("exec", "--", "echo 2 > b").code == 0
    assert local("apply").code == 0 and (workspace / "b").read_text() == "2\n"
    terminal.type("echo b=$(cat b); exit\n")
    assert terminal.end() == 0 and b"b=1\r\n" in terminal.raw


def test_what_the_policy_hides_and_limits(sit: Open, workspace: Path) -> None:
    (workspace / ".env").write_text("TOKEN=abc\n")
    (workspace.parent / "policy.yaml").write_text(
        "extends: default\nfiles: {hidden: [.env]}\nlimits: {processes: 20}\n"
    )
    terminal = sit("--policy", str(workspace.parent / "policy.yaml"))
    terminal.type("cat .env; echo in''side; for n in {1..60}; do sleep 100 & done\n")
    terminal.until("inside")
    assert terminal.end() == 137
    shown = terminal.raw.decode()
    assert "TOKEN" not in shown and "stopped: it " in shown and "20" in shown.rpartition("stopped: it ")[2]


def test_through_who_works_on_the_workspace(sit: Open, local: Cli, workspace: Path, env: dict[str, str]) -> None:
    (workspace / ".env").write_text("TOKEN=abc\n")
    folder = workspace.parent
    turns = [{"actions": [{"bash": {"command": "echo 1 > b"}}]}, {"actions": [{"bash": {"command": "sleep 1000"}}]}]
    (folder / "script.yaml").write_text(json.dumps({"turns": turns}))
    policy = {"extends": "default", "files": {"hidden": [".env"]}}
    (folder / "policy.yaml").write_text(json.dumps(policy))
    task = {"objective": "wait", "workspace": str(workspace), "planner": {"script": "script.yaml"}}
    (folder / "task.yaml").write_text(json.dumps({**task, "policy": "policy.yaml"}))
    run = subprocess.Popen(
        [sys.executable, "-m", "agentrt", "../task.yaml", "--json"], cwd=workspace, env=env, stdout=-1
    )
    assert run.stdout is not None
    try:
        while b"sleep 1000" not in run.stdout.readline():
            pass
        terminal = sit("1", prompt="(agentrt 1) ")
        terminal.type("echo b=$(cat b) env=$(cat .env).; rm b; exit 6\n")
        assert terminal.end() == 6 and b"b=1 env=.\r\n" in terminal.raw
        done = script("echo *; echo e >&2; exit 5", workspace=workspace, env=env)
        assert (done.returncode, done.stdout) == (5, "a.txt b src\n") and "\ne\n" in done.stderr
        assert script("ls", "9", workspace=workspace, env=env).returncode == 2
        refused = script("ls", "--policy", "default", workspace=workspace, env=env)
        assert refused.returncode == 2 and "its policy holds" in refused.stderr
        terminal = sit(prompt="(agentrt) ")
        run.send_signal(signal.SIGTERM)
        terminal.until("the host ended")
        assert terminal.end() == 125 and AFTER in terminal.raw
    finally:
        run.kill()
        run.communicate()


def test_where_it_cannot_be(local: Cli, cli: Cli, workspace: Path, env: dict[str, str]) -> None:
    assert local("shell", "--json").code == 2
    (workspace.parent / "policy.yaml").write_text("nonsense: 1\n")
    wrong = local("shell", "--policy", str(workspace.parent / "policy.yaml"))
    assert wrong.code == 2 and "policy.yaml:1:1" in wrong.err and SAID not in wrong.err
    local("exec", "--", "echo 1 > b")
    local("apply")
    other = local("shell", "1")
    assert other.code == 4 and "no longer" not in other.err and "restore 1" in other.err
    assert local("shell", "2").code == 0
    local("new")  # what was begun in one sandbox stays there
    terminal = Terminal(("shell",), workspace, {**env, "AGENTRT_SANDBOX": "memory"}, 80)
    assert terminal.end() == 125 and b"the memory sandbox has no terminals" in terminal.raw
