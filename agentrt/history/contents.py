"""Contents of text files, kept by their digest: what a three-way merge is built on.

Nothing here is needed to undo anything. So nothing waits for the disk, and a content that is missing or damaged only
means that a merge is not to be had and a difference is a conflict.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from agentrt.records import FileState, Operation

from .beneath import Beneath
from .merge import is_text
from .states import state_of

MOST_BYTES = 1 << 20
"""Larger files are not kept."""
READING = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
"""How what may be anything is opened to be read."""


class Contents:
    """A folder of them; it is made when the first one is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, state: FileState) -> bool:
        """Whether the content of this file is here, as far as its size tells."""
        with suppress(OSError):
            return os.stat(self._file(state)).st_size == state.size
        return False

    def keep(self, state: FileState, content: bytes) -> None:
        """Keep the content of this file if it is text and not too large. Raises ``OSError``."""
        if len(content) > MOST_BYTES or not is_text(content):
            return
        file = self._file(state)
        new = f"{file}.new"
        try:
            with self._new(new) as writing:
                writing.write(content)
            os.replace(new, file)
        except OSError:
            with suppress(OSError):
                os.unlink(new)
            raise

    def get(self, state: FileState) -> bytes | None:
        """The content of this file; None where it is not here, or not whole."""
        if state.digest is None:
            return None
        with suppress(OSError):
            content = Path(self._file(state)).read_bytes()
            if digest_of(content) == state.digest:
                return content
        return None

    def drop_all_but(self, digests: Collection[str | None]) -> None:
        """Forget what is not needed any more. What cannot be removed stays."""
        with suppress(OSError):
            for name in os.listdir(self.folder):
                if name not in digests:
                    (self.folder / name).unlink()

    def _new(self, name: str) -> io.FileIO:
        try:
            return open(name, "wb", buffering=0)
        except FileNotFoundError:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            return open(name, "wb", buffering=0)

    def _file(self, state: FileState) -> str:
        assert state.digest is not None
        return os.path.join(self.folder, state.digest)


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def based_on(operation: Operation) -> dict[str, FileState]:
    """By path, the files of the real workspace that it changed, and whose content is worth keeping.

    Where an apply wrote a part of what the session did, the rest is based on what it wrote.
    """
    found: dict[str, FileState] = {}
    for effect in operation.files:
        state = effect.before if effect.change in ("modified", "mode") else None
        if operation.kind == "apply":
            state = effect.after if effect.path in operation.partial else None
        if effect.in_workspace and state is not None and _worth(state):
            found[effect.path] = state
    return found


def keep_bases(folder: Path, root: Path, wanted: Mapping[str, FileState]) -> None:
    """Keep these files, by path, where the real workspace still has them.

    What somebody changed meanwhile is not kept, nor what cannot be read or written.
    """
    contents = Contents(folder)
    with suppress(OSError), Beneath(root) as tree:
        for path, state in wanted.items():
            with suppress(OSError):
                if contents.has(state):
                    continue
                content = read(tree.open(os.fsencode(path), READING), state)
                if content is not None:
                    contents.keep(state, content)


def read(fd: int, state: FileState) -> bytes | None:
    """The content of the open file if it is the regular file ``state``, else None. Closes it. Raises ``OSError``."""
    with open(fd, "rb") as file:
        found = state_of(os.fstat(fd))
        if (found.type, found.size) != ("file", state.size):
            return None
        content = file.read(state.size + 1)
    return content if digest_of(content) == state.digest else None


def _worth(state: FileState) -> bool:
    # Inside a layer a file has no inode: the base of that one is an earlier effect's.
    return state.type == "file" and state.inode != 0 and state.digest is not None and state.size <= MOST_BYTES
