"""What stands for a secret where an agent can see it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from agentrt.records import Secret

Renew = Callable[[Secret, bool], Secret]
"""A newer one, where there has to be one; ``True``: whoever it was sent to takes it no more. It blocks. Raises
``UsageError``."""


@dataclass(eq=False)
class Held:
    """A secret an open runtime may send, and the text that is sent in its place until then."""

    secret: Secret
    """As it is by now: a token is renewed."""
    placeholder: str
    renew: Renew | None = None
    known: set[str] = field(default_factory=set)
    """All its values up to now, and what it is renewed by: none of them is shown to anyone."""
    _doubted: str | None = None

    def __post_init__(self) -> None:
        self._learn(self.secret)

    async def freshen(self) -> None:
        """Have it renewed, if it is about to run out or was refused. Raises ``UsageError``."""
        if self.renew is not None and self.secret.grant is not None:
            self._learn(await asyncio.to_thread(self.renew, self.secret, self._doubted == self.secret.value))
            self._doubted = None

    def doubt(self, value: str) -> None:
        """It was sent, and answered as if it were none."""
        self._doubted = value

    def _learn(self, secret: Secret) -> None:
        refresh = secret.grant.refresh if secret.grant is not None else ""
        self.known |= {secret.value} | ({refresh} if refresh else set())
        self.secret = secret


def hold(held: Iterable[Secret], renew: Renew | None = None) -> tuple[Held, ...]:
    """Each with a placeholder of its own, which nobody can know beforehand: ``agentrt-secret-NAME-<16 hex digits>``."""
    return tuple(Held(one, f"agentrt-secret-{one.name}-{secrets.token_hex(8)}", renew) for one in held)
