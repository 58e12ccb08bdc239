"""Accept all like this: the rule is shown, and written as it was shown."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from agentrt.errors import UsageError
from agentrt.showing.words import operation_json

from .base import Method, Number, OfSession

if TYPE_CHECKING:
    from agentrt.hosting.host import Host


class Acceptance(OfSession):
    op: Number


class Remember(OfSession):
    key: str
    """What ``acceptance`` gave: it says which rule, of which operation of which session."""


async def acceptance(host: Host, params: Acceptance) -> dict[str, Any]:
    session = await host.runtimes.resolve(params.session)
    async with host.runtimes.lend(session, to_act=False) as runtime:
        diff = runtime.acceptance(params.op).diff
    return {"diff": diff, "key": f"{session}/{params.op}/{_digest(diff)}"}


async def remember(host: Host, params: Remember) -> dict[str, Any] | None:
    session, op, digest = _read(params.key)
    session = await host.runtimes.resolve(session)
    async with host.runtimes.lend(session, to_act=False) as runtime:
        rule = runtime.acceptance(op)
        if _digest(rule.diff) != digest:
            raise UsageError("the rule would be another one by now", hint="look at it once more")
        rule.write()
        host.runtimes.read_rules_again()
        operation = await runtime.accept_alike()
    host.journal_changed()
    return None if operation is None else operation_json(operation)


def _digest(diff: str) -> str:
    return hashlib.sha256(diff.encode("utf-8", "surrogatepass")).hexdigest()


def _read(key: str) -> tuple[str, int, str]:
    session, _, rest = key.partition("/")
    op, _, digest = rest.partition("/")
    if not (op.isascii() and op.isdigit() and len(op) <= 16):
        raise UsageError("remember: `key` is none that acceptance gave", hint="ask for `acceptance` of the operation")
    return session, int(op), digest


METHODS: dict[str, Method] = {"acceptance": (Acceptance, acceptance), "remember": (Remember, remember)}
