"""The image of a task: by name, by its Dockerfile, or agentrt's own. What is not there is pulled or built."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from agentrt.errors import AgentrtError, SandboxUnavailable, UsageError

from .known import Image, known
from .options import DockerOptions, is_image
from .progress import Building, Pulling
from .refusals import refusal, refused
from .stopping import until

if TYPE_CHECKING:
    from docker import DockerClient

DEFAULT = Path(__file__).with_name("Dockerfile")
LABELS = {"agentrt.kind": "image"}
"""On every image that was built here, so that it can be told from others when it is not needed any more."""

_CURE = "correct it and try again; what it printed stands above"
_LINE = 200
"""Characters of a line in an error."""

Report = Callable[[str], None]


def resolve(
    client: DockerClient, options: DockerOptions, *, folder: Path, report: Report, stopped: Event | None = None
) -> Image:
    """The image that ``options`` name, ready to be run. It takes as long as pulling and building do.

    folder: what the path of a Dockerfile is relative to
    report: called with a line when there is progress; of these, what an engine and a build print is untrusted
    stopped: once set, pulling and building end with ``InterruptedError``

    Raises ``SandboxUnavailable`` with a cause of docs/docker.md, and ``UsageError`` for a Dockerfile that is not there.
    """
    stopped = stopped or Event()
    if options.image is not None:
        return known(client, _pulled(client, options.image, report, stopped), options.image)
    if options.dockerfile is not None:
        return known(
            client, _built(client, folder / options.dockerfile, options.dockerfile, report, stopped), options.dockerfile
        )
    return known(client, _default(client, report, stopped), "agentrt's own image")


def at_hand(client: DockerClient, wanted: Iterable[str]) -> str | None:
    """The id of the first of these, or of agentrt's own, that is there without a pull or a build."""
    names = [*wanted, _tag(DEFAULT.read_bytes())]
    found = filter(None, (_id_of(client, name) for name in names))
    return next((id_ for id_ in found if is_image(id_)), None)


def _pulled(client: DockerClient, name: str, report: Report, stopped: Event) -> str:
    if (found := _id_of(client, name)) is not None:
        return found
    report(f"pulling {name}")
    pulling, what, error = Pulling(name, report), f"cannot pull {name}", ""
    with refused(what):
        pull = partial(client.api.pull, name, stream=True, decode=True)
        for said in until(stopped, client.api, pull):  # to its end, which frees the connection
            pulling.take(said)
            error = str(said.get("error") or error)
    if error:
        raise refusal(what, error)
    report(f"pulled {name}")
    if (found := _id_of(client, name)) is None:
        raise refusal(what, "No such image")
    return found


def _built(client: DockerClient, file: Path, shown: str, report: Report, stopped: Event) -> str:
    """Asked for each time: whether anything has to be done is for the engine's own cache to know."""
    file = Path(os.path.abspath(file))
    if not file.is_file():
        told = "is a folder" if file.is_dir() else "no such file"
        raise UsageError(f"cannot build {shown}: {told}", hint="its path is relative to the task file's folder")
    tag = _tag(os.fsencode(file))
    try:
        return _build(client, shown, report, stopped, tag=tag, path=os.fspath(file.parent), dockerfile=file.name)
    except (AgentrtError, InterruptedError):
        raise
    except (OSError, UnicodeError) as error:  # of a file that is to go into the build
        raise UsageError(
            f"cannot build {shown}: {error}",
            hint=f"keep it out of the build with a line in {file.parent}/.dockerignore",
        ) from error


def _default(client: DockerClient, report: Report, stopped: Event) -> str:
    """Its content is all there is to it, so nothing is asked of the engine where it was built before."""
    content = DEFAULT.read_bytes()
    tag = _tag(content)
    return _id_of(client, tag) or _build(
        client, "agentrt's own image", report, stopped, tag=tag, fileobj=io.BytesIO(content)
    )


def _build(client: DockerClient, shown: str, report: Report, stopped: Event, *, tag: str, **context: Any) -> str:
    building, what, found, error = Building(report), f"cannot build {shown}", "", ""
    with refused(what, otherwise="image-build", cure=_CURE):
        # Containers of steps are removed also where one fails.
        build = partial(client.api.build, **context, tag=tag, labels=LABELS, rm=True, forcerm=True, decode=True)
        for said in until(stopped, client.api, build):
            building.take(said)
            found = str(said.get("aux", {}).get("ID") or found)
            error = str(said.get("error") or error)
    building.end()
    if error:
        raise _failed(what, error, building)
    if not found:
        raise refusal(what, "the engine ended without an image", otherwise="image-build")
    return found


def _failed(what: str, said: str, building: Building) -> SandboxUnavailable:
    where = f"{what} at {building.step}" if building.step else what
    if not re.search(r"returned a non-zero code|while running runtime: exit status", said):  # Docker's, podman's words
        return refusal(where, said, otherwise="image-build", cure=_CURE)
    # What a command printed says nothing of the engine and registries.
    last = f" ({building.last[:_LINE]})" if building.last else ""
    return SandboxUnavailable(f"{where}: {said[-_LINE:]}{last}", cause="image-build", hint=_CURE)


def _tag(of: bytes) -> str:
    return f"agentrt/{hashlib.sha256(of).hexdigest()[:32]}"


def _id_of(client: DockerClient, name: str) -> str | None:
    from docker.errors import ImageNotFound, NotFound

    with refused(f"cannot look for {name}"):
        try:
            return str(client.images.get(name).id)
        except (ImageNotFound, NotFound):
            return None
