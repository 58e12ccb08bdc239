"""Trees before and after an agent's work, and what a sandbox would report about them."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from treestate import Entry, tree_state

from agentrt.history import beneath
from agentrt.history.apply import carry_out, plan
from agentrt.records import Change, FileEffect, FileState

Build = Callable[[Path], None]
Wanted = list[tuple[FileEffect, FileState | None]]


def measure(root: Path) -> dict[str, FileState]:
    """Every path below ``root`` as a sandbox would report it: without inodes."""
    found: dict[str, FileState] = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            info = os.lstat(path)
            kind = stat.S_IFMT(info.st_mode)
            digest = target = None
            if kind == stat.S_IFREG:
                digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
            elif kind == stat.S_IFLNK:
                target = os.readlink(path)
            names = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFIFO: "fifo"}
            found[os.path.relpath(path, root)] = FileState(
                type=names.get(kind, "device"),
                mode=stat.S_IMODE(info.st_mode),
                size=info.st_size if kind == stat.S_IFREG else 0,
                mtime_ns=info.st_mtime_ns,
                digest=digest,
                target=target,
            )
    return found


def effects(before: dict[str, FileState], after: dict[str, FileState]) -> Wanted:
    """What differs, path by path, each with what the agent saw there."""
    wanted: Wanted = []
    for path in sorted(before.keys() | after.keys()):
        a, b = before.get(path), after.get(path)
        if _what(a) == _what(b):
            continue
        change: Change = "created" if a is None else "deleted" if b is None else "modified"
        wanted.append((FileEffect(path=path, change=change, before=a, after=b), a))
    return wanted


def content_of(root: Path) -> Callable[[str], BinaryIO]:
    return lambda path: (root / path).open("rb")


def copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def _what(state: FileState | None) -> tuple[object, ...] | None:
    return None if state is None else (state.type, state.mode, state.digest, state.target)


class World:
    """A real workspace, a sandbox's copy of it, and the folder of an apply."""

    def __init__(self, folder: Path, aside: Path) -> None:
        self.real, self.sandbox, self.aside = folder / "real", folder / "sandbox", aside
        self.real.mkdir()

    def work(self, build: Build, change: Build) -> Wanted:
        build(self.real)
        return self.change(change)

    def change(self, change: Build) -> Wanted:
        copy(self.real, self.sandbox)
        seen = measure(self.sandbox)
        change(self.sandbox)
        return effects(seen, measure(self.sandbox))

    def apply(self, wanted: Wanted) -> tuple[FileEffect, ...]:
        return carry_out(plan(self.real, wanted), content_of(self.sandbox), self.aside)

    def state(self) -> dict[bytes, Entry]:
        return tree_state(self.real)


def make_kernel_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """No openat2, no renameat2 flags."""

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSYS, "not here")

    monkeypatch.setattr(beneath, "_openat2", refuse)
    monkeypatch.setattr(beneath, "rename", refuse)


def put(path: Path, data: bytes, mode: int = 0o644) -> None:
    """A new file, as an overlay has it: never through another name of the old one."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    path.chmod(mode)
    os.utime(path, ns=(10**18 + len(data), 10**18 + len(data) + 7))


def folder(path: Path, mode: int = 0o755) -> None:
    path.mkdir()
    path.chmod(mode)


def _base(root: Path) -> None:
    put(root / "kept", b"kept\n")
    put(root / "a.txt", b"a\n")
    folder(root / "sub")
    put(root / "sub/b.txt", b"bb\n")
    (root / "link").symlink_to("a.txt")


def _weird(root: Path) -> list[Path]:
    names = [b"new\nline", b"\xff\xfe", b"-rf", b" ", b"a" * 255, "ü".encode(), b"\x1b[31m", b"*", b"back\\slash"]
    return [root / os.fsdecode(name) for name in names]


def _created(root: Path) -> None:
    put(root / "new", b"new")
    put(root / "sub/new", b"new too", 0o755)
    put(root / "empty", b"")


def _modified(root: Path) -> None:
    put(root / "a.txt", b"A\n")
    put(root / "sub/b.txt", b"")


def _deleted(root: Path) -> None:
    (root / "a.txt").unlink()
    (root / "link").unlink()
    (root / "sub/b.txt").unlink()
    (root / "sub").rmdir()


def _modes(root: Path) -> None:
    (root / "a.txt").chmod(0o600)
    (root / "sub").chmod(0o700)
    (root / "sub/b.txt").chmod(0o755)


def _read_only(root: Path) -> None:
    _base(root)
    put(root / "locked", b"locked", 0o444)
    folder(root / "shut")
    put(root / "shut/in", b"in")
    (root / "shut").chmod(0o755)


def _read_only_change(root: Path) -> None:
    put(root / "locked", b"changed", 0o400)
    put(root / "shut/in", b"out", 0o444)
    put(root / "shut/more", b"more")
    (root / "shut").chmod(0o555)
    folder(root / "closed")
    put(root / "closed/x", b"x")
    folder(root / "closed/deep")
    put(root / "closed/deep/y", b"y")
    (root / "closed/deep").chmod(0o500)
    (root / "closed").chmod(0o555)


def _types(root: Path) -> None:
    put(root / "file-dir", b"1")
    put(root / "file-link", b"2")
    folder(root / "dir-file")
    put(root / "dir-file/x", b"x")
    folder(root / "dir-file/y")
    folder(root / "dir-link", 0o750)
    put(root / "dir-link/x", b"x")
    (root / "link-file").symlink_to("file-link")
    (root / "link-dir").symlink_to("dir-link")
    (root / "link-link").symlink_to("nowhere")
    (root / "escape").symlink_to("/etc")


def _types_flip(root: Path) -> None:
    (root / "file-dir").unlink()
    folder(root / "file-dir", 0o700)
    put(root / "file-dir/in", b"in")
    (root / "file-link").unlink()
    (root / "file-link").symlink_to("link-file")
    (root / "dir-file/x").unlink()
    (root / "dir-file/y").rmdir()
    (root / "dir-file").rmdir()
    put(root / "dir-file", b"now a file")
    (root / "dir-link/x").unlink()
    (root / "dir-link").rmdir()
    (root / "dir-link").symlink_to("/usr")
    put(root / "link-file", b"file")
    (root / "link-dir").unlink()
    folder(root / "link-dir")
    put(root / "link-dir/x", b"deep")
    folder(root / "link-dir/deeper")
    (root / "link-dir/deeper/z").symlink_to("../x")
    (root / "link-link").unlink()
    (root / "link-link").symlink_to("elsewhere")
    (root / "escape").unlink()
    folder(root / "escape")
    put(root / "escape/passwd", b"mine")


def _nested(root: Path) -> None:
    path = root
    for name in ("one", "two", "three"):
        path /= name
        folder(path)
        put(path / "f", name.encode())
        folder(path / "hollow")


def _nested_change(root: Path) -> None:
    subprocess.run(["rm", "-rf", str(root / "one/two")], check=True)
    folder(root / "one/other")
    folder(root / "one/other/deep")
    put(root / "one/other/deep/f", b"f")
    (root / "one/hollow").rmdir()
    folder(root / "one/void")


def _linked(root: Path) -> None:
    put(root / "first", b"shared")
    os.link(root / "first", root / "second")
    folder(root / "sub")
    os.link(root / "first", root / "sub/third")
    put(root / "p", b"pair")
    os.link(root / "p", root / "q")
    put(root / "m", b"mode")
    os.link(root / "m", root / "n")


def _linked_change(root: Path) -> None:
    put(root / "first", b"alone now")
    (root / "sub/third").unlink()
    (root / "p").unlink()
    (root / "q").unlink()
    put(root / "m", b"mode", 0o600)


def _named(root: Path) -> None:
    for path in _weird(root)[::2]:
        put(path, path.name.encode("utf-8", "surrogateescape"))
    folder(root / "dir\n")


def _named_change(root: Path) -> None:
    for path in _weird(root):
        put(path, b"changed " + os.fsencode(path.name))
    put(root / "dir\n" / os.fsdecode(b"\xc3"), b"x")
    (root / os.fsdecode(b"\xe9")).symlink_to(os.fsdecode(b"\xff\n"))


def _big(root: Path) -> None:
    put(root / "big", os.urandom(1 << 20) * 20)


def _big_change(root: Path) -> None:
    put(root / "big", b"x" + bytes(5 << 20) + b"tail" * 1000)
    put(root / "other", bytes(range(256)) * 4096 * 20)


def _git(root: Path) -> None:
    folder(root / ".git")
    folder(root / ".git/objects")
    put(root / ".git/HEAD", b"ref: refs/heads/main\n")
    put(root / ".git/objects/aa", b"object", 0o444)
    put(root / ".gitignore", b"ignored\n")
    put(root / "ignored", b"precious")


def _git_wiped(root: Path) -> None:
    subprocess.run(["rm", "-rf", str(root / ".git"), str(root / "ignored")], check=True)


def _fifo(root: Path) -> None:
    os.mkfifo(root / "pipe", 0o640)
    folder(root / "d")
    os.mkfifo(root / "d/pipe")


def _fifo_gone(root: Path) -> None:
    (root / "pipe").unlink()
    (root / "d/pipe").unlink()
    (root / "d").rmdir()


def _everything(root: Path) -> None:
    for path in list(root.iterdir()):
        subprocess.run(["rm", "-rf", str(path)], check=True)


def _both(*builds: Build) -> Build:
    def build(root: Path) -> None:
        for each in builds:
            each(root)

    return build


CASES: dict[str, tuple[Build, Build]] = {
    "created": (_base, _created),
    "modified": (_base, _modified),
    "deleted": (_base, _deleted),
    "mode": (_base, _modes),
    "read-only": (_read_only, _read_only_change),
    "types": (_types, _types_flip),
    "nested": (_nested, _nested_change),
    "hard links": (_linked, _linked_change),
    "names": (_named, _named_change),
    "big": (_big, _big_change),
    "git wiped": (_git, _git_wiped),
    "fifo deleted": (_fifo, _fifo_gone),
    "all gone": (_both(_base, _nested), _everything),
    "from nothing": (lambda root: None, _both(_base, _nested)),
}


def _mixed(root: Path) -> None:
    put(root / "first", b"shared")
    os.link(root / "first", root / "second")
    os.link(root / "first", root / "third")
    put(root / "mode", b"mode")
    put(root / "file-dir", b"1")
    folder(root / "dir-link", 0o750)
    put(root / "dir-link/x", b"x")
    (root / "link-file").symlink_to("/etc")


def _mixed_change(root: Path) -> None:
    put(root / "first", b"alone now")
    (root / "third").unlink()
    (root / "mode").chmod(0o600)
    (root / "file-dir").unlink()
    folder(root / "file-dir")
    put(root / "file-dir/in", b"in")
    (root / "file-dir").chmod(0o555)
    (root / "dir-link/x").unlink()
    (root / "dir-link").rmdir()
    (root / "dir-link").symlink_to("/usr")
    put(root / "link-file", b"file")


MIXED: tuple[Build, Build] = (_mixed, _mixed_change)
"""A little of everything: every way of swapping, in few steps."""
