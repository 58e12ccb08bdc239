"""What a terminal sends, made harmless before Textual's driver makes keys of it.

The driver takes what stands behind an escape in a paste for keys, enter among them, and ends the app over a byte that
is no UTF-8.
"""

from __future__ import annotations

import codecs
import select
from collections.abc import Iterable
from functools import partial

from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.message import Message

_BEGIN, _END = "\x1b[200~", "\x1b[201~"
_ESCAPE = "\x1b"


def gone() -> bool:
    """Whether the terminal is: nobody types any more, and Textual's driver would read that again and again."""
    poll = select.poll()
    poll.register(0, 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))


class Parser(XTermParser):
    """Of a paste only text arrives."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._pasting = False
        self._tail = ""
        """The end of what came. Outside of a paste, to find its begin; inside, not passed on yet, to find its end."""

    def feed(self, data: str) -> Iterable[Message]:
        if data and not (data := self._harmless(data)):
            return ()  # to the parser, nothing is the end of all
        return super().feed(data)

    def _harmless(self, data: str) -> str:
        passed = []
        while data:
            if not self._pasting:
                before = len(self._tail)
                seen, self._tail = self._tail + data, ""
                at = seen.find(_BEGIN)
                self._pasting = at >= 0
                if not self._pasting:
                    self._tail = seen[1 - len(_BEGIN) :]
                    passed.append(data)
                    break
                begun = at + len(_BEGIN) - before
                passed.append(data[:begun])
                data = data[begun:]
            else:
                pasted, end, data = (self._tail + data).partition(_END)
                self._pasting, self._tail = not end, ""
                if not end:
                    held = next(n for n in range(len(_END) - 1, -1, -1) if pasted.endswith(_END[:n]))
                    self._tail = _END[:held]
                    pasted = pasted[: len(pasted) - held]
                passed.append(pasted.replace(_ESCAPE, "") + end)
        return "".join(passed)


def guard() -> None:
    """From here on."""
    decoder = codecs.getincrementaldecoder("utf-8")
    # Names that the driver itself imports are none of its own for mypy.
    linux_driver.getincrementaldecoder = lambda _: partial(decoder, "replace")  # type: ignore[attr-defined]
    linux_driver.XTermParser = Parser  # type: ignore[attr-defined]
