"""A second session from where another one stood, open beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from agentrt.errors import Conflict
from agentrt.moves import told_by
from agentrt.records import View

if TYPE_CHECKING:
    from agentrt.runtime import Runtime

R = TypeVar("R", bound="Runtime")


async def fork(runtime: R, op: int) -> R:
    """See ``Runtime.fork``. The caller holds ``runtime.turn``."""
    view = runtime.view_after(op)
    if view.applied != runtime.view.applied:
        raise _other_workspace(runtime, op, view)
    box = await runtime.sandbox.fork(view.snapshot)
    try:
        # What was applied by then is simply the workspace; only its own session can take it out again.
        start = View(snapshot=view.snapshot, conversation=told_by(runtime, op, view))
        parent = (runtime.session, op)
        made = runtime.journal.create_session(title=runtime.info.title, parent=parent, start=start)
        policy, opened = runtime.policy, runtime.opened
        return type(runtime)(opened, made.id, policy=policy, sandbox=box, attended=runtime.attended)
    except BaseException:
        await box.close()
        raise


def _other_workspace(runtime: Runtime, op: int, view: View) -> Conflict:
    """A view lies over the workspace it was made on; that is not the one which is there."""
    now = runtime.view.applied
    since = ", ".join(map(str, (n for n in now if n not in view.applied)))
    gone = ", ".join(map(str, (n for n in view.applied if n not in now)))
    has = [f"has apply {since} in it"] * bool(since) + [f"no longer has apply {gone} in it"] * bool(gone)
    return Conflict(
        f"after operation {op} the workspace was another one: {runtime.store.workspace} {' and '.join(has)}",
        hint=f"agentrt restore {op} puts it back as it was then; or fork at a later operation",
    )
