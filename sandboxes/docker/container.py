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
from .engine import About, limited
from .known import Image
from .labels import Kind
from .options import DockerOptions

if TYPE_CHECKING:
    import docker

_SHARED_MEMORY, _SHARE = 256_000_000, 4
"""Bytes in /dev/shm, and so many in System V's segments; one part in so many of the memory, where that is less. It is
nobody's: where it takes all, there is no process to end but the first, and with that the container."""
_SYSTEM = (0, 0)
_PAGE = 4096
_MOMENT = 2.0
_STREAM = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}


class Container:
    def __init__(
        self,
        client: docker.DockerClient,
        about: About,
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
        self._about = about

    def start(self) -> socket.socket:
        """The stream of its first process; closing it ends the container. Raises what the engine does; then what was
        made so far is for ``remove``."""
        api = self._client.api
        for number, place in enumerate([self._workspace, *self._image.places]):
            name = self._volumes[place] = f"{self._name}-{number}"
            api.create_volume(name, driver_opts=self._kept(), labels=dict(self._labels("volume")))
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
        from docker.types import LogConfig

        shared = min(_SHARED_MEMORY, self._options.memory // _SHARE)
        return self._client.api.create_host_config(
            read_only=True,
            sysctls={"kernel.shmall": str(shared // _PAGE), "kernel.msgmni": "64"},
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            network_mode="none",
            ipc_mode="private",
            cgroupns="private",
            shm_size=shared,
            log_config=LogConfig(type="none"),
            mounts=self._mounts(),
            **limited(
                self._about,
                memory=self._options.memory,
                processes=self._options.processes,
                processors=self._options.cpus,
            ),
        )

    def _prepare(self) -> None:
        """Whose the places are, and files that are planted: put there by the engine, as nobody inside could."""
        api = self._client.api
        mounts = api.create_host_config(mounts=self._mounts(), network_mode="none")
        labels = dict(self._labels("sandbox"))
        api.create_container(self._image.id, entrypoint=["true"], name=self._made, labels=labels, host_config=mounts)
        for base in dict.fromkeys(map(self._base_of, ("/", *self._volumes))):
            api.put_archive(self._made, base, self._archive(base))
        if any(not self._is_in_place(path) for path in self._planted):
            changes = [f'LABEL "{name}"="{value}"' for name, value in self._labels("image").items()]
            made = api.commit(self._made, changes=changes)["Id"]
            self._made_image = f"sha256:{made.removeprefix('sha256:')}"  # podman leaves that out, and then knows it not
        api.remove_container(self._made, force=True, v=True)

    def _archive(self, base: str) -> bytes:
        packed = io.BytesIO()
        ways = {way for target in (*self._volumes, *self._planted) for way in self._on_the_way(target)}
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for folder in sorted({*self._volumes, *ways}):
                # Also where it is mounted: made there only when it is, it would change the time of the folder it is in.
                if base in (self._base_of(folder), self._base_of(os.path.dirname(folder))):
                    name = os.path.relpath(folder, base)
                    archive.addfile(_member(name, tarfile.DIRTYPE, *self._meta(folder, folder in ways)))
            for path, content in sorted(self._planted.items()):
                if self._base_of(path) == base:
                    name = os.path.relpath(path, base)
                    archive.addfile(_member(name, tarfile.REGTYPE, 0o444, _SYSTEM, len(content)), io.BytesIO(content))
            end = archive.offset + 2 * tarfile.BLOCKSIZE
        return packed.getvalue()[:end]  # podman fails now and then where more zeros follow: it reads no further

    def _base_of(self, path: str) -> str:
        """What ``path`` is given to the engine below: podman puts into a volume only what is given below that."""
        volumes = [place for place in self._volumes if path == place or path.startswith(place + "/")]
        return max(volumes, key=len, default="/") if self._about.name == "podman" else "/"

    def _kept(self) -> dict[str, str] | None:
        """Options by which a volume's owner is who it is given to. Podman's is else whoever uses it first."""
        return {"o": "uid=0,gid=0"} if self._about.name == "podman" else None

    def _meta(self, folder: str, leads: bool) -> tuple[int, tuple[int, int]]:
        """Mode and owner. ``leads``: to what the engine puts there. Such a folder is the system's own, and what is in
        it is its owner's alone to move or remove, or a user could move away what leads there."""
        there = self._workspace if folder == self._workspace else self._base / folder[1:]
        if not os.path.isdir(there):
            return 0o755, _SYSTEM
        mode = stat.S_IMODE(os.stat(there).st_mode)
        if leads:
            return mode | 0o1777, _SYSTEM
        # What everybody may write and see and nobody may take from others is the system's own, as /tmp is.
        return mode, _SYSTEM if mode & 0o1006 == 0o1006 else self._image.user

    def _on_the_way(self, path: str) -> Iterator[str]:
        """A place and folders below it that lead to something in it."""
        for place in self._volumes:
            if path.startswith(place + "/"):
                names = path[len(place) + 1 :].split("/")[:-1]
                yield from (os.path.join(place, *names[:depth]) for depth in range(len(names) + 1))

    def _is_in_place(self, path: str) -> bool:
        return any(path.startswith(place + "/") for place in self._volumes)


def _member(path: str, kind: bytes, mode: int, owner: tuple[int, int], size: int = 0) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.type, member.mode, member.size = kind, mode, size
    member.uid, member.gid = owner
    return member
