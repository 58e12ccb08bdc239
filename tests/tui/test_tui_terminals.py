"""Terminals that can do little, are tiny or huge, or are none: the app is readable, or says what to do instead."""

from __future__ import annotations

import os
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest
import wire
from person_ground import Ground, folder_of_a_test
from terminal import Terminal


@pytest.fixture(scope="module")
def worked() -> Iterator[Ground]:
    """One operation that is accepted, one to review, one that is undone."""
    for folder in folder_of_a_test():
        made = Ground(folder)
        (made.work / "a.txt").write_text("one\n")
        for command in ("echo new > b.txt", "echo two >> a.txt", "echo gone > c.txt"):
            made.run("exec", "--", "sh", "-c", command)
        made.run("undo")
        made.run("accept", "1")
        yield made


def read_states(app: Terminal) -> None:
    """From the start of the timeline to its end, and one operation whole."""
    app.wait("Timeline 5", "Inbox 1")
    for number, state in ((1, "✓ accepted"), (2, "● to review"), (3, "↶ undone")):
        app.press(*["Home", *["j"] * number])
        app.wait(f"act {number}", state)


def leave(app: Terminal) -> None:
    app.press("q")
    app.wait("exit code 0")


def test_no_color_is_no_colour_at_all(worked: Ground) -> None:
    for more in ({}, {"COLORTERM": "truecolor"}, {"TERM": "xterm"}):
        with worked.open(NO_COLOR="1", **more) as app:
            read_states(app)
            app.press("Enter", "?")
            app.wait("any key closes")
            app.press("Escape")
            app.wait(gone=["any key closes"])
            leave(app)
        assert wire.read(app.wire()).colours == set()


@pytest.mark.parametrize("term", ["xterm", "linux", "vt100", "screen"])
def test_sixteen_colours_are_the_terminals_own(worked: Ground, term: str) -> None:
    with worked.open(TERM=term, COLORTERM="") as app:
        read_states(app)
        leave(app)
    colours = wire.read(app.wire()).colours
    assert colours
    assert not colours & {38, 48}


def test_more_colours_are_used_where_they_are(worked: Ground) -> None:
    with worked.open(TERM="xterm-256color", COLORTERM="") as app:
        read_states(app)
        leave(app)
    assert 38 in wire.read(app.wire()).colours


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_glyphs_are_utf_8_also_where_the_locale_says_nothing(worked: Ground, locale: str) -> None:
    with worked.open(LC_ALL=locale, LANG="") as app:
        read_states(app)
        leave(app)
    assert wire.read(app.wire()).controls <= {0x0D, 0x0A}


@pytest.mark.parametrize(
    "words",
    [
        ["env", "TERM=dumb"],
        ["env", "TERM=unknown"],
        ["env", "PYTHONIOENCODING=latin-1"],
        ["sh", "-c", 'exec "$@" 2>&1 >/dev/null', "sh"],
    ],
)
def test_where_nothing_can_be_drawn_it_says_what_to_do(worked: Ground, words: list[str]) -> None:
    for command in (worked.command("tui"), worked.command()):
        if words[0] == "sh" and command[-1] != "tui":
            continue  # it says how things stand
        folder = worked.folder / f"none{len(list(worked.folder.iterdir()))}"
        folder.mkdir()
        with Terminal([*words, *command], folder, cwd=worked.work, env=worked.env) as app:
            app.wait("agentrt: the app needs", "agentrt log --follow", "exit code 2")
        assert b"\x1b" not in app.wire()


def test_an_error_stream_that_is_elsewhere_is_not_drawn_on(worked: Ground) -> None:
    """Textual draws on it."""
    words = ["sh", "-c", 'exec "$@" 2>err', "sh", *worked.command("tui")]
    folder = worked.folder / "err"
    folder.mkdir()
    with Terminal(words, folder, cwd=worked.work, env=worked.env) as app:
        app.wait("exit code 2")
    assert "log --follow" in (worked.work / "err").read_text()


def test_tiny_and_huge(worked: Ground) -> None:
    with worked.open(size=(300, 80)) as app:
        app.wait("Timeline 5", "accepted", "● ", "to review", "↶ undone", "? help")
        app.resize(40, 10)
        app.wait("Inbox", "idle", gone=["? help"])
        app.press("n", "Enter")
        app.resize(20, 5)
        app.press("j", "k", "G", "Tab", "Tab")
        app.resize(1, 1)
        app.resize(80, 24)
        app.wait("Timeline 5", "Inbox 1", "a task for the agent", "1 to review")
        app.press("C-q")
        app.wait("exit code 0")
    for size in ((40, 10), (20, 5)):
        with worked.open(size=size) as app:
            app.wait("idle")
            app.press("n", "Enter", "?")
            app.wait_any("esc", "Keys", "─")
            app.press("x")
            app.press("C-q")
            app.wait("exit code 0")


def test_a_terminal_that_goes_away_takes_the_app_with_it(worked: Ground) -> None:
    """Also where no signal says so, as where a program in between made the terminal."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    env = {**os.environ, **worked.env}
    app = subprocess.Popen(worked.command(), cwd=worked.work, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while b"Timeline" not in shown:
            shown += os.read(ours, 65536)
        os.close(ours)
        assert app.wait(60) == 129
    finally:
        app.kill()
        app.wait()


BROKEN = """
from agentrt.cli.main import main
from agentrt.tui.app import AgentrtApp

def broken(self):
    text = "\\x1b]0;evil\\x07"
    raise ValueError(text)

AgentrtApp.action_help = broken
main([])
"""


def test_what_the_app_dies_of_is_told_in_a_line(worked: Ground) -> None:
    folder = worked.folder / "broken"
    folder.mkdir()
    command = [sys.executable, "-c", BROKEN]
    with Terminal(command, folder, cwd=worked.work, size=(80, 24), env=worked.env) as app:
        app.wait("Timeline 5")
        app.press("?")
        app.wait("this is a bug in agentrt: ValueError: \\x1b]0;evil\\x07", "exit code 1", gone=["Traceback"])
