"""The session's server: lives in the namespaces, mounts layers while an action runs, forks actions.

What is only about layers, ``layers/server.py`` answers.
"""

from __future__ import annotations

import base64
import errno
import gc
import os
import select
import socket
import time
from contextlib import suppress
from typing import Any

from ...acting import kernel, namespaces
from ...acting.action import Action
from ...acting.filling import Filling
from ...acting.init import KEEPS
from ...layers import compare
from ...layers.books import Books
from ...layers.server import Answer, LayersServer, live
from ...layers.squashing import Squashing
from ...layers.store import PARTS, Store
from . import overlay
from .init import Rooted
from .opened import OpenLayer
from .root import LAYERED, Template

_TRIES = 2
_IDLE_MS = 20
_MUCH = 64
"""Pieces of litter that are not left lying even while there is something to do."""
_THEN_READY = frozenset({"start", "stand", "run", "seal"})


class Server(LayersServer):
    def __init__(self, channel: socket.socket) -> None:
        super().__init__(channel)
        self._next: Action | None = None
        """Waits for the next request to run something, so that nobody waits for its namespaces to be made."""
        self._last: Action | None = None
        """Ran the request before, and may still be on its way out."""
        self._started = False

    def answered(self, do: str) -> None:
        if do in _THEN_READY:
            self._make_ready()

    def _do_start(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        kernel.mount(b"none", b"/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.set_hostname(b"agentrt")
        folder, workspace = os.fsencode(request["store"]), os.fsencode(request["workspace"])
        self._store = Store(folder, workspace, LAYERED)
        self.books = Books(self._store)
        self._squashing = Squashing(self._store, self.channel)
        os.mkdir(self._store.stage)
        shows = [os.fsencode(path) for path in request["shows"]]
        planted = {os.fsencode(path): base64.b64decode(data) for path, data in request["planted"].items()}
        hidden = [os.fsencode(path) for path in request["hidden"]]
        self._template = Template(self._store.stage, workspace, shows, planted, hidden, self._store.base["rest"])
        self._template.build(self._store.stage)
        self._started = True
        self._open = OpenLayer(self._store, self._template.rest)
        # That it can be done is found out now.
        overlay.mount(self._open.stack("work"), self._template.work)
        kernel.unmount(self._template.work)
        self._ready().wait_until_ready()
        return {}

    def _do_stand(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        self.books.check(request["layers"])  # what is missing is told now, not when an action needs it
        self._open.stand(request["layers"])
        return {}

    def _do_run(self, request: dict[str, Any], given: list[int]) -> dict[str, Any]:
        started = time.monotonic()
        for _ in range(_TRIES):
            one = self._ready()
            self._next, self._last = None, one
            request["stack"] = overlay.to_message(self._open.stack("work"))
            filling = Filling([self._open.upper(part) for part in PARTS], request) if "argv" in request else None
            outcome = one.run(request, given, self.channel, started + request["seconds"], filling)
            if outcome is not None:
                break
        else:
            raise OSError(errno.EIO, os.strerror(errno.EIO), "init")
        return outcome | {"seconds": time.monotonic() - started, "wrote": bool(self._open.written())}

    def _do_seal(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        """Give the open layer its name. The answer has ``effects``, or none where nothing was touched."""
        written = self._open.written()
        found: list[compare.Found] = []
        measured = [self.books.measure(self._open.layers, part, self._open.upper(part), found) for part in written]
        if "rest" in written:
            self._let_go()
        if not any(measured):
            self._open.stand(self._open.layers)
            return {"layer": None, "effects": []}
        self._open.seal(written, request["name"])
        self._squashing.begin(self._open.layers)
        return {"layer": request["name"], "effects": compare.pair_renames(found)}

    def _do_door(self, request: dict[str, Any], _: list[int]) -> Answer:
        return namespaces.open_door()

    def _do_remove(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        """Layers, and with ``opened`` what an action that came to nothing left in the open one, until ``stand``."""
        self._let_go()
        self._open.unmount()
        if request["opened"]:
            self._open.drop()
        return super()._do_remove(request, _)

    def _do_purge(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        if not request["dry_run"]:
            self._let_go()
            self._open.unmount()
            self._squashing.wait()
        return super()._do_purge(request, _)

    def _ready(self) -> Action:
        """An init that waits, over what is mounted now."""
        if self._last is not None:
            self._last.end()
            self._last = None
        self._squashing.make_shallow(self._open.layers)
        if not self._open.is_mounted():
            self._let_go()
            self._open.mount()
        if self._next is None:
            self._open.renew("work")
            self._next = Action(Rooted(self._template))
        return self._next

    def _make_ready(self) -> None:
        """While the runtime thinks; what goes wrong with it is told when it is needed."""
        if not self._open.written():  # else what comes next is the seal, which must not wait for this
            with suppress(OSError):
                self._ready()

    def while_idle(self) -> None:
        """Nobody asks for anything: what was discarded is removed."""
        if not self._started:
            return
        asked = select.poll()
        asked.register(self.channel, select.POLLIN)
        while self._store.litter and (len(self._store.litter) > _MUCH or not asked.poll(_IDLE_MS)):
            self._store.tidy()

    def _let_go(self) -> None:
        """No process of ours looks at the open layer any more."""
        for one in (self._last, self._next):
            if one is not None:
                one.end()
        self._last = self._next = None

    def leave(self) -> None:
        if self._started:
            self._let_go()
            self._open.unmount()
            kernel.unmount(self._store.stage)
            self._store.leave()


def main(descriptor: int) -> None:
    live(Server, descriptor, _enter)


def _enter() -> None:
    namespaces.enter_namespaces(namespaces.ALONE)
    namespaces.loopback_up()
    kernel.forget_keys()
    kernel.bound_capabilities(KEEPS)
    gc.freeze()  # forks share these pages for good
    gc.disable()
