"""Looking into an image: which user, which Python, and where that user could write.

What the image's own Python says is checked for shape, and nothing else depends on it: who chose the image trusts it.
What an agent will be able to write is no part of what agentrt runs in it.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import AfterValidator, Field, ValidationError

from agentrt.errors import SandboxUnavailable
from agentrt.records import Record
from agentrt.records.base import Text

from .known import Image
from .oneoff import ORDINARY, container
from .refusals import refused

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

HOME = "/home/agent"
STANDARD_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ROOT = re.compile(r"(root|0*)(:.*)?")
_OLDEST = (3, 9)
_NOT_OURS = ("/proc", "/sys", "/dev")
_MOST_PLACES = 100
"""Each is a volume and a mount."""
_SECONDS = 60
_NO_PROGRAM = re.compile(r"exec.*(no such file|not found|permission denied|format error|is a directory)", re.I | re.S)
_SURVEY = Path(__file__).with_name("survey.py")


def _absolute(path: str) -> str:
    if path != str(PurePosixPath(path)) or not path.startswith("/") or path.startswith("//") or "\0" in path:
        raise ValueError("is no absolute path")
    if ".." in path.split("/"):
        raise ValueError("is not resolved")
    return path


Absolute = Annotated[Text, AfterValidator(_absolute)]


class _Said(Record):
    """What the survey prints."""

    version: tuple[int, int, int]
    uid: Annotated[int, Field(ge=0, lt=2**32 - 1)]
    gid: Annotated[int, Field(ge=0, lt=2**32 - 1)]
    home: Absolute | None
    python: Absolute
    library: Absolute
    places: tuple[Absolute, ...]


class _Old(Record):
    version: tuple[int, int, int]


class _Tried(NamedTuple):
    said: _Said | None
    why_not: str


def look(client: DockerClient, id_: str, config: Mapping[str, Any], shown: str) -> Image:
    """Run a container or a few, one after the other. Raises ``SandboxUnavailable``."""
    environment = dict(_pairs(config.get("Env") or ()))
    environment["PATH"] = environment.get("PATH") or STANDARD_PATH
    named = str(config.get("User") or "").strip()
    own = not _ROOT.fullmatch(named)
    refusals = []
    for python in _there(client, id_, environment["PATH"], shown):
        said, why_not = _try(client, id_, config, python, named if own else ORDINARY, shown)
        if said is not None and said.uid == 0:  # another name of root's
            own = False
            said, why_not = _try(client, id_, config, python, ORDINARY, shown)
        if said is not None:
            home = _home(said, environment.get("HOME") if own else None)
            places = _topmost([home, *said.places])
            if not any(_lies_in(path, places) for path in (said.python, said.library)):
                return _image(id_, said, home, environment, places, shown)
            why_not = "lies where the agent could change it"
        refusals.append(f"{python} {why_not}")
    raise _no_python(shown, named if own else "", refusals)


def _image(
    id_: str, said: _Said, home: str, environment: Mapping[str, str], places: tuple[str, ...], shown: str
) -> Image:
    if len(places) > _MOST_PLACES:
        raise SandboxUnavailable(
            f"{shown} has {len(places):,} folders its user can write, each apart from the others; "
            f"{_MOST_PLACES} can be kept, such as {', '.join(places[:3])}",
            cause="image-places",
            hint="take the right to write from most of them, in the Dockerfile (`RUN chmod -R go-w …`)",
        )
    return Image(
        id=id_,
        user=(said.uid, said.gid),
        home=home,
        environment={**environment, "HOME": home},
        python=said.python,
        places=places,
    )


def _home(said: _Said, configured: str | None) -> str:
    """The image's ``ENV HOME`` is of its own user; a folder that cannot be a place is nobody's home."""
    for home in (configured, said.home):
        if home and _topmost([home]) and home == str(PurePosixPath(home)):
            return home
    return HOME


def _topmost(paths: Iterable[str]) -> tuple[str, ...]:
    """Sorted, none in another one; without what is no place for files, and ``/``, which cannot be mounted."""
    kept: list[str] = []
    for path in sorted(set(paths), key=lambda path: path.split("/")):
        if path.startswith("/") and path != "/" and not _lies_in(path, (*_NOT_OURS, *kept)):
            kept.append(path)
    return tuple(sorted(kept))


def _lies_in(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def _pairs(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, equals, value = line.partition("=")
        if name and equals:
            yield name, value


# ------------------------------------------------------------------------------------------------ in containers


def _there(client: DockerClient, id_: str, path: str, shown: str) -> list[str]:
    """Where a Python may be and something is, as the agent's own PATH has it first."""
    folders = [folder.rstrip("/") for folder in path.split(":") if folder.startswith("/")][:64]
    usual = ("/usr/local/bin", "/usr/bin")
    names = [
        *(f"{folder}/python3" for folder in (*folders, *usual)),
        *(f"{folder}/python3.{minor}" for folder, minor in itertools.product(usual, range(19, 8, -1))),
    ]
    with refused(f"cannot look into {shown}", otherwise="image-odd"), container(client, id_, ["python3"]) as held:
        api = client.api
        url = f"{api.base_url}/v{api.api_version}/containers/{held.id}/archive"
        return [
            name
            for name in dict.fromkeys(names)
            if api.head(url, params={"path": name}, timeout=api.timeout).status_code == 200
        ]


def _try(client: DockerClient, id_: str, config: Mapping[str, Any], python: str, user: str, shown: str) -> _Tried:
    argument = json.dumps({"volumes": sorted(config.get("Volumes") or {})})
    command = [python, "-I", "-S", "-B", "-c", _SURVEY.read_text(), argument]
    without = dict(_pairs(config.get("Env") or ()))
    cure = "the same image with `docker run` fails alike; what the engine says is about it"
    with (
        refused(f"cannot run {shown}", otherwise="image-odd", cure=cure),
        container(client, id_, command, user=user, without=without) as held,
    ):
        if (why_not := _start(held, user, shown)) is not None:
            return _Tried(None, why_not)
        code = _wait(held)
        if code is None:
            return _Tried(None, f"did not end within {_SECONDS} seconds")
        return _read(held.logs(stdout=True, stderr=False), code)  # no more of it than is kept: ``oneoff``


def _start(held: Container, user: str, shown: str) -> str | None:
    """Why the program cannot be started; None where it runs."""
    from docker.errors import APIError

    try:
        held.start()
    except APIError as error:
        said = str(error.explanation or error)
        if re.search("no matching entries in (passwd|group) file|unable to find (user|group)", said):
            raise SandboxUnavailable(
                f"{shown} is to run as `{user}`, who is not in its /etc/passwd or /etc/group",
                cause="image-user",
                hint="correct its USER: a name it has, or a number",
            ) from error
        if _NO_PROGRAM.search(said):
            return "does not run"
        raise
    return None


def _wait(held: Container) -> int | None:
    """Its exit code; None where its time is up."""
    from requests.exceptions import ConnectionError as Broken
    from requests.exceptions import Timeout

    try:
        return int(held.wait(timeout=_SECONDS)["StatusCode"])
    except (Timeout, Broken) as error:  # which of the two a time-out is depends on when it comes
        if isinstance(error, Broken) and "timed out" not in str(error):
            raise
        return None


def _read(printed: bytes, code: int) -> _Tried:
    if code == 0:
        for shape in (_Said, _Old):
            try:
                said = shape.model_validate_json(printed)
            except ValidationError:
                continue
            if said.version < _OLDEST:
                return _Tried(None, "is " + ".".join(map(str, said.version)))
            if isinstance(said, _Said):
                return _Tried(said, "")
    return _Tried(None, f"does not run a program (exit code {code})" if code else "does not do what a Python does")


def _no_python(shown: str, user: str, refusals: list[str]) -> SandboxUnavailable:
    why = f": {'; '.join(refusals)}" if refusals else ""
    lines = [
        "FROM THE_IMAGE",
        "USER root",
        "RUN apt-get update && apt-get install -y python3",
        *([f"USER {user}"] if user else []),
    ]
    quoted = " ".join(f"'{line}'" for line in lines)
    return SandboxUnavailable(
        f"{shown} has no Python 3.9 or later that agentrt can use{why}",
        cause="image-python",
        hint=f"add one: `printf '%s\\n' {quoted} > Dockerfile` (`apk add python3`, `dnf install python3` elsewhere), "
        "then `sandbox: {kind: docker, dockerfile: Dockerfile}`",
    )
