"""What went wrong in GoEX, the runtime that this one learns from: each is tried here, once, by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from services import ALL

from agentrt import Runtime
from agentrt.errors import UsageError
from agentrt.testing import memory_sandbox

pytestmark = pytest.mark.anyio
TELL = {"api": "slack", "operation": "post_message"}


async def test_the_inverse_is_of_the_message_that_was_sent(opened: Any) -> None:
    """GoEX asks a model for an inverse before the call, when nobody knows what the message will be called."""
    runtime, service = opened("slack", empty=True)
    async with runtime as rt:
        for text in ("one", "two", "three"):
            await rt.act("api", **TELL, arguments={"channel": "C1", "text": text})
        await rt.revert(2)
        assert sorted(message["text"] for message in service.state.values() if not message.get("deleted")) == [
            "one",
            "three",
        ]


async def test_a_success_that_says_nothing_is_done_once(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer without a word is an answer: who asks is told, and nothing is sent again."""
    monkeypatch.setattr(ALL["discord"], "answer", lambda self, *asked: (204, None))
    runtime, service = opened("discord")
    async with runtime as rt:
        arguments = {"channel": "7", "content": "hello"}
        done = await rt.act("api", api="discord", operation="send_message", arguments=arguments)
        assert done.observation is not None and done.observation.output.startswith("204\n")
        assert "undo cannot take this back: its inverse does not fit the answer" in done.observation.output
        assert service.seen == ["POST /channels/7/messages"]


async def test_an_error_is_one(opened: Any) -> None:
    """For the one who asked, for the one who looks, and in what counts as done."""
    runtime, _ = opened("slack", empty=True)
    async with runtime as rt:
        done = await rt.act("api", **TELL, arguments={"channel": "nowhere", "text": "x"})
        assert done.observation is not None and "channel_not_found" in done.observation.output
        assert "undo cannot take this back" in done.observation.output and rt.view.marks == ()
        missing = await rt.act("api", **TELL, arguments={"channel": "C1"})
        assert missing.observation is not None and "`text` is missing" in str(missing.observation.error)


async def test_undo_where_nothing_was_done(opened: Any) -> None:
    runtime, service = opened("slack", empty=True)
    async with runtime as rt:
        with pytest.raises(UsageError, match="nothing to undo"):
            await rt.undo()
        assert service.seen == [] and rt.view.marks == ()


@pytest.mark.parametrize("host", ["{0}.evil.example", "evil-{0}", "evil.example/{0}", "{0}@evil.example"])
async def test_a_grant_is_of_one_host_and_no_part_of_another(opened: Any, workspace: Path, host: str) -> None:
    rules = {"network": [{"hosts": ["api.example.com"], "ports": [80], "private": True}]}
    async with Runtime.open(workspace, policy=rules, sandbox=memory_sandbox.open_sandbox) as rt:
        done = await rt.act("http", method="POST", url=f"http://{host.format('api.example.com')}/", body="x")
        assert done.observation is not None and done.observation.error is not None
        assert not any(request.change == "sent" for request in done.requests)


async def test_a_key_is_nowhere_but_where_it_is_for(opened: Any, tmp_path: Path) -> None:
    """Neither in what a model reads, nor in anything that is kept, nor in the name of anything."""
    runtime, service = opened("slack", empty=True)
    async with runtime as rt:
        told = [tool.description for tool in rt.tools.values()]
        done = await rt.act("api", **TELL, arguments={"channel": "C1", "text": "key: ${SLACK_TOKEN}"})
        told.append(str(done))
        secret = "s3cret-slack"
        assert not any(secret in text for text in told)
        assert [message["text"] for message in service.state.values()] == ["key: ${SLACK_TOKEN}"]
        placeholder = (await rt.act("bash", command="echo $SLACK_TOKEN")).observation
        assert placeholder is not None and "agentrt-secret-SLACK_TOKEN" in placeholder.output
        arguments = {"channel": "C1", "text": placeholder.output.strip()}
        done = await rt.act("api", **TELL, arguments=arguments)
        assert done.observation is not None and "goes where the API pack says" in str(done.observation.error)
        assert len(service.state) == 1 and rt.view.marks == (1,)
    for path in tmp_path.rglob("*"):
        assert secret not in path.name
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path
