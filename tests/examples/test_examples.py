"""The examples do what they claim, and leave the checkout as it was."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from examples.stage import Tree, differences, tree

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def untouched_checkout() -> object:
    before = tree(ROOT / "examples")
    yield
    changed = differences(before, tree(ROOT / "examples"))
    assert [path for path in changed if "__pycache__" not in path] == []


def example(name: str, folder: Path, *, path: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run one as `make run` does, with its temporary files in ``folder``."""
    return subprocess.run(
        [sys.executable, "-m", f"examples.{name}"],
        cwd=path,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_repair(tmp_path: Path) -> None:
    ended = example("repair", tmp_path)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    (stage,) = tmp_path.iterdir()
    project = stage / "repair" / "project"
    assert without_times(tree(project)) == without_times(tree(ROOT / "examples/repair/project"))
    assert "%" not in (project / "timesheet/entries.py").read_text()

    redone = agentrt("redo", project=project, state=stage / "state")  # the apply the example took back at its end
    assert redone.returncode == 0, redone.stdout + redone.stderr
    assert "% (24 * 60)" in (project / "timesheet/entries.py").read_text()
    tests = [sys.executable, "-B", "-m", "unittest", "-q"]
    assert subprocess.run(tests, cwd=project, capture_output=True, check=False).returncode == 0


def test_mishap(tmp_path: Path) -> None:
    ended = example("mishap", tmp_path)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "2 changed (shop/prices.py, tests/test_prices.py), 0 lost" in " ".join(ended.stdout.split())
    assert list(tmp_path.iterdir()) == []


def test_mishap_notices_what_is_not_as_claimed(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "examples", copy / "examples")
    script = copy / "examples/mishap/script.yaml"
    script.write_text(script.read_text().replace("-delete", "-name build -delete"))

    ended = example("mishap", tmp_path, path=copy)

    assert ended.returncode == 1
    assert "NOT AS CLAIMED: the agent was meant to delete everything" in ended.stderr


def test_outward(tmp_path: Path) -> None:
    ended = example("outward", tmp_path)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    said = " ".join(ended.stdout.split())
    assert "All is as it was, and 0 mails were sent." in said
    assert "dropped from the outbox: POST http://127.0.0.1:" in said and "POST /mails" not in said
    assert list(tmp_path.iterdir()) == []


def test_outward_notices_what_is_not_as_claimed(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "examples", copy / "examples")
    policy = copy / "examples/outward/policy.yaml"
    policy.write_text(policy.read_text().replace(", hold: true", ", reversibility: compensable"))

    ended = example("outward", tmp_path, path=copy)

    assert ended.returncode == 1
    assert "NOT AS CLAIMED: one ticket and no mail were meant to be there" in ended.stderr


def test_crew(tmp_path: Path) -> None:
    ended = example("crew", tmp_path)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    said = " ".join(ended.stdout.split())
    assert "not done yet" in said
    assert "reverted" in said and "README.md" in said
    assert list(tmp_path.iterdir()) == []


def test_embed(tmp_path: Path) -> None:
    ended = example("embed", tmp_path)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "created eggs.txt",
        "modified list.txt",
        "['bread']",
        "['bread', 'milk']",
    ]
    assert len((ROOT / "examples/embed.py").read_text().splitlines()) <= 40


def agentrt(*arguments: str, project: Path, state: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agentrt", *arguments],
        cwd=project,
        env={**os.environ, "XDG_STATE_HOME": str(state)},
        capture_output=True,
        text=True,
        check=False,
    )


def without_times(found: Tree) -> Tree:
    return {path: facts[:2] for path, facts in found.items() if "__pycache__" not in path}
