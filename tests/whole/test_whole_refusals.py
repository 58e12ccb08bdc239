"""What bad input gets: the reason and the way out, an exit code, and nothing touched."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from treestate import assert_same_tree, tree_state
from warm import warm

AGENTRT = [sys.executable, "-m", "agentrt"]
RAW = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")
"""Bytes that a terminal obeys instead of showing them, but for tab and newline."""


@dataclass
class Done:
    code: int
    out: bytes
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Cli:
    """The command line in a folder, with a state folder of its own."""

    def __init__(self, work: Path, state: Path) -> None:
        self.work, self.state = work, state
        self.environment = {**os.environ, "XDG_STATE_HOME": str(state)}

    def __call__(self, *words: str | bytes, before: tuple[str, ...] = (), **environment: str) -> Done:
        env = self.environment | environment
        if before:
            done = subprocess.run([*before, *AGENTRT, *words], cwd=self.work, env=env, capture_output=True, check=False)
        else:
            done = warm().run(words, cwd=self.work, env=env)
        err = done.stderr.decode("utf-8", "surrogateescape")
        assert "Traceback" not in err and "this is a bug" not in err and "Warning" not in err, (words, err)
        return Done(done.returncode, done.stdout, err)

    def ok(self, *words: str | bytes) -> Done:
        done = self(*words)
        assert done.code == 0, (words, done)
        return done

    def refused(self, code: int, *words: str, says: str, hint: str = "", **environment: str) -> None:
        """Both patterns must be found, in the lines for a person and in the document for a program."""
        done = self(words[0], "--json", *words[1:], **environment)
        first, *rest = done.err.splitlines()
        assert done.code == code and first.startswith("agentrt: ") and re.search(says, first), done
        assert not hint or any(line.startswith("hint: ") and re.search(hint, line) for line in rest), done
        error = done.json["error"]
        assert re.search(hint, error["hint"]) and (error["message"] in first or "\\" in first), done

    def start(self, *words: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = [*AGENTRT, *words]
        return subprocess.Popen(command, cwd=self.work, env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def log(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ok("log", "--json").json
        return found


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    work = tmp_path / "work"
    (work / "src").mkdir(parents=True)
    (work / "a.txt").write_text("one\n")
    (work / "src/b.py").write_text("b = 1\n")
    return Cli(work, tmp_path / "state")


# Files people write

TASK = "objective: do it\nplanner: {script: script.yaml}\n"
SCRIPT = "turns:\n  - actions:\n      - bash: {command: 'true'}\n"


@pytest.mark.parametrize(
    ("name", "text", "says", "hint"),
    [
        ("task", TASK + "verifi: x\n", "task.yaml:3:1: .*verifi", "verify"),
        ("task", TASK + "limits: {action: 5}\n", "task.yaml:3:10: .*action", "actions"),
        ("task", TASK + "limits: {actions: many}\n", "task.yaml:3:19: ", ""),
        ("task", TASK + "apply: sometimes\n", "task.yaml:3:8: .*(never|on_success)", ""),
        ("task", TASK + "objective: again\n", "task.yaml:3:1: .*objective.*(line 1|second)", ""),
        ("task", "planner: {script: script.yaml}\n", "task.yaml:1:1: .*objective", ""),
        ("task", "objective: [unclosed\n", r"task.yaml:\d+:\d+: ", ""),
        ("task", "objective: \tx\n\t- y\n", "task.yaml:1:12: .*YAML", ""),
        ("task", "objective: \udcff\n", "task.yaml:1:12: .*UTF-8", ""),
        ("task", "", r"task.yaml:1:1: ", ""),
        ("task", "- a list\n", r"task.yaml:1:1: .*mapping", ""),
        ("task", TASK + "sandbox: nosuch\n", "nosuch", "local"),
        ("task", TASK + "policy: {limits: {second: 5}}\n", "task.yaml:3:19: .*second", "seconds"),
        ("task", TASK + "workspace: nosuch\n", "no folder .*nosuch", ""),
        ("task", TASK.replace("script.yaml", "nosuch.yaml"), "nosuch.yaml", ""),
        ("script", "turns:\n  - text: hi\n    action: []\n", "script.yaml:3:5: .*action", "actions"),
        ("script", "turns:\n  - actions:\n      - bash: x\n", r"script.yaml:3:\d+: .*bash", ""),
        ("script", "turns:\n  - expect: '('\n    actions: []\n", "script.yaml:2:13: ", ""),
        ("script", "turn: []\n", "script.yaml:1:1: .*turn", "turns"),
        ("script", SCRIPT + "      - bahs: {command: ls}\n", "script.yaml:4:9: .*bahs", "did you mean `bash`"),
        ("script", SCRIPT + "      - bash: {comand: ls}\n", "script.yaml:4:16: .*comand", "did you mean `command`"),
        ("script", SCRIPT + "      - bash: {command: 5}\n", "script.yaml:4:25: .*must be text", "it takes `command`"),
        ("script", SCRIPT + "      - write: {path: x}\n", "script.yaml:4:16: .*`content` is missing", "`content`"),
        ("script", SCRIPT + "      - submit: {txt: x}\n", "script.yaml:4:18: .*txt", "did you mean `text`"),
        ("policy", "limits:\n  file_deleted: 3\n", "policy.yaml:2:3: .*file_deleted", "files_deleted"),
        ("policy", "limits:\n  seconds: soon\n", "policy.yaml:2:12: .*soon", ""),
        ("policy", "network: yes\n", "policy.yaml:1:10: ", ""),
        ("policy", "decide:\n  - verdict: maybe\n", "policy.yaml:2:14: .*maybe", ""),
        ("policy", "limits: {files_deleted: -1}\n", r"policy.yaml:1:25: ", ""),
    ],
)
def test_a_malformed_file(cli: Cli, name: str, text: str, says: str, hint: str) -> None:
    files = {"task": TASK, "script": SCRIPT, "policy": "name: mine\n"} | {name: text}
    if name == "policy":
        files["task"] += "policy: policy.yaml\n"
    for each, content in files.items():
        (cli.work / f"{each}.yaml").write_bytes(content.encode("utf-8", "surrogateescape"))
    before = tree_state(cli.work)
    done = cli("task.yaml")
    assert done.code == 2 and done.out == b"", done
    first, *rest = done.err.splitlines()
    assert first.startswith("agentrt: ") and re.search(says, first), done
    assert not hint or any(line.startswith("hint: ") and hint in line for line in rest), done
    assert_same_tree(tree_state(cli.work), before)
    assert not cli.state.exists() or not cli.log(), "nothing ran"


# Folders that are no workspaces


@pytest.mark.parametrize("words", [("exec", "--", "true"), ("log",)], ids=lambda w: w[0])
def test_what_is_no_workspace(cli: Cli, tmp_path: Path, words: tuple[str, ...]) -> None:
    home = tmp_path / "home/me"
    inside = cli.state / "agentrt/workspaces/x"
    for folder in (home / "project", inside):
        folder.mkdir(parents=True)
    (tmp_path / "fifo").touch()
    os.symlink("circle", tmp_path / "circle")
    os.symlink(home, tmp_path / "link")
    before = tree_state(tmp_path)

    def refuse(place: Path | str, says: str, hint: str, **environment: str) -> None:
        command = (words[0], "--workspace", str(place), *words[1:])
        cli.refused(2, *command, says=says, hint=hint, HOME=str(home), **environment)

    refuse(tmp_path / "nosuch", "there is no folder", "make it first")
    refuse(tmp_path / "fifo", "is not a folder", "")
    refuse(tmp_path / "fifo/below", "through a file", "")
    refuse(tmp_path / "circle", "cannot be reached", "")
    refuse("a\nb", r"no folder a\\nb", "")
    refuse("/", "whole machine", "name a project's folder")
    refuse(home, "your home folder", "name a project's folder")
    refuse(tmp_path / "link", "your home folder", "")
    refuse(home.parent, "home folder is inside it", "")
    refuse(inside, "inside agentrt's own state folder", "")
    refuse(cli.work, "is inside the workspace", "XDG_STATE_HOME", XDG_STATE_HOME=str(cli.work / "state"))
    assert_same_tree(tree_state(tmp_path), before)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_workspace_that_cannot_be_read(cli: Cli) -> None:
    for mode in (0o000, 0o300, 0o600):
        cli.work.chmod(mode)
        try:
            command = [*AGENTRT, "exec", "--workspace", str(cli.work), "--", "true"]
            done = subprocess.run(command, env=cli.environment, cwd="/", capture_output=True, text=True, check=False)
        finally:
            cli.work.chmod(0o700)
        assert done.returncode == 2 and "cannot be read" in done.stderr and "chmod u+rx" in done.stderr, done
    assert not cli.state.exists()


def test_no_user_namespaces(cli: Cli) -> None:
    """For real: a user namespace in which no more may be made."""
    before = tree_state(cli.work)
    script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    forbidding = ("unshare", "--user", "--map-root-user", "sh", "-c", script, "sh")
    done = cli("exec", "--", "touch ran", before=forbidding)
    assert done.code == 5 and "no more user namespaces" in done.err, done
    assert "hint: " in done.err and "sysctl -w user.max_user_namespaces=" in done.err
    assert cli("doctor", before=forbidding).code == 5
    assert [operation["status"] for operation in cli.log()] == ["failed"]
    assert_same_tree(tree_state(cli.work), before)
    cli.ok("exec", "--", "test ! -e ran")


# Two at a time


def test_two_processes_take_turns(cli: Cli) -> None:
    """Twenty appends each, at once: every one is there, once, and the numbers have no gaps."""
    failed: list[Done] = []

    def append(who: str) -> None:
        for number in range(20):
            done = cli("exec", "--", f"echo {who}{number} >> lines; echo {who}{number} >> ~/lines")
            if done.code:
                failed.append(done)

    threads = [threading.Thread(target=append, args=(who,)) for who in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    lines = cli.ok("exec", "--", "cat lines; cmp lines ~/lines").out.decode().split()
    assert sorted(lines) == sorted(f"{who}{number}" for who in "ab" for number in range(20))
    assert [line for line in lines if line[0] == "a"] == [f"a{number}" for number in range(20)]
    operations = cli.log()
    assert [operation["id"] for operation in operations] == list(range(1, 42))
    for earlier, later in pairwise(operations):
        assert later["before"]["snapshot"] == earlier["after"]["snapshot"]
    cli.ok("undo", "41")
    assert cli("exec", "--", "cat lines").code == 1


def test_the_second_is_refused_when_it_has_waited_long_enough(cli: Cli) -> None:
    with cli.start("exec", "--", "echo started; sleep 60") as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "started\n"
        assert "intent" in cli.ok("log").out.decode(), "looking needs no turn"
        done = cli("exec", "--json", "--", "touch second")
        assert done.code == 4 and f"process {holder.pid}" in done.err and "hint: " in done.err, done
        assert done.json["error"]["code"] == "busy"
        holder.send_signal(signal.SIGINT)
        assert holder.wait(20) == 130
    assert [operation["status"] for operation in cli.log()] == ["failed"]
    cli.ok("exec", "--", "test ! -e second")


# Names and texts


NAMES = [
    b"new\nline",
    b"inva\xfflid \xc3",
    b"x" * 255,
    b"\xff" * 255,
    b"\x1b[31mred\x07",
    "r\u202etl\u200b".encode(),
    b" -rf 'q\" \\ $(x) ",
    b"--json",
]


def test_names_are_carried_exactly(cli: Cli) -> None:
    """Through exec, log, show, diff, undo, redo and apply."""
    quoted = [b"./" + name for name in NAMES]
    before = tree_state(cli.work)
    cli.ok("exec", "--", b"touch", *quoted)
    assert sorted(
        cli.ok("exec", "--", "find . -type f ! -name a.txt ! -name b.py -print0").out.split(b"\0")[:-1]
    ) == sorted(quoted)
    for document in (cli.ok("log", "--json").json[0], cli.ok("show", "1", "--json").json):
        assert sorted(os.fsencode(effect["path"]) for effect in document["effects"]) == sorted(NAMES)
        assert b"inva\xfflid" in os.fsencode(document["action"]["command"])
    changed = cli.ok("diff", "--json").json
    assert sorted(os.fsencode(effect["path"]) for effect in changed["effects"]) == sorted(NAMES)
    for words in (["log"], ["show", "1"], ["diff", "--stat"], ["diff"], ["undo", "--preview"], ["apply", "--preview"]):
        check_visible(cli.ok(*words).out)
    assert sorted(map(os.fsencode, cli.ok("undo", "2", "--json").json["paths"])) == sorted(NAMES)
    check_visible(cli.ok("redo").out)
    one = cli.ok("apply", "--json", "--", *quoted[:2]).json
    assert sorted(map(os.fsencode, one["paths"])) == sorted(NAMES[:2])
    check_visible(cli.ok("apply").out)
    assert {os.fsencode(name) for name in os.listdir(cli.work)} == {*NAMES, b"a.txt", b"src"}
    cli.ok("undo", "2")
    assert_same_tree(tree_state(cli.work), before)
    (cli.work / os.fsdecode(NAMES[4])).write_text("theirs")
    refused = cli("apply")
    assert refused.code == 4 and not RAW.search(os.fsencode(refused.err)), refused
    conflict = cli("apply", "--json").json["conflicts"][0]
    assert os.fsencode(conflict["path"]) == NAMES[4] and conflict["operations"] == [1]


def check_visible(printed: bytes) -> None:
    assert not RAW.search(printed) and "\u202e".encode() not in printed, printed
    printed.decode("utf-8")


def test_nothing_an_agent_wrote_reaches_a_terminal(cli: Cli) -> None:
    """On a terminal, file contents and outputs are made visible as well."""
    escape = "\x1b]0;title\x07\x1b[2J\x9b31m\r\u202e"
    cli.ok("exec", "--", f"printf %s '{escape}' | tee 'f{escape}'; echo '{escape}' > plain")
    cli.ok("exec", "--", f"ln -s '{escape}' link; rm plain; mkdir 'd{escape}'")
    for words in (
        ["log"],
        ["show", "1"],
        ["show", "2"],
        ["diff"],
        ["diff", "1"],
        ["diff", "--stat"],
        ["undo"],
        ["sessions"],
    ):
        code, shown = on_a_terminal(cli, *words)
        assert code == 0 and shown, words
        assert not RAW.search(shown.replace(b"\r\n", b"\n")) and "\u202e".encode() not in shown, (words, shown)


def on_a_terminal(cli: Cli, *words: str) -> tuple[int, bytes]:
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*AGENTRT, *words], cwd=cli.work, env=cli.environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 65536):
            shown += data
    except OSError:  # how a terminal says that it was hung up
        pass
    os.close(ours)
    return process.wait(20), shown


# Outputs and exit codes


def test_a_huge_output(cli: Cli) -> None:
    """Passed on whole, kept up to the limit, and told in few words."""
    done = cli.ok("exec", "--", "yes 0123456 | head -c 80000000; echo end")
    assert len(done.out) == 80_000_004 and done.out.endswith(b"0123456\nend\n")
    observation = cli.ok("show", "1", "--json").json["observation"]
    assert observation["truncated"] and observation["output_bytes"] == 80_000_004
    assert len(observation["output"]) < 32_000 and observation["output"].endswith("end\n")
    kept = cli.ok("show", "1", "--output").out
    assert len(kept) == 64_000_000 and kept == done.out[:64_000_000]
    assert len(cli.ok("log").out) < 200


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (7, ("exec", "--", "echo kept > kept; exit 7")),
        (127, ("exec", "--", "nosuchcommand")),
        (126, ("exec", "--", "./a.txt")),
        (125, ("exec", "--cwd", "nosuch", "--", "true")),
        (137, ("exec", "--", "kill -9 $$")),
        (143, ("exec", "--", "kill $$")),
    ],
)
def test_exec_has_its_commands_code(cli: Cli, code: int, words: tuple[str, ...]) -> None:
    assert cli(*words).code == code
    operation = cli.log()[0]
    assert operation["observation"]["exit_code"] == code
    assert [effect["path"] for effect in operation["effects"]] == (["kept"] if code == 7 else [])
    assert cli("exec", "--json", *words[1:]).code == code


def test_over_a_limit_it_is_rolled_back_with_3(cli: Cli) -> None:
    cli.ok("exec", "--", "for i in $(seq 1001); do echo $i > f$i; done")
    done = cli("exec", "--", "rm f*; echo gone > gone; echo away > ~/away")
    assert done.code == 3 and "rolled back" in done.err and "1,000" in done.err and "default.yaml:" in done.err, done
    assert cli("exec", "--json", "--", "rm f*").json["status"] == "rolled_back"
    assert cli.ok("exec", "--", "ls | wc -l; ls ~").out == b"1003\n"


def test_interrupted(cli: Cli) -> None:
    """The command and all it started are dead, nothing is kept, and the operation says so."""
    before = tree_state(cli.work)
    mark = f"31{os.getpid()}"
    script = f"touch made ~/made; (setsid sleep {mark}.1 &) ; sleep {mark}.2 & echo started; sleep {mark}.3"
    with cli.start("exec", "--", script) as running:
        assert running.stdout is not None and running.stdout.readline() == "started\n"
        wait_until(lambda: len(alive(f"sleep\0{mark}.")) == 3)
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 130
        assert running.stderr is not None and running.stderr.read() == "agentrt: interrupted\n"
    wait_until(lambda: not alive(f"sleep\0{mark}."))
    (operation,) = cli.log()
    assert (operation["status"], operation["observation"]["error"], operation["effects"]) == (
        "failed",
        "interrupted",
        [],
    )
    assert_same_tree(tree_state(cli.work), before)
    assert cli.ok("exec", "--", "ls . ~").out == b".:\na.txt\nsrc\n\n/home/agent:\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_ended_from_outside(cli: Cli, number: signal.Signals) -> None:
    """No time to say anything: the command dies, and what is left is an intent."""
    mark = f"32{os.getpid()}{int(number)}"
    with cli.start("exec", "--", f"touch made; echo started; sleep {mark}") as running:
        assert running.stdout is not None and running.stdout.readline() == "started\n"
        running.send_signal(number)
        running.wait(20)
    wait_until(lambda: not alive(f"sleep\0{mark}"))
    assert cli.log()[0]["status"] in ("intent", "failed")
    assert cli.ok("exec", "--", "ls").out == b"a.txt\nsrc\n"


def alive(words: str) -> list[int]:
    """Processes whose arguments begin like that, separated by NUL."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if Path("/proc", name, "cmdline").read_bytes().startswith(words.encode()):
                found.append(int(name))
        except OSError:
            continue
    return found


def wait_until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    "where", [">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full", "| head -c 1 >/dev/null", "| true"], ids=lambda w: w.strip()
)
def test_nobody_takes_what_is_printed(cli: Cli, where: str) -> None:
    """What was asked for is done all the same; a disk that takes no output is said, a reader that left is not."""
    cli.ok("exec", "--", "seq 1 100000 > numbers; seq 1 100000; ls")
    for words in ("exec -- 'seq 1 100000; echo end > end'", "log", "show 1", "show 1 --output", "diff", "log --json"):
        command = f"set -o pipefail; {sys.executable} -m agentrt {words} {where}"
        done = subprocess.run(
            ["bash", "-c", command], cwd=cli.work, env=cli.environment, capture_output=True, text=True, check=False
        )
        assert (
            (done.stdout == "") == (where != "2>&-") and "Traceback" not in done.stderr and "Warning" not in done.stderr
        ), (words, done)
        full = where == ">/dev/full"
        assert done.returncode == (1 if full and not words.startswith("exec") else 0), (words, done)
        said = [line for line in done.stderr.splitlines() if "operation" not in line and ".git" not in line]
        assert len(said) == (1 if full else 0), (words, done)
        assert not full or "No space left on device" in said[0]
    assert cli.ok("exec", "--", "cat end").out == b"end\n"
    assert [operation["status"] for operation in cli.log()] == ["settled"] * 3


# Places


@pytest.mark.parametrize(
    "name", ["a:b,c\\d", "sp ace ", "new\nline", "-rf", "ümläut", "\udcff", "%s${HOME}'\"", "l" * 255]
)
def test_a_workspace_of_any_name(tmp_path: Path, name: str) -> None:
    """And a state folder of that name."""
    work = tmp_path / name
    work.mkdir()
    (work / "kept").write_text("kept\n")
    cli = Cli(work, tmp_path / f"{name[:200]}.state")
    before = tree_state(work)
    cli.ok("exec", "--", "cat kept > copy; rm kept; test -e copy")
    cli.ok("diff")
    cli.ok("apply")
    assert (work / "copy").read_text() == "kept\n" and not (work / "kept").exists()
    cli.ok("undo")
    assert_same_tree(tree_state(work), before)
    check_visible(cli.ok("log").out)
    check_visible(cli.ok("new").out)
    check_visible(cli.ok().out)


def test_a_workspace_that_is_a_link(cli: Cli, tmp_path: Path) -> None:
    """It is the folder it leads to, by whichever way one comes."""
    link = tmp_path / "link"
    link.symlink_to("work")
    cli.ok("exec", "--workspace", str(link), "--", "echo x > x")
    assert cli.ok("exec", "--", "cat x; pwd").out == f"x\n{cli.work}\n".encode()
    cli.ok("apply", "--workspace", str(link))
    assert (cli.work / "x").read_text() == "x\n" and link.is_symlink()
    assert len(cli.log()) == 3


def test_a_read_only_workspace(cli: Cli, tmp_path: Path) -> None:
    """Work goes on in the sandbox; what cannot be applied is a conflict, and nothing is touched."""
    before = tree_state(cli.work)
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    script = f"mount --bind '{cli.work}' '{cli.work}' && mount -o remount,bind,ro '{cli.work}' && cd '{cli.work}' && exec \"$@\""
    read_only = ("unshare", *user, "--mount", "sh", "-c", script, "sh")
    assert cli("exec", "--", "echo two > a.txt; cat a.txt", before=read_only).out == b"two\n"
    done = cli("apply", before=read_only)
    assert done.code == 4 and "a.txt" in done.err, done
    assert_same_tree(tree_state(cli.work), before)
    cli.ok("apply")
    assert (cli.work / "a.txt").read_text() == "two\n"


# What the user does meanwhile


def test_an_edit_underneath_is_a_conflict(cli: Cli) -> None:
    cli.ok("exec", "--", "echo agent > a.txt; echo new > new; rm src/b.py; mkdir made; echo x > made/x")
    (cli.work / "a.txt").write_text("the user's\n")
    (cli.work / "src/b.py").write_text("b = 'the user'\n")
    (cli.work / "new").mkdir()
    before = tree_state(cli.work)
    preview = cli("apply", "--preview")
    assert preview.code == 4
    done = cli("apply")
    assert done.code == 4 and done.out == b"", done
    for path, theirs, ours in (
        ("a.txt", 'modified, line 1: "the user\'s"', 'modified, there: "agent"'),
        ("src/b.py", "modified", "deleted"),
        ("new", "a folder", "created, 4 bytes"),
    ):
        (line,) = (line for line in done.err.splitlines() if line.startswith(f"  {path}: "))
        assert theirs in line.partition("agentrt (operation 1)")[0] and ours in line.partition("agentrt (op")[2], line
    document = cli("apply", "--json").json
    assert [conflict["path"] for conflict in document["conflicts"]] == ["a.txt", "new", "src/b.py"]
    assert all(conflict["operations"] == [1] for conflict in document["conflicts"])
    assert_same_tree(tree_state(cli.work), before)
    assert [operation["kind"] for operation in cli.log()] == ["act"]
    cli.ok("apply", "made")
    assert (cli.work / "made/x").read_text() == "x\n" and (cli.work / "a.txt").read_text() == "the user's\n"
    cli.ok("undo")
    assert_same_tree(tree_state(cli.work), before)


@pytest.mark.parametrize("words", [("undo",), ("undo", "2"), ("restore", "0"), ("restore", "1")], ids=" ".join)
def test_an_edit_after_an_apply_stops_its_undo(cli: Cli, words: tuple[str, ...]) -> None:
    before = tree_state(cli.work)
    cli.ok("exec", "--", "echo agent > a.txt; mkdir made; echo x > made/x")
    cli.ok("apply")
    (cli.work / "a.txt").write_text("the user's\n")
    (cli.work / "made/theirs").write_text("theirs\n")
    edited = tree_state(cli.work)
    done = cli(*words)
    assert done.code == 4 and "  a.txt: here modified, line 1" in done.err and "  made/theirs: " in done.err, done
    document = cli(words[0], "--json", *words[1:]).json
    assert {conflict["path"] for conflict in document["conflicts"]} == {"a.txt", "made/theirs"}
    assert cli(words[0], "--preview", *words[1:]).code == 4
    assert_same_tree(tree_state(cli.work), edited)
    assert [operation["kind"] for operation in cli.log()] == ["act", "apply"]
    (cli.work / "a.txt").write_text("agent\n")
    (cli.work / "made/theirs").unlink()
    cli.ok(*words)
    after = tree_state(cli.work, mtimes=False)
    assert_same_tree(after, {path: entry._replace(mtime_ns=None) for path, entry in before.items()})


def test_a_command_has_the_usual_signals_also_under_nohup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "work").mkdir()
    command = ["nohup", sys.executable, "-m", "agentrt", "exec", "--", "kill -HUP $$; echo survived"]
    done = subprocess.run(command, cwd=tmp_path / "work", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (129, "")
