"""The local sandbox's layers, and a kill between any two changes of the disk by who squashes, seals or removes them.

All work is done by processes that are killed before each of their steps in turn (``killing.py``). What is compared is
what a server that begins then mounts. Runs of layers are shorter here, so that few layers make several.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from killing import THE_END, apart, begin, end, every_kill, stopped
from treestate import Entry, assert_same_tree, tree_state

from agentrt.contracts import Confinement
from agentrt.records import Snapshot
from agentrt.sandboxes.acting import kernel, namespaces
from agentrt.sandboxes.layers import disk, removal, squash, store
from agentrt.sandboxes.layers.books import Books
from agentrt.sandboxes.layers.graft import Scion
from agentrt.sandboxes.layers.meta import copy_meta
from agentrt.sandboxes.layers.store import PARTS, Store
from agentrt.sandboxes.local import LocalSandbox
from agentrt.sandboxes.local.inside import overlay
from agentrt.sandboxes.local.inside.opened import OpenLayer
from agentrt.sandboxes.local.inside.root import LAYERED
from agentrt.testing.sandbox_kit import Ground

View = dict[bytes, Entry]
"""What one part of a sandbox shows."""

_RUN = 3
_ACTS = (
    "mkdir -p a/deep d; echo 1 > a/x; ln a/x a/hard; ln -s x a/l; echo 1 > a/deep/y; echo 1 > d/x; touch ~/h; mkdir ~/d;"
    " echo 1 > ~/d/f",
    "rm -r a src README; echo 2 > a; mkdir src; echo 2 > src/new; rm d/x; chmod 700 ~/d; rm ~/d/f; echo 2 > ~/h",
    "rm a; mkdir a; echo 3 > a/z; mkfifo a/fifo; rm -r docs ~/d; ln -s src docs; echo 3 > ~/d; touch -d 2001-01-01 src",
    'rm a/z docs; python3 -c \'import os; os.setxattr("a", "user.x", b"4")\'; mkdir -p README/in docs; echo 4 > docs/f;'
    " ln docs/f docs/same",
    "rm -r README docs/f; echo 5 > README; mv a b; chmod 600 src/new; rm ~/d; mkdir ~/d; ln -s h ~/d/l",
    "rm -r src docs; mkdir -p src/lib; echo 6 > src/lib/util.py; ln -s ../README docs; echo 6 > build/out",
    "echo 7 >> README; rm ~/h",
)
"""Each kind of entry, made, put in the place of others, and removed."""
_LAYERS = tuple(f"s1.{number}" for number in range(1, len(_ACTS) + 1))
_MARKED = (_RUN, len(_ACTS))
"""Layers of the views that are looked at after a kill: where the first run ends, and everything."""


def open_local(workspace: Path, store: Path) -> LocalSandbox:
    return LocalSandbox(workspace=workspace, store=store, confinement=Confinement())


class Session:
    """A store with the layers of ``_ACTS``, and views as mounted before anything was squashed."""

    def __init__(self, folder: Path, other: Session | None = None) -> None:
        self.folder, self.workspace = folder / "store", folder / "workspace"
        if other is not None:
            self.workspace, self.views = other.workspace, other.views
            subprocess.run(["cp", "-al", other.folder, self.folder], check=True)
        else:
            self.views = apart(lambda: confined(lambda: self.mount(range(len(_LAYERS) + 1))))

    def open(self) -> Store:
        return Store(os.fsencode(self.folder), os.fsencode(self.workspace), LAYERED)

    def mount(self, views: Iterable[int]) -> dict[tuple[int, str], View]:
        """By the number of their layers, and part: what a server that begins now shows."""
        opened = self.open()
        found = {(number, part): _mount(opened, _LAYERS[:number], part) for number in views for part in PARTS}
        opened.leave()
        return found

    def squash(self) -> None:
        """As a server does, all in one process."""
        opened = self.open()
        runs = [run for part in PARTS for run in opened.chunks(_LAYERS, part) if not os.path.lexists(run[0])]
        squash.make(opened, runs)
        opened.leave()

    def squashes(self) -> list[Path]:
        return sorted(self.folder.glob(".squash-*"))

    def check(self, views: Iterable[int] = _MARKED, *more: str, but: str = "") -> None:
        """A server that begins now shows every view, and where there are all layers, another squashes them and shows
        every view, ``but`` at one path. Nothing else is in the store, but for ``more``."""
        self._check(views, more, but)
        if len(_LAYERS) in views:
            self.squash()
            assert len(self.squashes()) == 3
            self._check(views, more, but)

    def _check(self, views: Iterable[int], more: tuple[str, ...], but: str) -> None:
        for view, shown in self.mount(views).items():
            assert_same_tree(_without(but, shown), _without(but, self.views[view]))
        left = {path.name for path in self.folder.iterdir()} - {path.name for path in self.squashes()}
        assert left <= {".base", *_LAYERS, *more}
        for path in self.squashes():
            assert len((path / "of").read_bytes().splitlines()) == _RUN


def _mount(opened: Store, layers: tuple[str, ...], part: str) -> View:
    place, upper, work = (opened.new_folder() for _ in range(3))
    copy_meta(opened.view(layers, part).places[0], upper)
    overlay.mount(overlay.Stack(upper, work, tuple(opened.lowers(layers, part))), place)
    try:
        return tree_state(Path(os.fsdecode(place)))
    finally:
        kernel.unmount(place)


def confined(work: Callable[[], Any]) -> Any:
    """What it returns, by a process that may mount from now on."""
    gc.disable()  # many forks share these pages
    namespaces.enter_namespaces(namespaces.ALONE)
    return work()


def in_namespaces(test: Callable[..., None]) -> Callable[..., None]:
    """The test by a process that may mount, like a sandbox's server."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        apart(lambda: confined(functools.partial(test, **fixtures)))

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """In memory where that can hold layers: a kill shows the same on every disk, and hundreds wait for most."""
    memory = Path("/dev/shm")
    here = Path(tempfile.mkdtemp(dir=memory)) if os.access(memory, os.W_OK) else tmp_path_factory.mktemp("killed")
    try:
        os.setxattr(here, "user.agentrt", b"")
    except OSError:
        shutil.rmtree(here)
        here = tmp_path_factory.mktemp("killed")
    yield here
    shutil.rmtree(here)


@pytest.fixture(scope="module")
def built(folder: Path) -> Session:
    async def build(made: Ground) -> Snapshot:
        last = Snapshot()
        await made.sandbox.start(last)
        for script in _ACTS:
            last = await made.act(script)
        await made.close()
        return last

    assert asyncio.run(build(Ground(folder, open_local))).layers == _LAYERS
    return Session(folder)


@pytest.fixture
def copies(built: Session, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Session]:
    """Makes another session like the one that was built."""
    monkeypatch.setattr(store, "_CHUNK", _RUN)
    monkeypatch.setattr(disk, "sync_file_system", lambda file: None)  # what is killed loses nothing it has written
    monkeypatch.setattr(os, "fsync", lambda file: None)
    here = Path(tempfile.mkdtemp(dir=folder))
    return lambda: Session(Path(tempfile.mkdtemp(dir=here)), built)


@pytest.fixture
def squashed(copies: Callable[[], Session]) -> Callable[[], Session]:
    """The same, squashed."""
    first = copies()
    first.squash()
    return lambda: Session(Path(tempfile.mkdtemp(dir=first.folder.parent.parent)), first)


@in_namespaces
def test_squashing(copies: Callable[[], Session]) -> None:
    for step, session in every_kill(copies, Session.squash):
        session.check(range(len(_ACTS) + 1) if step == THE_END else _MARKED)


@in_namespaces
def test_a_server_leaves_while_it_squashes(copies: Callable[[], Session]) -> None:
    """Who squashes goes on without it, and whoever begins or leaves meanwhile is in nobody's way."""
    for number in range(3, 10_000, 9):
        session = copies()
        server = session.open()
        runs = [run for part in PARTS for run in server.chunks(_LAYERS, part)]
        with stopped(number, functools.partial(squash.make, server, runs)) as step:
            server.leave()
            session.mount([1])
        assert len(session.squashes()) == 3, step
        session.check()
        if step == THE_END:
            break


@in_namespaces
def test_what_is_purged_while_it_is_squashed(copies: Callable[[], Session]) -> None:
    for number in range(3, 10_000, 9):
        session = copies()
        with stopped(number, session.squash) as step:
            purging = begin(functools.partial(purge, session, "src/new"))
            time.sleep(0.02)  # as far as it comes
        end(*purging)
        session.check(but="src/new")
        assert purge(session, "src/new", dry_run=True) == []
        assert not list(session.folder.glob(".squash-*/tree/src/new")), step
        if step == THE_END:
            break


@in_namespaces
def test_removing(squashed: Callable[[], Session]) -> None:
    """Layers that no view has any more, and the runs they are in."""
    gone, stay = _LAYERS[_RUN:], range(_RUN + 1)

    def remove(session: Session) -> None:
        removal.remove(os.fsencode(session.folder), gone)

    for step, session in every_kill(squashed, remove):
        session.check(stay)
        remove(session)
        session.check(stay)
        assert {path.name for path in session.folder.glob("s*")} == {*_LAYERS[:_RUN]}, step
        assert len(session.squashes()) == 2, step


@pytest.mark.parametrize("path", ["a", "docs/f"])
@in_namespaces
def test_purging(squashed: Callable[[], Session], path: str) -> None:
    """Elsewhere all is as it was; and done again it is gone from everywhere."""
    for _, session in every_kill(squashed, lambda session: purge(session, path)):
        session.check(but=path)
        purge(session, path)
        session.check(but=path)
        assert purge(session, path, dry_run=True) == []


@in_namespaces
def test_sealing(copies: Callable[[], Session]) -> None:
    """The layer is there whole, or not at all."""

    def seal(session: Session) -> None:
        opened = OpenLayer(session.open(), b"")
        opened.stand(_LAYERS)
        for part in PARTS:
            upper = opened.upper(part)
            os.mkdir(upper + b"/new")
            with open(upper + b"/new/file", "wb") as file:
                file.write(b"content")
        opened.seal(PARTS, "s1.new")

    _check_new(copies, seal)


@in_namespaces
def test_grafting(copies: Callable[[], Session]) -> None:
    def graft(session: Session) -> None:
        opened = session.open()
        begin, later = (opened.view(_LAYERS[:number], "work") for number in (0, 4))
        picks = {b"README": Scion(begin), b"src": Scion(begin), b"src/main.py": Scion(begin), b"build": Scion(begin)}
        picks |= {b"nine": Scion(begin), b"docs": Scion(later), b"docs/same": Scion(later)}
        picks |= {b"src/lib/util.py": Scion(later), b"b": Scion(begin, None), b"build/out": Scion(begin, b"other")}
        Books(opened)._graft(list(_LAYERS), {"work": picks}, "s1.new")

    _check_new(copies, graft)


def purge(session: Session, path: str, *, dry_run: bool = False) -> list[str]:
    opened = session.open()
    try:
        return removal.purge(opened, path, dry_run=dry_run)
    finally:
        opened.leave()


def _check_new(copies: Callable[[], Session], work: Callable[[Session], None]) -> None:
    """What makes a new layer makes it whole or not at all."""
    whole = copies()
    work(whole)
    made = tree_state(whole.folder / "s1.new")
    for step, session in every_kill(copies, work):
        session.check(_MARKED, "s1.new")
        if (session.folder / "s1.new").exists():
            assert_same_tree(_timeless(tree_state(session.folder / "s1.new")), _timeless(made))
        else:
            assert step != THE_END


def _without(path: str, tree: View) -> View:
    """Not the path, nor the time of the folder it is in; all of it where there is no path."""
    if not path:
        return tree
    at, folder = os.fsencode(path), os.path.dirname(os.fsencode(path)) or b"."
    if folder in tree:
        tree = {**tree, folder: tree[folder]._replace(mtime_ns=None)}
    return {name: entry for name, entry in tree.items() if name != at and not name.startswith(at + b"/")}


def _timeless(tree: View) -> View:
    return {path: entry._replace(mtime_ns=None) for path, entry in tree.items()}
