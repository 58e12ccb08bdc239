"""What actions have cost so far, of what a policy may set a ceiling to."""

from __future__ import annotations

from collections.abc import Iterable

from .base import Record
from .effects import Effect, FileEffect, RowsEffect, SchemaEffect


class Spent(Record):
    """By some actions together, whether what they did still stands or not."""

    actions: int = 0
    seconds: float = 0.0
    """That their commands took."""
    files_deleted: int = 0
    """Files of the workspace; what is deleted in the sandbox's own home or /tmp is nobody's loss."""
    files_changed: int = 0
    """Files of the workspace that were there before and still are."""
    bytes_written: int = 0
    """Anywhere: they fill the user's disk."""
    rows_changed: int = 0
    """Of databases: inserted, updated, deleted, and of a table that was created, altered or dropped all it had."""
    requests: int = 0
    """That were sent."""
    irreversible: int = 0
    """Effects that nothing takes back."""
    cost_usd: float = 0.0
    """Of the planner's turns, as far as prices are known."""

    @classmethod
    def of(cls, effects: Iterable[Effect], *, actions: int = 0, seconds: float = 0.0) -> Spent:
        """By these effects."""
        deleted = changed = written = rows = requests = irreversible = 0
        for effect in effects:
            # One that was stopped on its way is refused, and the beginning of it is gone all the same.
            if effect.change == "queued" or (effect.change == "refused" and effect.reversibility == "reversible"):
                continue
            irreversible += effect.reversibility == "irreversible"
            if isinstance(effect, RowsEffect | SchemaEffect):
                rows += (effect.count if isinstance(effect, RowsEffect) else effect.rows) or 0
                continue
            if not isinstance(effect, FileEffect):
                requests += 1
                continue
            state = effect.after or effect.before
            counts = effect.in_workspace and (state is None or state.type != "directory")
            deleted += counts and effect.change == "deleted"
            changed += counts and effect.change in ("modified", "renamed", "mode")
            if effect.change in ("created", "modified") and effect.after is not None:
                written += effect.after.size
        return cls(
            actions=actions,
            seconds=seconds,
            files_deleted=deleted,
            files_changed=changed,
            bytes_written=written,
            rows_changed=rows,
            requests=requests,
            irreversible=irreversible,
        )

    def __add__(self, other: Spent) -> Spent:
        return Spent(**{name: getattr(self, name) + getattr(other, name) for name in Spent.model_fields})
