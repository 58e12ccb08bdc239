"""Containers, volumes and images at an engine, as agentrt and others make them. All of them go with the test."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from engine import IMAGE

from agentrt.sandboxes.docker.labels import OWNER, Kind, labels

_ASK = (
    "import json, sys; from pathlib import Path; from agentrt.sandboxes.docker.labels import labels;"
    "print(json.dumps(labels(Path(sys.argv[1]), sys.argv[2])))"
)


def of_the_dead(store: Path, kind: Kind) -> dict[str, str]:
    """The labels of a process that ended."""
    done = subprocess.run([sys.executable, "-c", _ASK, store, kind], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def of_another_host(store: Path, kind: Kind) -> dict[str, str]:
    return {**labels(store, kind), OWNER: "elsewhere-0f3a9c11:4711:99"}


class Things:
    def __init__(self, engine: Any) -> None:
        self._api = engine.api
        self._run = uuid.uuid4().hex[:8]
        self._made: list[tuple[Kind, str]] = []

    def container(self, name: str, marks: Mapping[str, str], *, image: str = IMAGE, running: bool = False) -> str:
        """Its name, made unlike any other's. It holds a volume that nobody named."""
        host = self._api.create_host_config(network_mode="none")
        made = f"{name}-{self._run}"
        self._api.create_container(
            image, ["sleep", "600"], name=made, labels=dict(marks), host_config=host, volumes=["/anonymous"]
        )
        self._made.insert(0, ("sandbox", made))
        if running:
            self._api.start(made)
        return made

    def anonymous(self, container: str) -> str:
        """The name of that volume."""
        [mount] = self._api.inspect_container(container)["Mounts"]
        return str(mount["Name"])

    def volume(self, name: str, marks: Mapping[str, str]) -> str:
        made = f"{name}-{self._run}"
        self._api.create_volume(made, labels=dict(marks))
        self._made.append(("volume", made))
        return made

    def image(self, marks: Mapping[str, str], *, name: str = "") -> str:
        """The id of an image of its own."""
        container = self.container(f"agentrt-test-base-{len(self._made)}", {})
        # A commit of its own content, so that no two of them are one image.
        changes = [f"LABEL {key}={value}" for key, value in {**marks, "run": uuid.uuid4().hex}.items()]
        done = self._api.commit(container, changes=changes, repository=name and f"{name}-{self._run}")
        made = f"sha256:{str(done['Id']).removeprefix('sha256:')}"
        self._made.append(("image", made))
        return made

    def there(self, kind: Kind, id: str) -> bool:
        from docker.errors import NotFound

        ask = {"sandbox": "inspect_container", "volume": "inspect_volume", "image": "inspect_image"}[kind]
        try:
            return bool(getattr(self._api, ask)(id))
        except NotFound:
            return False

    def remove(self) -> None:
        from docker.errors import NotFound

        for kind, id in self._made:
            with suppress(NotFound):
                if kind == "sandbox":
                    self._api.remove_container(id, force=True, v=True)
                elif kind == "volume":
                    self._api.remove_volume(id)
                else:
                    self._api.remove_image(id, force=True, noprune=True)


@contextmanager
def things(engine: Any) -> Iterator[Things]:
    made = Things(engine)
    try:
        yield made
    finally:
        made.remove()
