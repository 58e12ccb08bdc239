"""What clients can ask for. A method is its parameters (a ``Params``) and what it does; a further one is a line in the
``METHODS`` of the module it belongs to, and a further module a line here."""

from __future__ import annotations

from . import accepting, deciding, living, looking, moving, trying
from .base import Caller, Method, Params, read

__all__ = ["METHODS", "Caller", "Method", "Params", "read"]

METHODS: dict[str, Method] = {
    **living.METHODS,
    **moving.METHODS,
    **accepting.METHODS,
    **deciding.METHODS,
    **looking.METHODS,
    **trying.METHODS,
}
