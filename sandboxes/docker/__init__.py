"""The docker sandbox: a container at an engine, with the same transactions, undo and walls as the local sandbox.

``sandbox.py`` meets the contract; ``container.py`` makes the container; ``keeper.py`` is the server on the host that
keeps the layers and has the container do what is to be done; ``inside/`` is the container's first process.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from agentrt.contracts import Confinement, Sandbox

__all__ = ["open_sandbox"]


def open_sandbox(
    options: Mapping[str, object], *, workspace: Path, store: Path, confinement: Confinement, folder: Path = Path()
) -> Sandbox:
    """Entry point. Raises ``UsageError``."""
    from .options import read_options
    from .sandbox import DockerSandbox

    return DockerSandbox(
        workspace=workspace,
        store=store,
        confinement=confinement,
        options=read_options(options, folder),
        folder=folder,
        report=logging.getLogger(__name__).info,
    )
