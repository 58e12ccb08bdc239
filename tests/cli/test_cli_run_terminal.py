"""A run watched at a terminal: what scrolls, what is drawn over, and who is asked."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
from cli_ground import Cli
from run_ground import SUBMIT, Ground, bash


@pytest.fixture
def ground(tmp_path: Path, workspace: Path, environment: dict[str, str]) -> Ground:
    return Ground(tmp_path, workspace, environment)


def said(*pieces: str) -> list[dict[str, object]]:
    """Steps of a planner, slow enough to be seen one by one."""
    return [step for piece in pieces for step in ({"say": piece}, {"pause": 0.15})]


def test_in_the_end_the_terminal_has_the_lines_of_a_pipe(ground: Ground, cli: Cli) -> None:
    text = "First this.\n\nThen \t that; 漢字 as well."
    turns = (
        bash("echo x > x", steps=said("First th", "is.\n", "\nThen \t that; 漢", "字 as well."), text=text),
        {"actions": [["bash", {"command": "exit 3"}], ["nonsense", {}]], "text": "not streamed"},
        SUBMIT,
    )
    task = ground.task(*turns, more="rules: [{rule: there, check: test -e x}]\n")
    terminal = ground.terminal(task)
    assert terminal.end() == 0
    piped = cli(str(task), **ground.env)
    assert piped.code == 0 and "\x1b" not in piped.out and "\r" not in piped.out
    shown = [re.sub(r"\d+ s$", "N s", row.rstrip()) for row in terminal.rows]
    there = [
        re.sub(r"\d+ s$", "N s", row.rstrip()) for row in piped.out.replace("session s2", "session s1").split("\n")
    ]
    assert shown == there
    assert "First this." in shown and "Then \t that; 漢字 as well." in shown
    assert any("│ turn 0/100 · action 0/50 · " in row for row in re.split(r"[\r\n]", terminal.raw.decode()))


def test_what_comes_is_shown_at_once_and_not_again(ground: Ground) -> None:
    steps = [{"say": "I look\nat it no"}, {"pause": 0.5}, {"say": "w"}]
    terminal = ground.terminal(ground.task(bash("true", steps=steps, text="I look\nat it now, and go on"), SUBMIT))
    terminal.until("at it no")
    assert b"at it now" not in terminal.raw
    assert terminal.end() == 0
    assert [row for row in terminal.rows if "look" in row or "at it" in row] == ["I look", "at it now, and go on"]


def test_a_delay_voids_what_was_said_and_says_how_long(ground: Ground) -> None:
    steps = [*said("half an ans"), {"delay": [3.0, "429 slow\x1b[2J down"]}, {"pause": 0.3}, *said("a whole one")]
    terminal = ground.terminal(ground.task(bash("true", steps=steps, text="a whole one"), SUBMIT))
    assert terminal.end() == 0
    rows = terminal.rows
    at = rows.index("half an ans")
    assert rows[at + 1 : at + 3] == ["  what it has said so far is void", "  429 slow\\x1b[2J down, asked again in 3 s"]
    assert rows.count("a whole one") == 1


def test_no_control_character_gets_through_in_however_many_pieces(ground: Ground) -> None:
    pieces = ("a\x1b", "[2J", "\x1b", "]0;title\x07", "\u202e", "b\r", "\nc\x9b1m")
    turns = (bash("printf '\\033[31m\\n' >&2; exit 1", steps=said(*pieces), text="".join(pieces)), SUBMIT)
    terminal = ground.terminal(ground.task(*turns))
    assert terminal.end() == 0
    shown = "\n".join(terminal.rows)  # which takes no other sequence than those that draw
    assert "a\\x1b[2J\\x1b]0;title\\x07\\u202eb" in shown and "c\\x9b1m" in shown and "| \\x1b[31m" in shown


@pytest.mark.parametrize("env", ({"TERM": "dumb"}, {"TERM": ""}))
def test_a_dumb_terminal_gets_lines(ground: Ground, env: dict[str, str]) -> None:
    terminal = ground.terminal(ground.task(bash("true", steps=said("hel", "lo"), text="hello"), SUBMIT), **env)
    assert terminal.end() == 0
    assert b"\x1b" not in terminal.raw and b"\r\r" not in terminal.raw and terminal.rows.count("hello") == 1


def test_without_colours_nothing_is_dimmed(ground: Ground) -> None:
    task = ground.task(bash("sleep 0.5"), SUBMIT)
    plain = ground.terminal(task, NO_COLOR="1")
    assert plain.end() == 0 and b"m" not in re.sub(
        rb"[^\x1b]*\x1b\[\d*(.)", rb"\1", plain.raw[: plain.raw.rfind(b"\x1b")]
    )
    dim = ground.terminal(task)
    assert dim.end() == 0 and b"\x1b[2m" in dim.raw


def test_nothing_that_is_drawn_over_is_wider_than_the_terminal(ground: Ground) -> None:
    long = "漢字" * 40
    turns = (bash(f"sleep 1; : {long}", steps=said(long, long), text=long * 2), bash(f"sleep 1; : {long}"), SUBMIT)
    terminal = ground.terminal(ground.task(*turns), columns=60)
    terminal.until("→")
    terminal.resize(40)
    terminal.until("action 2/")
    at = terminal.raw.rfind(b"action 2/")
    assert terminal.end() == 0

    def widest(raw: bytes) -> int:
        rows = re.findall(r"(?:\x1b\[2m)([^\x1b]*)\x1b\[22m", raw.decode(errors="ignore"))
        return max(sum(2 if ord(character) > 0x2E80 else 1 for character in row) for row in rows)

    assert widest(terminal.raw) < 60 and widest(terminal.raw[at:]) < 40


def test_fast_actions_are_not_drawn_one_by_one(ground: Ground) -> None:
    actions = [["bash", {"command": "true"}]] * 40
    task = ground.task({"actions": actions}, {"steps": [{"pause": 1.5}], **SUBMIT}, more="limits: {actions: 100}\n")
    terminal = ground.terminal(task)
    assert terminal.end() == 0
    assert sum(row.startswith("→") for row in terminal.rows) == 40
    quiet = terminal.raw[terminal.raw.rfind(b"operation 40") :]
    assert quiet.count(b"\x1b[J") < 8, "while nothing happens only the seconds change"


# Questions


def test_a_person_answers_the_agents_own_question(ground: Ground, cli: Cli) -> None:
    task = ground.task({"actions": [["ask", {"question": "red or\n\x1b[31mblue?"}]]}, SUBMIT)
    terminal = ground.terminal(task)
    terminal.until("or an empty line: ")
    terminal.type("blue, please\n")
    assert terminal.end() == 0
    rows = terminal.rows
    at = rows.index("the agent asks:")
    assert rows[at + 1 : at + 4] == [
        "  red or",
        "  \\x1b[31mblue?",
        "your answer, or an empty line: blue, please",
    ]
    again = ground.terminal(task)
    again.until("or an empty line: ")
    again.type("\n")
    assert again.end() == 0
    nobody = cli(str(task), **ground.env)
    assert nobody.code == 0 and "the agent asks:" not in nobody.out + nobody.err


POLICY = "decide:\n  - {verdict: ask, run: [touch **], because: look first}\n"


def test_nothing_is_drawn_while_a_person_is_asked(ground: Ground) -> None:
    ground.policy(POLICY)
    terminal = ground.terminal(ground.task(bash("touch made"), SUBMIT))
    terminal.until("why not: ")
    before = terminal.raw
    terminal.listen(1.5)  # longer than a status line stays as it is
    assert terminal.raw == before
    terminal.type("y\n")
    assert terminal.end() == 0


@pytest.mark.parametrize("question", ("ask", "policy"))
def test_an_interrupt_at_a_question_is_one_on_whichever_thread_it_comes(ground: Ground, question: str) -> None:
    ground.policy(POLICY)
    turn = bash("touch made") if question == "policy" else {"actions": [["ask", {"question": "and now?"}]]}
    terminal = ground.terminal(ground.task(turn, SUBMIT))
    terminal.until(": " if question == "policy" else "empty line: ")
    terminal.signal_thread(signal.SIGINT)
    assert terminal.end() == 130
    assert terminal.rows[-2].endswith("agentrt: interrupted; to go on: agentrt run --resume")


def test_which_agent_of_a_crew_is_at_work(ground: Ground) -> None:
    turns = (bash("echo x > x", steps=said("I wri", "te"), text="I write"), SUBMIT)
    terminal = ground.terminal(ground.task(*turns, more="crew: {agents: {maker: {}, judge: {}}}\n"))
    assert terminal.end() == 0
    assert {"maker: I write", "→ maker: $ echo x > x", "judge: I write"} <= set(terminal.rows)
    assert re.search(r"maker: (thinking|answering) \d+ s │", terminal.raw.decode())
