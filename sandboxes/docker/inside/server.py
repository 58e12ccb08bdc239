"""The first process of a container: it runs actions, says what changed, and puts things back.

It serves one keeper over its standard streams, and ends with it; with it ends the container. It runs as the user that
actions run as, who can neither look into it nor kill it (the kernel keeps a namespace's first process from that).
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from ...acting import privilege
from ...acting.files import write_all
from . import entries, leftovers
from .entries import Content, Entry, Source, attributes_of, bytes_of, named
from .frames import Link
from .index import Index
from .putting import Putting, part_links
from .running import Door, Running

_READ = 1 << 18


class Server:
    """Each ``_do_`` answers one request (``box.py`` lists them with their fields)."""

    def __init__(self, link: Link, input_at: int) -> None:
        self._link, self._input = link, input_at
        self._index = Index([])
        self._door: Door | None = None

    def serve(self) -> None:
        """Until the keeper is gone."""
        with suppress(EOFError, BrokenPipeError):
            while True:
                request = self._link.hear()
                try:
                    answer = getattr(self, "_do_" + request["do"])(request)
                except OSError as error:
                    name = os.fsdecode(error.filename) if error.filename is not None else ""
                    answer = {"error": [error.errno or 0, error.strerror or str(error), name]}
                self._link.tell(answer)

    def _do_start(self, request: dict[str, Any]) -> dict[str, Any]:
        roots = list(map(bytes_of, request["roots"]))
        self._index = Index(roots, list(map(bytes_of, request["leave_out"])), alone=True)
        return {}

    def _do_put(self, _: dict[str, Any]) -> dict[str, Any]:
        Putting().put(entries.receive(self._link))
        return {}

    def _do_settle(self, _: dict[str, Any]) -> dict[str, Any]:
        """As it is now is how it is to be."""
        self._changed()
        return {}

    def _do_changed(self, request: dict[str, Any]) -> dict[str, Any]:
        """``all``: since nothing was there."""
        if request["all"]:
            self._index.forget()
        return {"paths": list(map(named, self._changed()))}

    def _do_collect(self, _: dict[str, Any]) -> dict[str, Any]:
        """All that changed, as it is now; and that is how it is to be."""
        try:
            paths = self._index.changed()
            if self._index.too_deep:
                raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), self._index.too_deep[:200] + b"...")
            entries.send(self._link, self._look(paths))
            self._index.pass_over(part_links(path for path in paths if path in self._index))
        finally:
            self._index.shut()
        return {}

    def _changed(self) -> list[bytes]:
        try:
            return self._index.changed()
        finally:
            self._index.shut()

    def _look(self, paths: list[bytes]) -> Iterator[Source]:
        for path in paths:
            if path not in self._index:  # nor is there what one would find through a link that lies there now
                yield Source(Entry(named(path)), None)
                continue
            status = os.lstat(path)
            source = entries.look(path, path, status, attributes_of(path, status))
            mode = self._index.mode(path, status) if source.entry.type else 0
            yield source._replace(entry=source.entry._replace(mode=mode))

    def _do_door(self, _: dict[str, Any]) -> dict[str, Any]:
        self._door = self._door or Door()
        return {"port": self._door.port}

    def _do_run(self, request: dict[str, Any]) -> dict[str, Any]:
        stdin = self._take_stdin(request["stdin"])
        running = Running(self._link, request, stdin, self._door, self._index)
        try:
            return running.see_through(self._input)
        finally:
            leftovers.remove()

    def _take_stdin(self, size: int) -> int:
        if not size:
            return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        file = os.memfd_create("stdin")
        Content(self._link, size).write(file)
        os.lseek(file, 0, os.SEEK_SET)
        return file


def main() -> None:
    given = [os.dup(0), os.dup(1)]
    for file in given:
        os.set_inheritable(file, False)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.umask(0o022)
    # The one that Python has a handler for: what has none does not reach a namespace's first process from within.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    privilege.hide()
    sys.setrecursionlimit(10_000)
    # Not asked of the engine: podman gives a container with a limit of its own none of those that its owner has set.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))

    Server(Link(lambda: os.read(given[0], _READ), partial(write_all, given[1])), given[0]).serve()
