"""A command's output: streamed on; where it is long, cut to head, errors and tail, and the whole of it on disk."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from agentrt.errorlines import ErrorLines
from agentrt.records import Limits

if TYPE_CHECKING:
    from agentrt.secrets import Redactor


class Organizer:
    """Takes output as it comes. ``file`` is made only when there is more than ``limits.shown_bytes``."""

    def __init__(
        self,
        file: Path,
        limits: Limits,
        *,
        operation: int,
        part: int = 1,
        stream: Callable[[bytes], None] | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        """``operation``: by what number an agent reads the whole of it; ``part``: of several outputs the how manieth.
        ``redactor``: what it finds nobody gets to see, and it is kept nowhere."""
        self.size = 0
        """Bytes that came, kept or not."""
        self._file, self._limits, self._stream = file, limits, stream
        self._operation, self._part = operation, part
        self._redactor = redactor
        self._half = limits.shown_bytes // 2
        self._for_errors = self._half // 2
        """Bytes of the head that error lines may take."""
        self._errors: ErrorLines | None = None
        self._head = bytearray()
        self._tail = bytearray()
        self._spool: BinaryIO | None = None
        self._kept = 0
        self._keeping = True

    @property
    def truncated(self) -> bool:
        return self.size > self._limits.shown_bytes

    @property
    def output_file(self) -> str | None:
        return self._file.name if self.truncated and self._kept else None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._take(chunk if self._redactor is None else self._redactor.feed(chunk))

    def _take(self, chunk: bytes) -> None:
        self._pass_on(chunk)
        before = self.size
        self.size += len(chunk)
        if self.truncated:
            if before <= self._limits.shown_bytes:
                self._keep(bytes(self._head + self._tail))
            self._keep(chunk)
        room = max(self._half - len(self._head), 0)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        excess = len(self._tail) - (self._limits.shown_bytes - self._half)
        # Cut now and then, not at every line: a cut copies the tail.
        if self.truncated and excess > max(self._half, 65536):
            self._pass_over(excess)

    def close(self) -> None:
        if self._redactor is not None:
            self._take(self._redactor.end())
            self._redactor = None
        if self._spool is not None:
            self._spool.close()
            self._spool = None
        if self.truncated:
            self._pass_over(len(self._tail) - (self._limits.shown_bytes - self._half)).end()

    def text(self) -> str:
        """What an observation shows: all of it, or head, errors and tail, with a line on what is left out and how to
        see it. After ``close``."""
        if self._errors is None:
            return bytes(self._head + self._tail).decode("utf-8", "replace")
        found, more = self._errors.pick(self._for_errors)
        length = self._half
        if any(one.end > length for one in found):  # else the head shows them all
            room = length - sum(len(str(one).encode()) for one in found)
            length = max(min(room, found[0].start), self._half - self._for_errors)
        else:
            found = []
        head, tail = _whole_characters(bytes(self._head[:length]), bytes(self._tail))
        first, last = head.count(b"\n") + 1, self._errors.last_line
        lines = f"line {first}" if first >= last else f"lines {first}-{last}"
        note = f"{self.size - len(head) - len(tail):,} bytes left out: {lines}; {self._where(first)}"
        if found:
            also = f"and {more:,} more like these; " if more else ""
            note = f"{note}; those that tell of errors:] …\n{''.join(map(str, found))}… [{also}the end of the output:"
        return head.decode("utf-8", "replace") + f"\n… [{note}] …\n" + tail.decode("utf-8", "replace")

    def _where(self, line: int) -> str:
        """How an agent sees what is left out, from that line on."""
        if not self._kept:
            return "not kept: the disk is full"
        part = f", `part: {self._part}`" if self._part > 1 else ""
        read = f"`read` with `output: {self._operation}`{part}"
        if self._kept < self.size:
            return f"only the first {self._kept:,} bytes were kept, {read} shows them"
        return f"{read} and `start: {line}` shows them"

    def _pass_over(self, size: int) -> ErrorLines:
        """So much of the tail is not shown."""
        if self._errors is None:
            self._errors = ErrorLines(since=self._half - self._for_errors)
            self._errors.feed(bytes(self._head))
        self._errors.feed(bytes(self._tail[:size]))
        del self._tail[:size]
        return self._errors

    def _pass_on(self, chunk: bytes) -> None:
        if self._stream is None:
            return
        try:
            self._stream(chunk)
        except Exception as error:  # who listens has no say in what the action does
            self._stream = None
            warnings.warn(f"on_output failed and gets no more: {error!r}", RuntimeWarning, stacklevel=2)

    def _keep(self, data: bytes) -> None:
        if not self._keeping:
            return
        try:
            if self._spool is None:
                self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                # Unbuffered: a full disk is noticed here, where it can be said, and not at the close.
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
                descriptor = os.open(self._file, flags, 0o600)
                self._spool = open(descriptor, "wb", buffering=0)  # noqa: SIM115 (closed in ``close``)
            room = data[: max(self._limits.output_bytes - self._kept, 0)]
            while room:
                written = self._spool.write(room)
                self._kept += written
                room = room[written:]
        except OSError:
            self._keeping = False  # what was kept is still good, and the observation says how much that is
        if self._kept >= self._limits.output_bytes:
            self._keeping = False


def _whole_characters(head: bytes, tail: bytes) -> tuple[bytes, bytes]:
    """Without the halves of a character at the cut."""
    for back in range(1, min(4, len(head) + 1)):
        byte = head[-back]
        if byte >= 0xC0:  # a leading byte; is its character complete?
            if back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4):
                head = head[:-back]
            break
        if byte < 0x80:
            break
    start = 0
    while start < min(3, len(tail)) and 0x80 <= tail[start] < 0xC0:
        start += 1
    return head, tail[start:]
