"""Every tool keeps to the contract; the kit finds those that do not."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest

from agentrt.contracts import World
from agentrt.plugins import find, names
from agentrt.records import Action, Observation
from agentrt.testing.plain_world import PlainWorld
from agentrt.testing.tool_kit import check_tool
from agentrt.tools.bash import BashTool
from agentrt.tools.databases.sqlite import open_database
from agentrt.tools.files import ReadTool

_PATCH = "*** Begin Patch\n*** Update File: a.txt\n-one\n+1\n*** Delete File: b.txt\n*** End Patch\n"
_EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "bash": [{"command": "echo hi\nls"}, {"command": "true", "cwd": "sub", "seconds": 5}],
    "read": [{"path": "a.txt"}, {"path": "a\nb"}, {"path": "a.txt", "start": 2, "end": 3}, {"output": 1}],
    "write": [{"path": "new/b.txt", "content": "x\ny\udcff"}],
    "edit": [
        {"path": "a.txt", "old": "one\n", "new": ""},
        {"path": "a.txt", "old": "o", "new": "0", "all": True},
        {"path": "a.txt", "insert": "zero", "line": 0},
        {"patch": _PATCH},
        {"patch": "no\npatch"},
    ],
    "search": [{"pattern": "o"}, {"glob": "*.txt", "ignored": True}, {"pattern": "(", "path": "sub"}],
    "git": [{"args": ["status"]}, {"args": ["commit", "-m", "a\nb"]}],
    "sql": [
        {"database": "app", "statement": "SELECT * FROM t\nWHERE x = ?", "parameters": [1]},
        {"database": "app", "statement": "INSERT INTO t VALUES (2); SELECT 1"},
        {"database": "app", "statement": "no\nsql"},
        {"database": "other", "statement": "SELECT 1"},
    ],
    "http": [
        {"url": "http://a.example/x\ny"},
        {
            "method": "POST",
            "url": "https://a.example/",
            "body": "{}",
            "undo": {"method": "DELETE", "url": "{location}"},
        },
    ],
    "api": [
        {"api": "github", "operation": "get_issue", "arguments": {"owner": "o", "repo": "r", "number": 1}},
        {"api": "nobody's", "operation": "any\nthing"},
    ],
    "calls": [
        {"calls": {"a": {"api": "github", "operation": "get_issue", "arguments": {}}}},
        {"calls": {"a": {"api": "x", "operation": "y", "arguments": {"of": "{a/b}"}}}},
    ],
    "push": [{"branch": "main"}, {"remote": "x", "branch": "a\nb", "to": "-c"}],
    "narrow": [{"rules": {"files": {"read_only": ["src/**"]}}}, {"rules": {"nonsense": 1}}],
}


@pytest.mark.parametrize("name", sorted(_EXAMPLES))
def test_a_tool_of_ours_keeps_to_the_contract(name: str, tmp_path: Path) -> None:
    numbers = itertools.count()

    def world() -> World:
        root = tmp_path / str(next(numbers))
        (root / "sub").mkdir(parents=True)
        (root / "a.txt").write_text("one\ntwo\nthree\n")
        (root / "b.txt").write_text("b\n")
        with closing(sqlite3.connect(root / "app.db")) as db:
            db.executescript("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        app = open_database("sqlite:///app.db", name="app", folder=root, aside=root / "aside")
        return PlainWorld(root, outputs={1: b"one\ntwo\n"}, databases={"app": app})

    anyio.run(check_tool, find("agentrt.tools", name)(), world, _EXAMPLES[name])


def test_all_tools_are_tried() -> None:
    assert set(_EXAMPLES) == set(names("agentrt.tools"))


class _Undocumented(Action):
    kind: Literal["bash"] = "bash"
    command: str


class _Unnamed(Action):
    kind: str = "bash"


class _Loose(_Unnamed, extra="ignore"):
    kind: Literal["bash"] = "bash"


class _Swallowing(ReadTool):
    async def run(self, action: Action, world: World) -> Observation:
        try:
            return await super().run(action, world)
        except Exception as error:
            return Observation(error=str(error))


class _Raising(ReadTool):
    async def run(self, action: Action, world: World) -> Observation:
        return world.show((await world.read("a.txt")).decode())


class _Silent(ReadTool):
    async def run(self, action: Action, world: World) -> Observation:
        seen = await super().run(action, world)
        return seen.model_copy(update={"error": None})


class _Wordy(ReadTool):
    def show(self, action: Action) -> str:
        return "read\na file"


def _bash(**changed: Any) -> Any:
    return type("Changed", (BashTool,), changed)()


@pytest.mark.parametrize(
    ("tool", "example", "message"),
    [
        (_bash(name="Bash!"), {}, "a name is a lower-case word"),
        (_bash(description=" "), {}, "told what the tool does"),
        (_bash(action=_Undocumented), {"command": "x"}, "command: a docstring under the field"),
        (_bash(action=_Unnamed), {}, 'kind is Literal["bash"]'),
        (_bash(action=_Loose), {}, "an unknown field is an error"),
        (_Swallowing(), {"path": "a.txt"}, "SandboxError must pass"),
        (_Raising(), {"path": "a.txt"}, "run raised PermissionError"),
        (_Silent(), {"path": "a.txt"}, "has an error or an exit code"),
        (_Wordy(), {"path": "a.txt"}, "show gives one line"),
    ],
)
def test_the_kit_finds_a_tool_that_does_not(tmp_path: Path, tool: Any, example: dict[str, Any], message: str) -> None:
    (tmp_path / "a.txt").write_text("x\n")
    with pytest.raises(AssertionError) as caught:
        anyio.run(check_tool, tool, lambda: PlainWorld(tmp_path), [example])
    assert message in str(caught.value)


def test_the_kit_wants_something_to_try(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="nothing to try"):
        anyio.run(check_tool, BashTool(), lambda: PlainWorld(tmp_path), [])
