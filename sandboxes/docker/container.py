"""An agent's container: made with its volumes, started, and removed with them.

Nothing of the host is in it. Its root is read-only; every place that may be written is a volume of its own, and what is
in a volume is put there by its first process (``inside/``), whose standard streams are all there is between the two.
"""

from __future__ import annotations

import io
import os
import secrets
import socket
import stat
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .box import BOOT
from .known import Image
from .labels import Kind
from .options import DockerOptions

if TYPE_CHECKING:
    import docker

_SHARED_MEMORY = "256m"
_MOMENT = 2.0
_STREAM = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}


class Container:
    def __init__(
        self,
        client: docker.DockerClient,
        image: Image,
        options: DockerOptions,
        *,
        workspace: str,
        base: Path,
        planted: Mapping[str, bytes],
        labels: Callable[[Kind], Mapping[str, str]],
    ) -> None:
        """``base``: what the image has in its places; ``planted``: by absolute path."""
        self._client, self._image, self._options = client, image, options
        self._workspace, self._base, self._planted = workspace, base, planted
        self._labels = labels
        self._name = f"agentrt-{secrets.token_hex(6)}"
        self._made = f"{self._name}-made"
        self._volumes: dict[str, str] = {}
        """By place, its name."""
        self._made_image: str | None = None

    def start(self) -> socket.socket:
        """The stream of its first process; closing it ends the container. Raises what the engine does; then what was
        made so far is for ``remove``."""
        api = self._client.api
        for number, place in enumerate([self._workspace, *self._image.places]):
            name = self._volumes[place] = f"{self._name}-{number}"
            api.create_volume(name, labels=dict(self._labels("volume")))
        self._prepare()
        api.create_container(
            self._made_image or self._image.id,
            entrypoint=[self._image.python, "-I", "-S", "-c", BOOT],
            command=[],
            name=self._name,
            hostname="agentrt",
            user=f"{self._image.user[0]}:{self._image.user[1]}",
            working_dir="/",
            # What the image sets is for commands: some of it (LD_PRELOAD) would change what our own program does.
            environment=["LC_ALL=C.UTF-8", *(name for name in self._image.environment if name != "LC_ALL")],
            stdin_open=True,
            healthcheck={"test": ["NONE"]},
            stop_signal="SIGKILL",  # it takes no other, and an engine that stops would wait for it
            labels=dict(self._labels("sandbox")),
            host_config=self._walls(),
        )
        attached = api.attach_socket(self._name, params=_STREAM)
        try:
            api.start(self._name)
            stream: socket.socket = getattr(attached, "_sock", attached)
            return stream.dup()
        finally:
            attached._response.close()  # by which the SDK keeps the connection
            attached.close()

    def state(self, *, ended: bool) -> Mapping[str, Any]:
        """As the engine has it; empty where it has none. ``ended``: it has, which the engine may take a moment to see.
        Raises what the engine does."""
        from docker.errors import NotFound

        until = time.monotonic() + _MOMENT
        while True:
            try:
                found: Mapping[str, Any] = self._client.api.inspect_container(self._name)["State"]
            except NotFound:
                return {}
            if not (ended and found["Running"]) or time.monotonic() >= until:
                return found
            time.sleep(0.05)

    def remove(self, client: docker.DockerClient) -> None:
        """With all that was made for it, as far as it is there: an engine that went away may have done what it was
        told and not have said so. Raises what the engine does; then it can be tried again."""
        from docker.errors import NotFound

        api = client.api
        for container in (self._name, self._made):
            with suppress(NotFound):
                api.remove_container(container, force=True, v=True)
        for name in self._volumes.values():
            with suppress(NotFound):
                api.remove_volume(name)
        if self._made_image is not None:
            with suppress(NotFound):
                api.remove_image(self._made_image)

    def _mounts(self) -> list[Any]:
        from docker.types import Mount

        return [Mount(place, name, type="volume", no_copy=True) for place, name in self._volumes.items()]

    def _walls(self) -> Any:
        from docker.types import LogConfig, Ulimit

        return self._client.api.create_host_config(
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            network_mode="none",
            ipc_mode="private",
            shm_size=_SHARED_MEMORY,
            pids_limit=self._options.processes,
            mem_limit=self._options.memory,
            memswap_limit=self._options.memory,
            nano_cpus=int(min(self._options.cpus, self._client.info()["NCPU"]) * 1_000_000_000),
            ulimits=[Ulimit(name="core", soft=0, hard=0)],
            log_config=LogConfig(type="none"),
            mounts=self._mounts(),
        )

    def _prepare(self) -> None:
        """Whose the places are, and files that are planted: put there by the engine, as nobody inside could."""
        api = self._client.api
        mounts = api.create_host_config(mounts=self._mounts(), network_mode="none")
        labels = dict(self._labels("sandbox"))
        api.create_container(self._image.id, entrypoint=["true"], name=self._made, labels=labels, host_config=mounts)
        api.put_archive(self._made, "/", self._archive())
        if any(not self._is_in_place(path) for path in self._planted):
            changes = [f'LABEL "{name}"="{value}"' for name, value in self._labels("image").items()]
            self._made_image = api.commit(self._made, changes=changes)["Id"]
        api.remove_container(self._made, force=True, v=True)

    def _archive(self) -> bytes:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for place in self._volumes:
                mode = stat.S_IMODE(
                    os.stat(self._workspace if place == self._workspace else self._base / place[1:]).st_mode
                )
                # What everybody may write and nobody may take from others is the system's own, as /tmp is.
                owner = (0, 0) if mode & stat.S_IWOTH else self._image.user
                archive.addfile(_member(place, tarfile.DIRTYPE, mode, owner))
            for place in self._volumes:
                for folder in self._on_the_way(place):
                    archive.addfile(_member(folder, tarfile.DIRTYPE, 0o755, self._owner_of(folder)))
            for path, content in sorted(self._planted.items()):
                for folder in self._on_the_way(path):
                    archive.addfile(_member(folder, tarfile.DIRTYPE, 0o755, self._owner_of(folder)))
                archive.addfile(_member(path, tarfile.REGTYPE, 0o444, (0, 0), len(content)), io.BytesIO(content))
        return packed.getvalue()

    def _owner_of(self, folder: str) -> tuple[int, int]:
        """Of one that leads to something: the system's own, unless it is part of the image."""
        return self._image.user if (self._base / folder[1:]).is_dir() else (0, 0)

    def _on_the_way(self, path: str) -> Iterator[str]:
        """Folders below a place that lead to something in it."""
        for place in self._volumes:
            if path.startswith(place + "/"):
                names = path[len(place) + 1 :].split("/")[:-1]
                yield from (os.path.join(place, *names[:depth]) for depth in range(1, len(names) + 1))

    def _is_in_place(self, path: str) -> bool:
        return any(path.startswith(place + "/") for place in self._volumes)


def _member(path: str, kind: bytes, mode: int, owner: tuple[int, int], size: int = 0) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path.lstrip("/"))
    member.type, member.mode, member.size = kind, mode, size
    member.uid, member.gid = owner
    return member
