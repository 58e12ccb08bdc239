"""What the local sandbox does in an action's namespaces: a root of its own, with the workspace in it, and walls."""

from __future__ import annotations

from typing import Any

from ...acting.init import KEEPS
from ...acting.privilege import drop_privilege
from . import landlock, overlay
from .root import Template

_LANDLOCK = landlock.abi()


class Rooted:
    """The stage (``acting/init.py``) that a template is completed to."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._wall: landlock.Wall | None = None

    def complete(self) -> None:
        self._template.complete()
        self._wall = _walls(self._template)

    def enter(self, request: dict[str, Any]) -> None:
        overlay.mount(overlay.from_message(request["stack"]), self._template.workspace)
        if self._wall is not None:
            self._wall.let_change(self._template.workspace)
        self._template.enter()

    def confine(self, request: dict[str, Any]) -> None:
        drop_privilege(KEEPS)
        if self._wall is not None:
            if request.get("terminal"):
                self._wall.let_write(b"/proc/self/fd/0")  # /dev/stderr is opened anew by who writes to it
            self._wall.enforce()


def _walls(template: Template) -> landlock.Wall | None:
    """Landlock, but for the workspace. None where the kernel has none: the other walls stand, and doctor says so."""
    if _LANDLOCK < landlock.OLDEST:
        return None
    wall = landlock.Wall(_LANDLOCK)
    for tree in template.trees:
        wall.let_change(tree)
    for folder in template.kernels:
        wall.let_write(folder)
    return wall
