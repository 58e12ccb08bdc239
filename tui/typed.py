"""What a terminal sends: anything can be pasted, and Textual's driver ends the app over a byte that is no UTF-8."""

from __future__ import annotations

import codecs
from functools import partial

from textual.drivers import linux_driver


def any_bytes() -> None:
    """Such a byte is taken for U+FFFD from here on."""
    linux_driver.getincrementaldecoder = lambda name: partial(codecs.getincrementaldecoder(name), "replace")  # type: ignore[attr-defined]
