"""The process behind ``copies_sandbox.py``: it keeps the layers, and runs actions in copies of what they show."""

import os
import socket
from typing import Any

from agentrt.sandboxes.acting import kernel, namespaces
from agentrt.sandboxes.acting.copied import Copies
from agentrt.sandboxes.layers import wire
from agentrt.sandboxes.layers.books import Books
from agentrt.sandboxes.layers.server import Answer, LayersServer, born
from agentrt.sandboxes.layers.store import Store, remove_tree


class CopiesServer(LayersServer):
    copies: Copies | None = None
    """What actions run in; None where nothing has run yet since it was sealed or discarded."""

    def _do_start(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        kernel.mount(b"none", b"/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        self.workspace = os.fsencode(request["workspace"])
        self.places = {os.fsencode(request["home"]): b"home/", b"/tmp": b"tmp/", b"/var/tmp": b"var/"}
        self.store = Store(os.fsencode(request["store"]), self.workspace, self.places)
        self.books = Books(self.store)
        return {}

    def _do_stand(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        self.layers = request["layers"]
        return self.let_go() or {}

    def _do_run(self, request: dict[str, Any], streams: list[int]) -> dict[str, Any]:
        self.copies = self.copies or Copies(self.store, self.workspace, self.places, self.layers)
        return self.copies.run(request, streams, self.channel) | {"wrote": True}

    def _do_seal(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        with self.store.making() as made:
            self.copies.take(made)
            answer = self.books.seal(self.layers, made, request["name"])
        self.layers = self.layers + [answer["layer"]] * (answer["layer"] is not None)
        self.let_go()
        return answer

    def _do_door(self, request: dict[str, Any], _: list[int]) -> Answer:
        door = socket.create_server(("127.0.0.1", 0))
        return {"port": door.getsockname()[1]}, [door.detach()]

    def let_go(self) -> None:
        if self.copies is not None:
            remove_tree(self.copies.folder)
        self.copies = None

    def leave(self) -> None:
        self.store.leave()


def main(descriptor: int) -> None:
    channel = born(descriptor)
    namespaces.enter_namespaces(kernel.CLONE_NEWNS)
    wire.send(channel, {})
    CopiesServer(channel).serve()
