"""How a process of ours starts: a small interpreter, deaf to the user's environment and to the workspace's modules."""

from __future__ import annotations

import sys
from pathlib import Path

_SANDBOXES = Path(__file__).parent.parent
_BOOT = """
import importlib, sys, types
for name in ("", ".local", ".docker"):
    package = types.ModuleType("sandboxes" + name)
    package.__path__ = [{folder!r} + name.replace(".", "/")]
    sys.modules[package.__name__] = package
importlib.import_module({module!r}).main({descriptor})
"""
"""The packages around our modules are not what they are installed as: those would import all of agentrt."""


def command(module: str, descriptor: int) -> list[str]:
    """What runs ``main(descriptor)`` of a module, named from this folder's parent: ``.local.inside.server``."""
    code = _BOOT.format(folder=str(_SANDBOXES), module="sandboxes" + module, descriptor=descriptor)
    return [sys.executable, "-I", "-S", "-c", code]
