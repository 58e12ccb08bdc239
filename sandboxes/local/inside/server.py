"""The session's server: lives in the namespaces, mounts layers while an action runs, forks actions.

It serves one runtime over the socket it was born with, one request at a time, and dies with it.
"""

from __future__ import annotations

import errno
import gc
import os
import resource
import socket
import stat
import sys
import time
from contextlib import suppress
from typing import Any

from . import action, compare, disk, keep, kernel, namespaces, overlay, wire
from .layered import Entry
from .root import Template
from .store import PARTS, Store, remove_tree

_DEEPEST = 8000
"""Calls. Trees are walked by recursion, and a path of 4096 bytes can name 2048 folders."""


class Server:
    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._layers: list[str] = []
        self._rest: list[str] | None = None
        """The layers that ``rest`` is mounted with; None when it is not mounted."""
        self._squashing: set[int] = set()
        self._started = False

    def serve(self) -> None:
        """Until the runtime is gone. Raises ``ConnectionError`` where that leaves an answer nobody hears."""
        while True:
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
                if isinstance(answer, int):
                    files, answer = [answer], {}
            except OSError as error:
                answer = {"error": [error.errno or 0, error.strerror or str(error), _name(error)]}
            finally:
                for file in given:
                    os.close(file)
            wire.send(self._channel, answer, files)
            for file in files:
                os.close(file)

    # Each _do_ answers one request of the client (client.py lists them with their fields).

    def _do_start(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        kernel.mount(b"none", b"/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.set_hostname(b"agentrt")
        folder, workspace = os.fsencode(request["store"]), os.fsencode(request["workspace"])
        self._store = Store(folder, workspace)
        os.mkdir(self._store.stage)
        self._new_open_layer()
        shows = [os.fsencode(path) for path in request["shows"]]
        self._template = Template(self._store.stage, workspace, shows, self._store.base["rest"])
        self._template.build(self._store.stage)
        self._mount()  # that it can be done is found out now
        kernel.unmount(self._template.work)
        self._started = True
        return {}

    def _do_stand(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        for part in PARTS:
            self._store.uppers(request["layers"], part)  # a missing layer is told now, not when an action needs it
        self._unmount_rest()
        self._layers = request["layers"]
        self._clear_open_layer()
        return {}

    def _do_run(self, request: dict[str, Any], given: list[int]) -> dict[str, Any]:
        self._mount()
        read_end, write_end = os.pipe()
        started = time.monotonic()
        try:
            pid = action.start(self._template, request, (given[0], given[1], given[2]), write_end)
        finally:
            os.close(write_end)
            kernel.unmount(self._template.work)  # the action has a copy; ours must not outlive it
        for file in given:
            os.close(file)
        given.clear()
        try:
            outcome = action.wait(pid, read_end, self._channel, started + request["seconds"])
        finally:
            os.close(read_end)
        return outcome | {"seconds": time.monotonic() - started, "wrote": self._is_written()}

    def _do_seal(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        """Give the open layer its name. The answer has ``effects``, or none where nothing was touched."""
        opened = self._store.open_layer
        if not self._is_written():
            return {"layer": None, "effects": []}
        self._unmount_rest()
        touched = False
        found: list[tuple[dict[str, Any], Entry | None]] = []
        for part in PARTS:
            upper = opened + b"/" + part.encode()
            before = self._store.view(self._layers, part)
            after = type(before)([upper, *before.places])
            for path, old, new in compare.pairs(before, after, [upper]):
                touched = touched or compare.touched(old, new)
                self._add(found, part, path, old, new)
        if not touched:
            self._clear_open_layer()
            return {"layer": None, "effects": []}
        for part in PARTS:
            remove_tree(opened + b"/." + part.encode())
            if not os.listdir(opened + b"/" + part.encode()):
                os.rmdir(opened + b"/" + part.encode())
        disk.sync_tree(opened)
        os.rename(opened, self._store.folder + b"/" + os.fsencode(request["name"]))
        disk.sync_folder(self._store.folder)
        self._layers = [*self._layers, request["name"]]
        self._new_open_layer()
        self._squash()
        return {"layer": request["name"], "effects": compare.pair_renames(found)}

    def _do_changes(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        a, b = request["a"], request["b"]
        common = 0
        while common < min(len(a), len(b)) and a[common] == b[common]:
            common += 1
        found: list[tuple[dict[str, Any], Entry | None]] = []
        for part in PARTS:
            uppers = self._store.uppers(a[common:], part) + self._store.uppers(b[common:], part)
            if uppers:
                views = self._store.view(a, part), self._store.view(b, part)
                for path, old, new in compare.pairs(*views, uppers):
                    self._add(found, part, path, old, new)
        return {"effects": compare.pair_renames(found)}

    def _do_open(self, request: dict[str, Any], _: list[int]) -> int:
        part, path = self._store.place(os.path.normpath(os.fsencode(request["path"])))
        entry = self._store.view(request["layers"], part).find(path) if part is not None else None
        if entry is None:
            raise _os_error(errno.ENOENT, request["path"])
        if not stat.S_ISREG(entry.status.st_mode):
            raise _os_error(errno.EISDIR if entry.is_directory else errno.EINVAL, request["path"])
        return os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)

    def _do_keep(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        opened, target = self._store.open_layer, request["name"]
        self._unmount_rest()
        self._clear_open_layer()
        view = self._store.view(request["layers"], "work")
        wrote = keep.write_changes(view, request["effects"], opened + b"/work")
        layers = [name for name in request["layers"] if self._store.uppers([name], "rest")]
        layers = [name if name.endswith(":rest") else name + ":rest" for name in layers]
        if wrote:
            for part in (b".work", b".rest", b"rest"):
                remove_tree(opened + b"/" + part)
            disk.sync_tree(opened)
            os.rename(opened, self._store.folder + b"/" + os.fsencode(target))
            self._new_open_layer()
            layers.append(target)
        return {"layers": layers}

    def _do_remove(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        """Layers, and with ``opened`` what an action that came to nothing left in the open one, until ``stand``."""
        if request["opened"]:
            self._unmount_rest()
            remove_tree(self._store.open_layer)
        for name in request["names"]:
            remove_tree(self._store.folder + b"/" + os.fsencode(name))
        return {}

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

    def _mount(self) -> None:
        opened = self._store.open_layer
        if self._rest != self._layers:
            self._unmount_rest()
            lowers = self._store.lowers(self._layers, "rest")
            overlay.mount(lowers, opened + b"/rest", opened + b"/.rest", self._template.rest)
            self._rest = list(self._layers)
        # The workspace may be edited between actions, so its mount lives only as long as one.
        lowers = self._store.lowers(self._layers, "work")
        overlay.mount(lowers, opened + b"/work", opened + b"/.work", self._template.work)

    def _unmount_rest(self) -> None:
        if self._rest is not None:
            kernel.unmount(self._template.rest)
            self._rest = None

    def _new_open_layer(self) -> None:
        opened = self._store.open_layer
        os.mkdir(opened)
        for part in PARTS:
            top = opened + b"/" + part.encode()
            os.mkdir(top)
            os.mkdir(opened + b"/." + part.encode())
            # The top of an overlay has the attributes of its upper folder.
            keep.copy_meta(self._store.view(self._layers, part).places[0], top)

    def _leave(self) -> None:
        if self._started:
            self._unmount_rest()
            kernel.unmount(self._store.stage)
            self._store.leave()

    def _is_written(self) -> bool:
        return any(os.listdir(self._store.open_layer + b"/" + part.encode()) for part in PARTS)

    def _clear_open_layer(self) -> None:
        remove_tree(self._store.open_layer)
        self._new_open_layer()

    def _squash(self) -> None:
        """Merge full runs of layers in the background; until one is there, the mount is that much deeper."""
        for pid in list(self._squashing):
            if os.waitpid(pid, os.WNOHANG)[0]:
                self._squashing.discard(pid)
        todo = [
            (target, run)
            for part in PARTS
            for target, run in self._store.chunks(self._layers, part)
            if not os.path.lexists(target)
        ]
        if not todo or self._squashing:
            return
        pid = os.fork()
        if pid:
            self._squashing.add(pid)
            return
        try:
            self._channel.close()
            for target, run in todo:
                remove_tree(self._store.scratch)
                keep.squash(run, self._store.scratch)
                disk.sync_file_system(self._store.scratch)
                os.rename(self._store.scratch, target)
        finally:
            os._exit(0)


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
        kernel.bound_capabilities(action.KEEPS)
    except OSError as error:
        wire.send(channel, {"error": [error.errno or 0, error.strerror or "", _name(error)]})
        return
    gc.freeze()  # forks share these pages for good
    gc.disable()
    wire.send(channel, {})
    Server(channel).serve()
