"""Actions in copies: the machine as it is, read-only, but for some folders in whose place copies of them are seen.

For sandboxes that keep mistakes from lasting. It is no wall: an action reads what its user can read, and reaches the
network.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Mapping
from typing import Any

from ..layers.books import Books
from ..layers.copies import Copy
from ..layers.server import Answer, LayersServer
from ..layers.store import PARTS, Store
from ..layers.trees import remove_tree
from . import kernel, namespaces
from .action import Action
from .filling import Filling
from .init import KEEPS
from .privilege import drop_privilege


class CopiesServer(LayersServer):
    """A server whose actions run in copies of what their layers show. For a process that has entered namespaces
    (``namespaces.enter_namespaces(kernel.CLONE_NEWNS)``), which is what lets it mount. ``_do_start`` calls ``open``."""

    def open(self, store: bytes, workspace: bytes, places: Mapping[bytes, bytes]) -> None:
        """``places``: as ``Store`` has them. Raises ``OSError``."""
        kernel.mount(b"none", b"/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        self._store = Store(store, workspace, places)
        self.books = Books(self._store)
        self._layers: list[str] = []
        self._standing = False
        """The copies are as the layers, but for what is unsealed."""
        for place, name in places.items():
            base = self._store.base["rest"] + b"/" + name
            os.makedirs(base, exist_ok=True)
            for target in (workspace, *places):
                if target.startswith(place + b"/"):  # to mount it on
                    os.makedirs(base + target[len(place) + 1 :], exist_ok=True)
        self._folder = self._store.new_folder() + b"/"
        self._copies = {part: Copy(self._folder + part.encode()) for part in PARTS}
        rest = self._folder + b"rest/"
        self._shown = {workspace: self._folder + b"work", **{place: rest + name for place, name in places.items()}}

    def _do_stand(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        self.books.check(request["layers"])  # what is missing is told now, not when an action needs it
        self._layers, self._standing = request["layers"], False
        return {}

    def _do_run(self, request: dict[str, Any], streams: list[int]) -> dict[str, Any]:
        began = time.monotonic()
        if not self._standing:
            for part, copy in self._copies.items():
                copy.stand(self._store.view(self._layers, part))
            self._standing, self._since = True, time.time_ns()
        folders = [copy.folder for copy in self._copies.values()]
        filling = Filling(folders, request, self._since) if "argv" in request else None
        action = Action(Copied(self._shown))
        try:
            outcome = action.run(request, streams, self.channel, began + request["seconds"], filling)
        finally:
            action.end()
        if outcome is None:
            raise OSError(errno.EIO, os.strerror(errno.EIO), "init")
        return outcome | {"seconds": time.monotonic() - began, "wrote": True}

    def _do_seal(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        with self._store.making() as made:
            for part, copy in self._copies.items():
                copy.take(made + b"/" + part.encode())
            answer = self.books.seal(self._layers, made, request["name"])
        if answer["layer"] is not None:
            self._layers = [*self._layers, answer["layer"]]
        self._standing = False
        return answer

    def _do_door(self, request: dict[str, Any], _: list[int]) -> Answer:
        return namespaces.open_door()

    def _do_remove(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        if request["opened"]:  # what an action that came to nothing left goes first, as room may be needed
            self._empty()
        return super()._do_remove(request, _)

    def _do_purge(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        if not request["dry_run"]:
            self._empty()  # what is to go lies there as well
        return super()._do_purge(request, _)

    def _empty(self) -> None:
        for copy in self._copies.values():
            remove_tree(copy.folder)
        self._copies = {part: Copy(copy.folder) for part, copy in self._copies.items()}
        self._standing = False

    def leave(self) -> None:
        if hasattr(self, "books"):
            self._store.leave()


class Copied:
    """The stage of an action (``init.py``)."""

    def __init__(self, shown: Mapping[bytes, bytes]) -> None:
        """``shown``: absolute path → the folder that is seen there."""
        self._shown = dict(sorted(shown.items()))  # a folder before what lies in it

    def complete(self) -> None:
        opened = {path: os.open(folder, os.O_PATH | os.O_CLOEXEC) for path, folder in self._shown.items()}
        kernel.make_read_only(b"/")
        for path, file in opened.items():
            kernel.bind(b"/proc/self/fd/%d" % file, path)
            kernel.make_writable(path)
            os.close(file)
        kernel.mount(b"proc", b"/proc", b"proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
        kernel.bound_processes(b"/proc")

    def enter(self, request: dict[str, Any]) -> None:
        pass

    def confine(self, request: dict[str, Any]) -> None:
        drop_privilege(KEEPS)
