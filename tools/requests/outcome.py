"""What came of a call, from all that is kept of it: whether it stands, and what takes it back."""

from __future__ import annotations

from typing import NamedTuple

from agentrt.contracts import Takes

from .images import differing
from .inverse import left_out, nulled
from .kept import NAME, Kept

NOTHING_SAID = "nothing says what takes it back"


class Outcome(NamedTuple):
    kept: Kept
    """Without an inverse where that is not to be sent."""
    takes: Takes
    text: str
    """For the planner."""


def outcome(kept: Kept, why: str = NOTHING_SAID) -> Outcome:
    """Of one that was answered, with what its URL shows by now. ``why``: there is no inverse."""
    if kept.before is not None and kept.after is not None and not differing(kept.before, kept.after):
        nothing = "nothing has changed out there, as far as it shows"
        return Outcome(kept.model_copy(update={"inverse": None}), Takes("", "", "reversible"), nothing)
    if kept.said is None and kept.can_go_back and (gone := _gone(kept)):
        why = f"it removed what was null, and no merge patch sets null: {', '.join(gone)}"
        kept = kept.model_copy(update={"inverse": None})
    if not kept.can_go_back:
        if kept.inverse is not None:
            why = f"{kept.look} does not show what it did"
        return Outcome(kept, Takes("", "", "irreversible"), f"undo cannot take this back: {why}")
    takes = takes_of(kept, claimed=kept.is_claimed and not kept.is_created)
    if kept.said is None and (nulls := _nulled(kept)):
        doubt = f"whether that sets {', '.join(nulls)} to null again, or removes it, is the server's to say"
        return Outcome(kept, takes._replace(reversibility="unknown"), f"undo sends {takes.inverse}; {doubt}")
    return Outcome(kept, takes, f"undo sends {takes.inverse}")


def takes_of(kept: Kept, *, claimed: bool = False) -> Takes:
    """Of one that has an inverse. ``claimed``: only the agent says that."""
    assert kept.inverse is not None
    return Takes(NAME, kept.inverse.line, "unknown" if claimed else "compensable")


def _nulled(kept: Kept) -> list[str]:
    if kept.inverse is None or kept.before is None or kept.after is None:
        return []
    nulls = nulled(kept.inverse.call, kept.before, kept.after)
    return [name for name in nulls if name not in kept.call.nullable]


def _gone(kept: Kept) -> list[str]:
    assert kept.inverse is not None and kept.before is not None and kept.after is not None
    return left_out(kept.inverse.call, kept.before, kept.after)
