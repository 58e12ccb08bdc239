"""Drills: an inverse that was tried at an instance counts, for as long as it says, and one that does not hold never."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from services import Discord, Said

from agentrt import Runtime
from agentrt.cli.main import main
from agentrt.records import Secret
from agentrt.secrets import store as secret_store
from agentrt.testing import memory_sandbox
from agentrt.tools.apis import OURS, find, proofs

DRILL = """api: discord
base: {url}
compare: [/channels/7/messages/110000000000000001, /channels/7/messages/110000000000000002]
ignore: [/edited_timestamp]
calls:
  tell: {{operation: send_message, arguments: {{channel: "7", content: hello}}}}
"""
CHANGE = '  change: {operation: edit_message, arguments: {channel: "7", message: "{tell/id}", content: hi}}\n'


def agentrt(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


class Deaf(Discord):
    """What is deleted there stays."""

    def answer(self, method: str, path: list[str], given: dict[str, Any]) -> Said:
        return (204, None) if method == "DELETE" else super().answer(method, path, given)


class Else(Discord):
    """A message leaves something behind that its own URL does not show."""

    def answer(self, method: str, path: list[str], given: dict[str, Any]) -> Said:
        said = super().answer(method, path, given)
        if method == "POST":
            other = f"11{self.number():016}"
            self.state[other] = {"id": other, "content": "somebody posted", "edited_timestamp": None}
        return said


@pytest.fixture
def drilled(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """``agentrt verify-undo --drill``, at a service; its exit code, and the service."""
    monkeypatch.setattr(
        secret_store, "load", lambda names: [Secret(name=n, value="s3cr3t", hosts=("127.0.0.1",)) for n in names]
    )
    made: list[Discord] = []

    def drilled(kind: type[Discord] = Discord, *, more: str = "", text: str = DRILL) -> tuple[int, Discord]:
        made.append(service := kind())
        (file := tmp_path / "drill.yaml").write_text(text.format(url=service.url) + more)
        return agentrt("verify-undo", "--drill", str(file)), service

    yield drilled
    for service in made:
        service.close()


def test_what_was_taken_back_is_proved(drilled: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, service = drilled(more=CHANGE)
    out = capsys.readouterr().out
    assert out == (
        "proved: discord send_message was carried out, and undone\nproved: discord edit_message was carried out, and undone\n"
    )
    assert code == 0 and service.state == {} and "DELETE /channels/7/messages/110000000000000001" in service.seen
    assert not list((tmp_path / "state/agentrt").glob("**/journal.db")), "nothing is left of the session"
    agentrt("api", "list")
    listed = capsys.readouterr().out
    assert f"[proved {time.strftime('%Y-%m-%d')} at {service.url}]" in listed and "[unproved]" in listed


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Deaf, "it is not as it was: "),
        (
            Else,
            "after undo it is not as before: /channels/7/messages/110000000000000002 differs in whether it is there",
        ),
    ],
)
def test_what_does_not_hold_is_not(kind: Any, said: str, drilled: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = drilled(kind)
    out = capsys.readouterr().out
    assert code == 1 and out.startswith("NOT PROVED: ") and said in out
    assert proofs.proof_of(find("discord"), "send_message") is None


def test_who_compares_what_does_not_show_it_proves_nothing(drilled: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, service = drilled(text=DRILL.replace("0001, /channels/7/messages/110000000000000002", "0009"))
    assert code == 1 and "does not show that anything was done" in capsys.readouterr().out and service.state == {}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("api: discord", "api: discor"), "drill.yaml:1:6"),
        (("send_message", "send_massage"), "drill.yaml:6:21"),
        (("compare: [", "compare: [x, "), "drill.yaml:3:11"),
        (("calls:\n", "steps: 1\ncalls:\n"), "drill.yaml:5:1"),
    ],
)
def test_mistakes_are_told_where_they_are(
    wrong: tuple[str, str], said: str, drilled: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    code, service = drilled(text=DRILL.replace(*wrong))
    assert code == 2 and said in capsys.readouterr().err and service.seen == []


def test_a_proof_is_of_one_version_and_for_so_long(drilled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    drilled()
    pack = find("discord")
    assert proofs.proof_of(pack, "send_message") is not None
    assert proofs.proof_of(pack, "edit_message") is None
    assert proofs.proof_of(pack.model_copy(update={"version": pack.version + 1}), "send_message") is None
    changed = pack.operations["send_message"].model_copy(update={"request": "POST /elsewhere"})
    other = pack.model_copy(update={"operations": {**pack.operations, "send_message": changed}})
    assert proofs.proof_of(other, "send_message") is None
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + pack.proof + 1)
    assert proofs.proof_of(pack, "send_message") is None


def test_proofs_that_are_damaged_are_told(drilled: Any, capsys: pytest.CaptureFixture[str]) -> None:
    drilled()
    proofs.place().write_text("[{]")
    code, service = drilled()
    assert code == 2 and "proofs.json is damaged\nhint: delete it, and run the drills again" in capsys.readouterr().err
    assert service.state == {}


@pytest.mark.parametrize("proved", [False, True])
def test_a_policy_may_require_proof(proved: bool, drilled: Any, workspace: Path, tmp_path: Path) -> None:
    """What no drill has shown to be taken back needs the budget of what is not."""
    _, service = drilled(more="" if proved else CHANGE, text=DRILL if proved else DRILL.replace("send_message", "edit"))
    (folder := tmp_path / "config/agentrt/apis").mkdir(parents=True)
    pack = (OURS / "discord.yaml").read_text().replace("https://discord.com/api/v10", service.url)
    (folder / "discord.yaml").write_text(pack)
    rule = {"hosts": ["127.0.0.1"], "ports": [service.port], "private": True, "proof": True}
    rules = {"network": [rule], "secrets": ["DISCORD_TOKEN"]}

    async def scenario() -> None:
        async with Runtime.open(workspace, policy=rules, sandbox=memory_sandbox.open_sandbox) as rt:
            arguments = {"channel": "7", "content": "hello"}
            done = await rt.act("api", api="discord", operation="send_message", arguments=arguments)
            assert done.observation is not None
            if not proved:
                assert "budget" in str(done.observation.error) and service.state == {}
                return
            assert "[undo sends DELETE" in done.observation.output, done.observation
            assert service.state != {} and rt.spent.irreversible == 0
            await rt.undo()
            assert service.state == {}

    asyncio.run(scenario())


def test_drills_are_told_as_json(drilled: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    drilled()
    capsys.readouterr()
    agentrt("verify-undo", "--drill", str(tmp_path / "drill.yaml"), "--json")
    assert json.loads(capsys.readouterr().out) == {"ok": True, "proved": ["discord send_message"], "wrong": []}
