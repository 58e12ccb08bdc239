"""The way out of a container: the gate, its certificate, secrets that are not in there, canaries."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from docker_ground import Ground
from engine import IMAGE
from loopback import Asked, Loopback, Said

from agentrt import Runtime
from agentrt.records import Operation, Secret
from agentrt.secrets import store as secret_store

DOCKER = {"kind": "docker", "image": IMAGE}
ASK = """
import os, sys, urllib.error, urllib.request
os.environ['no_proxy'] = os.environ['NO_PROXY'] = ''  # the service is on this machine, outside
def ask(url, body=None, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=20) as answer:
            print(answer.status, answer.read().decode())
    except urllib.error.HTTPError as error:
        print(error.code)
    except OSError as error:
        print("failed")
"""


class Service(Loopback):
    """A server of this machine that remembers what it was asked."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        super().__init__(self._answer)

    def _answer(self, asked: Asked) -> Said:
        self.seen.append((asked.path, asked.headers.get("authorization", "")))
        return 200, {}, b"hello"


@pytest.fixture
def service() -> Iterator[Service]:
    one = Service()
    yield one
    one.close()


@pytest.fixture(autouse=True)
def homes(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, ground.environment[name])
    monkeypatch.delenv("AGENTRT_SANDBOX", raising=False)


async def ask(rt: Runtime, *calls: str) -> tuple[Operation, str]:
    operation = await rt.act("bash", command=f"python3 - <<'END'\n{ASK}\n{chr(10).join(calls)}\nEND")
    assert operation.observation is not None and operation.status == "settled", operation.observation
    return operation, operation.observation.output


def policy(service: Service, **more: Any) -> dict[str, Any]:
    return {"network": [{"hosts": ["127.0.0.1"], "ports": [service.port], "private": True}], **more}


def test_without_a_network_there_is_no_way_out(ground: Ground, service: Service) -> None:
    async def work() -> None:
        async with Runtime.open(ground.workspace, sandbox=DOCKER) as rt:
            assert (await ask(rt, f"ask('{service.url}/')"))[1] == "failed\n"

    asyncio.run(work())
    assert service.seen == []


def test_what_is_asked_goes_through_the_gate_and_is_an_effect(
    ground: Ground, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTRT_PASSPHRASE", "of a test")
    secret_store.keep(Secret(name="TOKEN", value="s3cr3t-Value", hosts=("127.0.0.1",)))

    async def work() -> None:
        rules = policy(service, secrets=["TOKEN"])
        async with Runtime.open(ground.workspace, sandbox=DOCKER, policy=rules) as rt:
            sent, printed = await ask(
                rt,
                "print(os.environ['TOKEN'] != 's3cr3t-Value', os.path.getsize('/run/agentrt/ca.pem') > 100)",
                f"ask('{service.url}/a', authorization=os.environ['TOKEN'])",
                "ask('http://example.com/')",
            )
            assert printed == "True True\n200 hello\n403\n", sent
            assert [(request.change, request.status) for request in sent.requests] == [("sent", 200), ("refused", None)]
            again, printed = await ask(rt, f"ask('{service.url}/b')")
            assert printed == "200 hello\n" and len(again.requests) == 1
            assert (await rt.undo()).effects == ()

    asyncio.run(work())
    assert service.seen == [("/a", "s3cr3t-Value"), ("/b", "")]


def test_a_canary_is_planted_and_caught_on_its_way_out(ground: Ground, service: Service) -> None:
    async def work() -> None:
        rules = policy(service, files={"canaries": ["~/.aws/credentials"]})
        async with Runtime.open(ground.workspace, sandbox=DOCKER, policy=rules) as rt:
            looked = await rt.act("bash", command="echo x > ~/.aws/credentials; ls ~/.aws")
            assert looked.effects == () and looked.observation is not None
            assert looked.observation.output.endswith("\ncredentials\n"), looked.observation.output
            key = "open(os.path.expanduser('~/.aws/credentials')).read().split()[-1]"
            caught, printed = await ask(rt, f"ask('{service.url}/' + {key})")
            assert printed == "403\n", printed
            assert [request.canary for request in caught.requests] == ["~/.aws/credentials"]
            assert caught.review == "pending"

    asyncio.run(work())
    assert service.seen == []
