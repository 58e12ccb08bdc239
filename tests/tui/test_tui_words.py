"""What is typed at the bottom: history, commands, completion."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentrt.records import Message
from agentrt.tui.words import History, command, completion, files_of, typed_before

FILES = ["src/a.py", "src/ab.py", "README.md", "docs/read me.md"]


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("fix @src/a.", "py"),
        ("fix @src/a", ".py"),
        ("@R", "EADME.md"),
        ("see @docs", "/read me.md"),
        ("fix @src/a.py", ""),
        ("fix @nothing", ""),
        ("mail me@src", ""),
        ("fix src", ""),
        ("@src/a.py and", ""),
        ("", ""),
    ],
)
def test_completion(text: str, more: str) -> None:
    assert completion(text, FILES) == more


@pytest.mark.parametrize(
    ("text", "what"), [("!ls -l", "ls -l"), ("! ls", "ls"), ("ls", None), ("say !", None), ("!", "")]
)
def test_a_command_of_ones_own(text: str, what: str | None) -> None:
    assert command(text) == what


@given(st.lists(st.text(min_size=1)), st.text())
def test_back_through_history_and_forth(typed: list[str], draft: str) -> None:
    history, text, seen = History(), draft, []
    for one in typed:
        history = history.add(one)
    while (step := history.older(text)) is not None:
        history, text = step
        seen.append(text)
    assert seen == [one for at, one in enumerate(typed) if at == 0 or typed[at - 1] != one][::-1]
    while (step := history.newer()) is not None:
        history, text = step
    assert (text, history.at) == (draft, 0)


def test_what_was_typed_before_is_in_the_journal() -> None:
    said = [
        Message(id=1, role="task", body={"text": "mend it"}),
        Message(id=2, role="planner", body={"text": "I will"}),
        Message(id=3, role="notice", body={"text": "The user says:\nand test it", "asked": "and test it"}),
        Message(id=4, role="notice", body={"text": "The user undid operation 1."}),
    ]
    found = typed_before(said, ["ls", "ls"])
    assert found.typed == ("!ls", "mend it", "and test it")


def test_files_for_completion(tmp_path: Path) -> None:
    for name in ("b/c.txt", "a.txt", ".git/config", "b/.hidden", "odd\n.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert files_of(tmp_path) == ["a.txt", "b/c.txt"]
