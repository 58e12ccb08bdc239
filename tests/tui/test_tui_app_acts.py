"""Every action there is has a test that presses its key in the whole app."""

from __future__ import annotations

import ast
from pathlib import Path

from agentrt.tui.keys import ACTS


def pressed_in(file: Path) -> set[str]:
    """The actions that tests of ``file`` are declared to press (``app_ground.presses`` sees to it that they do)."""
    return {
        argument.value
        for test in ast.walk(ast.parse(file.read_text()))
        if isinstance(test, ast.FunctionDef)
        for call in test.decorator_list
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "presses"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def test_no_action_is_without_a_test() -> None:
    files = Path(__file__).parent.glob("test_tui_app_*.py")
    assert {act.name for act in ACTS} - set().union(*map(pressed_in, files)) == set()
