"""Accept all like this, over the socket: what is written is what was shown."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hosting_ground import hosted

from agentrt.errors import UsageError
from agentrt.history.store import Store
from agentrt.hosting.client import Client


def test_the_rule_is_shown_and_written_as_it_was_shown(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "config/agentrt/policy.yaml"

    async def act(client: Client, command: str, session: str | None = None) -> object:
        done = await client.ask("act", kind="bash", arguments={"command": command}, session=session)
        return done["review"]

    async def work() -> None:
        async with hosted(store) as host, await host.client() as client:
            for command in ("sed -i s/one/two/ a.txt", "sed -i s/two/three/ a.txt", "echo x > b.txt"):
                assert await act(client, command) == "pending"
            other = (await client.ask("fork", op=0))["session"]
            shown = await client.ask("acceptance", op=1, session="s1")
            assert "+    run: [sed **]" in shown["diff"] and not file.exists()
            written = await client.ask("remember", key=shown["key"], session="s1")
            assert (written["kind"], written["target"]) == ("accept", [1, 2])
            assert "run: [sed **]" in file.read_text()
            for session in ("s1", other):
                assert await act(client, "sed -i s/e/o/ a.txt", session) == "accepted"

            with pytest.raises(UsageError, match="accepts it already"):
                await client.ask("remember", key=shown["key"])
            shown = await client.ask("acceptance", op=3, session="s1")
            file.write_text("# mine\n" + file.read_text())
            with pytest.raises(UsageError, match="the rule would be another one by now") as caught:
                await client.ask("remember", key=shown["key"])
            assert caught.value.hint == "look at it once more"
            for key in ("", "s1", "s1/x/y", "s1/99999999999999999999/y"):
                with pytest.raises(UsageError, match="`key` is none that acceptance gave"):
                    await client.ask("remember", key=key)

    asyncio.run(work())
