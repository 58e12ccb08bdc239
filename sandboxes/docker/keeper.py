"""The session's server on the host: keeps the layers, and has a container do what is to be done in them.

The container's places are made to be as the view, before each action; what an action changed there becomes a layer.
What is only about layers, ``layers/server.py`` answers.
"""

from __future__ import annotations

import errno
import itertools
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..acting import namespaces
from ..layers.books import Books
from ..layers.server import Answer, LayersServer, live
from ..layers.squashing import Squashing
from ..layers.store import Store
from .action import Action
from .box import Box, Lost
from .carrying import Ground, Taking
from .door import Door
from .inside.index import Index


class Keeper(LayersServer):
    _box: Box | None = None
    _door: Door | None = None

    def _do_start(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        self._workspace = os.fsencode(request["workspace"])
        self._hidden = [os.fsencode(path) for path in request["hidden"]]
        store, base = os.fsencode(request["store"]), os.fsencode(request["base"])
        self._store = Store(store, self._workspace, {b"": b""}, base)
        self.books = Books(self._store)
        self._squashing = Squashing(self._store, self.channel)
        self._layers: list[str] = []
        """What actions are to find."""
        self._standing = False
        """What is unsealed belongs to the action under way; else it is to go."""
        return {}

    def _do_attach(self, request: dict[str, Any], given: list[int]) -> dict[str, Any]:
        """``given``: the stream of the container's first process. ``patience``: seconds it may be silent, where it is
        to answer. ``processes``: how many there may be, where the engine does not see to it."""
        self._store.base["rest"] = os.fsencode(request["base"])
        places = [os.fsencode(place) for place in request["places"]]
        planted = [os.fsencode(path) for path in request["planted"]]
        self._ground = Ground(self._store, self._workspace, places, self._hidden, planted)
        self._edits = Index([self._workspace])
        self._inside: list[str] | None = None
        """What is in the container, but for what is unsealed; None: nothing yet."""
        self._unsealed = False
        """Something ran since it was made to be so."""
        self._again: set[bytes] = set()
        """Paths to be put anew."""
        self._patience: float = request["patience"]
        self._processes: int | None = request["processes"]
        leave_out = list(map(os.fsdecode, self._ground.not_ours))
        with self._talking():
            self._box = Box(socket.socket(fileno=os.dup(given[0])), self._patience)
            self._box.ask("start", roots=list(map(os.fsdecode, self._ground.roots)), leave_out=leave_out)
        return {}

    def _do_stand(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        self.books.check(request["layers"])  # what is missing is told now, not when an action needs it
        self._layers, self._standing = request["layers"], False
        return {}

    def _do_run(self, request: dict[str, Any], given: list[int]) -> dict[str, Any]:
        box = self._ready()
        self._unsealed = self._unsealed or request.get("call") != "read"
        action = Action(box, self.channel, self._door, self._patience, self._processes)
        try:
            outcome = action.run(request, given)
        except BaseException:
            self.over = not action.ended
            raise
        return outcome | {"wrote": self._unsealed}

    def _do_seal(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        """The answer has ``effects``, or none where nothing was touched."""
        box = self._live()
        if self._inside is None:
            raise OSError(errno.ENODATA, "what the action changed was lost", "container")
        # Whatever fails from here on: the container does not tell of the same changes again.
        with self._talking(), self._store.making() as made:
            taking = Taking(self._ground, self._layers, made)
            box.collect(taking.take)
            taking.finish()
            answer = self.books.seal(self._layers, made, request["name"])
        self._again.update(taking.again)
        if answer["layer"] is None:
            self._again.update(taking.paths)  # times, above all, are as they were
            self._unsealed = False
            return answer
        self._layers = self._inside = [*self._layers, request["name"]]
        self._unsealed = False
        self._squashing.begin(self._layers)
        return answer

    def _do_door(self, request: dict[str, Any], _: list[int]) -> Answer:
        if self._door is None:
            self._door = Door(self._store.new_folder())
        with self._talking():
            port = self._live().ask("door")["port"]
        return {"port": port}, [os.dup(self._door.listening.fileno())]

    def _do_remove(self, request: dict[str, Any], given: list[int]) -> dict[str, Any]:
        if self._box is not None and self._inside is not None:
            kept = list(itertools.takewhile(lambda name: name.partition(":")[0] not in request["names"], self._inside))
            if kept != self._inside:
                # What these did in the container can be told only for as long as they are there.
                self._again |= self._between(self._inside, kept)
                self._inside = kept
        return super()._do_remove(request, given)

    def _do_purge(self, request: dict[str, Any], given: list[int]) -> dict[str, Any]:
        if not request["dry_run"]:
            self._squashing.wait()
            self._inside = None  # what lies there is of layers that are not what they were
        return super()._do_purge(request, given)

    def _ready(self) -> Box:
        """The container, with everything in it as it is to be."""
        with self._talking():
            return self._put()

    def _put(self) -> Box:
        box = self._live()
        self._again.update(self._edits.changed())
        if self._standing and self._unsealed:
            return box
        if self._inside is not None and self._inside != self._layers:
            try:
                self._again |= self._between(self._inside, self._layers)
            except FileNotFoundError:  # another session took layers out that only this container still shows
                self._inside = None
        if self._inside is None:
            paths = set(box.changed(all=True))
            box.put(self._ground.sources(self._layers, paths))
            box.put(self._ground.everything(self._layers))
            box.put(self._ground.sources(self._layers, self._ground.roots))
        else:
            if self._unsealed:
                self._again.update(box.changed())  # once asked for they are not told again, whatever fails below
            if self._again:
                box.put(self._ground.sources(self._layers, {*self._again, *self._ground.roots}))
        if self._inside is None or self._again:
            box.ask("settle")
        self._inside, self._unsealed, self._standing = list(self._layers), False, True
        self._again.clear()
        return box

    def _between(self, a: list[str], b: list[str]) -> set[bytes]:
        """Every path at which two views may differ."""
        found: set[bytes] = set()
        for part, path in self.books.between(a, b):
            root = self._workspace + b"/" if part == "work" else b"/"
            if self._ground.holds(root + path):
                found.add(root + path)
        return found

    @contextmanager
    def _talking(self) -> Iterator[None]:
        """What breaks off within leaves nobody who knows what is in the container, and what of it was told: the next
        one begins with nothing."""
        try:
            yield
        except BaseException:
            self.over = True
            raise

    def _live(self) -> Box:
        if self._box is None:
            raise Lost(errno.EPIPE, "it is gone", "container")
        return self._box

    def leave(self) -> None:
        if self._box is not None:
            self._box.close()
        if hasattr(self, "books"):
            self._squashing.wait()
            self._store.leave()


def main(descriptor: int) -> None:
    live(Keeper, descriptor, _own_everything)


def _own_everything() -> None:
    """What actions leave may keep its owner out, by its mode. In a user namespace of its own a process passes over
    that, as root does everywhere; where there is none to be had, such a thing cannot be sealed."""
    if os.geteuid() == 0:
        return
    tries = os.fork()
    if tries == 0:
        try:
            namespaces.enter_namespaces(0)
            os._exit(0)
        finally:
            os._exit(1)
    if os.waitpid(tries, 0)[1] == 0:
        namespaces.enter_namespaces(0)
