"""A work tree and an index that are not the user's, for git to work on in place of theirs."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from agentrt.history.beneath import Beneath

from .heads import Entry, index_lines
from .host import Repository

_RULES = (b".gitattributes", b".gitignore")


class Scratch:
    """Two work trees over one index. There are only plain files and folders in them, so no path leads out."""

    def __init__(self, repository: Repository, folder: Path) -> None:
        self.repository = repository
        self.work, self.was, self.index = folder / "work", folder / "was", folder / "index"
        self.work.mkdir()
        self.was.mkdir()
        self._length = 40

    def read(self, commit: str) -> None:
        """The index has what the commit has."""
        self._length = len(commit)
        self._git("read-tree", commit)

    def remove(self, paths: Iterable[bytes]) -> None:
        self._update(dict.fromkeys(paths))

    def put(
        self, tree: Path, path: bytes, content: BinaryIO, *, executable: bool = False, digest: str | None = None
    ) -> None:
        """A file; with ``digest`` only if that is its SHA-256."""
        target = os.path.join(os.fsencode(tree), path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            shutil.copyfileobj(content, file)
        os.chmod(target, 0o755 if executable else 0o644)
        if digest is not None:
            with open(target, "rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() == digest:
                    return
            os.unlink(target)

    def lay_rules(self, changed: Collection[bytes]) -> None:
        """``.gitattributes`` and ``.gitignore`` of every folder on the way to what changed, as they really are."""
        folders = {path.rpartition(b"/")[0] for path in changed}
        folders |= {b"/".join(folder.split(b"/")[:n]) for folder in folders for n in range(folder.count(b"/") + 1)}
        with Beneath(self.repository.top) as real:
            for path in (folder + b"/" + name if folder else name for folder in folders for name in _RULES):
                with suppress(OSError):
                    fd = real.open(path, os.O_RDONLY | os.O_NONBLOCK)
                    with open(fd, "rb") as content:
                        if not stat.S_ISREG(os.fstat(fd).st_mode):
                            continue
                        for tree in (self.was,) if path in changed else (self.was, self.work):
                            content.seek(0)
                            with suppress(FileExistsError, NotADirectoryError):  # its folder becomes a file
                                self.put(tree, path, content)

    def ignored(self, paths: Iterable[bytes]) -> list[bytes]:
        # A name that begins with a colon would be read as a pattern.
        asked = b"".join(b"./" + path + b"\0" for path in paths)
        said = self._git("check-ignore", "--no-index", "-z", "--stdin", stdin=asked, fine=(0, 1))
        return [path.removeprefix(b"./") for path in said.split(b"\0")[:-1]]

    def filtered(self, paths: Collection[bytes]) -> dict[bytes, str]:
        """Those that a configured program would read or write on their way into a repository or out of it."""
        programs = r"^filter\..*\.(clean|smudge|process)$"
        names = self._git("config", "--name-only", "-z", "--get-regexp", programs, fine=(0, 1))
        known = {name[len(b"filter.") : name.rindex(b".")] for name in names.split(b"\0") if name}
        found: dict[bytes, str] = {}
        for tree in (self.was, self.work) if known else ():
            asked = b"".join(path + b"\0" for path in paths)
            words = self._git("check-attr", "-z", "--stdin", "filter", stdin=asked, work=tree).split(b"\0")
            for path, value in zip(words[:-1:3], words[2::3], strict=True):
                if value in known:
                    found[path] = os.fsdecode(value)
        return found

    def names_of_what_was(self, paths: Iterable[bytes]) -> dict[bytes, str]:
        """What git would name the content of those that stand in ``was``."""
        there = [path for path in paths if os.path.isfile(os.path.join(os.fsencode(self.was), path))]
        lines = b"".join(_quoted(path) + b"\n" for path in there)
        names = self._git("hash-object", "--stdin-paths", stdin=lines, work=self.was).decode("ascii").split()
        return dict(zip(there, names, strict=True))

    def tree(self, files: Iterable[bytes], links: dict[bytes, str]) -> bytes:
        """Write the index with these of ``work`` and these links as a tree; its name."""
        entries: dict[bytes, Entry | None] = {}
        for path, target in links.items():
            name = self._git("hash-object", "-w", "--no-filters", "--stdin", stdin=os.fsencode(target))
            entries[path] = ("120000", name.strip().decode("ascii"))
        self._update(entries)
        listed = b"".join(path + b"\0" for path in files)
        self._git("update-index", "--add", "-z", "--stdin", stdin=listed)
        return self._git("write-tree", "--missing-ok").strip()  # a partial clone need not have all

    def _update(self, entries: dict[bytes, Entry | None]) -> None:
        if entries:
            lines = index_lines(entries, self._length)
            self._git("update-index", "--add", "-z", "--index-info", stdin=lines)

    def _git(
        self, *arguments: str, stdin: bytes = b"", work: Path | None = None, fine: tuple[int, ...] = (0,)
    ) -> bytes:
        # Modes and presence are ours to say here, whatever the user's file system or sparse checkout are like.
        ours = ("-c", "core.fileMode=true", "-c", "core.sparseCheckout=false", "-c", "index.sparse=false")
        return self.repository.run(*ours, *arguments, stdin=stdin, work=work or self.work, index=self.index, fine=fine)


def _quoted(path: bytes) -> bytes:
    """As git reads names on lines of their own."""
    if b"\n" not in path and not path.startswith(b'"'):
        return path
    return b'"' + b"".join(b"\\%03o" % byte for byte in path) + b'"'
