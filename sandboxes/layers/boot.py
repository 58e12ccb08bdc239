"""How a process of ours starts: a small interpreter, deaf to the user's environment and to the workspace's modules."""

from __future__ import annotations

import sys
from pathlib import Path

_SANDBOXES = Path(__file__).parent.parent
_BOOT = """
import importlib, importlib.util, sys, types
for name in ("", ".sandboxes", ".sandboxes.local", ".sandboxes.docker"):
    package = types.ModuleType("agentrt" + name)
    package.__path__ = [{folder!r} + name.removeprefix(".sandboxes").replace(".", "/")] if name else []
    sys.modules[package.__name__] = package
"""
"""Of these packages there are the modules, but not what importing them does here: that would be all of agentrt."""
_MODULE = """importlib.import_module("agentrt.sandboxes" + {module!r}).main({descriptor})"""
_FILE = """
spec = importlib.util.spec_from_file_location("server", {module!r})
server = sys.modules["server"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(server)
server.main({descriptor})
"""


def command(module: str | Path, descriptor: int) -> list[str]:
    """What runs ``main(descriptor)`` of a module of ours, named from this folder's parent (``.local.inside.server``),
    or of a file, which can import the standard library, and of agentrt what the packages of sandboxes share:
    ``agentrt.sandboxes.layers.server`` …"""
    code = _BOOT + (_FILE if isinstance(module, Path) else _MODULE)
    code = code.format(folder=str(_SANDBOXES), module=str(module), descriptor=descriptor)
    return [sys.executable, "-I", "-S", "-c", code]
