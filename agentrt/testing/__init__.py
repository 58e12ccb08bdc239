"""For people who write plug-ins: conformance kits, and small real implementations to run them on.

``tool_kit.check_tool`` checks a tool; ``plain_world.PlainWorld`` is a world to run it in.
``check_sandbox`` checks a sandbox, ``sandbox_checks`` are its checks one by one, ``check_planted`` is one more
(docs/sandboxes.md). Names are imported when they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .sandbox_kit import check_planted, check_sandbox, sandbox_checks

__all__ = ["check_planted", "check_sandbox", "sandbox_checks"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import sandbox_kit

    return getattr(sandbox_kit, name)
