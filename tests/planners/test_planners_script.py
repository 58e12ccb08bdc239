"""The script planner: what it proposes is read from the conversation and nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agentrt.documents import load_yaml
from agentrt.errors import DocumentError, PlannerError
from agentrt.planners.script import ScriptPlanner, open_planner
from agentrt.records import Message, Turn

SCRIPT = """\
turns:
  - text: look
    actions:
      - bash: {command: python3 -m unittest}
      - read: {path: calc.py}
  - when: FAILED
    text: repair
    actions:
      - edit: {path: calc.py, old: a - b, new: a + b}
  - when: ^OK$
    actions:
      - submit: {text: nothing to do}
  - expect: OK
    actions:
      - submit:
"""


class Talk:
    """A conversation as the journal would keep it."""

    def __init__(self, planner: ScriptPlanner) -> None:
        self.planner = planner
        self.messages: list[Message] = []
        self.say("task", {"text": "x"})

    def say(self, role: str, body: dict[str, Any]) -> None:
        self.messages.append(Message(id=len(self.messages) + 1, role=role, body=body))

    def turn(self) -> Turn:
        turn = asyncio.run(self.planner.plan(self.messages, ()))
        self.say("planner", turn.to_dict())
        return turn

    def hear(self, call: str, text: str) -> None:
        self.say("observation", {"call": call, "text": text, "operation": None})


def script(tmp_path: Path, text: str = SCRIPT) -> ScriptPlanner:
    (tmp_path / "s.yaml").write_text(text)
    return open_planner({"script": "s.yaml"}, folder=tmp_path)


def calls(turn: Turn) -> list[tuple[str, str]]:
    return [(action.call, action.kind) for action in turn.actions]


def test_a_script_is_followed_and_what_does_not_match_is_passed_over(tmp_path: Path) -> None:
    talk = Talk(script(tmp_path))
    first = talk.turn()
    assert (first.text, calls(first)) == ("look", [("1.1", "bash"), ("1.2", "read")])
    assert first.actions[0].arguments == {"command": "python3 -m unittest"}
    talk.hear("1.1", "exit code 1\nFAILED (failures=1)")
    talk.hear("1.2", "def add")
    assert calls(talk.turn()) == [("2.1", "edit")]
    talk.hear("2.1", "done: OK")
    last = talk.turn()
    assert calls(last) == [("4.1", "submit")]
    assert last.actions[0].arguments == {}
    talk.hear("4.1", "handed in")
    assert talk.turn().actions == ()


def test_when_is_searched_in_the_observations_since_the_last_turn_only(tmp_path: Path) -> None:
    talk = Talk(script(tmp_path))
    talk.turn()
    talk.hear("1.1", "FAILED")
    talk.hear("1.2", "x")
    talk.turn()
    talk.hear("2.1", "x\nOK\n")
    assert calls(talk.turn()) == [("3.1", "submit")]


def test_what_was_expected_and_did_not_come_is_told(tmp_path: Path) -> None:
    talk = Talk(script(tmp_path))
    talk.turn()
    talk.hear("1.1", "no python here")
    talk.hear("1.2", "nor calc.py")
    with pytest.raises(PlannerError) as caught:
        talk.turn()
    assert str(caught.value) == (
        f'{tmp_path / "s.yaml"}:13:13: expected a match of "OK", but came:\nno python here\nnor calc.py'
    )


def test_after_an_undo_the_script_goes_back_too(tmp_path: Path) -> None:
    talk = Talk(script(tmp_path))
    talk.turn()
    before = list(talk.messages)
    talk.hear("1.1", "FAILED")
    talk.hear("1.2", "x")
    talk.turn()
    talk.messages = before
    talk.say("notice", {"text": "the user undid operations 1 to 3"})
    assert calls(talk.turn()) == [("1.1", "bash"), ("1.2", "read")]


def test_a_turn_that_was_cut_off_is_continued_where_it_was(tmp_path: Path) -> None:
    talk = Talk(script(tmp_path))
    talk.turn()
    talk.hear("1.1", "FAILED")
    assert calls(talk.turn()) == [("1.2", "read")]
    talk.hear("1.2", "FAILED")
    assert calls(talk.turn()) == [("2.1", "edit")]


def test_another_planners_turns_are_not_counted(tmp_path: Path) -> None:
    talk = Talk(script(tmp_path))
    talk.say("planner", {"text": "hm", "actions": [{"call": "toolu_7", "kind": "bash", "arguments": {}}]})
    talk.hear("toolu_7", "x")
    assert calls(talk.turn())[0] == ("1.1", "bash")


def test_a_shorter_script_ends(tmp_path: Path) -> None:
    talk = Talk(script(tmp_path, "turns: [{actions: [{submit: {}}]}]\n"))
    talk.say("planner", {"text": "", "actions": [{"call": "9.1", "kind": "bash", "arguments": {}}]})
    talk.hear("9.1", "x")
    assert talk.turn().actions == ()


@pytest.mark.parametrize(
    ("text", "where", "message", "hint"),
    [
        ("turn: []\n", "1:1", "unknown key `turn`", "did you mean `turns`?"),
        ("turns: []\n", "1:8", "`turns` must not be empty", ""),
        ("turns:\n  - text: x\n", "2:5", "`actions` is missing", ""),
        ("turns:\n  - actions: []\n", "2:14", "`actions` must not be empty", ""),
        ("turns:\n  - actions: {bash: {}}\n", "2:14", "`actions` must be a list, not a mapping", ""),
        (
            "turns:\n  - actoins: []\n    actions: [{submit: {}}]\n",
            "2:5",
            "unknown key `actoins`",
            "did you mean `actions`?",
        ),
        (
            "turns:\n  - actions:\n      - bash\n",
            "3:9",
            'expected one action, such as `bash: {command: ls}`, not text "bash"',
            "",
        ),
        (
            "turns:\n  - actions:\n      - bash: {command: ls}\n        read: {path: x}\n",
            "3:9",
            "expected one action, such as `bash: {command: ls}`, not 2 at once",
            "",
        ),
        (
            "turns:\n  - actions:\n      - bash: ls\n",
            "3:9",
            'expected the arguments of `bash` as a mapping, not text "ls"',
            "",
        ),
        (
            "turns:\n  - when: '('\n    actions: [{submit: {}}]\n",
            "2:11",
            "not a regular expression: missing ), unterminated subpattern at position 0",
            "",
        ),
        (
            "turns:\n  - expect: 5\n    actions: [{submit: {}}]\n",
            "2:13",
            "expected a regular expression, not the number 5",
            "",
        ),
    ],
)
def test_a_malformed_script(tmp_path: Path, text: str, where: str, message: str, hint: str) -> None:
    with pytest.raises(DocumentError) as caught:
        script(tmp_path, text)
    assert caught.value.where == f"{tmp_path / 's.yaml'}:{where}"
    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("action", "where", "message", "hint"),
    [
        ("bahs: {command: ls}", "4:9", 'no action is called "bahs"', "did you mean `bash`?"),
        ("sbumit: {}", "4:9", 'no action is called "sbumit"', "did you mean `submit`?"),
        (
            "rm: {path: x}",
            "4:9",
            'no action is called "rm"',
            "there is `api`, `ask`, `bash`, `calls`, `edit`, `git`, `http`, `narrow`, `plan`, `push`, `read`, `search`, `sql`, `submit`, `talk`, `write`",
        ),
        ("bash: {comand: ls}", "4:16", "bash: unknown argument `comand`", "did you mean `command`?"),
        ("read: {path: x, strat: 3}", "4:25", "read: unknown argument `strat`", "did you mean `start`?"),
        (
            "git: {args: [log], kid: x}",
            "4:28",
            "git: unknown argument `kid`",
            "there is `args`",
        ),
        (
            "bash: {kind: bash, command: ls}",
            "4:16",
            "bash: unknown argument `kind`",
            "it is the name of the action itself",
        ),
        (
            "bash: {command: [ls]}",
            "4:25",
            "bash: `command` must be text, not a list",
            "it takes `command`, `cwd` (optional), `seconds` (optional)",
        ),
        (
            "bash:\n          command: ls\n          seconds: soon",
            "6:20",
            'bash: `seconds` must be a number, not text "soon"',
            "it takes `command`, `cwd` (optional), `seconds` (optional)",
        ),
        (
            "git: {args: [log, 5]}",
            "4:27",
            "git: item 2 of `args` must be text, not the number 5",
            "it takes `args`",
        ),
        (
            "write: {path: x}",
            "4:16",
            "write: `content` is missing",
            "it takes `path`, `content`",
        ),
        ("bash:", "4:9", "bash: `command` is missing", "it takes `command`, `cwd` (optional), `seconds` (optional)"),
        ("submit: {txt: done}", "4:18", "submit: unknown argument `txt`", "did you mean `text`?"),
        (
            "submit: {text: [done]}",
            "4:24",
            "submit: `text` must be text, not a list",
            "it takes `text` (optional)",
        ),
        (
            "bash: {}\n      - bahs: {}\n      - read: {pth: x}",
            "4:15",
            "bash: `command` is missing (and 2 more)",
            "it takes `command`, `cwd` (optional), `seconds` (optional)",
        ),
    ],
)
def test_an_action_no_tool_takes_is_refused_when_the_script_is_read(
    tmp_path: Path, action: str, where: str, message: str, hint: str
) -> None:
    with pytest.raises(DocumentError) as caught:
        script(tmp_path, f"turns:\n  - actions:\n      - bash: {{command: ls}}\n      - {action}\n")
    assert caught.value.where == f"{tmp_path / 's.yaml'}:{where}"
    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("planner", "where", "message"),
    [
        ("{script: s.yaml, file: s.yaml}", "1:10", "the script planner needs one file"),
        ("{provider: script}", "1:10", "the script planner needs one file"),
        ("{provider: script, fil: s.yaml}", "1:29", "unknown key `fil`"),
        ("{script: [s.yaml]}", "1:19", "`script` must be text, not a list"),
    ],
)
def test_malformed_options_point_into_the_task(tmp_path: Path, planner: str, where: str, message: str) -> None:
    (tmp_path / "task.yaml").write_text(f"planner: {planner}\n")
    options = load_yaml(tmp_path / "task.yaml").data["planner"]
    with pytest.raises(DocumentError) as caught:
        open_planner(options, folder=tmp_path)
    assert (caught.value.where, caught.value.message) == (f"{tmp_path / 'task.yaml'}:{where}", message)


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"gone\.yaml:1:1: no such file"):
        open_planner({"provider": "script", "file": "gone.yaml"}, folder=tmp_path)
