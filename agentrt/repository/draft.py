"""A commit on top of HEAD with what an apply is about: made beside the user's index and work tree, named by no ref.

In a scratch folder stand the files as they will be (``work``) and as they were (``was``), each with the
``.gitattributes`` and ``.gitignore`` that count there, so that git makes of them what it would make of the real
ones: line endings and encodings as configured, what is ignored left out. No program runs for that; a path whose
content one would have to pass through (``filter=lfs`` …) is a conflict.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from agentrt.errors import Conflict, UsageError
from agentrt.history.states import describe
from agentrt.records import FileState, PathConflict

from .heads import Entry, index_of, tree_of
from .host import Repository
from .scratch import Scratch

Reader = Callable[[str], BinaryIO]
"""Opens a regular file by its path in the workspace. Raises ``OSError``."""
_NAME, _MAIL = "agentrt", "agent@agentrt.invalid"


@dataclass(frozen=True)
class Change:
    """One path: what HEAD must have, and what the commit shall have. Folders count as nothing."""

    path: str
    before: FileState | None
    after: FileState | None


@dataclass(frozen=True)
class Drafted:
    commit: str
    parent: str
    committed: int
    """How many paths."""
    ignored: tuple[str, ...]
    """Left out, since git ignores them."""


def draft(
    repository: Repository,
    parent: str,
    changes: Iterable[Change],
    *,
    before: Reader,
    after: Reader,
    message: str,
    scratch: Path,
    indexed: bool,
) -> Drafted:
    """Write a commit; no ref knows it yet. ``indexed``: the user's index must have what HEAD has, too.

    Raises ``Conflict`` (a path is not in HEAD as it was before, or git cannot keep it), ``UsageError`` (nothing is
    left to commit), ``OSError``.
    """
    shutil.rmtree(scratch, ignore_errors=True)  # left by a crash
    scratch.mkdir(mode=0o700)
    try:
        drafting = _Drafting(repository, parent, changes, Scratch(repository, scratch))
        drafting.lay_out(before, after)
        drafting.check(index_of(repository) if indexed else None)
        tree = drafting.tree()
        if tree == repository.run("rev-parse", f"{parent}^{{tree}}").strip():
            raise UsageError(
                "nothing of it is for git to keep: it is ignored, or only folders",
                hint="--as files writes it to the workspace",
            )
        commit = _commit(repository, tree, parent, message)
        return Drafted(commit, parent, len(drafting.changes), tuple(sorted(drafting.ignored)))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


class _Drafting:
    def __init__(self, repository: Repository, parent: str, changes: Iterable[Change], scratch: Scratch) -> None:
        self.repository, self.scratch = repository, scratch
        self.head = tree_of(repository, parent)
        self.filemode = repository.ask("config", "--type=bool", "core.fileMode") != b"false"
        self.changes = {repository.prefix + os.fsencode(c.path): c for c in map(_as_git_has_it, changes)}
        self.ignored: list[str] = []
        self._parent = parent
        self._conflicts: dict[str, PathConflict] = {}
        self._was: dict[bytes, str] = {}
        """What git would call the content that was there."""

    def lay_out(self, before: Reader, after: Reader) -> None:
        """Both work trees, and the index as of HEAD without what goes."""
        scratch = self.scratch
        self._refuse_names()
        scratch.read(self._parent)
        scratch.remove(path for path, change in self._open() if change.after is None and path in self.head)
        for path, change in self._open():
            if change.after is not None and change.after.type == "file":
                with after(change.path) as content:
                    scratch.put(scratch.work, path, content, executable=self._executable(path, change.after))
        scratch.lay_rules([path for path, _ in self._open()])
        new = [path for path, change in self._open() if path not in self.head and change.after is not None]
        for path in scratch.ignored(new):
            self.ignored.append(self.changes.pop(path).path)
        # Deleted, and git never knew it.
        self.changes = {p: c for p, c in self.changes.items() if c.after is not None or p in self.head}
        self._refuse_places()
        self._refuse_filters()
        for path, change in self._open():
            if change.before is not None and change.before.type == "file":
                with suppress(OSError), before(change.path) as content:
                    scratch.put(scratch.was, path, content, digest=change.before.digest)
        self._was = scratch.names_of_what_was(path for path, _ in self._open())

    def check(self, index: Mapping[bytes, Entry | None] | None) -> None:
        """Raises ``Conflict`` naming every path that stands against it."""
        for path, change in self._open():
            entry = self.head.get(path)
            if not self._is(change.before, entry, path):
                self._conflict(change, "not committed, or another in HEAD" if entry else "not in HEAD, but here")
            elif index is not None and index.get(path) != entry:
                self._conflict(change, "staged otherwise than it is in HEAD")
        if self._conflicts:
            found = tuple(sorted(self._conflicts.values(), key=lambda conflict: conflict.path))
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            raise Conflict(
                f"{found[0].path}{more}: {found[0].theirs}",
                conflicts=found,
                hint="commit or undo your own changes there first, name other paths, or apply --as files",
            )

    def tree(self) -> bytes:
        links = {
            path: change.after.target or ""
            for path, change in self.changes.items()
            if change.after is not None and change.after.type == "symlink"
        }
        files = [p for p, change in self.changes.items() if change.after is not None and p not in links]
        return self.scratch.tree(files, links)

    def _open(self) -> list[tuple[bytes, Change]]:
        return [(path, change) for path, change in self.changes.items() if change.path not in self._conflicts]

    def _refuse_names(self) -> None:
        for path, change in self.changes.items():
            if any(part.lower() == b".git" for part in path.split(b"/")):
                self._conflict(change, "in a .git folder, which git cannot keep")

    def _refuse_places(self) -> None:
        """Other repositories, and folders that are files in HEAD or the other way round."""
        stay = {path for path in self.head if path not in self.changes or self.changes[path].after is not None}
        folders = {above for path in stay for above in _above(path)}
        for path, change in self._open():
            above = _above(path)
            inside = next((p for p in (*above, path) if self.head.get(p, ("", ""))[0] == "160000"), None)
            nested = next((p for p in above if os.path.lexists(os.path.join(self._top, p, b".git"))), None)
            if inside is not None:
                self._conflict(change, f"in the submodule {os.fsdecode(inside)}, a repository of its own")
            elif nested is not None:
                self._conflict(change, f"in {os.fsdecode(nested)}, a repository of its own")
            elif change.after is not None and (path in folders or any(p in stay for p in above)):
                self._conflict(change, "a folder in HEAD where a file is here, or the other way round")

    def _refuse_filters(self) -> None:
        filters = self.scratch.filtered([path for path, _ in self._open()])
        for path, change in self._open():
            if path in filters:
                self._conflict(change, f"goes through the filter {filters[path]}, a program agentrt does not run")

    @property
    def _top(self) -> bytes:
        return os.fsencode(self.repository.top)

    def _is(self, state: FileState | None, entry: Entry | None, path: bytes) -> bool:
        """What was there is what HEAD has."""
        if state is None or entry is None:
            return state is None and entry is None
        mode, name = entry
        if state.type == "symlink":
            target = os.fsencode(state.target or "")
            return mode == "120000" and self.repository.run("cat-file", "blob", name) == target
        if mode not in ("100644", "100755") or (self.filemode and (mode == "100755") != bool(state.mode & 0o100)):
            return False
        if path in self._was:
            return self._was[path] == name
        # The workspace has another now; what the agent saw may be what HEAD has all the same.
        return hashlib.sha256(self.repository.run("cat-file", "blob", name)).hexdigest() == state.digest

    def _executable(self, path: bytes, state: FileState) -> bool:
        if not self.filemode and path in self.head:
            return self.head[path][0] == "100755"
        return bool(state.mode & 0o100)

    def _conflict(self, change: Change, theirs: str) -> None:
        ours = describe(change.after, change.before)
        self._conflicts.setdefault(change.path, PathConflict(path=change.path, ours=ours, theirs=theirs))


def _as_git_has_it(change: Change) -> Change:
    kept = ("file", "symlink")
    before = change.before if change.before is not None and change.before.type in kept else None
    after = change.after if change.after is not None and change.after.type in kept else None
    return Change(change.path, before, after)


def _above(path: bytes) -> Collection[bytes]:
    parts = path.split(b"/")[:-1]
    return [b"/".join(parts[: n + 1]) for n in range(len(parts))]


def _commit(repository: Repository, tree: bytes, parent: str, message: str) -> str:
    identity: dict[str, str] = {}
    for who in ("AUTHOR", "COMMITTER"):
        # A name guessed from the machine's is nobody's.
        if repository.ask("-c", "user.useConfigOnly=true", "var", f"GIT_{who}_IDENT") is None:
            identity |= {f"GIT_{who}_NAME": _NAME, f"GIT_{who}_EMAIL": _MAIL}
    text = message.encode("utf-8", "backslashreplace")
    made = repository.run("commit-tree", "-p", parent, "-F", "-", tree, stdin=text, env=identity)
    return made.strip().decode("ascii")
