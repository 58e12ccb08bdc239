"""What the kernel tells of where nothing happened is believed only as far as it goes: whatever is done, an index that
listens to it finds what one finds that walks through everything."""

from __future__ import annotations

import mmap
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentrt.sandboxes.docker.inside.index import Index
from agentrt.sandboxes.docker.inside.putting import part_links

NAMES = ("a", "b", "f/x", "f/y", "g/x", "g/h/z", "n", "n/o")


def _write(one: Path, _: Path) -> None:
    with open(one, "ab") as file:
        file.write(b"more")


def _mapped(one: Path, _: Path) -> None:
    with open(one, "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[0] = (mapped[0] + 1) % 256


def _through_a_link(one: Path, other: Path) -> None:
    """Which is gone again when somebody looks."""
    os.link(one, other)
    _write(other, one)
    other.unlink()


def _through_a_moved_link(one: Path, other: Path) -> None:
    os.link(one, "link")
    _write(Path("link"), one)
    os.rename("link", other)


def _in_a_new_folder(one: Path, _: Path) -> None:
    os.mkdir("new")
    _through_a_link(one, Path("new/link"))


def _exchanged(one: Path, other: Path) -> None:
    os.rename(one, "aside")
    os.rename(other, one)
    os.rename("aside", other)


OPERATIONS: dict[str, Callable[[Path, Path], object]] = {
    "write": _write,
    "mapped": _mapped,
    "create": lambda one, _: one.write_text("new"),
    "replace": lambda one, _: (Path("half").write_text("new"), os.rename("half", one)),
    "remove": lambda one, _: one.unlink(),
    "link": lambda one, other: os.link(one, other),
    "through a link": _through_a_link,
    "through a moved link": _through_a_moved_link,
    "in a new folder": _in_a_new_folder,
    "rename": lambda one, other: os.rename(one, other),
    "exchanged": _exchanged,
    "folder": lambda one, _: os.mkdir(one),
    "remove folder": lambda one, _: shutil.rmtree(one),
    "mode": lambda one, _: os.chmod(one, 0o600 if one.is_file() else 0o711),
    "closed": lambda one, _: os.chmod(one, 0),
    "times": lambda one, _: os.utime(one, (1, 1)),
    "symlink": lambda one, other: os.symlink(other, one),
    "fifo": lambda one, _: os.mkfifo(one),
    "attribute": lambda one, _: os.setxattr(one, "user.one", b"1"),
}
STEPS = st.lists(
    st.lists(
        st.tuples(st.sampled_from(sorted(OPERATIONS)), st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=5
    ),
    max_size=5,
)


def _begin(root: Path) -> None:
    (root / "f").mkdir()
    (root / "g" / "h").mkdir(parents=True)
    for name in ("a", "f/x", "g/x", "g/h/z"):
        (root / name).write_text(name)


@given(STEPS)
def test_both_find_the_same(steps: list[list[tuple[str, str, str]]]) -> None:
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        root.mkdir()
        _begin(root)
        listens, walks = Index([os.fsencode(root)], alone=True), Index([os.fsencode(root)], alone=True)
        assert listens.watch is not None and walks.watch is not None
        walks.watch.close()
        walks.watch = None
        os.chdir(root)
        try:
            for index in (listens, walks):
                index.changed()
                index.shut()
            for step in steps:
                for name, one, other in step:
                    with suppress(OSError, ValueError):
                        OPERATIONS[name](Path(one), Path(other))
                closed = {path for path in _folders(root) if not os.stat(path).st_mode & 0o100}
                found = listens.changed()
                assert set(found) - closed == set(walks.changed()) - closed
                parted = part_links(found)
                for index in (listens, walks):
                    index.shut()
                for index in (listens, walks):  # what one opened and shut is no change to the other either
                    index.pass_over(_folders(root) + parted)
        finally:
            os.chdir(here)
            listens.watch.close()
            for around, folders, _ in os.walk(root):
                for inner in folders:
                    with suppress(OSError):
                        os.chmod(Path(around, inner), 0o700)


def _folders(root: Path) -> list[bytes]:
    return [os.fsencode(around) for around, _, _ in os.walk(root)]


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_what_is_done_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    _begin(tmp_path)
    monkeypatch.chdir(tmp_path)
    index = Index([os.fsencode(tmp_path)], alone=True)
    index.changed()
    one = "n" if name in ("folder", "create", "symlink", "fifo") else "g" if name == "remove folder" else "f/x"
    OPERATIONS[name](Path(one), Path("g/x" if name == "exchanged" else "b"))
    assert os.fsencode(tmp_path / one) in index.changed()
    assert index.changed() == []
    assert index.watch is not None
    index.watch.close()
