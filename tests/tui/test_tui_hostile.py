"""Hostile text in every place where text appears: the app lives, and nothing of it reaches the terminal."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import hostile_ground
import pytest
import wire
from hostile_ground import EVIL, FOLDER, WORD, name
from person_ground import SUBMIT, Ground, bash, folder_of_a_test
from terminal import Terminal

USED = {
    b"[#H",  # the cursor goes somewhere
    b"[#m",  # looks
    b"[?25l",  # the cursor is hidden, shown
    b"[?25h",
    b"[?1049h",  # the other screen, and back
    b"[?1049l",
    b"[?1000h",  # the mouse, the focus, pastes, wrapping, keys
    b"[?1000l",
    b"[?1003h",
    b"[?1003l",
    b"[?1015h",
    b"[?1015l",
    b"[?1006h",
    b"[?1006l",
    b"[?1004h",
    b"[?1004l",
    b"[?2004h",
    b"[?2004l",
    b"[?7l",
    b"[?7h",
    b"[>25u",
    b"[<u",
    b"[?2026$p",  # what can it do?
    b"[?2048$p",
    b"]22;default\x07",  # the mouse pointer's shape
    b"]22;pointer\x07",
    b"]22;text\x07",
}
"""The sequences that Textual itself writes."""
UNSEEN = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufe0f\ufeff\U000e0000-\U000e007f]"
)


def assert_harmless(app: Terminal, *, questions: int = 0) -> None:
    """The bell rings once for each of the ``questions``."""
    seen = wire.read(app.wire())
    assert seen.kinds <= USED
    assert seen.controls <= {0x07, 0x0D, 0x0A}
    assert seen.text.count("\x07") == questions
    assert not UNSEEN.search(seen.text)
    assert "OWNED" in seen.text, "nothing hostile was shown"


@pytest.fixture
def ground(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    for folder in folder_of_a_test():
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        made = Ground(folder, FOLDER)
        made.script(SUBMIT)
        yield made


def paste(app: Terminal, text: str) -> None:
    app.send(b"\x1b[200~" + text.encode("utf-8", "surrogateescape") + b"\x1b[201~")


def click(app: Terminal, text: str) -> None:
    """Wherever it stands on the screen, and with ctrl, too."""
    for y, line in enumerate(app.screen().split("\n"), 1):
        for found in re.finditer(re.escape(text), line):
            for button in (0, 16):
                at = f"{button};{found.start() + 1};{y}"
                app.send(f"\x1b[<{at}M\x1b[<{at}m".encode())


def still_there(app: Terminal) -> None:
    app.press("C-p")
    app.wait("what to do, or the number")
    app.press("Escape")
    app.wait(gone=["what to do, or the number"])


def go_to(app: Terminal, number: int) -> None:
    app.press("C-p")
    app.wait("what to do, or the number")
    app.type(str(number))
    app.wait(f"go to {number}")
    app.press("Enter")
    app.wait(f"act {number}", "▸ Timeline", gone=["what to do"])


def test_a_harmless_session_needs_what_is_allowed_and_no_more(ground: Ground) -> None:
    with ground.open() as app:
        app.wait("Inbox 0")
        app.press("Escape")
        app.wait("▸ Timeline")
        app.press("q")
        app.wait("exit code 0")
    assert wire.read(app.wire()).kinds <= USED


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
def test_a_session_of_hostile_texts_is_walked_through(ground: Ground, size: tuple[int, int]) -> None:
    hostile_ground.write(ground.work)
    with ground.open(size=size) as app:
        app.wait("▸ Timeline", "▸     now", "2 to review")
        for number in range(20, 0, -1):
            app.press("k")
            app.wait(f"▸{number:>2} ", f"{ {19: 'apply', 18: 'reject', 20: 'fork'}.get(number, 'act') } {number}")
            if number == 2:
                app.press("k")  # a fork
                app.wait("▸   ⑂")
        click(app, "[@click")
        still_there(app)
        _look_at_the_diff(app)
        _screens(app)
        _ask_for_much(app)
        _type(app)
        app.press("C-q")
        app.wait("exit code 0")
    assert_harmless(app)


def _look_at_the_diff(app: Terminal) -> None:
    app.press("n")
    app.wait("▸ Inbox", "act 1")
    app.press("Enter")
    app.wait("│┏")
    app.press("Enter", "d", "j", "}", "Enter", "}", "Enter", "j", "j", "d", "End", "Home")
    app.press("x")
    app.wait("why")
    paste(app, EVIL)
    app.press("Enter")
    app.wait("a task for the agent")
    click(app, "[@click")
    still_there(app)


def _screens(app: Terminal) -> None:
    app.press("S")
    app.wait("Sessions of this workspace", "title")
    app.press("Tab")
    app.wait("Sessions of all workspaces")
    app.press("q")
    app.wait(gone=["Sessions of"])
    app.press("?")
    app.wait("any key closes")
    app.press("q")
    app.wait(gone=["any key closes"])
    go_to(app, 17)
    app.press("/")
    app.wait("┏━ filter: words")
    paste(app, f"{EVIL} [@click")
    app.press("Enter")
    app.wait(gone=["filter: words"])
    app.press("/")
    app.wait("┏━ filter: words")
    app.press("Escape")
    app.wait("Timeline 20", gone=["filter: words"])


def _ask_for_much(app: Terminal) -> None:
    """What is answered, refused and asked back quotes what it is about. Nothing is kept of that session's files."""
    app.press("n")
    app.wait("▸ Inbox 2")
    asked = {
        "a": "Timeline 21",
        "A": "this cannot become a rule",
        "v": "could not look",
        "U": "Timeline 22",
        "p": "┏━ act",
        "u": "Timeline 23",
        "r": "nothing to redo",
        "w": "could not",
        "o": "after operation",
    }
    for key, answer in asked.items():
        app.press(key)
        app.wait(answer)


def _type(app: Terminal) -> None:
    go_to(app, 17)
    app.press("G")
    app.wait("▸     now")
    app.press("Enter")
    app.wait("┏━ a task")
    paste(app, f"begin {EVIL}\x1b[13u\x1b\r\x1b[\r\x1b end")
    app.wait("┃  end", "┏━ a task")
    app.press("C-j")
    app.press("Enter")
    app.wait("▸     now", gone=["┃  end"])
    app.press("Up", "Up", "Up", "Up")
    # A terminal lets nothing end a paste but itself. One that does lets the rest be typed.
    paste(app, "\x1b[201~\x1b]0;OWNED\x07 \x1b[?1003h zz")


def test_a_hostile_agent_is_watched_and_reviewed(ground: Ground) -> None:
    """It really does it, in a sandbox: names, contents, output that streams, a link, a question."""
    given = ground.work / "given"
    given.mkdir()
    (given / name()).write_bytes(EVIL.encode("utf-8", "surrogateescape") * 3)
    (given / "long.py").write_bytes(b"x = '" + b"A\x1b[31m" * 200_000 + b"'\n")
    (given / "lines.md").write_bytes(b"\r".join([EVIL.encode("utf-8", "surrogateescape")] * 50) + b"\n")
    (ground.work / f"@{name(200)}").touch()
    command = 'for f in given/*; do echo more >> "$f"; cat "$f"; done; cp -r given made; ln -s "$(printf \'' + (
        r"\033]0;OWNED\007[@click=app.exit]"
        + "')\" link; mv given/long.py \"$(printf 'a\\033]0;OWNED\\007\\n[bold]')\""
    )
    ask = {"text": WORD, "actions": [{"ask": {"question": f"question {WORD}"}}]}
    ground.script(bash(command, f"# {WORD}\n[x](javascript:y) ![z](http://e/) <b>{WORD}</b>"), ask, SUBMIT)
    with ground.open(size=(100, 30)) as app:
        app.wait("Inbox 0")
        paste(app, f"do [@click=app.exit] {EVIL}")
        app.press("Enter")
        app.wait("asks you", "a question", "question \\x1b]0;OWNED")
        app.press("Escape")
        app.wait("▸ Timeline")
        click(app, "[@click")
        still_there(app)
        app.press("n")
        app.wait("▸ Inbox")
        app.press("Enter")
        app.wait("┏━ your answer to the agent")  # until then keys and pastes are the inbox's
        paste(app, EVIL)
        app.press("Enter")
        app.wait("idle", "step 3", "Inbox 1")
        app.press("n")
        app.wait("▸ Inbox", "act 1")
        app.press("Enter")
        app.wait("│┏", "OWNED")
        app.press("d", "}", "Enter", "j", "j", "}", "}", "Enter", "j", "d", "End")
        app.press("x")
        app.wait("why")
        app.press("Enter")
        app.wait("reject of 1")
        app.press("w")
        app.wait("esc leave it", "OWNED")
        app.press("w")
        app.wait("applied", "apply")
        app.press("q")
        app.wait("exit code 0")
    assert_harmless(app, questions=1)
    assert (ground.work / "link").is_symlink()


def test_followed_line_by_line_nothing_acts_either(ground: Ground) -> None:
    hostile_ground.write(ground.work)
    with ground.open("log", "--follow") as app:
        app.wait("following session", "OWNED")
        os.kill(ground.app(), signal.SIGINT)
        app.wait("exit code 130")
    seen = wire.read(app.wire())
    assert seen.kinds == set()
    assert seen.controls <= {0x0D, 0x0A}
    assert not UNSEEN.search(seen.text)
