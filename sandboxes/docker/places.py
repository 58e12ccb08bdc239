"""What an image holds where its user can write: the ground that undo goes back to, as a folder of the host."""

from __future__ import annotations

import fcntl
import os
import shlex
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agentrt.errors import DiskFull, SandboxError, SandboxUnavailable

from ..layers import disk
from ..layers.client import FULL
from ..layers.trees import remove_tree
from .engine import about, connect
from .known import Image, known
from .oneoff import container
from .refusals import refused
from .unpack import Chunks, unpack

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container


def export_places(client: DockerClient, image: Image, target: Path) -> None:
    """Make ``target``, one folder for an image: ``target/home/agent``, ``target/tmp`` … hold what the image has there.

    Nothing is done where it is there already; it is never there in part, whoever makes it at the same time and
    whatever ends them. What ``unpack`` says of modes and owners holds. A place that the image does not have is an
    empty folder of mode 0755. Raises ``SandboxUnavailable``, ``SandboxError``, ``DiskFull``.
    """
    if target.is_dir():
        return
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(target):
            if not target.is_dir():
                _export(client, image, target)
    except (SandboxUnavailable, SandboxError):
        raise
    except OSError as error:
        kind = DiskFull if error.errno in FULL else SandboxError
        raise kind(f"cannot write what the image holds to {target}: {error.strerror or error}") from error


def export_again(id_: str, target: Path) -> None:
    """``export_places`` where somebody deleted ``target`` since: without it what lies on it would be told wrong.

    Raises what that raises; ``SandboxUnavailable`` also where no engine is there, or it has the image no more.
    """
    if target.is_dir():
        return
    try:
        client = connect()
        try:
            export_places(client, known(client, id_, id_), target)
        finally:
            client.close()
    except SandboxUnavailable as error:
        raise SandboxUnavailable(
            f"{target}, which held what the image has where its user can write, was deleted, and cannot be had "
            f"again: {error.message}",
            cause="image-gone",
            hint=f"start the container engine that has {id_}, and try again; or `mkdir -p {shlex.quote(str(target))}`: "
            "then it goes on, but what was done outside the workspace may be told wrong",
        ) from error


def _export(client: DockerClient, image: Image, target: Path) -> None:
    aside = target.with_name(f".{target.name}.new")
    remove_tree(os.fsencode(aside))  # of one who was killed
    aside.mkdir(mode=0o700)
    what = "cannot read what the image holds"
    try:
        with refused(what, otherwise="image-odd"), container(client, image.id, [image.python]) as held:
            if about(client).name == "podman":  # its volumes are empty until then
                held.start()
                held.wait()
            for place in image.places:
                _copy(held, place, _folder(aside, place))
        disk.sync_file_system(os.fsencode(aside))
        os.rename(aside, target)
    except tarfile.TarError as error:
        raise SandboxUnavailable(f"{what}: {error}", cause="image-odd") from error
    finally:
        remove_tree(os.fsencode(aside))


def _copy(held: Container, place: str, folder: Path) -> None:
    from docker.errors import NotFound

    try:
        chunks, _ = held.get_archive(place)
    except NotFound as error:
        if "No such container" in str(error.explanation):
            raise
        return
    unpack(Chunks(iter(chunks)), folder)


def _folder(root: Path, place: str) -> Path:
    """Made, and what leads to it, whatever the umask."""
    folder = root
    for name in place.split("/")[1:]:
        folder /= name
        if not folder.is_dir():
            folder.mkdir()
            folder.chmod(0o755)
    return folder


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """One process, and one thread of it, at a time."""
    lock = os.open(target.with_name(f".{target.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
