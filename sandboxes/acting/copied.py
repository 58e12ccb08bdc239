"""Actions in copies: the machine as it is, read-only, but for some folders in whose place copies of them are seen.

For sandboxes that keep mistakes from lasting. It is no wall: an action reads what its user can read, and reaches the
network.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from typing import Any

from ..layers.copies import Copy
from ..layers.store import PARTS, Store
from . import kernel
from .action import Action
from .filling import Filling
from .init import KEEPS
from .privilege import drop_privilege


class Copies:
    """The workspace, and the other places of a store, as of some layers. For a process that has entered namespaces
    (``namespaces.enter_namespaces(kernel.CLONE_NEWNS)``), which is what lets it mount."""

    def __init__(self, store: Store, workspace: bytes, places: Mapping[bytes, bytes], layers: list[str]) -> None:
        """``places``: as the store has them. Raises ``OSError``."""
        base = store.base["rest"]
        for place, name in places.items():
            os.makedirs(base + b"/" + name, exist_ok=True)
            for target in (workspace, *places):
                if target.startswith(place + b"/"):  # to mount it on
                    os.makedirs(base + b"/" + name + target[len(place) + 1 :], exist_ok=True)
        self.folder = store.new_folder()
        self._copies = {
            part: Copy(store.view(layers, part), store.view(layers, part).places[0], self.folder + b"/" + part.encode())
            for part in PARTS
        }
        rest = self._copies["rest"].folder + b"/"
        self._shown = {workspace: self._copies["work"].folder, **{place: rest + places[place] for place in places}}
        self._since = time.time_ns()

    def run(self, request: dict[str, Any], streams: list[int], runtime: socket.socket) -> dict[str, Any]:
        """See an action's ``request`` (``ActingSandbox``) through to its end; its outcome."""
        began = time.monotonic()
        folders = [copy.folder for copy in self._copies.values()]
        action = Action(Copied(self._shown))
        try:
            filling = Filling(folders, request, self._since) if "argv" in request else None
            outcome = action.run(request, streams, runtime, began + request["seconds"], filling)
            assert outcome is not None, "its init died"
        finally:
            action.end()
        return outcome | {"seconds": time.monotonic() - began}

    def take(self, made: bytes) -> None:
        """What was done, as folders of a layer in ``made``. This is then used up."""
        for part, copy in self._copies.items():
            copy.take(made + b"/" + part.encode())


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
