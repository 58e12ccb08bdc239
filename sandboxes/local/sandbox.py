"""The local sandbox: ``agentrt.contracts.Sandbox`` over user namespaces and overlay layers."""

from __future__ import annotations

import os
from base64 import b64encode

from ..acting.client import ActingClient
from ..acting.sandbox import ActingSandbox
from ..layers.client import FULL, ServerError, told
from . import causes, toolchains, walls
from .inside.root import HOME

_SERVER = ".local.inside.server"


class LocalSandbox(ActingSandbox):
    """Commands run in namespaces of their own; what they write lands in layers in ``store``."""

    @property
    def home(self) -> str:
        return os.fsdecode(HOME)

    def twin(self) -> LocalSandbox:
        return LocalSandbox(workspace=self._workspace, store=self._store, confinement=self._confinement)

    def open_server(self) -> ActingClient:
        walls.check(self._confinement.require)
        self._store.mkdir(mode=0o700, parents=True, exist_ok=True)
        shows = toolchains.find(self._workspace, self._confinement, os.environ)
        self.environment = toolchains.environment(self._workspace, shows, os.environ)
        planted = {path: b64encode(data).decode() for path, data in self.planted().items()}
        client = ActingClient(_SERVER)
        try:
            where = {"store": os.fspath(self._store), "workspace": self.workspace}
            client.start(**where, shows=shows, planted=planted, hidden=list(self._confinement.hidden))
        except ServerError as error:
            client.close()
            if error.errno in FULL and error.filename != "unshare":  # there it says: no more namespaces
                raise told("start", error) from error
            raise causes.explain(error, workspace=self._workspace) from error
        return client
