"""A container for one question about an image."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import behind
from .engine import about, limited
from .labels import KIND, OWNER, owner

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

ORDINARY = "1000:1000"
"""Who it runs as, where the image does not say, or says root."""


@dataclass(frozen=True)
class _Made:
    """Known by a name of ours, also where the engine's answer to its making was lost."""

    name: str

    def remove(self, client: DockerClient) -> None:
        from docker.errors import NotFound

        with suppress(NotFound):
            client.api.remove_container(self.name, force=True, v=True)


@contextmanager
def container(
    client: DockerClient, image: str, command: Sequence[str], *, user: str = ORDINARY, without: Iterable[str] = ()
) -> Iterator[Container]:
    """Made, not started; gone afterwards, with the volumes that the image asks for, or, where the engine went away, as
    soon as it is there again (``behind``). Raises docker-py's errors.

    ``without``: names of the image's environment that the command does not get.
    """
    from docker.types import LogConfig

    made = _Made(f"agentrt-{secrets.token_hex(6)}-look")
    try:
        yield client.containers.create(
            image,
            name=made.name,
            entrypoint=list(command[:1]),
            command=list(command[1:]),
            environment=list(without),  # a name without a value takes the variable away
            user=user,
            working_dir="/",
            labels={KIND: "probe", OWNER: owner()},
            healthcheck={"test": ["NONE"]},
            read_only=True,
            network_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            # What is printed is read when it ended, and no more than this can ever lie on the engine's disk.
            log_config=LogConfig(type="json-file", config={"max-size": "4m", "max-file": "1"}),
            **limited(about(client), memory=256_000_000, processes=64),
        )
    finally:
        behind.leave(client, made)
