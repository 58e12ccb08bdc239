"""The engine of DOCKER_HOST."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing

import docker
import pytest


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    if "DOCKER_HOST" not in os.environ:
        pytest.skip("no engine: DOCKER_HOST is not set")
    with closing(docker.DockerClient(base_url=os.environ["DOCKER_HOST"])) as client:
        yield client
