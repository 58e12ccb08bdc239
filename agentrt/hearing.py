"""What takes long before an action can run, as an image that is pulled: plug-ins log it, a line at a time (INFO)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_ROOT = logging.getLogger("agentrt")


@contextmanager
def hearing(put: Callable[[str], object]) -> Iterator[None]:
    """``put`` is told of it within, on any thread. Who does not hear it misses nothing that matters."""
    handler = _Handler(put)
    before = _ROOT.level
    _ROOT.addHandler(handler)
    _ROOT.setLevel(logging.INFO)
    try:
        yield
    finally:
        _ROOT.removeHandler(handler)
        if not any(isinstance(other, _Handler) for other in _ROOT.handlers):
            _ROOT.setLevel(before)


class _Handler(logging.Handler):
    def __init__(self, put: Callable[[str], object]) -> None:
        super().__init__(logging.INFO)
        self._put = put

    def emit(self, record: logging.LogRecord) -> None:
        self._put(record.getMessage())
