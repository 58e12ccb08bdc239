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
WHERE = {"owner": "o", "repo": "r"}
REACTION = {"channel": "7", "message": "110000000000000001"}
TOLD = {"channel": "C1", "timestamp": "1600000000.000001"}
DO: dict[tuple[str, str], dict[str, Any]] = {
    ("discord", "send_message"): {"channel": "7", "content": "hello"},
    ("discord", "edit_message"): {"channel": "7", "message": "110000000000000001", "content": "hi"},
    ("discord", "add_reaction"): {**REACTION, "emoji": "🔥"},
    ("discord", "remove_reaction"): {**REACTION, "emoji": "👀"},
    ("discord", "create_channel"): {"guild": "9", "name": "plans"},
    ("discord", "edit_channel"): {"channel": "8", "name": "plans", "topic": "what is next"},
    ("dropbox", "create_folder"): {"path": "/reports"},
    ("dropbox", "move"): {"from_path": "/a", "to_path": "/b"},
    ("dropbox", "copy"): {"from_path": "/a", "to_path": "/b"},
    ("dropbox", "delete_file"): {"path": "/a.txt"},
    ("github", "create_issue"): {**WHERE, "title": "it breaks"},
    ("github", "close_issue"): {**WHERE, "number": 1, "state": "closed"},
    ("github", "edit_issue"): {**WHERE, "number": 1, "title": "another", "body": "text"},
    ("github", "create_comment"): {**WHERE, "number": 1, "body": "hello"},
    ("github", "edit_comment"): {**WHERE, "comment": 50, "body": "second"},
    ("github", "add_labels"): {**WHERE, "number": 1, "labels": ["bug", "later"]},
    ("github", "remove_label"): {**WHERE, "number": 1, "label": "bug"},
    ("github", "create_milestone"): {**WHERE, "title": "2.0"},
    ("github", "edit_milestone"): {**WHERE, "milestone": 40, "state": "closed"},
    ("github", "create_pull"): {**WHERE, "title": "better", "head": "mine", "base": "main"},
    ("github", "close_pull"): {**WHERE, "number": 30, "state": "closed"},
    ("github", "create_file"): {**WHERE, "path": "docs/a.md", "message": "add", "content": "eA=="},
    ("github", "create_variable"): {**WHERE, "name": "COLOR", "value": "red"},
    ("github", "set_variable"): {**WHERE, "variable": "LEVEL", "value": "2"},
    ("github", "delete_variable"): {**WHERE, "name": "LEVEL"},
    ("gmail", "create_draft"): {"message": {"raw": "eA"}},
    ("gmail", "update_draft"): {"draft": "r1", "message": {"raw": "eQ"}},
    ("gmail", "add_labels"): {"message": "m1", "addLabelIds": ["STARRED"]},
    ("gmail", "remove_labels"): {"message": "m1", "removeLabelIds": ["INBOX", "STARRED"]},
    ("gmail", "trash"): {"message": "m1"},
    ("gmail", "create_label"): {"name": "later"},
    ("slack", "post_message"): {"channel": "C1", "text": "hello"},
    ("slack", "add_reaction"): {**TOLD, "name": "fire"},
    ("slack", "remove_reaction"): {**TOLD, "name": "eyes"},
    ("slack", "pin"): TOLD,
    ("slack", "set_topic"): {"channel": "C2", "topic": "new"},
    ("slack", "set_purpose"): {"channel": "C2", "purpose": "new"},
    ("slack", "create_channel"): {"name": "plans"},
    ("spotify", "save"): {"uris": "spotify:track:t1"},
    ("spotify", "remove"): {"uris": "spotify:track:kept"},
    ("spotify", "create_playlist"): {"name": "mix"},
    ("spotify", "rename_playlist"): {"playlist": "p0", "name": "mix"},
    ("stripe", "create_customer"): {"email": "a@example.com"},
    ("stripe", "update_customer"): {"customer": "cus_1", "name": "Ann", "email": "b@example.com"},
    ("stripe", "create_product"): {"name": "hat"},
    ("stripe", "update_product"): {"product": "prod_1", "active": False, "description": "y"},
    ("stripe", "create_price"): {"product": "prod_1", "unit_amount": 5, "currency": "eur"},
}
WAITS = {
    ("discord", "delete_message"): REACTION,
    ("github", "delete_comment"): {**WHERE, "comment": 50},
    ("github", "merge_pull"): {**WHERE, "number": 30, "sha": "abc"},
    ("github", "create_release"): {**WHERE, "tag_name": "v1"},
    ("gmail", "send"): {"raw": "eA"},
    ("gmail", "delete_draft"): {"draft": "r1"},
    ("gmail", "send_draft"): {"id": "r1"},
    ("slack", "delete_message"): {"channel": "C1", "ts": "1600000000.000001"},
    ("slack", "archive_channel"): {"channel": "C2"},
    ("stripe", "create_charge"): {"amount": 5, "currency": "eur", "customer": "cu_1"},
    ("stripe", "delete_customer"): {"customer": "cus_1"},
    ("stripe", "refund"): {"charge": "ch_1"},
    ("stripe", "cancel_subscription"): {"subscription": "sub_1"},
}
PASSING = {"edited_timestamp", "updated_at", "updated", "rev", "server_modified", "historyId", "last_set", "creator"}
"""What services write by themselves."""


def stated(service: Service) -> Any:
    """All there is, without what services write by themselves, and without what is deleted, closed or archived there."""

    def without(thing: Any) -> Any:
        if isinstance(thing, dict):
            return {key: without(each) for key, each in thing.items() if key not in PASSING}
        return sorted(map(without, thing), key=str) if isinstance(thing, list) else thing

    found = copy.deepcopy(service.state)
    listed = found.get("library", [])
    for key, thing in list(found.items()):
        if isinstance(thing, dict) and (
            thing.get("deleted") or thing.get("active") is False or thing.get("is_archived")
            or thing.get("state") == "closed" or (key.startswith("pl") and f"spotify:playlist:{key}" not in listed)
        ):  # fmt: skip
            del found[key]
        elif isinstance(thing, dict) and isinstance(thing.get("message"), dict):
            thing["message"].pop("id")
    return without(found)


@pytest.mark.parametrize(("name", "operation"), DO)
async def test_it_is_taken_back(opened: Any, name: str, operation: str) -> None:
    runtime, service = opened(name)
    before = stated(service)
    async with runtime as rt:
        done = await rt.act("api", api=name, operation=operation, arguments=DO[name, operation])
        assert done.observation is not None and "[undo sends " in done.observation.output, done.observation
        assert rt.spent.irreversible == 0
        assert {one.reversibility for one in done.requests} <= {"compensable", "reversible"}
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
        assert stated(service) == before and done.review == "pending"
        assert all(line.startswith("GET ") for line in service.seen)
        await rt.accept(1)
        assert stated(service) != before


async def test_an_answer_that_says_no_was_none(opened: Any) -> None:
    """Slack's 200 says nothing."""
    runtime, service = opened("slack")
    before = stated(service)
    async with runtime as rt:
        done = await rt.act("api", api="slack", operation="post_message", arguments={"channel": "C9", "text": "x"})
        assert "undo cannot take this back" in done.observation.output and rt.view.marks == ()
        assert stated(service) == before


async def test_what_needs_what_is_not_there_is_not_sent_as_if_it_could_be_taken_back(opened: Any) -> None:
    """A folder of Dropbox has no revision that could be restored."""
    runtime, service = opened("dropbox")
    before = stated(service)
    async with runtime as rt:
        done = await rt.act("api", api="dropbox", operation="delete_file", arguments={"path": "/a"})
        assert "budget" in f"{done.observation.output}{done.observation.error}" and stated(service) == before


def test_every_operation_is_tried() -> None:
    tried = {*DO, *WAITS}
    assert {one.stem for one in apis.OURS.glob("*.yaml")} == {*ALL, "rest"}
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
