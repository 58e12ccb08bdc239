"""The way out of an operation that is no action: by which what was sent is taken back, and what waits is sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agentrt import databases, resources
from agentrt.asking import context_of
from agentrt.contracts import PUSH, Outbox
from agentrt.errors import ResourceError
from agentrt.opening import open_policy, outward_of
from agentrt.records import Operation, RequestEffect
from agentrt.sending import Sends, place

if TYPE_CHECKING:
    from agentrt.contracts import Ledger, Pushes
    from agentrt.outward import Call
    from agentrt.runtime import Runtime


def way_out(runtime: Runtime, actor: str) -> Call:
    """By the session's policy; where nothing is to be run, by that by which its requests were let out.

    Raises ``ResourceError`` where that has no network, ``UsageError`` for a secret that is not there.
    """
    policy, outward = runtime.policy_for(actor), runtime.outward
    if outward is None:
        chosen = databases.choice_of(runtime.journal, runtime.session, None, Path())
        if chosen.policy is not None:
            policy = open_policy(chosen.policy, chosen.policy_folder, runtime.store.workspace)
        outward = outward_of(policy.confinement, runtime.store)
    if outward is None:
        raise ResourceError(
            "requests are sent, and taken back, through the network of the policy, and it has none",
            hint="write into the policy what may be reached: `network:`",
        )
    return outward.line(runtime, policy, context_of(runtime))


class Ways:
    """Those of one operation, each opened when it is first asked for; what went by them is its own."""

    def __init__(self, runtime: Runtime, actor: str) -> None:
        self._runtime, self._actor = runtime, actor
        self._call: Call | None = None
        self._sends = Sends()

    def outbox(self, name: str) -> Outbox:
        """The resource of that name, of ``resources.OUT``. Raises as ``way_out``."""
        if name == PUSH:
            return pushing(self._runtime, self._sends)
        self._call = way_out(self._runtime, self._actor)
        http = resources.open_http(self._runtime.store.aside)
        http.through(self._call)
        return http

    def write(self, op: Operation) -> None:
        """What is sent is ``op``'s, and written down before it goes."""
        self._sends.write(place(self._runtime.store, self._runtime.layer(op.id)))
        if self._call is not None:
            self._call.write(op)

    async def end(self) -> tuple[RequestEffect, ...]:
        """Hang up; what was sent and refused."""
        return (*(() if self._call is None else await self._call.end()), *self._sends.effects)

    def settled(self) -> None:
        """What was sent is in the journal."""
        self._sends.settled()
        if self._call is not None:
            self._call.settled()


def pushing(runtime: Runtime, ledger: Ledger, held: str | None = None) -> Pushes:
    """To the remotes of the user's repository; ``held`` as for ``Pushes.through``. Raises ``PluginError``."""
    pushes = resources.open_pushes(runtime.store.aside, runtime.store.workspace)
    pushes.through(ledger, held=held)
    return pushes
