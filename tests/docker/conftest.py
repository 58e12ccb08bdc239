"""The container engine of this machine, as DOCKER_HOST has it, and engines of a test's own.

Without one that has the tests' image the tests are skipped; with AGENTRT_TEST_ENGINE=1 they fail.
``engine.py`` makes one: DOCKER_HOST=$(.venv/bin/python tests/docker/engine.py start FOLDER) make test ARGS=tests/docker
"""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from docker_ground import Ground
from engine import IMAGE, Engine, load, private
from engine_things import Things, things

from agentrt.errors import SandboxUnavailable

HERE = Path(__file__).parent
REQUIRED = "AGENTRT_TEST_ENGINE"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Here DOCKER_HOST is what it was before tests/conftest.py hid it, for fixtures of every scope."""
    with pytest.MonkeyPatch.context() as patch:
        if HERE in item.path.parents:
            host = os.environ["AGENTRT_TEST_DOCKER_HOST"]
            patch.setenv("DOCKER_HOST", host) if host else patch.delenv("DOCKER_HOST")
        return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where nobody listens any more the SDK leaves its own socket open, which is not ours to mend."""
    for item in items:
        if {"own_engine", "small_engine", "shaken_engine", "tight_engine", "line"} & set(
            getattr(item, "fixturenames", ())
        ):
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))


@pytest.fixture(scope="session")
def engine() -> Iterator[Any]:
    """A client of an engine that has ``IMAGE``. Others use that engine, too: leave alone what you did not make."""
    from agentrt.sandboxes.docker.engine import connect

    try:
        client = connect()
    except SandboxUnavailable as error:
        lacking(str(error))
    try:
        if not client.api.images(IMAGE):
            lacking(f"the container engine has no image {IMAGE}; tests/docker/engine.py makes one that has")
        yield client
    finally:
        client.close()


@pytest.fixture
def own_engine() -> Iterator[Engine]:
    """One that a test may end and start again; without images."""
    yield from _own()


@pytest.fixture
def small_engine() -> Iterator[Engine]:
    """One with 24 MB of disk; without images."""
    yield from _own(disk="24m")


@pytest.fixture(scope="module")
def shaken_engine() -> Iterator[Engine]:
    """One that has the image; a test that ends it starts it again."""
    yield from _own(image=True)


@pytest.fixture(scope="module")
def tight_engine() -> Iterator[Engine]:
    """One that has the image, and a disk that can be filled."""
    yield from _own(disk="2g", image=True)


def _own(*, disk: str = "", image: bool = False) -> Iterator[Engine]:
    if os.geteuid() != 0:
        pytest.skip("only root can start a dockerd of its own")
    if shutil.which("dockerd") is None:
        lacking("dockerd is not installed")
    with private(disk=disk) as made:
        if image:
            load(made)
        yield made
    gc.collect()  # sockets that the SDK left open, while nobody minds


@pytest.fixture
def at_engine(engine: Any) -> Iterator[Things]:
    with things(engine) as made:
        yield made


@pytest.fixture
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For sessions that are run in this process, or in one that inherits its environment."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("AGENTRT_SANDBOX", raising=False)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The layers' folder of a store."""
    folder = tmp_path / "layers"
    folder.mkdir()
    return folder


@pytest.fixture
def ground(engine: Any, tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def lacking(why: str) -> NoReturn:
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{REQUIRED}=1, and {why}", pytrace=False)
    pytest.skip(why)
