"""What a run tells a person besides its actions: what is said to others, and what can be done about a failure."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_ground import Cli
from run_ground import SUBMIT, Ground

from agentrt.documents import load_yaml
from agentrt.errors import DocumentError
from agentrt.planners.options import ModelOptions, read_options


@pytest.fixture
def ground(tmp_path: Path, workspace: Path, environment: dict[str, str]) -> Ground:
    return Ground(tmp_path, workspace, environment)


def test_a_question_that_nobody_answers_is_shown(ground: Ground, cli: Cli) -> None:
    done = cli(str(ground.task({"actions": [["ask", {"question": "Which colour?"}]]}, SUBMIT)), **ground.env)
    assert "→ asks: Which colour?\n" in done.out


def test_what_can_be_done_about_a_planners_failure_is_told(ground: Ground, cli: Cli) -> None:
    task = ground.task()
    server = "{provider: openai, model: m, base_url: 'http://127.0.0.1:1/v1', retries: 0}"
    task.write_text(f"objective: x\nworkspace: {ground.workspace}\nsandbox: memory\nplanner: {server}\n")
    done = cli(str(task), **ground.env)
    assert done.code == 1 and "cannot be reached" in done.out
    assert "\nhint: go on when it answers again" in done.out
    assert "session s1: " not in done.out and done.out.endswith("to go on with it: agentrt run --resume\n")


@pytest.mark.parametrize("wrong", ["key: sk-ant-precious", "base_url: 'https://u:sk-ant-precious@host/v1'"])
def test_a_key_in_a_task_is_not_repeated(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "planner.yaml"
    file.write_text(f"provider: openai\nmodel: m\n{wrong}\n")
    with pytest.raises(DocumentError, match=r"planner\.yaml:3:") as caught:
        read_options(ModelOptions, load_yaml(file).data)
    assert "precious" not in str(caught.value) and "key" in str(caught.value)
