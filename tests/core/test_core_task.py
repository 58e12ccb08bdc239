"""Task files: what they mean, and what a malformed one gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentrt.documents import Section
from agentrt.errors import DocumentError
from agentrt.task import PLACEHOLDER, Task, load_task, provider

SMALL = "objective: x\nplanner: {script: s.yaml}\n"


def load(tmp_path: Path, text: str) -> Task:
    (tmp_path / "task.yaml").write_text(text)
    return load_task(tmp_path / "task.yaml")


def test_a_whole_task(tmp_path: Path) -> None:
    task = load(
        tmp_path,
        """\
objective: make the failing tests pass
workspace: project
planner: {provider: script, file: script.yaml}
policy: {limits: {seconds: 5}}
sandbox: {kind: local}
verify: python3 -m unittest -q
limits: {actions: 5, minutes: 1.5, turns: 7, cost_usd: 2}
apply: on_success
""",
    )
    assert task.objective == "make the failing tests pass"
    assert (task.folder, task.workspace_path) == (tmp_path, tmp_path / "project")
    assert task.planner == {"provider": "script", "file": "script.yaml"}
    assert task.policy == {"limits": {"seconds": 5}}
    assert task.sandbox == {"kind": "local"}
    assert task.verify == "python3 -m unittest -q"
    assert task.limits.to_dict() == {
        "actions": 5,
        "minutes": 1.5,
        "turns": 7,
        "tokens": None,
        "cost_usd": 2.0,
        "context_tokens": 120_000,
    }
    assert task.apply == "on_success"


def test_what_a_short_task_means(tmp_path: Path) -> None:
    task = load(tmp_path, SMALL)
    assert (task.workspace_path, [*task.agents]) == (tmp_path, ["agent"])
    assert (task.policy, task.sandbox, task.verify, task.apply) == ("default", None, None, "never")
    assert task.limits.to_dict() == {
        "actions": 50,
        "minutes": 20.0,
        "turns": 100,
        "tokens": None,
        "cost_usd": None,
        "context_tokens": 120_000,
    }


def test_workspaces_may_be_absolute_or_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert load(tmp_path, SMALL + "workspace: /srv/x\n").workspace_path == Path("/srv/x")
    assert load(tmp_path, SMALL + "workspace: ~/x\n").workspace_path == Path("/home/somebody/x")
    assert load(tmp_path, SMALL + "workspace: ./~x\n").workspace_path == tmp_path / "~x"
    assert (
        load(tmp_path, SMALL + "workspace: ~nobody-of-that-name\n").workspace_path == tmp_path / "~nobody-of-that-name"
    )


def test_an_objective_that_nobody_wrote_is_a_mistake_but_in_a_draft(tmp_path: Path) -> None:
    text = f"planner: {{script: s.yaml}}\nobjective: {PLACEHOLDER}\n"
    with pytest.raises(DocumentError) as caught:
        load(tmp_path, text)
    assert caught.value.where.endswith("task.yaml:2:12") and caught.value.hint
    assert load_task(tmp_path / "task.yaml", draft=True).objective == PLACEHOLDER


def test_inline_mappings_keep_their_places(tmp_path: Path) -> None:
    policy = load(tmp_path, SMALL + "policy:\n  limits: {seconds: 5}\n").policy
    assert isinstance(policy, Section)
    assert policy.keys_at["limits"] == (4, 3)


def test_a_task_made_in_python() -> None:
    task = Task(objective="x", planner={"provider": "mine", "model": "m"})
    assert (task.folder, task.workspace_path, provider(task.agents["agent"].planner or {})) == (Path(), Path(), "mine")


@pytest.mark.parametrize(
    ("text", "where", "message", "hint"),
    [
        (
            "objective: x\n",
            "1:1",
            "`planner` is missing",
            "write `planner: {provider: anthropic, model: …}` or `{script: FILE}`",
        ),
        ("planner: {script: s}\n", "1:1", "`objective` is missing", ""),
        (SMALL + "verfy: x\n", "3:1", "unknown key `verfy`", "did you mean `verify`?"),
        (SMALL + "limits: {mintes: 5}\n", "3:10", "unknown key `mintes`", "did you mean `minutes`?"),
        (SMALL + "limits: {minutes: 0}\n", "3:19", "`minutes` must be more than 0, not 0", ""),
        (SMALL + "limits: {actions: 1.5}\n", "3:19", "`actions` must be a whole number, not the number 1.5", ""),
        (SMALL + "limits: {actions: 0}\n", "3:19", "`actions` must be at least 1, not 0", ""),
        (SMALL + "limits: {cost_usd: free}\n", "3:20", '`cost_usd` must be a number, not text "free"', ""),
        (SMALL + "apply: yes\n", "3:8", "`apply` must be 'on_success', 'never' or 'ask', not text \"yes\"", ""),
        (SMALL + "policy: 5\n", "3:9", "expected a name, a file or a mapping, not the number 5", ""),
        (SMALL + "policy:\n", "3:1", "expected a name, a file or a mapping, not nothing", ""),
        (SMALL + "verify: [pytest, -q]\n", "3:9", "`verify` must be text, not a list", ""),
        (SMALL + 'workspace: ""\n', "3:12", "`workspace` must not be empty", ""),
        (
            "objective: x\nplanner: s.yaml\n",
            "2:10",
            'expected a mapping, such as `{script: script.yaml}`, not text "s.yaml"',
            "",
        ),
        ("objective: x\nplanner: {model: m}\n", "2:10", "a planner needs `provider: NAME`, or `script: FILE`", ""),
        ("objective: x\nplanner: {provider: 5}\n", "2:10", "a planner needs `provider: NAME`, or `script: FILE`", ""),
    ],
)
def test_a_malformed_task(tmp_path: Path, text: str, where: str, message: str, hint: str) -> None:
    with pytest.raises(DocumentError) as caught:
        load(tmp_path, text)
    assert caught.value.where == f"{tmp_path / 'task.yaml'}:{where}"
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_misspelt_key_is_told_as_one_and_not_as_missing(tmp_path: Path) -> None:
    file = tmp_path / "task.yaml"
    file.write_text("objective: x\nplaner: {script: s.yaml}\n")
    with pytest.raises(DocumentError) as caught:
        load_task(file)
    assert (str(caught.value), caught.value.hint) == (f"{file}:2:1: unknown key `planer`", "did you mean `planner`?")
