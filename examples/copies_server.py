"""The process behind ``copies_sandbox.py``: it keeps the layers, and runs actions in copies of what they show."""

import os
from functools import partial
from typing import Any

from agentrt.sandboxes.acting import kernel, namespaces
from agentrt.sandboxes.acting.copied import CopiesServer
from agentrt.sandboxes.layers.server import live


class Server(CopiesServer):
    def _do_start(self, request: dict[str, Any], _: list[int]) -> dict[str, Any]:
        store, workspace, home = (os.fsencode(request[name]) for name in ("store", "workspace", "home"))
        self.open(store, workspace, {home: b"home/", b"/tmp": b"tmp/", b"/var/tmp": b"var/"})
        return {}


def main(descriptor: int) -> None:
    live(Server, descriptor, partial(namespaces.enter_namespaces, kernel.CLONE_NEWNS))
