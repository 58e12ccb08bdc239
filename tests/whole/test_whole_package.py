"""A released package, broken in one line, repaired by a script, verified, applied; and the apply undone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from treestate import assert_same_tree, tree_state

PACKAGE = "parse==1.20.2"
RIGHT, WRONG = "return float(string[:-1]) / 100.0", "return float(string[:-1]) / 10.0"
TASK = """\
objective: the tests fail since the last change; repair the module
workspace: package
planner: {script: script.yaml}
verify: VERIFY
apply: on_success
"""
SCRIPT = """\
turns:
  - text: I look at what fails.
    actions:
      - bash: {command: "VERIFY"}
  - expect: "1 failed|[2-9] failed"
    text: A percentage is a hundredth.
    actions:
      - search: {pattern: "100?\\\\.0$", glob: "*.py"}
  - expect: "/ 10\\\\.0"
    actions:
      - edit: {path: parse.py, old: "WRONG", new: "RIGHT"}
      - bash: {command: "VERIFY"}
  - expect: "passed"
    actions:
      - submit: {text: percentages are hundredths again}
"""


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """From the package index, by name."""
    folder = tmp_path_factory.mktemp("sdist")
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary=:all:", PACKAGE]
    subprocess.run([*command, "-d", str(folder)], check=True, stdin=subprocess.DEVNULL)
    return next(folder.glob("*.tar.gz"))


def agentrt(*arguments: str, cwd: Path) -> str:
    command = [sys.executable, "-m", "agentrt", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"{arguments} exited {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def test_a_real_package_is_repaired_and_the_repair_taken_back(
    sdist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    subprocess.run(["tar", "-xzf", sdist, "-C", tmp_path], check=True)
    package = next(tmp_path.glob("parse-*")).rename(tmp_path / "package")
    module = package / "parse.py"
    assert module.read_text().count(RIGHT) == 1
    module.write_text(module.read_text().replace(RIGHT, WRONG))
    verify = f"{sys.executable} -m pytest -q -p no:cacheprovider"
    (tmp_path / "task.yaml").write_text(TASK.replace("VERIFY", verify))
    script = SCRIPT.replace("VERIFY", verify).replace("WRONG", WRONG).replace("RIGHT", RIGHT)
    (tmp_path / "script.yaml").write_text(script)
    before = tree_state(package)

    agentrt("task.yaml", cwd=tmp_path)

    assert RIGHT in module.read_text()
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    outside = subprocess.run([*verify.split()], cwd=package, env=environment, capture_output=True, check=False)
    assert outside.returncode == 0, outside.stdout
    taken_back = json.loads(agentrt("undo", "--json", cwd=package))
    assert "parse.py" in taken_back["paths"]
    assert_same_tree(tree_state(package), before)

    agentrt("redo", cwd=package)
    assert RIGHT in module.read_text()
    agentrt("undo", cwd=package)
    assert_same_tree(tree_state(package), before)
