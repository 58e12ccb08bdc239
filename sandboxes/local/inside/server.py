"""The session's server: lives in the namespaces, mounts layers while an action runs, forks actions.

It serves one runtime over the socket it was born with, one request at a time, and dies with it.
"""

from __future__ import annotations

import base64
import errno
import gc
import os
import resource
import select
import socket
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from . import compare, disk, init, kernel, namespaces, overlay, removal, wire
from .action import Action
from .filling import Filling
from .graft import Scion, write_layer
from .layered import Entry, Layered
from .meta import copy_meta
from .opened import OpenLayer
from .root import Template
from .squashing import Squashing
from .store import PARTS, Store, remove_tree

_DEEPEST = 8000
"""Calls. Trees are walked by recursion, and a path of 4096 bytes can name 2048 folders."""
_TRIES = 2
_IDLE_MS = 20
_MUCH = 64
"""Pieces of litter that are not left lying even while there is something to do."""
_WAITING = 128
"""Connections at the door that nobody has taken yet."""
_THEN_READY = frozenset({"start", "stand", "run", "seal"})


class Server:
    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._next: Action | None = None
        """Waits for the next request to run something, so that nobody waits for its namespaces to be made."""
        self._last: Action | None = None
        """Ran the request before, and may still be on its way out."""
        self._started = False

    def serve(self) -> None:
        """Until the runtime is gone. Raises ``ConnectionError`` where that leaves an answer nobody hears."""
        while True:
            self._tidy()
            try:
                request, given = wire.receive(self._channel)
            except EOFError:
                self._leave()
                return
            if request["do"] == "end":
                continue  # the action it was about had ended by itself
            files: list[int] = []
            try:
                answer = getattr(self, "_do_" + request["do"])(request, given)
                if isinstance(answer, list):
                    files, answer = answer, {}
            except OSError as error:
                answer = {"error": [error.errno or 0, error.strerror or str(error), _name(error)]}
            finally:
                for file in given:
                    os.close(file)
            wire.send(self._channel, answer, files)
            for file in files:
                os.close(file)
            if request["do"] in _THEN_READY:
                self._make_ready()

    # Each _do_ answers one request of the client (client.py lists them with their fields).

    def _do_start(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        kernel.mount(b"none", b"/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.set_hostname(b"agentrt")
        folder, workspace = os.fsencode(request["store"]), os.fsencode(request["workspace"])
        self._store = Store(folder, workspace)
        self._squashing = Squashing(self._store, self._channel)
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
        for part in PARTS:
            self._store.uppers(request["layers"], part)  # a missing layer is told now, not when an action needs it
        self._open.stand(request["layers"])
        return {}

    def _do_run(self, request: dict[str, Any], given: list[int]) -> dict[str, Any]:
        started = time.monotonic()
        for _ in range(_TRIES):
            one = self._ready()
            self._next, self._last = None, one
            request["stack"] = overlay.to_message(self._open.stack("work"))
            filling = Filling([self._open.upper(part) for part in PARTS], request) if "argv" in request else None
            outcome = one.run(request, given, self._channel, started + request["seconds"], filling)
            if outcome is not None:
                break
        else:
            raise _os_error(errno.EIO, "init")
        return outcome | {"seconds": time.monotonic() - started, "wrote": bool(self._open.written())}

    def _do_seal(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        """Give the open layer its name. The answer has ``effects``, or none where nothing was touched."""
        written = self._open.written()
        touched = False
        found: list[tuple[dict[str, Any], Entry | None]] = []
        for part in written:
            before = self._store.view(self._open.layers, part)
            after = type(before)([self._open.upper(part), *before.places])
            for path, old, new in compare.pairs(before, after, [self._open.upper(part)]):
                touched = touched or compare.touched(old, new)
                self._add(found, part, path, old, new)
        if "rest" in written:
            self._let_go()
        if not touched:
            self._open.stand(self._open.layers)
            return {"layer": None, "effects": []}
        self._open.seal(written, request["name"])
        self._squashing.begin(self._open.layers)
        return {"layer": request["name"], "effects": compare.pair_renames(found)}

    def _do_changes(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        a, b = request["a"], request["b"]
        common = 0
        while common < min(len(a), len(b)) and a[common] == b[common]:
            common += 1
        found: list[tuple[dict[str, Any], Entry | None]] = []
        for part in PARTS:
            ours, theirs = self._store.uppers(a[common:], part), self._store.uppers(b[common:], part)
            if ours or theirs:
                shared = self._store.view(a[:common], part).places
                for path, old, new in compare.pairs(
                    Layered([*ours, *shared]), Layered([*theirs, *shared]), [*ours, *theirs]
                ):
                    self._add(found, part, path, old, new)
        return {"effects": compare.pair_renames(found)}

    def _do_look(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        entries = self._find(request["layers"], request["paths"])
        return {"states": [None if entry is None else compare.state(entry, hashed=True) for _, entry in entries]}

    def _do_open(self, request: dict[str, Any], _: list[int]) -> list[int]:
        files: list[int] = []
        try:
            for path, entry in self._find(request["layers"], request["paths"]):
                files.append(_open(entry, path))
        except BaseException:
            for file in files:
                os.close(file)
            raise
        return files

    def _do_door(self, request: dict[str, Any], _: list[int]) -> list[int]:
        """A socket of this network, for somebody in another one: a descriptor keeps the network it was made in."""
        return [socket.create_server(("127.0.0.1", 0), backlog=_WAITING).detach()]

    def _do_keep(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        layers = [name for name in request["layers"] if self._store.uppers([name], "rest")]
        layers = [name if name.endswith(":rest") else name + ":rest" for name in layers]
        view, paths = self._store.view(request["layers"], "work"), map(os.fsencode, request["paths"])
        return self._graft(layers, {"work": {path: Scion(view) for path in paths}}, request["name"])

    def _do_graft(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        sources: dict[tuple[int, str], Layered] = {}
        picks: dict[str, dict[bytes, Scion]] = {part: {} for part in PARTS}
        for path, source, content in request["picks"]:
            part, inner = self._store.place(os.path.normpath(os.fsencode(path)))
            if part is None:
                raise _os_error(errno.EINVAL, path)
            if (source, part) not in sources:
                sources[source, part] = self._store.view(request["sources"][source], part)
            picks[part][inner] = Scion(sources[source, part], None if content is None else base64.b64decode(content))
        return self._graft(request["onto"], picks, request["name"])

    def _find(self, layers: list[str], paths: list[str]) -> Iterator[tuple[str, Entry | None]]:
        """What is at each path; None where nothing is."""
        views: dict[str, Layered] = {}
        for path in paths:
            part, inner = self._store.place(os.path.normpath(os.fsencode(path)))
            if part is not None and part not in views:
                views[part] = self._store.view(layers, part)
            yield path, views[part].find(inner) if part is not None else None

    def _graft(self, onto: list[str], picks: dict[str, dict[bytes, Scion]], name: str) -> dict[str, Any]:
        with self._store.making() as made:
            wrote = False
            for part, scions in picks.items():
                if scions:
                    view, upper = self._store.view(onto, part), made + b"/" + part.encode()
                    os.mkdir(upper)
                    copy_meta(view.places[0], upper)
                    if write_layer(view, scions, upper):
                        wrote = True
                    else:
                        remove_tree(upper)
            if not wrote:
                return {"layers": onto}
            disk.sync_tree(made)
            os.rename(made, self._store.folder + b"/" + os.fsencode(name))
            self._store.forget()
        disk.sync_folder(self._store.folder)
        return {"layers": [*onto, name]}

    def _do_remove(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        """Layers, and with ``opened`` what an action that came to nothing left in the open one, until ``stand``."""
        self._let_go()
        self._open.unmount()
        if request["opened"]:
            self._open.drop()
        removal.remove(self._store.folder, request["names"])
        self._store.forget()
        return {}

    def _do_purge(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        if not request["dry_run"]:
            self._let_go()
            self._open.unmount()
            self._squashing.wait()
        return {"layers": removal.purge(self._store, request["path"], dry_run=request["dry_run"])}

    def _add(
        self,
        found: list[tuple[dict[str, Any], Entry | None]],
        part: str,
        path: bytes,
        old: Entry | None,
        new: Entry | None,
    ) -> None:
        effect = compare.effect(self._store.shown(part, path), old, new)
        if effect is not None:
            found.append((effect, old))

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
            self._next = Action(self._template)
        return self._next

    def _make_ready(self) -> None:
        """While the runtime thinks; what goes wrong with it is told when it is needed."""
        if not self._open.written():  # else what comes next is the seal, which must not wait for this
            with suppress(OSError):
                self._ready()

    def _tidy(self) -> None:
        """While nobody asks for anything."""
        if not self._started:
            return
        asked = select.poll()
        asked.register(self._channel, select.POLLIN)
        while self._store.litter and (len(self._store.litter) > _MUCH or not asked.poll(_IDLE_MS)):
            self._store.tidy()

    def _let_go(self) -> None:
        """No process of ours looks at the open layer any more."""
        for one in (self._last, self._next):
            if one is not None:
                one.end()
        self._last = self._next = None

    def _leave(self) -> None:
        if self._started:
            self._let_go()
            self._open.unmount()
            kernel.unmount(self._store.stage)
            self._store.leave()


def _open(entry: Entry | None, path: str) -> int:
    if entry is None:
        raise _os_error(errno.ENOENT, path)
    if not stat.S_ISREG(entry.status.st_mode):
        raise _os_error(errno.EISDIR if entry.is_directory else errno.EINVAL, path)
    try:
        return os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _os_error(error.errno or errno.EIO, path) from error


def _os_error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)


def _name(error: OSError) -> str:
    return os.fsdecode(error.filename) if error.filename is not None else ""


def main(descriptor: int) -> None:
    channel = socket.socket(fileno=descriptor)
    os.setsid()
    sys.setrecursionlimit(_DEEPEST)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    with suppress(ConnectionError):
        _serve(channel)


def _serve(channel: socket.socket) -> None:
    try:
        namespaces.enter_namespaces()
        namespaces.loopback_up()
        kernel.forget_keys()
        kernel.bound_capabilities(init.KEEPS)
    except OSError as error:
        wire.send(channel, {"error": [error.errno or 0, error.strerror or "", _name(error)]})
        return
    gc.freeze()  # forks share these pages for good
    gc.disable()
    wire.send(channel, {})
    Server(channel).serve()
