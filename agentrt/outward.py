"""A session's way out of its sandbox: what it takes along, and who is asked about each request."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from agentrt import sending
from agentrt.contracts import Confinement, Context
from agentrt.egress import BUNDLE, Authority, Gate, environment
from agentrt.flags import SAW_UNTRUSTED
from agentrt.records import Admission, Decision, Operation, Request, RequestEffect, Spent
from agentrt.secrets import Held, hold, store

if TYPE_CHECKING:
    from agentrt.runtime import Runtime


@dataclass(frozen=True)
class Outward:
    """Made once per workspace that is opened under a policy with a network."""

    authority: Authority = field(default_factory=Authority)
    held: tuple[Held, ...] = ()
    canaries: Mapping[str, bytes] = field(default_factory=dict)
    """By the place inside, what makes the file there different from every other: nobody has a reason to send it."""

    @classmethod
    def of(cls, confinement: Confinement, place: Path) -> Outward:
        """``place``: the workspace's store. Raises ``UsageError`` for a secret that is not there."""
        held = hold(store.load(confinement.secrets)) if confinement.secrets else ()
        return cls(held=held, canaries={path: _token(place, path) for path in confinement.canaries})

    def confinement(self, asked: Confinement) -> Confinement:
        """With what has to be there inside."""
        decoys = {path: _decoy(path, token) for path, token in self.canaries.items()}
        planted = {**asked.planted, **decoys, BUNDLE: self.authority.bundle}
        return asked.model_copy(update={"planted": planted})

    async def call(self, runtime: Runtime, op: Operation, context: Context, decision: Decision) -> Call:
        """The way out of one action. Raises ``SandboxError``."""
        call = Call(self, runtime, op, context, decision)
        await call.begin()
        return call


class Call:
    """One action's: from its beginning to its end."""

    def __init__(self, outward: Outward, runtime: Runtime, op: Operation, context: Context, decision: Decision) -> None:
        self._outward, self._runtime, self._actor = outward, runtime, op.actor
        self._context = context.model_copy(update={"flags": context.flags.union(decision.flags)})
        self._written = sending.place(runtime.store, runtime.layer(op.id))
        self._gate = Gate(
            self._admit,
            authority=outward.authority,
            secrets=outward.held,
            canaries=outward.canaries,
            on_sending=sending.writer(self._written),
        )
        self.environment: Mapping[str, str] = {}
        """What programs have to know of it."""

    @property
    def values(self) -> Sequence[bytes]:
        """Of the secrets: whatever an action prints, nobody gets to see these."""
        return [held.secret.value.encode("utf-8", "surrogateescape") for held in self._outward.held]

    async def begin(self) -> None:
        door = await self._runtime.sandbox.door()
        self._gate.start(door)
        placeholders = {held.secret.name: held.placeholder for held in self._outward.held}
        self.environment = {**environment(door.getsockname()[1]), **placeholders}

    async def end(self) -> tuple[RequestEffect, ...]:
        """Hang up; what was sent and refused, in order. Again and again the same."""
        await self._gate.close()
        return self._gate.effects

    def settled(self) -> None:
        """Its requests are in the journal."""
        sending.forget(self._written)

    @property
    def canaries(self) -> bool:
        """A planted file was on its way out."""
        return any(effect.canary is not None for effect in self._gate.effects)

    def _admit(self, request: Request) -> Admission:
        committed = self._gate.committed
        flags = self._context.flags | ({SAW_UNTRUSTED} if committed.received else set())
        sent = Spent(requests=committed.requests, irreversible=committed.irreversible)
        told = {"flags": flags, "spent": self._context.spent + sent, "sent": sent}
        context = self._context.model_copy(update=told)
        return self._runtime.policy_for(self._actor).admit(request, context)


def _token(place: Path, path: str) -> bytes:
    """The same whenever the workspace is opened: what is copied in one action may be sent in a later one."""
    return hashlib.sha256(os.fsencode(place) + b"\0" + path.encode()).hexdigest()[:40].encode()


def _decoy(path: str, token: bytes) -> bytes:
    """Looks like what is kept at such places."""
    if path.endswith("credentials"):
        name = b"aws_access_key_id = AKIA" + token[:16].upper()
        return b"\n".join((b"[default]", name, b"aws_secret_access_key = " + token, b""))
    return token + b"\n"
