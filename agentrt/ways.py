"""The way out of an operation that is no action: by which what was sent is taken back, and what waits is sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agentrt import resources
from agentrt.asking import context_of
from agentrt.errors import ResourceError
from agentrt.opening import open_policy, outward_of

if TYPE_CHECKING:
    from agentrt.outward import Call
    from agentrt.runtime import Runtime


def way_out(runtime: Runtime, actor: str) -> Call:
    """By the session's policy; where nothing is to be run, by that by which its requests were let out.

    Raises ``ResourceError`` where that has no network, ``UsageError`` for a secret that is not there.
    """
    policy, outward = runtime.policy_for(actor), runtime.outward
    if outward is None:
        chosen = resources.choice_of(runtime.journal, runtime.session, None, Path())
        if chosen.policy is not None:
            policy = open_policy(chosen.policy, chosen.policy_folder, runtime.store.workspace)
        outward = outward_of(policy.confinement, runtime.store)
    if outward is None:
        raise ResourceError(
            "requests are sent, and taken back, through the network of the policy, and it has none",
            hint="write into the policy what may be reached: `network:`",
        )
    return outward.line(runtime, policy, context_of(runtime))
