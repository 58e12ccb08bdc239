"""Killed between any two steps of a session, nothing that was acknowledged is lost and nothing is done twice.

``AGENTRT_EXHAUSTIVE=1`` tries every step; otherwise an even sample of them. See ``crash_program`` for the session.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import crash_program
import pytest
from crash_program import APPLIED, PROGRAM, VIEWS
from treestate import Entry, assert_same_tree, tree_state

from agentrt import Runtime
from agentrt.cli.main import main
from agentrt.history.store import locate
from agentrt.records import Operation
from agentrt.testing.trees import Tree, differences, parse_view, view_command
from agentrt.testing.trees import tree_state as inside_state

EXHAUSTIVE = os.environ.get("AGENTRT_EXHAUSTIVE") == "1"
SAMPLE = 40
PARTS = 4
"""The points are divided among so many tests, so that several workers can share them."""
LAST = len(PROGRAM)
MODES = ("before", "during", "after")


@dataclass(frozen=True)
class Model:
    """What the program should come to, and the steps it takes."""

    folders: dict[int, Path]
    steps: dict[str, list[str]]
    """By mode."""

    def view(self, operation: int) -> Tree:
        """Workspace and home as processes see them after an operation, without times."""
        folder = self.folders[VIEWS[operation]]
        home = {b"/home/agent/" + path: node for path, node in inside_state(folder / "home").items() if path != b"."}
        return inside_state(folder / "work") | home

    def temporary(self, operation: int) -> bytes:
        """The content of the one file in /tmp."""
        file = self.folders[VIEWS[operation]] / "tmp/count"
        return file.read_bytes() if file.exists() else b""

    def real(self, operation: int) -> dict[bytes, Entry]:
        return tree_state(self.folders[APPLIED[operation]] / "work", mtimes=not APPLIED[operation])


class Host:
    """A process whose children run the program and are killed."""

    def __init__(self, folder: Path) -> None:
        self.errors = folder / "errors"
        script = [sys.executable, crash_program.__file__]
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def run(self, mode: str, at: int, ground: Ground) -> int:
        """Exit status of the child, negative for a signal. Nothing of it may be alive two seconds later."""
        assert self.process.stdin is not None and self.process.stdout is not None
        job = {"mode": mode, "at": at, "state": str(ground.state), "workspace": str(ground.work)}
        print(json.dumps({**job, "said": str(ground.said)}), file=self.process.stdin, flush=True)
        done = json.loads(self.process.stdout.readline())
        assert done["outlived"] == [], f"{mode} at step {at}: processes left behind"
        return int(done["status"])

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(10) == 0


class Ground:
    """One workspace, its state folder, and what the child said on its way."""

    def __init__(self, folder: Path, model: Model | None = None, begin: Path | None = None) -> None:
        self.folder, self.work, self.state, self.said = folder, folder / "work", folder / "state", folder / "said"
        self.work.parent.mkdir(parents=True)
        source = begin if begin is not None else model.folders[0] / "work" if model is not None else None
        assert source is not None
        subprocess.run(["cp", "-a", source, self.work], check=True)

    def acknowledged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.said.read_text().splitlines()] if self.said.exists() else []

    def remove(self) -> None:
        subprocess.run(["chmod", "-R", "u+rwx", str(self.folder)], check=True)
        shutil.rmtree(self.folder)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    made = Host(tmp_path_factory.mktemp("host"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Model:
    folder = tmp_path_factory.mktemp("model")
    folders = crash_program.play_in_the_open(folder)
    steps = {}
    for mode in ("kill", *MODES):
        ground = Ground(folder / mode, begin=folders[0] / "work")
        assert host.run(mode, 0, ground) == 0, host.errors.read_text()
        *said, last = ground.acknowledged()
        assert [line["id"] for line in said] == list(range(1, LAST + 1))
        steps[mode] = last["steps"]
    return Model(folders, steps)


def points(model: Model, part: int) -> list[int]:
    """Step numbers from 1. A sample leaves out what only reads."""
    labels = model.steps["kill"]
    numbers = [n for n, label in enumerate(labels, start=1) if EXHAUSTIVE or ": sql SELECT" not in label]
    if not EXHAUSTIVE:
        numbers = [numbers[(2 * i + 1) * len(numbers) // (2 * SAMPLE)] for i in range(SAMPLE)]
    return numbers[part::PARTS]


@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_any_step(
    part: int, host: Host, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for at in points(model, part):
        where = f"step {at} ({model.steps['kill'][at - 1]})"
        ground = Ground(tmp_path / str(at), model)
        monkeypatch.setenv("XDG_STATE_HOME", str(ground.state))
        assert host.run("kill", at, ground) == -9, f"{where}: {host.errors.read_text()}"
        try:
            check_after_kill(ground, model, capsys)
        except BaseException as error:
            error.add_note(f"killed at {where}, in {ground.folder}")
            raise
        ground.remove()


@pytest.mark.parametrize("number", [n for n, (kind, _) in enumerate(PROGRAM, start=1) if kind == "revert"])
def test_a_revert_is_killed_at_any_step(
    number: int, host: Host, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    labels = model.steps["kill"]
    for at, label in enumerate(labels, start=1):
        if not label.startswith(f"{number} revert: "):
            continue
        if not EXHAUSTIVE and (" sql SELECT" in label or at % 3 != number % 3):
            continue
        ground = Ground(tmp_path / str(at), model)
        monkeypatch.setenv("XDG_STATE_HOME", str(ground.state))
        assert host.run("kill", at, ground) == -9, f"{label}: {host.errors.read_text()}"
        assert len(ground.acknowledged()) == number - 1
        try:
            check_after_kill(ground, model, capsys)
        except BaseException as error:
            error.add_note(f"killed at step {at} ({label}), in {ground.folder}")
            raise
        ground.remove()


@pytest.mark.parametrize("mode", MODES)
def test_the_server_dies_at_any_request(
    mode: str, host: Host, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the request is sent, right after, or after it was carried out and before the answer: the operation
    fails, nothing of it is kept, and the same again works."""
    labels = model.steps[mode]
    for at in range(1, len(labels) + 1):
        if not EXHAUSTIVE and at % 4 != MODES.index(mode):
            continue
        where = f"{mode} {at} ({model.steps[mode][at - 1]})"
        ground = Ground(tmp_path / str(at), model)
        monkeypatch.setenv("XDG_STATE_HOME", str(ground.state))
        try:
            assert host.run(mode, at, ground) == 0, host.errors.read_text()
            check_after_server_death(ground, model)
        except BaseException as error:
            error.add_note(f"the server died {where}, in {ground.folder}")
            raise
        ground.remove()


@pytest.mark.parametrize("number", [7, 10, 11])
def test_recovery_is_killed_at_any_step(
    number: int, host: Host, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """An apply, its undo and its redo are cut off when the real workspace is turned and the journal not yet told."""
    labels = model.steps["kill"]
    at = max(
        n for n, label in enumerate(labels, start=1) if label.startswith(f"{number} ") and "apply settled" in label
    )
    for late in (at, at + 8) if EXHAUSTIVE else (at,):
        recovery, status = 1, -9
        while status:
            ground = Ground(tmp_path / f"{late}-{recovery}", model)
            monkeypatch.setenv("XDG_STATE_HOME", str(ground.state))
            assert host.run("kill", late, ground) == -9
            before = len(ground.acknowledged())
            status = host.run("recover", recovery, ground)
            ground.said.write_text("".join(ground.said.read_text().splitlines(keepends=True)[:before]))
            try:
                check_after_kill(ground, model, capsys)
            except BaseException as error:
                error.add_note(f"killed at {late}, recovery killed at {recovery}, in {ground.folder}")
                raise
            ground.remove()
            recovery += 1 if EXHAUSTIVE else 13
        assert recovery > 40


def check_after_kill(ground: Ground, model: Model, capsys: Any) -> None:
    acknowledged = len(ground.acknowledged())
    assert [line["id"] for line in ground.acknowledged()] == list(range(1, acknowledged + 1))
    store = locate(ground.work)
    told = look_by_cli(ground, capsys)
    assert len(told) in (acknowledged, acknowledged + 1)
    assert all(operation["status"] == "settled" for operation in told[:acknowledged])
    assert all(operation["status"] in ("intent", "settled") for operation in told)
    if store.journal.exists():
        with sqlite3.connect(f"{store.journal.as_uri()}?mode=ro", uri=True) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        db.close()
    stands = sum(operation["status"] == "settled" for operation in told)
    asyncio.run(check_whole(ground, model, stands, told))


def look_by_cli(ground: Ground, capsys: Any) -> list[dict[str, Any]]:
    """``log`` and ``show``, before anything is recovered."""
    found: list[dict[str, Any]] = json.loads(agentrt(capsys, ground, "log", "--json"))
    lines = agentrt(capsys, ground, "log").splitlines()
    if found:
        assert len(lines) == len(found)
        last = found[-1]
        assert ("intent" in lines[-1]) == (last["status"] == "intent")
        assert json.loads(agentrt(capsys, ground, "show", str(last["id"]), "--json"))["status"] == last["status"]
        assert last["status"] in agentrt(capsys, ground, "show", str(last["id"]))
    return found


def agentrt(capsys: Any, ground: Ground, *words: str) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([words[0], "--workspace", str(ground.work), *words[1:]])
    captured = capsys.readouterr()
    assert ended.value.code == 0, captured
    return str(captured.out)


async def check_whole(ground: Ground, model: Model, stands: int, told: list[dict[str, Any]]) -> None:
    """Everything is as after operation ``stands``; and work goes on from there."""
    async with Runtime.open(ground.work) as runtime:
        assert_same_tree(shown(ground, stands), model.real(stands))
        check_journal(runtime, told)
        await check_view(runtime, model, stands)
        await check_work_goes_on(runtime, ground, model, stands)
    assert not list((ground.work).glob(".agentrt*"))


def check_journal(runtime: Runtime, told: list[dict[str, Any]]) -> None:
    operations = runtime.log()
    assert [(o.id, o.status) for o in operations] == [(line["id"], line["status"]) for line in told]
    for operation in operations:
        if operation.status == "intent":
            assert operation.after == operation.before
        for view in (operation.before, operation.after):
            for layer in view.snapshot.layers:
                assert (runtime.store.layers / layer.partition(":")[0]).is_dir(), (operation.id, layer)
            for applied in view.applied:
                assert (runtime.store.aside / runtime.layer(applied) / "plan.json").is_file()
    settled = {operation.id for operation in operations if operation.status == "settled"}
    assert {message.operation for message in runtime.conversation()} <= settled


def shown(ground: Ground, stands: int) -> dict[bytes, Entry]:
    return tree_state(ground.work, mtimes=not APPLIED[stands])


async def check_view(runtime: Runtime, model: Model, stands: int) -> None:
    wrong = differences(model.view(stands), await look(runtime), mtimes=False)
    assert not wrong, "the view is not the model's:\n" + "\n".join(wrong)
    assert await printed(runtime, "bash", "-c", "cat /tmp/count 2>/dev/null") == model.temporary(stands)


async def look(runtime: Runtime) -> Tree:
    """What a process inside sees, by looking. Not of all /tmp: interpreters and workspaces may live there."""
    _, *words = view_command(runtime.sandbox.workspace, "~")
    found = parse_view(await printed(runtime, sys.executable, *words))
    return {path: node for path, node in found.items() if path != b"/home/agent/."}


async def printed(runtime: Runtime, *command: str) -> bytes:
    taken = bytearray()
    await runtime.sandbox.begin("look")
    await runtime.sandbox.exec(command, on_output=taken.extend)
    await runtime.sandbox.discard()
    return bytes(taken)


async def check_work_goes_on(runtime: Runtime, ground: Ground, model: Model, stands: int) -> None:
    real = tree_state(ground.work)
    wrote = await act(runtime, "echo on >> more; mkdir -p extra/deep; echo x > extra/deep/x; rm -f count")
    assert wrote.id == len(runtime.log())
    await runtime.undo()
    await check_view(runtime, model, stands)
    await runtime.redo()
    applied = await runtime.apply()
    assert applied is not None and (ground.work / "more").read_text() == "on\n"
    seen = await look(runtime)
    expected = {path: node for path, node in seen.items() if not path.startswith(b"/")}
    assert not differences(expected, inside_state(ground.work), mtimes=False)
    await runtime.undo()
    assert_same_tree(tree_state(ground.work), real)
    assert_same_tree(shown(ground, stands), model.real(stands))


async def act(runtime: Runtime, command: str) -> Operation:
    operation = await runtime.act("bash", command=command)
    assert operation.status == "settled", operation.observation
    return operation


def check_after_server_death(ground: Ground, model: Model) -> None:
    *said, last = ground.acknowledged()
    assert last.keys() == {"steps"}
    failed = [line["failed"] for line in said if "failed" in line]
    assert len(failed) <= 1 and all(failed), "a failed operation says why"
    done = [line for line in said if "number" in line]
    assert [line["number"] for line in done] == list(range(1, LAST + 1))

    async def check() -> None:
        async with Runtime.open(ground.work) as runtime:
            operations = {operation.id: operation for operation in runtime.log()}
            assert all(operations[line["id"]].status == "settled" for line in done)
            others = [o for o in operations.values() if o.id not in {line["id"] for line in done}]
            assert len(others) <= 1 and all(o.status == "failed" and not o.effects for o in others)
            for other in others:
                told = runtime.show(other.id)
                assert told.note or (told.observation is not None and told.observation.error)
            assert_same_tree(shown(ground, LAST), model.real(LAST))
            await check_view(runtime, model, LAST)
            await runtime.restore(done[7]["id"])
            assert_same_tree(shown(ground, 8), model.real(8))
            await check_view(runtime, model, 8)

    asyncio.run(check())
