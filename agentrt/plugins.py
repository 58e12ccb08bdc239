"""Plug-ins, found by entry point and imported when asked for. A third party's is as good as ours."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points

from .documents import nearest
from .errors import PluginError

_KINDS = {
    "agentrt.planners": "planner",
    "agentrt.policies": "policy plug-in",
    "agentrt.sandboxes": "sandbox",
    "agentrt.tools": "tool",
}


def names(group: str) -> list[str]:
    """What is installed under ``group`` ("agentrt.tools" …), sorted; nothing is imported."""
    return sorted(_installed(group, tuple(sys.path)))


def find(group: str, name: str) -> object:
    """What the plug-in's entry point names. Raises ``PluginError``: there is none, or it does not load."""
    found = _installed(group, tuple(sys.path)).get(name)
    if found is None:
        raise PluginError(f'no {_KINDS.get(group, group)} is called "{name}"', hint=nearest(name, names(group)))
    return _load(found)


@lru_cache(maxsize=16)
def _installed(group: str, path: tuple[str, ...]) -> Mapping[str, EntryPoint]:
    """By name. Looking through all that is installed takes milliseconds, so it is done once for a search path."""
    return {entry.name: entry for entry in reversed(list(entry_points(group=group)))}


def _load(entry: EntryPoint) -> object:
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        owner = f" (of {entry.dist.name} {entry.dist.version})" if entry.dist else ""
        raise PluginError(
            f'"{entry.name}" in {entry.group}{owner} does not load: {error}',
            hint="install what it needs, or remove the package that brings it",
        ) from error
