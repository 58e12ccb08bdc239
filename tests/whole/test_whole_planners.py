"""The examples, end to end, through each vendor's own package: what a script does, a model that says the same does."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from played import Cast, journal, replies
from treestate import assert_same_tree, tree_state
from vendors import Server

from agentrt import Runtime
from agentrt.session import Result, run_task
from agentrt.task import Task, load_task

ROOT = Path(__file__).resolve().parent.parent.parent
KEY = "sk-test-0123456789abcdefghij-7890"
APIS: dict[str, dict[str, Any]] = {
    "anthropic": {"provider": "anthropic", "model": "claude-sonnet-5-5", "reasoning": "low"},
    "responses": {"provider": "openai", "model": "gpt-6.2-sol", "api": "responses", "reasoning": "low"},
    "chat": {"provider": "openai", "model": "local", "api": "chat"},
}
CASTS = {
    "repair": {"agent": "script.yaml"},
    "crew": {name: f"{name}.yaml" for name in ("developer", "tester", "reviewer")},
}
CLOCKS = re.compile(r"(?:in|Ran \d+ tests? in) [\d.]+s")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, KEY)
    for name in ("ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


def stage(example: str, folder: Path) -> Task:
    shutil.copytree(ROOT / "examples" / example, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return load_task(folder / "task.yaml")


def with_models(task: Task, options: dict[str, Any]) -> Task:
    crew = task.crew
    if crew is not None:
        agents = {name: agent.model_copy(update={"planner": None}) for name, agent in crew.agents.items()}
        crew = crew.model_copy(update={"agents": agents})
    changed = task.model_copy(update={"planner": options, "crew": crew})
    changed._folder = task.folder
    return changed


def play(example: str, api: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Result, bytes, Task, Server]:
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    task = stage(example, folder / "stage")
    cast = Cast({name: replies(task.folder / script) for name, script in CASTS[example].items()})
    with Server(cast, key=KEY) as server:
        url = server.url if api == "anthropic" else f"{server.url}/v1"
        task = with_models(task, {**APIS[api], "base_url": url})
        result = asyncio.run(run_task(task))
    (file,) = (folder / "state").rglob("journal.db")
    return result, journal(file, folder, Path(server.url), scrub=_scrubbed), task, server


def _scrubbed(text: str) -> str:
    return re.sub(r"127\.0\.0\.1:\d+", "<server>", CLOCKS.sub("in <time>", text))


@pytest.mark.parametrize("example", CASTS)
@pytest.mark.parametrize("api", APIS)
def test_an_example_through_a_vendors_package_twice(
    example: str, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, first, task, server = play(example, api, tmp_path / "first", monkeypatch)
    assert (result.success, result.code) == (True, "submit"), result.reason
    assert server.refusals == []
    assert result.usage.input_tokens > 0 and result.usage.output_tokens > 0
    # Of all that is sent again with every turn, most comes from the vendor's cache.
    assert result.usage.cached_tokens > result.usage.input_tokens / 2
    assert KEY not in first.decode()

    again, second, *_ = play(example, api, tmp_path / "second", monkeypatch)
    assert again.operations == result.operations
    assert first == second

    # And the files are what the scripts make of them.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "scripted/state"))
    scripted = stage(example, tmp_path / "scripted/stage")
    assert asyncio.run(run_task(scripted)).success
    asyncio.run(_apply(scripted))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "first/state"))
    asyncio.run(_apply(task))
    assert_same_tree(tree_state(task.workspace_path, mtimes=False), tree_state(scripted.workspace_path, mtimes=False))


async def _apply(task: Task) -> None:
    async with Runtime.open(task.workspace_path) as runtime:
        await runtime.apply()
