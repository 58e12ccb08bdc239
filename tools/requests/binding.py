"""An inverse is bound when the answer is there: what it needs, such as an id, is in that."""

from __future__ import annotations

from agentrt.contracts import Answer
from agentrt.errors import UsageError

from .images import ABSENT
from .inverse import created, declared
from .kept import Kept, Written


def bound(kept: Kept, answer: Answer) -> Kept:
    """With what the answer says of its inverse, where it says something. Raises ``UsageError`` where an inverse that
    was declared does not fit it."""
    call = kept.call.call
    if kept.said is not None:
        made = kept.is_created or not kept.look
        back, look, look_body = declared(call, kept.said.inverse, answer, kept.before)
        # What did not exist is taken back by deleting it, or by what its author says it then shows.
        before = ABSENT if made and (back.method == "DELETE" or kept.said.verify is not None) else kept.before
        update = {"inverse": Written.of(back), "look": look, "is_created": made, "before": before}
        update["look_body"] = None if look_body is None else look_body.decode("latin-1")
        return kept.model_copy(update=update)
    made_at = created(call, answer)
    if made_at is None:
        return kept
    update = {"inverse": Written.of(made_at), "look": made_at.url, "is_created": True, "before": ABSENT}
    return kept.model_copy(update=update)


def bound_again(kept: Kept, answer: Answer) -> Kept | None:
    """Of what was made once more; None where the answer does not say what that is."""
    try:
        again = bound(kept.model_copy(update={"inverse": None}), answer)
    except UsageError:
        return None
    return again if again.inverse is not None else None
