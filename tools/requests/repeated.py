"""The same call once more, by somebody who does not know of the first: its answer is kept, if there was one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from agentrt.contracts import SAFE, Answer, Call, Past
from agentrt.errors import ResourceError, UsageError

from . import kept as on_disk
from .images import differing
from .kept import Kept


def told_before(aside: Path, past: Iterable[Past], call: Call) -> tuple[Answer, str] | None:
    """Its answer, and words for whoever asks; None: nothing of the kind stands out there.

    Raises ``UsageError`` where it may have been sent, and nobody knows what came of it.
    """
    if call.method in SAFE:
        return None
    for one in past:
        for kept in _calls(aside, one):
            if kept.sent is None or not _same(kept.call.call, call) or _was_refused(kept) or _is_taken_back(kept, one):
                continue
            who = f"operation {one.operation} of session {one.session}"
            if kept.answer is None:
                raise UsageError(
                    f"{who} sent the same, which lies behind, and what came of it is not known",
                    hint="look before you ask again; `again: true` sends it anew",
                )
            return kept.answer.answer, (
                f"nothing was sent: {who} has sent the same, and it stands, so this is its answer; "
                "`again: true` sends it anew"
            )
    return None


def _calls(aside: Path, one: Past) -> tuple[Kept, ...]:
    try:
        return on_disk.load(aside, one.mark)
    except ResourceError:
        return ()  # of what only asked nothing is kept


def _same(one: Call, other: Call) -> bool:
    return _intent(one) == _intent(other)


def _intent(call: Call) -> tuple[object, ...]:
    headers = {name: value for name, value in call.headers.items() if name != "idempotency-key"}
    return call.method, call.url, headers, call.body


def _was_refused(kept: Kept) -> bool:
    """It is the request that was wrong, says the server (RFC 9110, section 15.5): nothing was done."""
    return kept.answer is not None and 400 <= kept.answer.status < 500


def _is_taken_back(kept: Kept, one: Past) -> bool:
    """Or it changed nothing; as far as agentrt took back what could be."""
    if kept.before is not None and kept.after is not None and not differing(kept.before, kept.after):
        return True
    return kept.can_go_back and not one.stands
