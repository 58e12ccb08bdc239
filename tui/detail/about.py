"""The selected operation in sections: what ran, why it was let run, what it did, printed, and what undo would do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from agentrt.notices import lasting
from agentrt.preview import Preview
from agentrt.records import FileEffect, FileState, Operation, RequestEffect, RowsEffect, SchemaEffect, dump_json
from agentrt.records.effects import HARM
from agentrt.showing.marks import HARMS, STATES, Mark
from agentrt.showing.plain import cells, plain
from agentrt.showing.words import (
    action_text,
    counted,
    effect_line,
    effects_text,
    exit_text,
    row_lines,
    said_text,
    state_of,
    time_text,
)
from agentrt.units import format_size

from .lines import Line, Piece, shown
from .undoing import undo_lines

FOLD = 12
"""Rows of an action that are shown until it is unfolded."""
_FOLD_OUTPUT = 24
_MOST = 200
"""Effects of one kind that are listed."""
_GOOD, _BAD = ("accepted", "done"), ("rejected", "rolled_back", "denied", "failed")

Undo = Preview | str | None
"""None: not known yet; a text: why there is none ("": nothing is said of it)."""


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    lines: tuple[Line, ...]
    fold: int = 0
    """Rows that are shown until it is unfolded; 0: all."""


def about(
    operation: Operation,
    width: int,
    *,
    undo: Undo = "",
    name: Callable[[int], str] | None = None,
    stands: bool = True,
    lost: str = "",
    along: Sequence[Operation] = (),
) -> tuple[Section, ...]:
    """All there is to say of an operation, in at most so many columns where that can be chosen.

    ``name`` gives what an operation of that number was about, safe to show; ``stands``: it was not undone; ``lost``:
    since when its files are gone; ``along``: the operations that would be undone with it.
    """
    found = (
        Section("what", tuple(_ran(operation)), FOLD),
        Section("went", tuple(_went(operation, stands, lost))),
        Section("why", tuple(_why(operation))),
        Section("effect", tuple(_effect(operation, width))),
        Section("output", tuple(_output(operation)), _FOLD_OUTPUT),
        Section("undo", tuple(_undo((operation, *along), undo, name))),
    )
    return tuple(section for section in found if section.lines)


def mark_of(operation: Operation, *, stands: bool = True) -> tuple[Mark, str]:
    """How it ended, and the style that goes with that."""
    state = state_of(operation, stands=stands)
    return STATES[state], "good" if state in _GOOD else "bad" if state in _BAD else "warn"


# ------------------------------------------------------------------------------------------------- what ran, and how


def _ran(operation: Operation) -> Iterator[Line]:
    action = operation.action or {}
    if operation.kind != "act":
        yield ((action_text(operation), "strong"),)
        return
    if "command" in action:
        first, *rest = shown(str(action["command"]), "code") or ((("", ""),),)
        yield (("$ ", "dim"), *first)
        yield from ((("  ", ""), *line) for line in rest)
    else:
        yield ((action_text(operation), "strong"),)
    for key, value in action.items():
        if key not in ("kind", "command"):
            yield from _field(key, value)


def _field(key: str, value: object) -> Iterator[Line]:
    """As it is: what has lines below its name."""
    name = plain(key)
    if value is None or value == "" or value is False:
        return
    if isinstance(value, str) and "\n" in value:
        yield ((f"{name}:", "dim"),)
        yield from shown(value, "code", "  ")
    else:
        yield ((f"{name}: ", "dim"), (plain(value if isinstance(value, str) else dump_json(value)), "code"))


def _went(operation: Operation, stands: bool, lost: str) -> Iterator[Line]:
    mark, style = mark_of(operation, stands=stands)
    by = f" by {plain(operation.actor)}, {time_text(operation.started)}"
    yield ((str(mark), style), (f"  {operation.kind}{by}", ""))
    if (seen := operation.observation) is not None:
        if ended := exit_text(seen):
            yield ((ended, "bad" if seen.exit_code else ""),)
        if seen.error:
            yield from _named("error", seen.error, "bad")
    if operation.note:
        yield from _named("note", operation.note, "")
    if lost:
        yield ((f"its files {plain(lost)}", "warn"),)


def _named(name: str, text: str, style: str) -> Iterator[Line]:
    first, *rest = shown(text, style) or ((("", ""),),)
    yield ((f"{name}: ", "dim"), *first)
    yield from ((("  ", ""), *line) for line in rest)


def _why(operation: Operation) -> Iterator[Line]:
    if operation.decision is not None:
        denied = operation.decision.verdict == "deny"
        yield (("decided: ", "dim"), (said_text(operation.decision), "bad" if denied else ""))
    if operation.judgement is not None:
        back = operation.judgement.verdict == "roll_back"
        yield (("judged: ", "dim"), (said_text(operation.judgement), "bad" if back else ""))


# ------------------------------------------------------------------------------------------------ effects and output


def _effect(operation: Operation, width: int) -> Iterator[Line]:
    if not operation.effects:
        return
    yield ((effects_text(operation.effects), "strong"),)
    files, requests = operation.files, _worst_first(operation.requests)
    yield from _listed(map(_file_line, files[:_MOST]), width)
    yield from _more(len(files), "file")
    yield from _database_lines(operation)
    yield from (_request_line(request) for request in requests[:_MOST])
    yield from _more(len(requests), "request")


def _database_lines(operation: Operation) -> Iterator[Line]:
    found = [effect for effect in operation.effects if isinstance(effect, RowsEffect | SchemaEffect)]
    for effect in found[:_MOST]:
        mark = HARMS[effect.reversibility]
        style = "bad" if effect.change == "deleted" else ""
        yield ((f"{mark.glyph} ", "bad"), (effect_line(effect), style), (f"  {mark.word}" if mark.word else "", "bad"))
        if isinstance(effect, RowsEffect):
            yield from (((f"    {line}", "dim"),) for line in row_lines(effect))
    yield from _more(len(found), "change of a database")


def _worst_first(requests: Sequence[RequestEffect]) -> Sequence[RequestEffect]:
    """As they were sent; where not all of them are listed, what stays is."""
    if len(requests) <= _MOST:
        return requests
    return sorted(requests, key=lambda request: -HARM.index(request.reversibility))


def _more(number: int, what: str) -> Iterator[Line]:
    if number > _MOST:
        yield ((f"… {counted(number - _MOST, f'more {what}')}", "dim"),)


def _file_line(effect: FileEffect) -> tuple[Line, str]:
    """The line, and what stands at its right."""
    mark = HARMS[effect.reversibility]
    word = f"  {mark.word}" if mark.word else ""
    line: list[Piece] = [(f"{mark.glyph} ", "bad"), (effect_line(effect), "bad" if effect.change == "deleted" else "")]
    return (*line, (word, "bad")), _sizes(effect)


def _sizes(effect: FileEffect) -> str:
    """``1.2 kB → 3 kB``, and the mode where it changed along with something else."""
    old, new = effect.before, effect.after
    sizes = [format_size(state.size) for state in (old, new) if state is not None and state.type == "file"]
    text = " → ".join(dict.fromkeys(sizes)) if effect.change != "mode" else ""
    return " ".join(filter(None, (text, _modes(old, new) if effect.change != "mode" else "")))


def _modes(old: FileState | None, new: FileState | None) -> str:
    return f"({old.mode:04o} → {new.mode:04o})" if old and new and old.mode != new.mode else ""


def _listed(lines: Iterable[tuple[Line, str]], width: int) -> Iterator[Line]:
    """What stands at the right stands there in one column, as far as there is room."""
    found = list(lines)
    lengths = [sum(cells(text) for text, _ in line) for line, _ in found]
    room = width - max((len(right) for _, right in found), default=0) - 2
    column = min(max(lengths, default=0), max(room, 0))
    for (line, right), length in zip(found, lengths, strict=True):
        gap = max(column - length, 0) + 2
        yield (*line, (" " * gap, ""), (right, "dim")) if right else line


def _request_line(request: RequestEffect) -> Line:
    mark = HARMS[request.reversibility] if request.change == "sent" else HARMS["reversible"]
    worst = mark.word != "" or request.canary is not None
    rule = f"  [{plain(request.rule)}]" if request.rule else ""
    return ((f"{mark.glyph} ", "bad"), (effect_line(request), "bad" if worst else ""), (rule, "dim"))


def _output(operation: Operation) -> Iterator[Line]:
    seen = operation.observation
    if seen is None:
        return
    yield from shown(seen.output)
    if seen.output_file is not None:
        whole = f"the whole output, {format_size(seen.output_bytes)}: key o, or agentrt show {operation.id} --output"
        yield ((whole, "dim"),)


# -------------------------------------------------------------------------------------------------------------- undo


def _undo(operations: Sequence[Operation], undo: Undo, name: Callable[[int], str] | None) -> Iterator[Line]:
    if undo is None:
        yield (("…", "dim"),)
    elif isinstance(undo, str):
        yield from shown(undo)
    else:
        yield from undo_lines(undo, name)
    for operation in operations:
        for request in lasting(operation):
            yield ((f"stays sent, by operation {operation.id}: ", "bad"), *_request_line(request))
