"""A session's way out of its sandbox: what it takes along, and who is asked about each request."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from agentrt import contracts, sending
from agentrt.contracts import SAFE, Confinement, Context, Exchange, Policy, Takes
from agentrt.egress import BUNDLE, Authority, Gate, environment
from agentrt.errors import ResourceError, UsageError
from agentrt.flags import SAW_UNTRUSTED
from agentrt.oauth import renewed
from agentrt.records import Admission, Decision, Going, Operation, Released, Request, RequestEffect, Spent
from agentrt.secrets import Held, hold, store

if TYPE_CHECKING:
    from agentrt.runtime import Runtime

_SECRET = re.compile(r"\$\{(\w+)\}")


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
        held = hold(store.load(confinement.secrets), renewed) if confinement.secrets else ()
        return cls(held=held, canaries={path: _token(place, path) for path in confinement.canaries})

    def confinement(self, asked: Confinement) -> Confinement:
        """With what has to be there inside."""
        decoys = {path: _decoy(path, token) for path, token in self.canaries.items()}
        planted = {**asked.planted, **decoys, BUNDLE: self.authority.bundle}
        return asked.model_copy(update={"planted": planted})

    async def call(self, runtime: Runtime, op: Operation, context: Context, decision: Decision) -> Call:
        """The way out of one action. Raises ``SandboxError``."""
        context = context.model_copy(update={"flags": context.flags.union(decision.flags)})
        call = Call(self, runtime, lambda: runtime.policy_for(op.actor), context)
        call.held_by = decision if decision.verdict == "hold" else None
        call.write(op)
        await call.begin()
        return call

    def line(self, runtime: Runtime, policy: Policy, context: Context) -> Call:
        """A way out for agentrt alone."""
        call = Call(self, runtime, lambda: policy, context)
        call.released = "time"  # who takes something back need not be asked about that as well; the budgets hold
        return call


class Call:
    """One operation's: from its beginning to its end. ``contracts.Line``"""

    def __init__(self, outward: Outward, runtime: Runtime, policy: Callable[[], Policy], context: Context) -> None:
        """``policy`` as it is at each request: an action may make it stricter."""
        self._outward, self._runtime, self._policy, self._context = outward, runtime, policy, context
        self._written: Path | None = None
        self.held_by: Decision | None = None
        """It holds back whatever the action sends."""
        self.released: Released | None = None
        """Nothing is held back."""
        self._gate = Gate(
            self._admit,
            authority=outward.authority,
            secrets=outward.held,
            canaries=outward.canaries,
            on_sending=self._note,
        )
        self.environment: Mapping[str, str] = {}
        """What programs have to know of it."""

    @property
    def values(self) -> Sequence[bytes]:
        """Of the secrets: whatever an action prints, nobody gets to see these."""
        known = {value for held in self._outward.held for value in held.known}
        return [value.encode("utf-8", "surrogateescape") for value in sorted(known)]

    def write(self, op: Operation) -> None:
        """From here on what is sent is this operation's, and written down before it goes."""
        self._written = sending.place(self._runtime.store, self._runtime.layer(op.id))

    def _note(self, going: Going) -> None:
        if self._written is not None:
            sending.write(self._written, going)

    async def ask(
        self, call: contracts.Call, *, about: Takes | None = None, released: Released | None = None, kept: str = ""
    ) -> Exchange:
        """See ``contracts.Line``."""
        exchange = await self._gate.ask(self._filled(call), about=about, released=released or self.released, kept=kept)
        if exchange.answer.status == 401 and call.method in SAFE and await self._renewed(call):
            # What only asks is asked once more; whatever else was refused is not sent twice by itself.
            return await self._gate.ask(self._filled(call), about=about, released=released or self.released)
        return exchange

    async def _renewed(self, call: contracts.Call) -> bool:
        """Whether a token the call was sent with has become another. Raises ``ResourceError``."""
        text = " ".join([call.url, *call.headers.values()])
        named = [held for held in self._outward.held if f"${{{held.secret.name}}}" in text]
        before = [held.secret.value for held in named]
        for held in named:
            try:
                await held.freshen()
            except UsageError as error:
                raise ResourceError(
                    f"{call.method} {call.url} was answered with 401, and {error}", hint=error.hint
                ) from None
        return before != [held.secret.value for held in named]

    def _filled(self, call: contracts.Call) -> contracts.Call:
        """With placeholders where secrets are named. Raises ``UsageError`` for one where none has a place."""
        held = {one.secret.name: one.placeholder for one in self._outward.held}

        def fill(text: str) -> str:
            return _SECRET.sub(lambda found: held.get(found[1], found[0]), text)

        headers = {name: fill(value) for name, value in call.headers.items()}
        if call.headers_only:
            for name, placeholder in held.items():
                if placeholder in call.url or placeholder.encode() in call.body:
                    raise UsageError(
                        f"an argument holds the secret {name}, which goes where the API pack says, and only there"
                    )
            return replace(call, headers=headers)
        body = fill(call.body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        return replace(call, url=fill(call.url), headers=headers, body=body)

    async def begin(self) -> None:
        door = await self._runtime.sandbox.door()
        self._gate.start(door)
        placeholders = {held.secret.name: held.placeholder for held in self._outward.held}
        self.environment = {**environment(door.getsockname()[1]), **placeholders}

    async def end(self) -> tuple[RequestEffect, ...]:
        """Hang up; what was sent and refused, in order. Only agentrt itself can send more."""
        await self._gate.close()
        return self._gate.effects

    def settled(self) -> None:
        """Its requests are in the journal."""
        if self._written is not None:
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
        admission = self._policy().admit(request, context)
        held = self.held_by
        if held is None or request.method in SAFE or request.released is not None or admission.verdict != "allow":
            return admission
        return admission.model_copy(update={"verdict": "hold", "rule": held.rule, "because": held.because})


def _token(place: Path, path: str) -> bytes:
    """The same whenever the workspace is opened: what is copied in one action may be sent in a later one."""
    return hashlib.sha256(os.fsencode(place) + b"\0" + path.encode()).hexdigest()[:40].encode()


def _decoy(path: str, token: bytes) -> bytes:
    """Looks like what is kept at such places."""
    if path.endswith("credentials"):
        name = b"aws_access_key_id = AKIA" + token[:16].upper()
        return b"\n".join((b"[default]", name, b"aws_secret_access_key = " + token, b""))
    return token + b"\n"
