"""What a planner is told about its actions, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from agentrt.contracts import PUSHING
from agentrt.records import Effect, FileEffect, Operation, RequestEffect, RowsEffect, SchemaEffect

SHOWN_PATHS = 10


def describe_operation(operation: Operation) -> str:
    """What a planner is told about one of its actions."""
    seen, parts = operation.observation, []
    if operation.status == "intent":
        parts.append("Cut off: it may have run; nothing it did is kept.")
    if seen is not None:
        if seen.exit_code is not None:
            parts.append(f"exit code {seen.exit_code}")
        if seen.output:
            parts.append(seen.output.rstrip("\n"))
        if seen.error:
            parts.append(f"error: {seen.error}")
    # What was rolled back changed no file, but what it sent is sent.
    if effects := operation.effects if operation.status == "settled" else operation.requests:
        parts.append(f"[{describe_effects(effects)}]")
    elif parts and parts[-1].rstrip().endswith("]"):
        parts.append("[changed nothing]")  # or what was printed would pass for what was changed
    return "\n".join(parts) or "done"


def describe_effects(effects: Iterable[Effect]) -> str:
    """``modified a.py; created b.py``, in a few words however many there are."""
    effects = list(effects)
    files = [effect for effect in effects if isinstance(effect, FileEffect)]
    inside = [effect for effect in files if effect.in_workspace]
    if len(inside) <= SHOWN_PATHS:
        words = [f"{_VERBS[effect.change]} {printable(effect.path)}" for effect in inside]
    else:
        counts = Counter(effect.change for effect in inside)
        words = [f"{_VERBS[change]} {_paths(number)}" for change, number in counts.most_common()]
    if outside := len(files) - len(inside):
        words.append(f"changed {_paths(outside)} outside the workspace")
    words += map(_of_database, (effect for effect in effects if isinstance(effect, RowsEffect | SchemaEffect)))
    return "; ".join([*words, *_requests([effect for effect in effects if isinstance(effect, RequestEffect)])])


def _of_database(effect: RowsEffect | SchemaEffect) -> str:
    where = printable(effect.database)
    if isinstance(effect, SchemaEffect):
        return f"{_VERBS[effect.change]} the {printable(effect.object)} {printable(effect.name)} of {where}"
    parts = (("inserted", effect.inserted), ("updated", effect.updated), ("deleted", effect.deleted))
    said = ", ".join(f"{verb} {number:,}" for verb, number in parts if number)
    return f"{said} row{'s' * (effect.count != 1)} of {printable(effect.table)} in {where}"


def _requests(requests: Sequence[RequestEffect]) -> list[str]:
    """What was refused is told with its reason, once for each."""
    went = [request.method == PUSHING for request in requests if request.change == "sent"]
    counts = ((went.count(False), "request", "s"), (went.count(True), "push", "es"))
    sent = [f"sent {number:,} {what}{many * (number != 1)}" for number, what, many in counts if number]
    refused = {
        f"refused: {printable(request.method)} {printable(request.url)}: {printable(request.because)}": None
        for request in requests
        if request.change == "refused"
    }
    more = [f"{len(refused) - SHOWN_PATHS:,} more were refused"] if len(refused) > SHOWN_PATHS else []
    return [*sent, *list(refused)[:SHOWN_PATHS], *more]


def printable(text: str) -> str:
    """Text on one line that any terminal and any planner can take."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


_VERBS = {
    "created": "created",
    "modified": "modified",
    "deleted": "deleted",
    "renamed": "renamed",
    "mode": "changed the mode of",
}


def _paths(number: int) -> str:
    return f"{number:,} path{'' if number == 1 else 's'}"
