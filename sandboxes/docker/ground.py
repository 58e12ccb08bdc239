"""What a store's layers lie on besides the workspace, remembered in the store: no engine is needed to look at them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from agentrt.records import Record
from agentrt.records.base import dump_json

_NAME = ".docker-ground"


class Ground(Record):
    image: str = ""
    """The id of the last image that actions ran in; none did yet where it is empty."""
    base: str = ""
    """Where on this host that lies which the image has in its places."""
    home: str = "/home/agent"


def recall(store: Path) -> Ground:
    with suppress(OSError, ValidationError):
        return Ground.model_validate_json((store / _NAME).read_text())
    return Ground()


def remember(store: Path, ground: Ground) -> None:
    """Raises ``OSError``."""
    if recall(store) != ground:
        half = store / f"{_NAME}.half"
        half.write_text(dump_json(ground.to_dict()))
        half.rename(store / _NAME)
