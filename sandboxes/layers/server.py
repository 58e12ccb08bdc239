"""A process that answers questions about layers: it serves one runtime over the socket it was born with, one request
at a time, and ends with it."""

from __future__ import annotations

import os
import resource
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from . import removal, wire
from .books import Books

_DEEPEST = 8000
"""Calls. Trees are walked by recursion, and a path of 4096 bytes can name 2048 folders."""
_FILES = 4096


Answer = tuple[dict[str, Any], list[int]]


class LayersServer:
    """Each ``_do_`` answers one request (``client.py`` lists them with their fields): with what is told, and open
    files where there are some. A sandbox adds its own, ``_do_start`` above all, which sets ``books``."""

    books: Books
    over = False
    """What it works with is gone: it has nothing more to do than to say so."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel

    def serve(self) -> None:
        """Until the runtime is gone. Raises ``ConnectionError`` where that leaves an answer nobody hears."""
        while True:
            self.while_idle()
            try:
                request, given = wire.receive(self.channel)
            except EOFError:
                self.leave()
                return
            if request["do"] == "end":
                continue  # the action it was about had ended by itself
            files: list[int] = []
            try:
                answer = getattr(self, "_do_" + request["do"])(request, given)
                if isinstance(answer, tuple):
                    answer, files = answer
            except OSError as error:
                answer = failure(error) | ({"over": True} if self.over else {})
            finally:
                for file in given:
                    os.close(file)
            wire.send(self.channel, answer, files)
            for file in files:
                os.close(file)
            self.answered(request["do"])

    def while_idle(self) -> None:
        """Before the next request."""

    def answered(self, do: str) -> None:
        """After each."""

    def leave(self) -> None:
        """The runtime is gone."""

    def _do_changes(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        return self.books.changes(request["a"], request["b"])

    def _do_look(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        return self.books.look(request["layers"], request["paths"])

    def _do_open(self, request: dict[str, Any], _: list[int]) -> Answer:
        return {}, self.books.open(request["layers"], request["paths"])

    def _do_keep(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        return self.books.keep(request["layers"], request["paths"], request["name"])

    def _do_graft(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        return self.books.graft(request["onto"], request["sources"], request["picks"], request["name"])

    def _do_remove(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        removal.remove(self.books.store.folder, request["names"])
        self.books.store.forget()
        return {}

    def _do_purge(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        return {"layers": removal.purge(self.books.store, request["path"], dry_run=request["dry_run"])}


def live(server: Callable[[socket.socket], LayersServer], descriptor: int, enter: Callable[[], object]) -> None:
    """What every server's ``main`` is. ``enter`` puts this process where the server is to work; its ``OSError`` is told
    to the runtime."""
    channel = _born(descriptor)
    with suppress(ConnectionError):
        try:
            enter()
        except OSError as error:
            wire.send(channel, failure(error))
            return
        wire.send(channel, {})  # it is there
        server(channel).serve()


def _born(descriptor: int) -> socket.socket:
    os.setsid()
    sys.setrecursionlimit(_DEEPEST)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, _FILES)), hard))
    return socket.socket(fileno=descriptor)


def failure(error: OSError) -> dict[str, Any]:
    """The answer that says so."""
    name = os.fsdecode(error.filename) if error.filename is not None else ""
    return {"error": [error.errno or 0, error.strerror or str(error), name]}
