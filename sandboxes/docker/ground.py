"""What a store's layers lie on besides the workspace, remembered in the store: no engine is needed to look at them.

Sessions of one workspace may be in different images: ``of`` says in which, as the options and their folder name it.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from agentrt.records import Record

from . import written

_NAME = ".docker-ground"


class Ground(Record):
    image: str = ""
    """The id of the last image that actions ran in; none did yet where it is empty."""
    base: str = ""
    """Where on this host that lies which the image has in its places."""
    home: str = "/home/agent"


def recall(store: Path, of: str) -> Ground:
    with suppress(OSError, ValidationError):
        return Ground.model_validate_json(_file(store, of).read_text())
    return Ground()


def remember(store: Path, of: str, ground: Ground) -> None:
    """Raises ``OSError``."""
    if recall(store, of) != ground:
        written.write(_file(store, of), ground)


def _file(store: Path, of: str) -> Path:
    return store / f"{_NAME}-{hashlib.sha256(os.fsencode(of)).hexdigest()[:12]}"
