"""A sandbox of one's own, in few lines: each action works in plain copies, and what is different then becomes a layer.

It is no wall: actions change nothing but the copies, but they read what you can read, and reach the network.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from agentrt.contracts import Confinement, Sandbox
from agentrt.errors import SandboxUnavailable
from agentrt.sandboxes.acting.client import ActingClient
from agentrt.sandboxes.acting.sandbox import ActingSandbox
from agentrt.sandboxes.layers.client import ServerError


class CopiesSandbox(ActingSandbox):
    home = os.path.expanduser("~")

    def twin(self) -> "CopiesSandbox":
        return CopiesSandbox(workspace=self._workspace, store=self._store, confinement=self._confinement)

    def open_server(self) -> ActingClient:
        self.environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": self.home, "LANG": "C.UTF-8"}
        self._store.mkdir(mode=0o700, parents=True, exist_ok=True)
        client = ActingClient(Path(__file__).with_name("copies_server.py"))
        try:
            client.start(store=str(self._store), workspace=self.workspace, home=self.home)
        except ServerError as error:
            client.close()
            raise SandboxUnavailable(f"no copies can be made here: {error}", hint="see `agentrt doctor`") from error
        return client


def open_sandbox(
    options: Mapping[str, object], *, workspace: Path, store: Path, confinement: Confinement, folder: Path
) -> Sandbox:
    """The entry point."""
    if confinement != Confinement():
        raise SandboxUnavailable("the copies sandbox confines nothing", hint="use `sandbox: local`")
    return CopiesSandbox(workspace=workspace, store=store, confinement=confinement)
