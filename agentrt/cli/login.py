"""``api login``."""

from __future__ import annotations

import os
import sys
import time
import webbrowser
from collections.abc import Callable

from agentrt.arguments import action_of, load_tool
from agentrt.contracts import Context, Policy
from agentrt.errors import UsageError
from agentrt.history.store import locate
from agentrt.oauth import Offered, Service
from agentrt.oauth.scopes import Wanted, wanted
from agentrt.records import Admission
from agentrt.showing.plain import plain

from .interrupting import run
from .options import Where
from .policy import opened
from .render import put, put_json


def login(service: Service, named: str, where: Where) -> int:
    """Raises ``UsageError``, ``Denied``."""
    from agentrt.oauth.login import login as log_in

    root = locate(where.workspace).workspace
    policy = opened(named, root)
    found = wanted(service, _asked(service, policy, Context(workspace=str(root), session="", attended=True)))
    if not found.allowed:
        first = next(iter(found.left_out.values()), "it has none")
        raise UsageError(
            f"the policy {policy.name} lets no operation of {service.api} out: {first}",
            hint=f"name the one that does: agentrt api login {service.api} --policy FILE",
        )
    _tell_scopes(service, found)
    kept, token = run(log_in(service, found.scopes, tell=_tell, show=_show))
    assert token.grant is not None
    if where.json:
        told: dict[str, object] = {"api": service.api, "secret": kept.name, "hosts": kept.hosts, "kept": kept.where}
        told |= {"scopes": token.grant.scopes, "expires": token.grant.expires, "renewed": bool(token.grant.refresh)}
        put_json({**told, "left_out": found.left_out})
        return 0
    put(f"{kept.name} is kept, and is sent to {', '.join(kept.hosts)} only")
    put(f"kept in: {plain(kept.where)}")
    put(_lasting(token.grant.expires, renewed=bool(token.grant.refresh)))
    if kept.name not in policy.confinement.secrets:
        put(f"the policy does not let agents use it yet: secrets: [{kept.name}]")
    return 0


def _asked(service: Service, policy: Policy, context: Context) -> Callable[[Offered], Admission]:
    def asked(operation: Offered) -> Admission:
        action = action_of(load_tool("api"), "api", {"api": service.api, "operation": operation.name, "arguments": {}})
        decision = policy.decide(action, context)
        if decision.verdict == "deny":
            return Admission(verdict="deny", rule=decision.rule, because=decision.because)
        return policy.admit(operation.request, context)

    return asked


def _tell_scopes(service: Service, found: Wanted) -> None:
    _tell(f"for {', '.join(found.allowed)}: {' '.join(found.scopes) or 'no scopes'}")
    for name, why in found.left_out.items():
        _tell(f"not for {name}: {why}")


def _tell(line: str) -> None:
    """On standard error: the document of --json is alone on the other."""
    print(plain(line), file=sys.stderr, flush=True)


def _show(page: str) -> None:
    """In a browser that does not take the terminal."""
    if sys.stderr.isatty() and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        webbrowser.open(page)


def _lasting(expires: float | None, *, renewed: bool) -> str:
    if renewed:
        return "it is renewed by itself"
    if expires is None:
        return "it lasts until the service takes it back"
    minutes = max(0, round((expires - time.time()) / 60))
    return f"it lasts for {minutes:,} minutes, and cannot be renewed"
