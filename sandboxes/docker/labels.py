"""What of agentrt is at an engine, and whose it is: labels on containers, volumes and images say so, nothing else."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .engine import connect, translated

if TYPE_CHECKING:
    import docker

Kind = Literal["sandbox", "probe", "volume", "image"]
"""A container, one for a question about an image (of no store), a volume, an image."""
STORE, KIND, OWNER = "agentrt.store", "agentrt.kind", "agentrt.owner"
MARKER = ".docker"
"""In the store: an engine was used for it. One line for each image its sessions stand on, by id."""
_WORDS: dict[Kind, str] = {"sandbox": "container", "probe": "container", "volume": "volume", "image": "image"}


@dataclass(frozen=True)
class Leftover:
    """Something whose owner is gone, or cannot be asked about."""

    kind: Kind
    id: str
    """As the engine takes it: an id, or a volume's name."""
    name: str
    """For people, as in "container agentrt-1"."""
    kept: str = ""
    """Why it stays where it is, as "it belongs to box2-0f3a9c11"."""


def labels(store: Path, kind: Kind) -> dict[str, str]:
    """To be put on what this process makes at an engine for ``store``, the folder of the sandbox's layers."""
    return {STORE: store_name(store), KIND: kind, OWNER: owner()}


def store_name(store: Path) -> str:
    return hashlib.sha256(os.fsencode(os.path.realpath(store))).hexdigest()[:24]


def owner() -> str:
    """This process, as ``<host>:<pid>:<its start, in the kernel's ticks>``: another one with its pid is told apart."""
    return f"{_host()}:{os.getpid()}:{_start(os.getpid())}"


def mark(store: Path, image: str = "") -> None:
    """Say in the store that an engine is used for it, and which image its sessions stand on. Raises ``OSError``."""
    lines = needed(store)
    if not (store / MARKER).exists() or (image and image not in lines):
        with (store / MARKER).open("a") as file:
            file.write(f"{image}\n" if image else "")


def needed(store: Path) -> set[str]:
    """The images that ``mark`` was told of."""
    try:
        return set((store / MARKER).read_text().split())
    except FileNotFoundError:
        return set()


def leftovers(client: docker.DockerClient, store: Path | None) -> list[Leftover]:
    """What dead processes left for ``store``; of all stores for None. What belongs to a living one is not among it.

    Of another machine nothing can be known: that is told with why it is ``kept``. An image that has a name, or that
    the store's sessions stand on, is none; without a store no image is, as nobody knows what needs it.

    Raises ``SandboxError``.
    """
    # No more than one is asked for: podman takes several for a choice, of volumes, or finds no image that has them.
    wanted = f"{STORE}={store_name(store)}" if store else STORE
    with translated("look for what was left at the container engine"):
        found = [
            *_containers(client, "sandbox", wanted),
            *_containers(client, "probe", f"{KIND}=probe"),
            *_volumes(client, wanted),
        ]
        if store:
            found += _images(client, wanted, needed(store))
    left = []
    for kind, name, id, marks in found:
        if marks.get(KIND) != kind or OWNER not in marks:
            continue  # a container inherits the labels of its image, whoever runs it
        host, pid, start = _read(marks[OWNER])
        told = f"{_WORDS[kind]} {name}"
        if host != _host():
            left.append(
                Leftover(kind, id, told, f"it belongs to {host or 'nobody known'}; only there it can be removed")
            )
        elif not _lives(pid, start):
            left.append(Leftover(kind, id, told))
    return left


def remove_leftovers(client: docker.DockerClient, store: Path | None) -> list[Leftover]:
    """Remove ``leftovers`` but those that are kept: all of them, with why for those still there.

    Raises ``SandboxError`` where the engine went away.
    """
    from docker.errors import APIError, NotFound

    remove: dict[Kind, Callable[[str], object]] = {
        # With the volumes that an image asks for and nobody named: they were made for this container.
        "sandbox": lambda id: client.api.remove_container(id, force=True, v=True),
        "probe": lambda id: client.api.remove_container(id, force=True, v=True),
        "volume": lambda id: client.api.remove_volume(id),
        "image": lambda id: client.api.remove_image(id, noprune=True),  # what it was built on may be anybody's
    }
    done = []
    for left in leftovers(client, store):
        with translated(f"remove {left.name}"):
            try:
                if not left.kept:
                    remove[left.kind](left.id)
            except NotFound:  # somebody else removed it
                pass
            except APIError as error:
                if error.status_code is None or error.status_code >= 500:
                    raise
                left = Leftover(left.kind, left.id, left.name, str(error.explanation or error))
        done.append(left)
    return done


def collect(*, store: Path, dry_run: bool) -> list[Leftover]:
    """Entry point for ``gc``. No engine is asked where none was used.

    Raises ``SandboxUnavailable``, ``SandboxError``.
    """
    if not (store / MARKER).exists():
        return []
    client = connect()
    try:
        return leftovers(client, store) if dry_run else remove_leftovers(client, store)
    finally:
        client.close()


_Found = tuple[Kind, str, str, dict[str, str]]
"""Kind, name, id, labels."""


def _containers(client: docker.DockerClient, kind: Kind, wanted: str) -> Iterator[_Found]:
    for one in client.api.containers(all=True, filters={"label": wanted}):
        yield kind, (one["Names"] or [one["Id"][:12]])[0].lstrip("/"), one["Id"], one["Labels"]


def _volumes(client: docker.DockerClient, wanted: str) -> Iterator[_Found]:
    for one in client.api.volumes(filters={"label": wanted})["Volumes"] or []:
        yield "volume", one["Name"], one["Name"], one["Labels"]


def _images(client: docker.DockerClient, wanted: str, keep: set[str]) -> Iterator[_Found]:
    for one in client.api.images(filters={"label": wanted, "dangling": True}):
        if one["Id"] not in keep:
            yield "image", one["Id"].removeprefix("sha256:")[:12], one["Id"], one["Labels"]


@cache
def _host() -> str:
    """This machine and its view of processes: a name alone may be another machine's, and containers have own pids."""
    machine = next((text for file in ("machine-id", "hostname") if (text := _text(Path("/etc", file)))), "")
    apart = hashlib.sha256(f"{machine} {os.readlink('/proc/self/ns/pid')}".encode()).hexdigest()[:8]
    return f"{socket.gethostname()}-{apart}"


def _read(owner: str) -> tuple[str, int, str]:
    """Host, pid and start; no host for what ``owner`` never gave."""
    host, _, rest = owner.partition(":")
    pid, _, start = rest.partition(":")
    return (host, int(pid), start) if pid.isdecimal() and start else ("", 0, "")


def _lives(pid: int, start: str) -> bool:
    try:
        return _start(pid) == start
    except (FileNotFoundError, ProcessLookupError):  # it is gone, or /proc hides it
        pass
    try:
        os.kill(pid, 0)  # others' processes may be hidden in /proc
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's, and there
        pass
    return not Path(f"/proc/{pid}").exists()


def _start(pid: int) -> str:
    """When a process began (proc(5): field 22, after a name that may have spaces and brackets).

    Raises ``OSError``: ``ProcessLookupError`` for one that ended, and nobody took note.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    if fields[0] in "ZX":
        raise ProcessLookupError(pid)
    return fields[19]


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
