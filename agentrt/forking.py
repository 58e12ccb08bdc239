"""A second session from where another one stood, open beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from agentrt import databases
from agentrt.errors import Conflict
from agentrt.moves import told_by
from agentrt.records import View

if TYPE_CHECKING:
    from agentrt.runtime import Runtime

R = TypeVar("R", bound="Runtime")


async def fork(runtime: R, op: int) -> R:
    """See ``Runtime.fork``. The caller holds ``runtime.turn``."""
    view = runtime.view_after(op)
    check_ground(runtime, op, view)
    box = await runtime.sandbox.fork(view.snapshot)
    try:
        # What was applied by then is simply the workspace; only its own session can take it out again.
        start = View(snapshot=view.snapshot, conversation=told_by(runtime, op, view))
        parent = (runtime.session, op)
        made = runtime.journal.create_session(title=runtime.info.title, parent=parent, start=start)
        branch = type(runtime)(
            runtime.opened,
            made.id,
            rules=runtime.rules,
            sandbox=box,
            outward=runtime.outward,
            databases=databases.choice_of(runtime.journal, made.id, None, Path()).open(runtime.store.aside),
            ask=runtime.ask,
            opinion=runtime.opinion,
        )
        branch.on_top = runtime.on_top
        return branch
    except BaseException:
        await box.close()
        raise


def check_ground(runtime: Runtime, op: int | None, view: View) -> None:
    """Raises ``Conflict`` where the real workspace is not the one the view after ``op`` lies over."""
    if op is not None and _written(runtime, view) != _written(runtime, runtime.view):
        raise _other_workspace(runtime, op, view)


def _written(runtime: Runtime, view: View) -> tuple[int, ...]:
    """The applies that wrote to the workspace: a branch of the user's repository is not in it."""
    return tuple(op for op in view.applied if runtime.show(op).effects)


def _other_workspace(runtime: Runtime, op: int, view: View) -> Conflict:
    """A view lies over the workspace it was made on; that is not the one which is there."""
    now, then = _written(runtime, runtime.view), _written(runtime, view)
    since = ", ".join(map(str, (n for n in now if n not in then)))
    gone = ", ".join(map(str, (n for n in then if n not in now)))
    has = [f"has apply {since} in it"] * bool(since) + [f"no longer has apply {gone} in it"] * bool(gone)
    return Conflict(
        f"after operation {op} the workspace was another one: {runtime.store.workspace} {' and '.join(has)}",
        hint=f"agentrt restore {op} puts it back as it was then; or take a later operation",
    )
