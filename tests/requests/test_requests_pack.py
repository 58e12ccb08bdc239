"""The generic pack, at a service with ETags and at one without."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from rest_ground import Rest, policy

from agentrt import Runtime
from agentrt.testing import memory_sandbox

pytestmark = pytest.mark.anyio
DO: dict[str, dict[str, Any]] = {
    "create": {"fields": {"name": "two"}},
    "change": {"thing": "1", "fields": {"name": "uno", "more": [1]}},
    "replace": {"thing": "1", "fields": {"name": "uno"}},
}


@pytest.mark.parametrize("etags", [True, False])
@pytest.mark.parametrize("operation", DO)
async def test_it_is_taken_back(operation: str, etags: bool, workspace: Path) -> None:
    service = Rest(etags=etags)
    service.add(name="one", note="mind")
    before = copy.deepcopy(service.state())
    try:
        async with Runtime.open(workspace, policy=policy(service), sandbox=memory_sandbox.open_sandbox) as rt:
            arguments = {"server": service.url, "collection": "things", **DO[operation]}
            done = await rt.act("api", api="rest", operation=operation, arguments=arguments)
            assert done.observation is not None and "[undo sends " in done.observation.output, done.observation
            after = copy.deepcopy(service.state())
            assert after != before
            await rt.undo()
            assert service.state() == before
    finally:
        service.close()


async def test_what_is_deleted_is_put_back_as_it_was(workspace: Path) -> None:
    service = Rest()
    service.texts["a"] = ("text/x-odd", b"\xff\0 as it is")
    try:
        async with Runtime.open(workspace, policy=policy(service), sandbox=memory_sandbox.open_sandbox) as rt:
            arguments = {"server": service.url, "collection": "texts", "thing": "a"}
            done = await rt.act("api", api="rest", operation="delete", arguments=arguments)
            assert done.observation is not None and "[undo sends PUT " in done.observation.output, done.observation
            assert service.texts == {}
            await rt.undo()
            assert service.texts == {"a": ("text/x-odd", b"\xff\0 as it is")}
    finally:
        service.close()


@pytest.mark.parametrize("server", ["file:///etc", "localhost", "https://x/?q={/a}"])
async def test_a_server_that_is_none(server: str, workspace: Path) -> None:
    service = Rest()
    try:
        async with Runtime.open(workspace, policy=policy(service), sandbox=memory_sandbox.open_sandbox) as rt:
            arguments = {"server": server, "collection": "things"}
            done = await rt.act("api", api="rest", operation="list", arguments=arguments)
            assert done.observation is not None and "`server` is the beginning of URLs" in str(done.observation.error)
            assert service.seen == []
    finally:
        service.close()
