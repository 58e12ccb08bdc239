"""Nothing resolves to a place outside the folder, with or without the kernel's help."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentrt.history import beneath
from agentrt.history.beneath import Beneath


@pytest.fixture(params=["openat2", "by hand"])
def tree(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Beneath]:
    if request.param == "by hand":

        def refuse(*_: object) -> int:
            raise OSError(errno.ENOSYS, "not here")

        monkeypatch.setattr(beneath, "_openat2", refuse)
    root = tmp_path / "root"
    (root / "a/b").mkdir(parents=True)
    (root / "a/b/file").write_bytes(b"inside")
    (tmp_path / "secret").write_bytes(b"outside")
    (root / "out").symlink_to(tmp_path)
    (root / "a/loop").symlink_to("b")
    (root / "a/secret").symlink_to("../../secret")
    with Beneath(root) as opened:
        yield opened


@pytest.mark.parametrize("path", [b"out/secret", b"a/loop/file", b"a/secret"])
def test_links_are_not_followed(tree: Beneath, path: bytes) -> None:
    with pytest.raises(OSError) as caught:
        tree.open(path, os.O_RDONLY)
    assert caught.value.errno == errno.ELOOP


@pytest.mark.parametrize("path", [b"out/secret", b"a/loop/file"])
def test_what_lies_behind_a_link_is_not_seen(tree: Beneath, path: bytes) -> None:
    with pytest.raises(OSError) as caught:
        tree.lstat(path)
    assert caught.value.errno == errno.ELOOP


def test_a_link_itself_is_seen(tree: Beneath) -> None:
    found = tree.lstat(b"a/loop")
    assert found is not None and stat.S_ISLNK(found.st_mode)


def test_what_is_inside_is_found(tree: Beneath) -> None:
    fd = tree.open(b"a/b/file", os.O_RDONLY)
    try:
        assert os.read(fd, 10) == b"inside"
    finally:
        os.close(fd)
    with tree.parent(b"a/b/file") as (folder, name):
        assert name == b"file" and os.stat(name, dir_fd=folder).st_size == 6
    found = tree.lstat(b"")
    assert found is not None and found.st_ino == os.fstat(tree.fd).st_ino


@pytest.mark.parametrize("path", [b"nothing", b"a/nothing", b"nothing/at/all", b"a/b/file/below"])
def test_what_is_not_there_is_none(tree: Beneath, path: bytes) -> None:
    assert tree.lstat(path) is None


def test_another_file_system_is_out_of_reach(tree: Beneath) -> None:
    with Beneath(Path("/")) as top, pytest.raises(OSError) as caught:
        top.lstat(b"proc/version")
    assert caught.value.errno == errno.EXDEV


def test_modes_are_set_whatever_they_are(tree: Beneath) -> None:
    for mode in (0o000, 0o444, 0o755):
        tree.set_mode(b"a/b/file", mode)
        found = tree.lstat(b"a/b/file")
        assert found is not None and stat.S_IMODE(found.st_mode) == mode


def test_names_of_any_bytes(tree: Beneath) -> None:
    for name in (b"\n", b"\xff" * 255, b"-", b" "):
        os.close(os.open(b"a/" + name, os.O_CREAT | os.O_WRONLY, dir_fd=tree.fd))
        assert tree.lstat(b"a/" + name) is not None


def test_rename_flags(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"1")
    (tmp_path / "two").write_bytes(b"2")
    with Beneath(tmp_path) as tree:
        with pytest.raises(FileExistsError):
            beneath.rename(tree.fd, b"one", tree.fd, b"two", beneath.NOREPLACE)
        beneath.rename(tree.fd, b"one", tree.fd, b"two", beneath.EXCHANGE)
    assert ((tmp_path / "one").read_bytes(), (tmp_path / "two").read_bytes()) == (b"2", b"1")
