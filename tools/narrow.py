"""``narrow``: an agent makes the policy it works under stricter, for the rest of its session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from agentrt.contracts import World
from agentrt.errors import UsageError
from agentrt.records import Action, Observation, dump_json

from .display import one_line


class Narrow(Action):
    """Make the policy stricter."""

    kind: Literal["narrow"] = "narrow"
    rules: dict[str, Any]
    """What a policy file would hold, of what makes it stricter: `{"files": {"read_only": ["src/**"]}}`,
    `{"network": "none"}`, `{"decide": [{"verdict": "deny", "run": ["git push **"]}]}`, `limits`, `budget`, `judge`."""


class NarrowTool:
    name = "narrow"
    description = (
        "Make the policy you work under stricter, for the rest of the session: before you run what you do not trust, "
        "say what it must not touch. It cannot be made looser again by you."
    )
    action: type[Action] = Narrow

    async def run(self, action: Action, world: World) -> Observation:
        assert isinstance(action, Narrow)
        try:
            world.narrow(action.rules)
        except UsageError as error:
            return Observation(error=f"nothing was narrowed: {error}" + (f" ({error.hint})" if error.hint else ""))
        return Observation(output="the policy is stricter from here on")

    def show(self, action: Action) -> str:
        assert isinstance(action, Narrow)
        return one_line(f"narrow the policy: {dump_json(action.rules)}")

    def reads(self, action: Action) -> Sequence[str] | None:
        return ()
