"""Trees of files as mappings: read, compared, and built, by plain copies."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from agentrt.records import FileEffect, FileState

Tree = dict[str, tuple[FileState, Path]]
"""Path → what it is, and where its content lies. Parents sort before what is in them."""


def written(like: FileState, content: bytes, folder: str, number: int) -> tuple[FileState, Path]:
    file = Path(folder, str(number))
    file.write_bytes(content)
    known = {"size": len(content), "digest": hashlib.sha256(content).hexdigest(), "mtime_ns": time.time_ns()}
    return like.model_copy(update=known), file


def by_path(item: tuple[str, object]) -> bytes:
    return os.fsencode(item[0]).replace(b"/", b"\0")


def scan(root: Path) -> Tree:
    return dict(sorted(_walk(str(root), ""), key=by_path))


def _walk(root: str, folder: str) -> Iterator[tuple[str, tuple[FileState, Path]]]:
    for entry in os.scandir(os.path.join(root, folder)):
        path = os.path.join(folder, entry.name)
        yield path, (_state(entry), Path(entry.path))
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(root, path)


def _state(entry: os.DirEntry[str]) -> FileState:
    found = entry.stat(follow_symlinks=False)
    digest = target = None
    if stat.S_ISREG(found.st_mode):
        with open(entry.path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        kind = "file"
    elif stat.S_ISLNK(found.st_mode):
        target = os.readlink(entry.path)
        digest, kind = hashlib.sha256(os.fsencode(target)).hexdigest(), "symlink"
    elif stat.S_ISDIR(found.st_mode):
        kind = "directory"
    else:
        kind = {stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket"}.get(stat.S_IFMT(found.st_mode), "device")
    return FileState.from_dict(
        {
            "type": kind,
            "mode": 0o777 if kind == "symlink" else stat.S_IMODE(found.st_mode),
            "size": found.st_size if kind in ("file", "symlink") else 0,
            "mtime_ns": found.st_mtime_ns,
            "inode": found.st_ino,
            "digest": digest,
            "target": target,
        }
    )


def compare(before: Tree, after: Tree) -> list[FileEffect]:
    effects = []
    for path, _ in sorted(dict.fromkeys((*before, *after)).items(), key=by_path):
        old, new = before.get(path, (None,))[0], after.get(path, (None,))[0]
        if old is None or new is None:
            change = "created" if old is None else "deleted"
        elif (old.type, old.digest) != (new.type, new.digest):
            change = "modified"
        elif old.mode != new.mode:
            change = "mode"
        else:
            continue
        effects.append(FileEffect.from_dict({"path": path, "change": change, "before": old, "after": new}))
    return effects


def build(root: Path, tree: Tree) -> None:
    """Make ``tree`` under ``root``; modes and times last, innermost first, or nothing could be put in."""
    for path, (state, content) in tree.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)  # the real one may be gone from under a layer
        if state.type == "directory":
            target.mkdir()
        elif state.type == "symlink":
            target.symlink_to(state.target or "")
        elif state.type == "fifo":
            os.mkfifo(target)
        elif state.type == "file":
            copy_file(content, target)
    for path, (state, _) in reversed(tree.items()):
        if state.type in ("file", "directory", "fifo"):
            os.chmod(root / path, state.mode)
            os.utime(root / path, ns=(state.mtime_ns, state.mtime_ns))


def copy_file(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def remove(folder: Path) -> None:
    for around, names, _ in os.walk(folder):
        for name in names:
            path = os.path.join(around, name)
            if not os.path.islink(path):
                os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)
