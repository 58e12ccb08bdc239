"""Which scopes a login asks for: those of the operations a policy lets out, and no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from agentrt.records import Admission

from .service import Offered, Service


class Wanted(NamedTuple):
    scopes: tuple[str, ...]
    allowed: tuple[str, ...]
    """The operations they are for."""
    left_out: dict[str, str]
    """By operation, the rule that lets it not out."""


def wanted(service: Service, asked: Callable[[Offered], Admission]) -> Wanted:
    """``asked``: the policy's word on an operation, whatever its arguments. What waits counts as let out."""
    scopes, allowed, left_out = list(service.scopes), list[str](), dict[str, str]()
    for operation in service.operations:
        admission = asked(operation)
        if admission.verdict == "deny":
            because = f"{admission.because} ({admission.rule})" if admission.because else admission.rule
            left_out[operation.name] = because
        else:
            allowed.append(operation.name)
            scopes += operation.scopes
    return Wanted(tuple(dict.fromkeys(scopes)), tuple(allowed), left_out)
