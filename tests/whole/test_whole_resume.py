"""Killed at any step of a task's run and resumed, it comes to the same end, and every action is executed once.

``AGENTRT_EXHAUSTIVE=1`` tries every step; otherwise an even sample of them. See ``run_program`` for the tasks.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import run_program
from treestate import Entry, assert_same_tree, tree_state

from agentrt import Runtime
from agentrt.history.journal import Journal
from agentrt.history.store import locate
from agentrt.records import Message, Operation
from agentrt.testing.trees import Tree, differences, parse_view, view_command

EXHAUSTIVE = os.environ.get("AGENTRT_EXHAUSTIVE") == "1"
VARIANTS = ("solo", "crew")
EVENTS, STEPS, ROWS = 3, 4, 1
"""The size of the samples, of each variant and part."""
PARTS = 2
"""The points are divided among so many tests, so that several workers can share them."""


class Ground:
    """A task with its workspace, its state folder, and what its run said on its way."""

    def __init__(self, folder: Path, variant: str) -> None:
        self.folder, self.variant, self.work = folder, variant, folder / "work"
        folder.mkdir(parents=True)
        run_program.prepare(folder, variant)

    def said(self, key: str) -> list[dict[str, Any]]:
        file = self.folder / "said"
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [line for line in lines if key in line]

    def counted(self) -> Counter[str]:
        return Counter((self.folder / "counter").read_text().split())

    def remove(self) -> None:
        subprocess.run(["chmod", "-R", "u+rwx", str(self.folder)], check=True)
        shutil.rmtree(self.folder)


class Host:
    """A process whose children run a task and are killed."""

    def __init__(self, folder: Path) -> None:
        run_program.install(folder)
        self.errors = folder / "errors"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, run_program.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "PYTHONPATH": str(folder)},
            )

    def run(self, mode: str, at: int, ground: Ground) -> int:
        """Exit status of the child, negative for a signal. Nothing of it may be alive two seconds later."""
        assert self.process.stdin is not None and self.process.stdout is not None
        job = {"mode": mode, "at": at, "folder": str(ground.folder)}
        print(json.dumps(job), file=self.process.stdin, flush=True)
        done = json.loads(self.process.stdout.readline())
        assert done["outlived"] == [], f"{mode} at {at}: processes left behind"
        return int(done["status"])

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(10) == 0


@dataclass(frozen=True)
class Outcome:
    """What a run has come to."""

    work: dict[bytes, Entry]
    """The real workspace."""
    inside: Tree
    """What processes in the sandbox see of it."""
    operations: list[Operation]
    conversation: list[Message]
    counted: Counter[str]
    result: dict[str, Any]
    steps: dict[str, list[str]]
    """By mode, of the run that came to the end."""

    @property
    def acts(self) -> list[Operation]:
        """Of the agents, those that were through."""
        return [op for op in self.operations if _by_agent(op) and op.status != "intent"]

    @property
    def cut_off(self) -> list[Operation]:
        return [op for op in self.operations if op.status == "intent"]


def _by_agent(op: Operation) -> bool:
    return op.kind == "act" and not op.is_verification


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    made = Host(tmp_path_factory.mktemp("host"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, host: Host) -> dict[str, Outcome]:
    """By variant, what nothing interrupted."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        for variant in VARIANTS:
            ground = Ground(tmp_path_factory.mktemp(variant) / "whole", variant)
            assert host.run("step", 0, ground) == 0, host.errors.read_text()
            patch.setenv("XDG_STATE_HOME", str(ground.folder / "state"))
            found[variant] = outcome(ground)
            assert found[variant].result["success"] and not found[variant].cut_off
            assert set(found[variant].counted.values()) == {1}
    return found


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_any_event(
    variant: str, part: int, host: Host, whole: dict[str, Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No action is in flight there, so nothing at all is done twice, and the conversation is the same."""
    for at in sample(range(1, len(whole[variant].steps["event"]) + 1), EVENTS, part):
        found = killed("event", [at], variant, host, tmp_path, monkeypatch, whole[variant])
        assert not found.cut_off
        assert found.counted == whole[variant].counted
        assert told(found.conversation) == told(whole[variant].conversation), at
        assert plain(found.result) == plain(whole[variant].result)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_any_finer_step(
    variant: str, part: int, host: Host, whole: dict[str, Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only reads is left out by a sample."""
    labels = enumerate(whole[variant].steps["step"], 1)
    points = [number for number, label in labels if EXHAUSTIVE or ": sql SELECT" not in label]
    for at in sample(points, STEPS, part):
        killed("step", [at], variant, host, tmp_path, monkeypatch, whole[variant])


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_again_while_it_is_resumed(
    variant: str, part: int, host: Host, whole: dict[str, Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len(whole[variant].steps["step"])
    chains = [[at, 150 + 31 * n, 60 + 17 * n, 250] for n, at in enumerate(range(size // 40, size, size // 20))]
    for ats in sample(chains, ROWS, part):
        killed("step", ats, variant, host, tmp_path, monkeypatch, whole[variant])


def test_what_a_person_says_meanwhile_makes_nothing_run_twice(
    host: Host, whole: dict[str, Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was killed when the first action was through and its planner not yet told; then somebody accepts it."""
    labels = whole["crew"].steps["step"]
    told_of = next(number for number, label in enumerate(labels) if label.startswith("after operation"))
    at = max(number for number, label in enumerate(labels[:told_of], 1) if "sql BEGIN IMMEDIATE" in label)
    ground = Ground(tmp_path / "ground", "crew")
    monkeypatch.setenv("XDG_STATE_HOME", str(ground.folder / "state"))
    assert host.run("step", at, ground) == -9

    async def accept() -> tuple[str, list[str]]:
        async with Runtime.open(ground.work) as runtime:
            roles = [message.role for message in runtime.conversation()]
            await runtime.accept(1)
            return runtime.show(1).status, roles

    assert asyncio.run(accept()) == ("settled", ["task", "planner"])
    assert host.run("step", 0, ground) == 0, host.errors.read_text()
    found = outcome(ground)
    check(found, whole["crew"], ground, kills=0)
    assert found.counted == whole["crew"].counted


def sample(points: Sequence[Any], size: int, part: int) -> Sequence[Any]:
    if not EXHAUSTIVE:
        count = size * PARTS
        points = [points[(2 * i + 1) * len(points) // (2 * count)] for i in range(count)]
    return points[part::PARTS]


def killed(
    mode: str,
    ats: Sequence[int],
    variant: str,
    host: Host,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    whole: Outcome,
) -> Outcome:
    """Kill it there, one after the other, and resume it; what must be true wherever it was."""
    ground = Ground(tmp_path / f"{mode}-{'-'.join(map(str, ats))}", variant)
    monkeypatch.setenv("XDG_STATE_HOME", str(ground.folder / "state"))
    label = whole.steps[mode][ats[0] - 1]
    try:
        assert host.run(mode, ats[0], ground) == -9
        for at in ats[1:]:
            assert host.run(mode, at, ground) in (-9, 0), host.errors.read_text()
        assert host.run(mode, 0, ground) == 0, host.errors.read_text()
        found = outcome(ground)
        check(found, whole, ground, kills=len(ats))
    except BaseException as error:
        error.add_note(f"{variant} was killed at {mode} {ats} ({label}), in {ground.folder}")
        raise
    ground.remove()
    return found


def outcome(ground: Ground) -> Outcome:
    async def look() -> tuple[Tree, list[Operation], list[Message]]:
        async with Runtime.open(ground.work) as runtime:
            assert runtime.notes == ()
            undo = await runtime.verify_undo()
            assert undo.ok, [view.to_dict() for view in undo.views if not view.ok]
            taken = bytearray()
            await runtime.sandbox.begin("look")
            await runtime.sandbox.exec(view_command(runtime.sandbox.workspace), on_output=taken.extend)
            await runtime.sandbox.discard()
            return parse_view(bytes(taken)), runtime.log(), runtime.conversation()

    last = ground.said("result")[-1]
    inside, operations, conversation = asyncio.run(look())
    return Outcome(
        work=tree_state(ground.work, mtimes=False),
        inside=inside,
        operations=operations,
        conversation=conversation,
        counted=ground.counted(),
        result=last["result"],
        steps={mode: last[mode] for mode in ("event", "step")},
    )


def check(found: Outcome, whole: Outcome, ground: Ground, *, kills: int) -> None:
    assert_same_tree(found.work, whole.work)
    assert not differences(whole.inside, found.inside, mtimes=False)
    check_actions(found, whole, kills)
    check_conversation(found, whole)
    check_acknowledged(found, ground)
    check_result(found, whole)
    with Journal.open(locate(ground.work).journal, read_only=True) as journal:
        assert len(journal.sessions()) == 1
    applies = [op for op in found.operations if op.kind == "apply" and op.status == "settled"]
    deadlines = [
        op for op in found.operations if op.kind == "note" and (op.action or {}).get("kind") == "review_deadline"
    ]
    assert len(applies) == 1
    assert len([op for op in deadlines if op.status == "settled"]) == len(
        [op for op in whole.operations if op.kind == "note" and (op.action or {}).get("kind") == "review_deadline"]
    )


def check_actions(found: Outcome, whole: Outcome, kills: int) -> None:
    """Each was through once, in the order of the script; what was cut off came before what it was followed by."""
    assert [(op.action, op.status, op.actor) for op in found.acts] == [
        (op.action, op.status, op.actor) for op in whole.acts
    ]
    assert len(found.cut_off) <= kills
    again = Counter(name(op) for op in found.cut_off if _by_agent(op))
    for op in found.cut_off:
        assert op.after == op.before and not op.effects
        if _by_agent(op):
            assert (
                next(later for later in found.operations if later.id > op.id and _by_agent(later)).action == op.action
            )
    for action, times in found.counted.items():
        assert 1 <= times <= 1 + again[action]


def name(op: Operation) -> str:
    return str((op.action or {}).get("name"))


def check_conversation(found: Outcome, whole: Outcome) -> None:
    """Nothing was said twice, each answer has its question, and but for what was cut off all is as it was."""
    asked: set[str] = set()
    for message in found.conversation:
        if message.role == "planner":
            asked = {action["call"] for action in message.body["actions"]}
        elif message.role == "observation":
            asked.remove(message.body["call"])
    operations = {op.id: op for op in found.operations}
    assert {message.operation for message in found.conversation if message.operation} <= operations.keys()
    for message in found.conversation:
        if message.operation and operations[message.operation].status == "intent":
            assert message.body["cut_off"]
    assert without_deaths(found.conversation) == without_deaths(whole.conversation)


def told(conversation: Sequence[Message]) -> list[str]:
    """What was said, without numbers of operations and messages."""
    said = []
    for message in conversation:
        body = {key: value for key, value in message.body.items() if key not in ("operation", "since", "folder")}
        said.append(f"{message.role}: {re.sub(r'operation [0-9]+', 'operation', json.dumps(body))}")
    return said


def without_deaths(conversation: Sequence[Message]) -> list[str]:
    """Each turn is there once, with every answer to it; how long it got, and was cut down, is left out."""
    kept, seen = [], set()
    for message in conversation:
        if message.role == "compaction" or message.body.get("cut_off"):
            continue
        if message.role == "planner":
            turn = message.body["actor"], *(action["call"].partition(".")[0] for action in message.body["actions"][:1])
            if turn in seen:
                continue
            seen.add(turn)
            kept.append(message.model_copy(update={"body": {**message.body, "usage": None}}))
        elif message.role == "score":
            kept.append(message.model_copy(update={"body": {**message.body, "turn": None}}))
        else:
            kept.append(message)
    return told(kept)


def check_acknowledged(found: Outcome, ground: Ground) -> None:
    status = {op.id: op.status for op in found.operations}
    assert all(status[line["operation"]] == line["status"] for line in ground.said("status"))
    turns = sum(message.role == "planner" for message in found.conversation)
    assert len(ground.said("turn")) <= turns


def check_result(found: Outcome, whole: Outcome) -> None:
    """The same but for turns that were taken again, as something of them was cut off."""
    turns = [message for message in found.conversation if message.role == "planner"]
    again = len(turns) - sum(message.role == "planner" for message in whole.conversation)
    assert 0 <= again <= len(found.cut_off)
    expected, result = plain(whole.result), plain(found.result)
    for one in (expected, result):
        one["scores"] = [(score["held"], score["checked"]) for score in one["scores"]]
        if again:
            del one["turns"], one["usage"]
    assert result == expected
    assert found.result["usage"]["output_tokens"] == found.result["turns"] >= len(turns)


def plain(result: dict[str, Any]) -> dict[str, Any]:
    """A result without times and numbers of operations."""
    verify, apply = result["verify"], result["apply"]
    return {
        **{key: result[key] for key in ("session", "success", "code", "reason", "scores", "turns", "usage")},
        "rules": [(rule["rule"], rule["held"]) for rule in result["rules"]],
        "verify": verify and (verify["action"]["command"], verify["status"], verify["observation"]["exit_code"]),
        "apply": apply and (apply["status"], sorted((e["path"], e["change"]) for e in apply["effects"])),
    }
