"""The command line as a process of its own, on the confined sandbox and on plain copies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli_ground import Cli, Done
from warm import warm

PLUGIN = "[agentrt.sandboxes]\nmemory = agentrt.testing.memory_sandbox:open_sandbox\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "ws"
    (folder / "src").mkdir(parents=True)
    (folder / "a.txt").write_text("one\n")
    (folder / "src/b.py").write_text("b = 1\n")
    return folder


@pytest.fixture
def environment(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """With a sandbox somebody else brings: a package with an entry point."""
    package = tmp_path / "plugins/memory-1.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: memory\nVersion: 1\n")
    (package / "entry_points.txt").write_text(PLUGIN)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AGENTRT_", "PYTHONDONTWRITE"))}
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path_factory.getbasetemp() / "bytecode")
    state = str(tmp_path / "state")
    path = f"{package.parent}{os.pathsep}{environment.get('PYTHONPATH', '')}".rstrip(os.pathsep)
    return {**environment, "XDG_STATE_HOME": state, "PYTHONPATH": path, "AGENTRT_SANDBOX": "memory"}


@pytest.fixture
def cli(workspace: Path, environment: dict[str, str]) -> Cli:
    """``cli("log", "--json")``: what ``agentrt log --json`` does in the workspace."""

    def run(*words: str | bytes, cwd: Path = workspace, **more: str) -> Done:
        done = warm().run(words, cwd=cwd, env={**environment, **more})
        return Done(done.returncode, done.stdout, done.stderr.decode())

    return run


@pytest.fixture(params=["memory", "local"])
def both(request: pytest.FixtureRequest, cli: Cli) -> Cli:
    """``cli`` on either sandbox."""
    return lambda *words, **how: cli(*words, AGENTRT_SANDBOX=request.param, **how)
