"""``accept --all-like``: a yes that becomes a rule of the user's policy, shown before it is written."""

from __future__ import annotations

from pathlib import Path

from agentrt.contracts import Approval
from agentrt.errors import Denied, UsageError
from agentrt.opening import PolicyChoice
from agentrt.records import Operation
from agentrt.runtime import Runtime
from agentrt.showing.plain import plain_lines
from agentrt.showing.words import operation_json

from .asking import person
from .interrupting import run
from .options import Where
from .render import put, put_json
from .session import with_runtime


def accept_all_like(op: int, where: Where) -> int:
    """Raises ``Denied`` where nobody is there to look at the rule, or does not want it."""
    policy, folder = _policy(where)

    async def rule(runtime: Runtime) -> Approval:
        return runtime.acceptance(op)

    async def work(runtime: Runtime) -> Operation | None:
        return await runtime.accept_alike()

    approval = with_runtime(where, rule, policy=policy, folder=folder)
    who = person()
    if who is None:
        if not where.json:
            put(plain_lines(approval.diff).rstrip("\n"))
        raise Denied(
            "a person has to look at the rule before it is written",
            hint=f"at a terminal: agentrt accept --all-like {op}; without the rule: agentrt accept {op}",
        )
    # The workspace is nobody's meanwhile: people take their time.
    if not run(who.agrees(approval)):
        raise Denied("nothing is written, and nothing accepted", hint=f"without the rule: agentrt accept {op}")
    approval.write()
    operation = with_runtime(where, work, policy=policy, folder=folder)
    if where.json:
        about: dict[str, object] = {"target": [], "effects": [], "paths": []}
        nothing = {"id": None, "kind": "accept", "status": "nothing", **about}
        put_json(operation_json(operation) if operation is not None else nothing)
    elif operation is None:
        put("the rule is written; nothing that waits is like it")
    else:
        ids = ", ".join(map(str, operation.target))
        put(f"operation {operation.id}: accepted {ids}, and all like it from now on")
    return 0


def _policy(where: Where) -> tuple[PolicyChoice, Path | None]:
    """The one of the task that made the session: what that wants to be looked at no rule of the user's spares."""
    from agentrt.resuming import recorded

    try:
        task = recorded(where.workspace, session=where.session).task
    except UsageError:
        return "default", None
    return task.policy, task.folder
