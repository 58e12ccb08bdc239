"""Whether an action can do anything at all, where that is cheap to know: a no costs no transaction.

Who says yes here is the workspace as it is; a no is always looked up in the sandbox itself, whose answer is the one
that is told. Nothing of such a look is kept. What a policy does not simply allow is not looked at: it has its own
answer.
"""

from __future__ import annotations

import shutil
from functools import lru_cache

from agentrt.asking import context_of
from agentrt.contracts import Foreseeing, Tool
from agentrt.records import Action
from agentrt.runtime import Runtime
from agentrt.world import ActionWorld

_SECONDS = 10.0
_STANDARD_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Feasibility:
    """Of one run. What was found to be there is not looked for again: should it have gone, the tool says so."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._there: set[str] = set()

    async def lacking(self, tool: Tool, action: Action, actor: str) -> str | None:
        """Why it cannot be done; None where nothing is known against it."""
        if not isinstance(tool, Foreseeing):
            return None
        needs = tool.needs(action)
        programs = [program for program in needs.programs if program not in self._there and not _on_host(program)]
        files = [file for file in needs.files if file not in self._there]
        if not files and not programs:
            return None
        runtime = self._runtime
        async with runtime.turn:
            if runtime.policy_for(actor).decide(action, context_of(runtime)).verdict != "allow":
                return None
            found = await runtime.sandbox.look(runtime.view.snapshot, files) if files else []
            self._there.update(file for file, state in zip(files, found, strict=True) if state is not None)
            if None not in found and not programs:
                return None
            return await self._looked_up(tool, action, programs, missing=None in found)

    async def _looked_up(self, tool: Tool, action: Action, programs: list[str], *, missing: bool) -> str | None:
        """In the sandbox; the caller holds the turn."""
        runtime, snapshot = self._runtime, self._runtime.view.snapshot
        limits = runtime.policy.limits.model_copy(update={"seconds": _SECONDS})
        world = ActionWorld(runtime.sandbox, limits, operation=0, output=runtime.store.outputs / "look", on_output=None)
        await runtime.sandbox.begin(runtime.layer(0))
        try:
            for program in programs:
                if (await world.exec(["/bin/bash", "-c", 'type -P -- "$1"', "bash", program])).exit_code:
                    return f"no program called `{program}` is installed here"
            self._there.update(programs)
            return (await tool.run(action, world)).error if missing else None
        finally:
            await runtime.sandbox.restore(snapshot)


@lru_cache(maxsize=256)
def _on_host(program: str) -> bool:
    return shutil.which(program) is not None or shutil.which(program, path=_STANDARD_PATH) is not None
