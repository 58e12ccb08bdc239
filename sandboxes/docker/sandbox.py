"""The docker sandbox: ``agentrt.contracts.Sandbox`` in a container."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from agentrt.contracts import Confinement
from agentrt.errors import SandboxError, SandboxUnavailable, UsageError
from agentrt.homes import state_home

from ..acting.client import ActingClient
from ..acting.sandbox import ActingSandbox
from ..layers.client import ServerError, told
from ..layers.sandbox import thread
from .box import FULL
from .container import Container
from .door import Behind
from .ground import Ground, recall, remember
from .labels import labels, mark
from .options import DockerOptions

if TYPE_CHECKING:
    import docker

    from .engine import About
    from .known import Image

PATIENCE = 60.0
"""Seconds without a sign until a container is taken for dead: looking at a million files takes some ten."""
_SERVER = ".docker.keeper"
_LOOK = 5
"""Seconds for the question why a container is gone."""


class DockerSandbox(ActingSandbox):
    """Commands run in a container; what they change there lands in layers in ``store``."""

    def __init__(
        self,
        *,
        workspace: Path,
        store: Path,
        confinement: Confinement,
        options: DockerOptions,
        folder: Path,
        report: Callable[[str], None],
    ) -> None:
        """``folder``: what the path of a Dockerfile is relative to; ``report``: is told how the pull or the build of an
        image goes, on any thread."""
        super().__init__(workspace=workspace, store=store, confinement=confinement)
        self._options, self._folder, self._report = options, folder, report
        self._engine: docker.DockerClient | None = None
        self._image: Image | None = None
        self._container: Container | None = None
        self._origin = _origin(options, folder)
        self._ground = recall(store, self._origin)
        self._stopped = threading.Event()
        """Nobody waits for an image any more."""

    @property
    def home(self) -> str:
        return self._ground.home

    def twin(self) -> DockerSandbox:
        twin = DockerSandbox(
            workspace=self._workspace,
            store=self._store,
            confinement=self._confinement,
            options=self._options,
            folder=self._folder,
            report=self._report,
        )
        twin._image = self._image
        return twin

    def open_server(self) -> ActingClient:
        self._store.mkdir(mode=0o700, parents=True, exist_ok=True)
        client = ActingClient(_SERVER)
        try:
            client.start(
                store=os.fspath(self._store),
                workspace=self.workspace,
                hidden=list(self._confinement.hidden),
                base=self._ground.base,
            )
        except ServerError as error:
            client.close()
            raise told("start", error) from error
        return client

    async def prepare(self) -> None:
        """See ``agentrt.contracts.Preparing``."""
        if self._client is None or not self._entered:
            await self._with_server(lambda client: None)

    async def _ready(self, stand: bool) -> ActingClient:
        if not stand and self._ground.base:  # else ``enter`` sees to it, maybe with an image that is a new one
            from . import places

            await thread(partial(places.export_again, self._ground.image, Path(self._ground.base)))
        return await super()._ready(stand)

    def enter(self, client: ActingClient) -> None:
        from . import engine, places

        self._stopped.clear()
        with engine.translated("start a container"):
            self._engine = self._engine or engine.connect()
            about = engine.about(self._engine)
            self._check_walls(about)
            mark(self._store)
            if self._image is None:
                self._image = self._resolved(self._engine)
            base = state_home() / "docker" / self._image.id.removeprefix("sha256:") / "places"
            places.export_places(self._engine, self._image, base)
            self._ground = Ground(image=self._image.id, base=os.fspath(base), home=self._image.home)
            mark(self._store, self._image.id)
            remember(self._store, self._origin, self._ground)
            self.environment = {"LANG": "C.UTF-8", **self._image.environment}
            planted = self.planted()
            self._let_go()
            self._container = Container(
                self._engine,
                about,
                self._image,
                self._options,
                workspace=self.workspace,
                base=base,
                planted=planted,
                labels=partial(labels, self._store),
            )
            with self._container.start() as stream:
                client.attach(
                    stream.fileno(),
                    places=list(self._image.places),
                    base=os.fspath(base),
                    planted=sorted(planted),
                    patience=PATIENCE,
                    processes=self._options.processes if "processes" in about.lacking else None,
                )

    def _resolved(self, engine: docker.DockerClient) -> Image:
        from . import images

        try:
            return images.resolve(
                engine, self._options, folder=self._folder, report=self._report, stopped=self._stopped
            )
        except UsageError as error:  # the Dockerfile was there when the session was begun
            raise SandboxUnavailable(f"no sandbox: {error}", cause="image-build", hint=error.hint) from error

    def _check_walls(self, engine: About) -> None:
        """That of the policy's ``require``. Raises ``SandboxUnavailable``."""
        for wall in self._confinement.require:
            if wall != "seccomp" or not engine.seccomp:
                raise SandboxUnavailable(
                    f"no sandbox: the policy requires {wall}, which containers here do not have",
                    cause="required",
                    hint=f"take {wall} out of the policy's `require`, or use the local sandbox",
                )

    def stop_entering(self) -> None:
        self._stopped.set()

    def left(self) -> None:
        self._let_go()
        client, self._engine = self._engine, None
        if client is not None:
            client.close()

    def _let_go(self) -> None:
        """Of the container, if there is one."""
        from . import behind

        container, self._container = self._container, None
        behind.leave(self._engine, *(() if container is None else (container,)))

    def explained(self, error: SandboxError) -> SandboxError:
        from . import causes, engine

        container, client, cause = self._container, self._engine, error.__cause__
        what = error.message.partition(": ")[0]
        if isinstance(cause, ServerError) and cause.strerror == FULL:
            return causes.full(what)
        if container is None or client is None or not isinstance(cause, ServerError) or cause.filename != "container":
            return error
        client.api.timeout = _LOOK
        try:
            with engine.translated("look at its container"):
                return causes.ended(what, container.state(ended=cause.errno == errno.EPIPE))
        except SandboxError as why:
            return SandboxError(f"{what}: {why.message.partition(': ')[2]}", hint=why.hint)

    def open_door(self, client: ActingClient) -> Behind:
        return Behind(*client.door())


def _origin(options: DockerOptions, folder: Path) -> str:
    """Of the image."""
    if options.dockerfile is not None:
        return f"file {os.path.abspath(folder / options.dockerfile)}"
    return f"image {options.image}" if options.image is not None else ""
