"""Whether an action can do anything at all, where that is cheap to know: a no costs no transaction.

Who says yes here is the workspace as it is; a no is always looked up in the sandbox itself, whose answer is the one
that is told. Nothing of such a look is kept. What a policy does not simply allow is not looked at: it has its own
answer.
"""

from __future__ import annotations

import shutil

from agentrt.asking import context_of
from agentrt.contracts import Foreseeing, Tool
from agentrt.records import Action
from agentrt.runtime import Runtime
from agentrt.world import ActionWorld

_SECONDS = 10.0
_STANDARD_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


async def infeasible(runtime: Runtime, tool: Tool, action: Action, actor: str) -> str | None:
    """Why it cannot be done; None where nothing is known against it."""
    if not isinstance(tool, Foreseeing):
        return None
    needs = tool.needs(action)
    missing = [program for program in needs.programs if not _on_host(program)]
    if not needs.files and not missing:
        return None
    async with runtime.turn:
        if runtime.policy_for(actor).decide(action, context_of(runtime)).verdict != "allow":
            return None
        snapshot = runtime.view.snapshot
        files = await runtime.sandbox.look(snapshot, needs.files) if needs.files else []
        if None not in files and not missing:
            return None
        limits = runtime.policy.limits.model_copy(update={"seconds": _SECONDS})
        world = ActionWorld(runtime.sandbox, limits, operation=0, output=runtime.store.outputs / "look", on_output=None)
        await runtime.sandbox.begin(runtime.layer(0))
        try:
            for program in missing:
                if (await world.exec(["/bin/bash", "-c", 'type -P -- "$1"', "bash", program])).exit_code:
                    return f"no program called `{program}` is installed here"
            return (await tool.run(action, world)).error if None in files else None
        finally:
            await runtime.sandbox.restore(snapshot)


def _on_host(program: str) -> bool:
    return shutil.which(program) is not None or shutil.which(program, path=_STANDARD_PATH) is not None
