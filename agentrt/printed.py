"""What an earlier operation printed, for who comes back to it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress

from agentrt.collecting import gone
from agentrt.contracts import Output
from agentrt.errors import UnknownOperation, UsageError
from agentrt.reader import Reader
from agentrt.records import Observation, Operation


def printed(reader: Reader, number: int, part: int | None = None) -> Output:
    """See ``World.output``: of the session itself, or of those it was forked from up to there.

    Sessions count from 1 each: where several have the number, it is the nearest whose output was cut, as only of such
    a one an agent is told a number.
    """
    found = list(_found(reader, number))
    if not found:
        raise UsageError(f"there is no operation {number} in this session", hint=_hint(reader))
    operation = next((op for op in found if op.observation is not None and op.observation.truncated), found[0])
    other = f" of session {operation.session}" if operation.session != reader.session else ""
    of = f"operation {number}{other}"
    seen = operation.observation
    if seen is None:
        raise UsageError(f"{of} has printed nothing yet")
    name = _name(operation, seen, part)
    if name is None and part is None and not seen.truncated:
        return Output(io.BytesIO(seen.output.encode("utf-8", "surrogateescape")), seen.output_bytes, of)
    if name is None:
        raise UsageError(f"of {of} no more is kept than it showed: there was no room")
    try:
        file = open(reader.store.outputs / name, "rb")  # noqa: SIM115 (whoever asked for it closes it)
    except FileNotFoundError:
        raise _missing(reader, of, name, part) from None
    return Output(file, seen.output_bytes if name == seen.output_file else _size(file), of)


def check_output_kept(reader: Reader, operation: Operation) -> None:
    """Raises ``UsageError`` where the whole output of it was collected."""
    name = operation.observation.output_file if operation.observation is not None else None
    if name is not None and not (reader.store.outputs / name).exists():
        raise _missing(reader, f"operation {operation.id}", name, None)


def _found(reader: Reader, number: int) -> Iterator[Operation]:
    """The nearest session's first."""
    info, until = reader.info, number
    while True:
        if 1 <= number <= until:
            with suppress(UnknownOperation):
                yield reader.journal.operation(info.id, number)
        if info.parent is None:
            return
        until, info = info.parent_operation or 0, reader.journal.session(info.parent)


def _name(operation: Operation, seen: Observation, part: int | None) -> str | None:
    if part is None:
        return seen.output_file
    whole = f"{operation.session}.{operation.id}"
    return whole if part == 1 else f"{whole}.{part}"


def _missing(reader: Reader, of: str, name: str, part: int | None) -> UsageError:
    removal = reader.journal.removals().find("output", name)
    if removal is not None:
        what = "the whole output" if part is None else f"part {part} of the output"
        return UsageError(
            f"{what} of {of} {gone(removal).replace('were', 'was', 1)}",
            hint="what it showed of it, its beginning and its end, is in the log",
        )
    if part is not None:
        return UsageError(f"{of} has no part {part} that is kept; only long ones are", hint="leave `part` out")
    return UsageError(f"the whole output of {of} is not there any more")


def _size(file: io.BufferedReader) -> int:
    return file.seek(0, io.SEEK_END) + file.seek(0)


def _hint(reader: Reader) -> str:
    last = len(reader.journal.operations(reader.session, effects_at=()))
    return f"the last one is {last}" if last else ""
