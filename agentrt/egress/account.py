"""What is kept of every request, while it is on its way and for good."""

from __future__ import annotations

from dataclasses import dataclass

from agentrt.records import Admission, RequestEffect, Reversibility

from . import limits
from .refused import Refused

_CUT_OFF = "the action ended before anything of it was sent"


@dataclass(eq=False)
class Entry:
    """One request, as far as it got."""

    method: str
    url: str
    admission: Admission | None = None
    went: bool = False
    """Something of it may have reached the other side."""
    refused: Refused | None = None
    status: int | None = None
    sent: int = 0
    received: int = 0
    secrets: tuple[str, ...] = ()
    is_closed: bool = False
    """What went through was not seen."""

    @property
    def effect(self) -> RequestEffect:
        return self._as(self.went and self.refused is None)

    @property
    def promised(self) -> RequestEffect:
        """As if it were sent already, if it was let out: what is on its way counts before it is there."""
        return self._as(self.refused is None and (self.went or self.admission is not None))

    def _as(self, sent: bool) -> RequestEffect:
        admission, refused = self.admission, self.refused
        rule = admission.rule if admission is not None else ""
        return RequestEffect(
            change="sent" if sent else "refused",
            reversibility=self._reversibility if sent or self.went else "reversible",
            method=self.method,
            url=self.url,
            status=self.status,
            sent=self.sent,
            received=self.received,
            rule=rule if refused is None else refused.rule,
            because="" if sent else _CUT_OFF if refused is None else refused.because,
            secrets=self.secrets,
            canary=refused.canary if refused is not None else None,
        )

    @property
    def _reversibility(self) -> Reversibility:
        return "unknown" if self.is_closed or self.admission is None else self.admission.reversibility


class Account:
    """In the order of their beginning."""

    def __init__(self) -> None:
        self._entries: dict[Entry, None] = {}

    def begin(self, method: str, url: str) -> Entry:
        entry = Entry(method, url)
        if len(self._entries) < limits.REQUESTS:
            self._entries[entry] = None
        return entry

    def has(self, entry: Entry) -> bool:
        """Of so many that it has no place for one it is not; that one must not go out."""
        return entry in self._entries

    def drop(self, entry: Entry) -> None:
        """It was no request of its own."""
        del self._entries[entry]

    @property
    def effects(self) -> tuple[RequestEffect, ...]:
        return tuple(entry.effect for entry in self._entries)

    @property
    def promised(self) -> tuple[RequestEffect, ...]:
        """With what is let out and still on its way as sent."""
        return tuple(entry.promised for entry in self._entries)
