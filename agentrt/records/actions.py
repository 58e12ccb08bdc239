"""What an agent asks for.

A tool defines its own action: a subclass of ``Action`` whose ``kind`` is a ``Literal`` of the tool's name. In the
journal an action is the plain mapping of its fields, so it can be read back without the tool.
"""

from __future__ import annotations

from pydantic import ConfigDict

from .base import Record


class Action(Record):
    """A typed request. ``kind`` names the tool that carries it out."""

    # What stands under a field tells a planner about it. Reading sources takes time: other records go without.
    model_config = ConfigDict(use_attribute_docstrings=True)

    kind: str
