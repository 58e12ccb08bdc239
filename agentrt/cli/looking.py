"""``log``, ``show``, ``sessions`` and the short status: from the journal alone, also while someone else works."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from cyclopts import Parameter

from agentrt.collecting import gone
from agentrt.errors import UnknownOperation
from agentrt.history.bases import kept
from agentrt.history.removals import Removal
from agentrt.history.timeline import Timeline
from agentrt.printed import check_output_kept
from agentrt.reader import Reader, open_reader
from agentrt.records import Operation, RowsEffect, dump_json
from agentrt.showing.plain import cut, plain, plain_lines, terminal_width
from agentrt.showing.sessions import session_line, sessions_of
from agentrt.showing.words import (
    action_text,
    effect_line,
    effects_text,
    exit_text,
    held_lines,
    log_line,
    operation_json,
    row_lines,
    said_text,
    state_of,
    time_text,
    titled,
)

from .options import HERE, WHOLE, Where
from .render import put, put_json

_SHOWN_EFFECTS = 200


def log(
    *,
    at: Annotated[
        int | None, WHOLE, Parameter(name="--at", help="As it stood right after this operation; 0 is the start.")
    ] = None,
    actor: Annotated[str | None, Parameter(name="--actor", help="Only those of this agent, or of `user`.")] = None,
    follow: Annotated[bool, Parameter(help="Go on as operations begin and end.", negative="")] = False,
    where: Where = HERE,
) -> int:
    """List the session's operations, oldest first."""
    if follow:
        from .following import log_on

        return log_on(where, at=at, actor=actor)
    try:
        reader = open_reader(where.workspace, session=where.session)
    except UnknownOperation:
        if where.session is not None or at is not None:
            raise
        return _nothing_yet(where, [])
    with reader:
        whole = reader.log(at=at)
        operations = [operation for operation in whole if actor in (None, operation.actor)]
        if not operations and actor is not None:
            raise _nobody(actor, whole)
        if where.json:
            put_json(documents(reader, operations))
            return 0
        put_log(reader, operations, states_of(reader, whole))
    if not operations:
        put("no operations yet")
    return 0


def states_of(reader: Reader, whole: Sequence[Operation]) -> dict[int, str]:
    """How each of a session's operations ended, by its number."""
    there = kept(reader.info.start, whole)
    return {operation.id: state_of(operation, stands=operation.id in there) for operation in whole}


def put_log(reader: Reader, operations: Sequence[Operation], states: Mapping[int, str]) -> None:
    """A line for each of ``operations``; ``states``: of all of the session's."""
    lost, width = _lost(reader, operations), terminal_width()
    digits, names = len(str(len(states))), max((len(plain(operation.actor)) for operation in operations), default=0)
    for operation in operations:
        mark = f"  [its files {gone(lost[operation.id])}]" if operation.id in lost else ""
        line = log_line(operation, digits, states[operation.id], names=names)
        put(cut(line, max(width - len(mark), 1)) + mark)


def documents(reader: Reader, operations: Sequence[Operation]) -> list[dict[str, Any]]:
    """Each for ``--json``."""
    lost = _lost(reader, operations)
    return [_document(operation, lost.get(operation.id)) for operation in operations]


def _lost(reader: Reader, operations: Sequence[Operation]) -> dict[int, Removal]:
    removals = reader.journal.removals()
    found = ((op.id, removals.of_view(op.session, op.after)) for op in operations)
    return {id: removal for id, removal in found if removal is not None}


def _nobody(actor: str, operations: Sequence[Operation]) -> UnknownOperation:
    there_are = ", ".join(dict.fromkeys(operation.actor for operation in operations))
    return UnknownOperation(f"no operation here is by {dump_json(actor)}", hint=there_are and f"there are: {there_are}")


def show(
    op: Annotated[int, WHOLE, Parameter(help="The operation's number.")],
    /,
    *,
    output: Annotated[bool, Parameter(help="Print its whole output, byte for byte.", negative="")] = False,
    where: Where = HERE,
) -> int:
    """Show one operation whole."""
    with open_reader(where.workspace, session=where.session) as reader:
        operation = reader.show(op)
        lost = reader.journal.removals().of_view(operation.session, operation.after)
        if where.json:
            document = _document(operation, lost)
            if output and operation.observation is not None:
                whole = reader.output(op)
                if whole is not None:
                    with whole:
                        document["observation"]["output"] = whole.read().decode("utf-8", "replace")
            put_json(document)
        elif output:
            _put_output(reader, operation)
        else:
            for line in _about(operation):
                put(line)
            if lost is not None:
                put(f"its files {gone(lost)}: agentrt restore {op} is not to be had any more")
    return 0


def sessions(*, where: Where = HERE) -> int:
    """List the workspace's sessions, forks under what they were forked from; the current one has a star."""
    try:
        reader = open_reader(where.workspace)
    except UnknownOperation:
        return _nothing_yet(where, [])
    with reader:
        listed = sessions_of(reader.journal)
        if where.json:
            documents = [{**s.info.to_dict(), "operations": s.operations, "current": s.current} for s in listed]
            put_json(sorted(documents, key=lambda document: document["created"]))
            return 0
        names = max(4, *(len(session.name) for session in listed))
        for session in listed:
            put(cut(session_line(session, names), terminal_width()))
    return 0


def status(where: Where) -> int:
    """Where this folder's session stands, and what can be done next."""
    try:
        reader = open_reader(where.workspace, session=where.session)
    except UnknownOperation:
        if where.session is not None:
            raise
        return _nothing_yet(where, {"session": None, "operations": 0})
    with reader:
        operations = reader.log()
        timeline, states = Timeline.of(reader.info.start, operations), states_of(reader, operations)
        waiting = [op.id for op in operations if states[op.id] == "pending"]
        if where.json:
            put_json(
                {
                    "workspace": str(reader.store.workspace),
                    "session": reader.session,
                    "title": reader.info.title,
                    "operations": len(operations),
                    "pending": waiting,
                    "undo": list(timeline.done),
                    "redo": list(timeline.undone),
                }
            )
            return 0
        head = f"{plain(str(reader.store.workspace))}: session {reader.session}{titled(reader.info)}"
        put(cut(head, terminal_width()))
        for operation in operations[-5:]:
            line = log_line(operation, len(str(len(operations))), states[operation.id])
            put("  " + cut(line, terminal_width() - 2))
        if waiting:
            count = f"{len(waiting)} operation{'s' * (len(waiting) != 1)}"
            put(f"{count} changed files in the sandbox; your workspace does not have them yet")
            put("next: agentrt diff · agentrt apply · agentrt undo")
        else:
            put("next: agentrt exec -- COMMAND · agentrt TASK.yaml · agentrt log")
    return 0


def _nothing_yet(where: Where, document: object) -> int:
    if where.json:
        put_json(document)
    else:
        put("nothing was done here yet")
        put("next: agentrt exec -- COMMAND · agentrt TASK.yaml · agentrt --help")
    return 0


def _document(operation: Operation, lost: Removal | None) -> dict[str, Any]:
    return {**operation_json(operation), "collected": None if lost is None else lost.at}


def _put_output(reader: Reader, operation: Operation) -> None:
    """Raises ``UsageError`` where the whole of it is not kept any more."""
    check_output_kept(reader, operation)
    whole = reader.output(operation.id)
    sys.stdout.flush()
    if whole is not None:
        with whole:
            shutil.copyfileobj(whole, sys.stdout.buffer)
    elif operation.observation is not None:
        sys.stdout.buffer.write(operation.observation.output.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def _about(operation: Operation) -> list[str]:
    review = f", {operation.review}" if operation.review else ""
    lines = [
        f"operation {operation.id}: {operation.kind} by {plain(operation.actor)},"
        f" {operation.status.replace('_', ' ')}{review}, {time_text(operation.started)}"
    ]
    if about := action_text(operation):
        lines.append(f"  {about}")
    for key, value in (operation.action or {}).items():
        if key != "kind" and isinstance(value, str) and "\n" in value:
            lines += [f"  {key}:", *(f"    {line}" for line in plain_lines(value).splitlines())]
    if any(request.change == "queued" for request in operation.requests):
        lines += [f"  {line}" for line in held_lines(operation.action or {})]
    if operation.decision is not None:
        lines.append(f"decided: {said_text(operation.decision)}")
    if operation.judgement is not None:
        lines.append(f"judged: {said_text(operation.judgement)}")
    if operation.note:
        lines.append(f"note: {plain(operation.note)}")
    if operation.observation is not None:
        lines += _observed(operation)
    if operation.effects:
        lines.append(f"effects: {effects_text(operation.effects)}")
        for effect in operation.effects[:_SHOWN_EFFECTS]:
            lines.append(f"  {effect_line(effect)}")
            lines += [f"    {line}" for line in row_lines(effect)] if isinstance(effect, RowsEffect) else []
        if (more := len(operation.effects) - _SHOWN_EFFECTS) > 0:
            lines.append(f"  … and {more:,} more: agentrt diff {operation.id} --stat")
    return lines


def _observed(operation: Operation) -> list[str]:
    seen = operation.observation
    assert seen is not None
    lines = []
    if ended := exit_text(seen):
        lines.append(ended)
    if seen.error:
        lines.append(f"error: {plain(seen.error)}")
    if seen.output:
        lines += ["output:", *(f"  {line}" for line in plain_lines(seen.output).splitlines())]
    if seen.output_file is not None:
        lines.append(f"whole output: agentrt show {operation.id} --output")
    return lines
