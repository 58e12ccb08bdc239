"""Every operation of every pack that is shipped, at a service of its shape: done, taken back, done again."""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Any

import pytest
from services import ALL, Service

from agentrt.arguments import load_tools
from agentrt.errors import ResourceError
from agentrt.tools import apis

pytestmark = pytest.mark.anyio
DO: dict[tuple[str, str], tuple[dict[str, Any], ...]] = {
    ("discord", "send_message"): ({"channel": "7", "content": "hello"},),
    ("discord", "edit_message"): ({"channel": "7", "message": "110000000000000001", "content": "hi"},),
    ("dropbox", "create_folder"): ({"path": "/reports"},),
    ("dropbox", "move"): ({"from_path": "/a", "to_path": "/b"},),
    ("gmail", "create_draft"): ({"message": {"raw": "eA"}},),
    ("gmail", "add_labels"): ({"message": "m1", "addLabelIds": ["STARRED"]},),
    ("slack", "post_message"): ({"channel": "C1", "text": "hello"},),
    ("spotify", "save_track"): ({"ids": "t1"},),
    ("stripe", "create_customer"): ({"email": "a@example.com"},),
}
WAITS = {
    ("gmail", "send"): {"raw": "eA"},
    ("stripe", "create_charge"): {"amount": 5, "currency": "eur", "customer": "cu_1"},
}


def stated(service: Service) -> Any:
    """All there is, without the times it writes itself, and without what says that it was deleted."""
    found = copy.deepcopy(service.state)
    for key, thing in list(found.items()):
        if isinstance(thing, dict):
            thing.pop("edited_timestamp", None)
            if thing.get("deleted"):
                del found[key]
    return found


@pytest.mark.parametrize(("name", "operation"), DO)
async def test_it_is_taken_back(opened: Any, name: str, operation: str) -> None:
    runtime, service = opened(name)
    before = stated(service)
    async with runtime as rt:
        for arguments in DO[name, operation]:
            done = await rt.act("api", api=name, operation=operation, arguments=arguments)
            assert done.observation is not None and "[undo sends " in done.observation.output, done.observation
            assert rt.spent.irreversible == 0 and {one.reversibility for one in done.requests} <= {
                "compensable",
                "reversible",
            }
        after = stated(service)
        assert after != before
        assert not (await rt.preview("undo")).conflicts
        await rt.undo()
        assert stated(service) == before
        await rt.redo()
        assert stated(service) != before
        await rt.undo()
        assert stated(service) == before


@pytest.mark.parametrize(("name", "operation"), WAITS)
async def test_what_cannot_be_taken_back_waits(opened: Any, name: str, operation: str) -> None:
    runtime, service = opened(name)
    before = stated(service)
    async with runtime as rt:
        done = await rt.act("api", api=name, operation=operation, arguments=WAITS[name, operation])
        assert done.observation is not None and "queued, and nothing was sent" in done.observation.output
        assert stated(service) == before and service.seen == [] and done.review == "pending"
        await rt.accept(1)
        assert stated(service) != before


async def test_an_answer_that_says_no_was_none(opened: Any) -> None:
    """Slack's 200 says nothing."""
    runtime, service = opened("slack")
    async with runtime as rt:
        done = await rt.act("api", api="slack", operation="post_message", arguments={"channel": "C9", "text": "x"})
        assert "undo cannot take this back" in done.observation.output and rt.view.marks == ()
        assert service.state == {}


def test_every_operation_is_tried() -> None:
    tried = {*DO, *WAITS}
    for name in ALL:
        for operation, asked in apis.load(apis.OURS / f"{name}.yaml").operations.items():
            assert asked.class_ in ("safe", "irreversible") or (name, operation) in tried, (name, operation)


async def test_a_window_that_is_over(opened: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is touched, files neither."""
    runtime, service = opened("discord")
    file = tmp_path / "config/agentrt/apis/discord.yaml"
    file.write_text(file.read_text().replace("      ignore: [/edited", "      window: 1h\n      ignore: [/edited"))
    async with runtime as rt:
        await rt.act("write", path="note", content="told")
        for minutes, taken_back in ((50, True), (70, False)):
            await rt.act("api", api="discord", operation="send_message", arguments={"channel": "7", "content": "hello"})
            now, stood, seen = time.time(), rt.view, len(service.seen)
            with monkeypatch.context() as later:
                later.setattr(time, "time", lambda now=now, minutes=minutes: now + 60 * minutes)
                if taken_back:
                    await rt.undo()
                    continue
                with pytest.raises(ResourceError, match=r"could be taken back until .* only"):
                    await rt.undo(2)
            assert rt.view == stood and len(service.seen) == seen


def test_packs_are_read_for_whoever_wants_to_know_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that opens with a network does not pay for it."""
    read: list[str] = []
    load = apis.load
    monkeypatch.setattr(apis, "load", lambda path: read.append(path.stem) or load(path))
    tool = load_tools({}, network=True)["api"]
    assert read == []
    assert all(f"{name} ({', '.join(apis.find(name).operations)})" in tool.description for name in apis.names())
    assert set(read) == set(apis.names()) and "api" not in load_tools({}, network=False)
