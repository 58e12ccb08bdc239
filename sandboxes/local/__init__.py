"""The local sandbox: unprivileged user namespaces, one overlay layer per action.

``sandbox.py`` meets the contract; ``inside/`` is the server and what it does in the namespaces, beside what ``acting/``
does; ``toolchains.py`` finds what of the host is shown; ``causes.py``, ``doctor.py`` and the quick ``probe.py`` say
what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agentrt.contracts import Confinement, Sandbox
from agentrt.errors import UsageError

from .doctor import doctor
from .probe import probe
from .sandbox import LocalSandbox

__all__ = ["LocalSandbox", "doctor", "open_sandbox", "probe"]


def open_sandbox(
    options: Mapping[str, object], *, workspace: Path, store: Path, confinement: Confinement, folder: Path = Path()
) -> Sandbox:
    """Entry point. The local sandbox has no options. Raises ``UsageError``."""
    if options:
        raise UsageError(f"the local sandbox has no option {next(iter(options))!r}")
    return LocalSandbox(workspace=workspace, store=store, confinement=confinement)
