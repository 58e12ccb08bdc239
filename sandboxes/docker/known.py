"""What agentrt must know of an image: found out by running it once, and remembered by the image's id.

$XDG_STATE_HOME/agentrt/docker/<id>.json
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from agentrt.homes import state_home
from agentrt.records import Record
from agentrt.records.base import Text

from . import written
from .refusals import refused

if TYPE_CHECKING:
    from docker import DockerClient

_EDITION = 1
"""Of what is remembered: another one is found out anew."""


class Image(Record):
    """An image that commands of an agent can run in."""

    id: str
    """``sha256:…``: of its content and of all it says of itself, so what is known of it never changes."""
    user: tuple[int, int]
    """Who commands run as, uid and gid: the image's own user, unless that is root. No further groups."""
    home: Text
    """Absolute, links resolved. It need not be there."""
    environment: dict[Text, Text]
    """What commands find: the image's, and ``HOME``. Not for programs of agentrt's own, which an agent could choose
    by it: the engine gives it to whatever runs, unless each name is taken out (its value None in docker-py)."""
    python: Text
    """A Python 3.9 or later, absolute, links resolved, that neither lies where the user can write nor has its library
    there. It runs without any environment."""
    places: tuple[Text, ...]
    """Topmost folders that the user could write, and those of ``VOLUME``; absolute, links resolved, sorted, none in
    another. They need not be there. What else is writable by its mode (a file in a folder that is not) is read-only."""


def known(client: DockerClient, id_: str, shown: str) -> Image:
    """What is known of an image that is there; found out if nothing is yet, which takes a second.

    ``shown``: how a person calls it. Raises ``SandboxUnavailable``: it cannot be run, or has no Python for us.
    """
    file = state_home() / "docker" / f"{id_.removeprefix('sha256:')}.json"
    if (remembered := _recall(file, id_)) is not None:
        return remembered
    from .looking import look

    with refused(f"cannot look into {shown}", otherwise="image-odd"):
        config: dict[str, Any] = client.images.get(id_).attrs.get("Config") or {}
    image = look(client, id_, config, shown)
    with contextlib.suppress(OSError):  # no room: it is found out again next time
        _remember(file, image)
    return image


def _recall(file: Path, id_: str) -> Image | None:
    try:
        held = _Remembered.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None
    return held.image if held.edition == _EDITION and held.image.id == id_ else None


def _remember(file: Path, image: Image) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    written.write(file, _Remembered(edition=_EDITION, image=image))


class _Remembered(Record):
    edition: int
    image: Image
