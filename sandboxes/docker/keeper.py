"""The session's server on the host: keeps the layers, and has a container do what is to be done in them.

The container's places are made to be as the view, before each action; what an action changed there becomes a layer.
What is only about layers, ``layers/server.py`` answers.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

from ..layers.books import Books
from ..layers.server import Answer, LayersServer, live
from ..layers.squashing import Squashing
from ..layers.store import PARTS, Store
from .action import Action
from .box import Box
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
        """``given``: the stream of the container's first process."""
        self._store.base["rest"] = os.fsencode(request["base"])
        places = [os.fsencode(place) for place in request["places"]]
        self._ground = Ground(self._store, self._workspace, places, self._hidden)
        self._edits = Index([self._workspace])
        self._inside: list[str] | None = None
        """What is in the container, but for what is unsealed; None: nothing yet."""
        self._unsealed = False
        """Something ran since it was made to be so."""
        self._again: set[bytes] = set()
        """Paths to be put anew."""
        self._box = Box(socket.socket(fileno=os.dup(given[0])))
        planted = [os.fsencode(path) for path in request["planted"]]
        leave_out = list(map(os.fsdecode, self._ground.not_ours(planted)))
        self._box.ask("start", roots=list(map(os.fsdecode, self._ground.roots)), leave_out=leave_out)
        return {}

    def _do_stand(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        for part in PARTS:
            self._store.uppers(request["layers"], part)  # a missing layer is told now, not when an action needs it
        self._layers, self._standing = request["layers"], False
        return {}

    def _do_run(self, request: dict[str, Any], given: list[int]) -> dict[str, Any]:
        box = self._ready()
        self._unsealed = self._unsealed or request.get("call") != "read"
        outcome = Action(box, self.channel, self._door).run(request, given)
        return outcome | {"wrote": self._unsealed}

    def _do_seal(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        """The answer has ``effects``, or none where nothing was touched."""
        box = self._live()
        with self._store.making() as made:
            taking = Taking(self._ground, self._layers, made)
            taking.take(box.collect())
            self._again.update(taking.again)
            self._unsealed = False
            answer = self.books.seal(self._layers, made, request["name"])
        if answer["layer"] is None:
            self._again.update(taking.paths)  # times, above all, are as they were
            return answer
        self._layers = self._inside = [*self._layers, request["name"]]
        self._squashing.begin(self._layers)
        return answer

    def _do_door(self, request: dict[str, Any], _: list[int]) -> Answer:
        if self._door is None:
            self._door = Door(self._store.new_folder())
        return {"port": self._live().ask("door")["port"]}, [os.dup(self._door.listening.fileno())]

    def _do_purge(self, request: dict[str, Any], given: list[int]) -> dict[str, Any]:
        if not request["dry_run"]:
            self._squashing.wait()
            self._inside = None  # what lies there is of layers that are not what they were
        return super()._do_purge(request, given)

    def _ready(self) -> Box:
        """The container, with everything in it as it is to be."""
        box = self._live()
        self._again.update(self._edits.changed())
        if self._standing and self._unsealed:
            return box
        if self._inside is None:
            paths = set(box.changed(all=True))
            box.put(self._ground.sources(self._layers, paths))
            box.put(self._ground.everything(self._layers))
            box.put(self._ground.sources(self._layers, self._ground.roots))
        else:
            paths = set(self._again)
            if self._unsealed:
                paths.update(box.changed())
            if self._inside != self._layers:
                paths |= self._between(self._inside, self._layers)
            if paths:
                box.put(self._ground.sources(self._layers, {*paths, *self._ground.roots}))
        if self._inside is None or paths:
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

    def _live(self) -> Box:
        if self._box is None:
            raise OSError(errno.EPIPE, "it is gone", "container")
        return self._box

    def leave(self) -> None:
        if self._box is not None:
            self._box.close()
        if hasattr(self, "books"):
            self._squashing.wait()
            self._store.leave()


def main(descriptor: int) -> None:
    live(Keeper, descriptor, lambda: None)
