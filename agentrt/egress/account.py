"""What is kept of every request, while it is on its way and for good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from agentrt.contracts import Takes
from agentrt.records import Admission, Going, Released, RequestEffect, Reversibility
from agentrt.secrets.held import Held

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
    takes: Takes | None = None
    """What takes it back, of a request of agentrt's own."""
    kept: str = ""
    """By which whoever keeps that knows it again."""
    used: Sequence[tuple[Held, str]] = ()
    """The secrets that were put in, and their values."""
    released: Released | None = None
    """It was held back before, of agentrt's own."""
    hold: str = ""
    """Why it is to wait, of agentrt's own."""
    proved: bool = False
    """A drill has shown that it is taken back, of agentrt's own."""
    is_queued: bool = False
    """It is held back, and waits."""
    due: float | None = None
    """Until when, in seconds since the epoch; None: until a person releases it."""
    is_closed: bool = False
    """What went through was not seen."""
    is_asked_again: bool = False
    """Whether it may go on: it does not count against itself."""

    @property
    def effect(self) -> RequestEffect:
        admission, refused = self.admission, self.refused
        sent = self.went and refused is None
        rule = admission.rule if admission is not None else ""
        takes = self.takes if self.went or self.is_queued else None
        return RequestEffect(
            change="queued" if self.is_queued else "sent" if sent else "refused",
            reversibility=self._reversibility,
            method=self.method,
            url=self.url,
            status=self.status,
            sent=self.sent,
            received=self.received,
            rule=rule if refused is None else refused.rule,
            because="" if sent else _CUT_OFF if refused is None else refused.because,
            secrets=self.secrets,
            canary=refused.canary if refused is not None else None,
            resource=takes.resource if takes is not None else "",
            inverse=takes.inverse if takes is not None else "",
            due=self.due,
        )

    @property
    def going(self) -> Going:
        said = self.admission is not None and self.admission.said
        return Going(effect=self.effect, kept=self.kept, said=said)

    @property
    def is_under_way(self) -> bool:
        """It was let out, and may go at any moment."""
        let_out = self.admission is not None and self.admission.verdict == "allow"
        return let_out and not self.went and self.refused is None

    @property
    def harm(self) -> Reversibility:
        """What a rule says of it counts more than that something takes it back; and that more than its method."""
        if self.admission is None:
            return "unknown"
        if self.takes is None or self.admission.said:
            return self.admission.reversibility
        return self.takes.reversibility

    @property
    def _reversibility(self) -> Reversibility:
        if not self.went:
            return "reversible"
        said = self.harm
        # Nothing was seen of what a rule may have called harmless; that it is harmful needs no looking.
        return "unknown" if self.is_closed and said != "irreversible" else said


class Committed(NamedTuple):
    """What was sent, and what was let out and may go at any moment: many can be, at once, before the first one is."""

    requests: int
    irreversible: int
    received: bool
    """Something came back."""


class Account:
    """In the order of their beginning."""

    def __init__(self, on_sending: Callable[[Going], None]) -> None:
        """``on_sending`` is told of each request before the first byte of it goes, and of a canary that was seen."""
        self._entries: dict[Entry, None] = {}
        self._on_sending = on_sending

    def begin(self, method: str, url: str) -> Entry:
        entry = Entry(method, url)
        if len(self._entries) < limits.REQUESTS:
            self._entries[entry] = None
        return entry

    def has(self, entry: Entry) -> bool:
        """Of so many that it has no place for one it is not; that one must not go out."""
        return entry in self._entries

    def goes(self, entry: Entry) -> None:
        """From here on something of it may have reached the other side."""
        entry.went = True
        self._on_sending(entry.going)

    def saw_canary(self, entry: Entry) -> None:
        self._on_sending(entry.going)

    def drop(self, entry: Entry) -> None:
        """It was no request of its own."""
        del self._entries[entry]

    @property
    def effects(self) -> tuple[RequestEffect, ...]:
        return tuple(entry.effect for entry in self._entries)

    @property
    def committed(self) -> Committed:
        """Asked before each request: of thousands it must not take long."""
        gone = [entry for entry in self._entries if entry.went or entry.is_under_way]
        # A tunnel that stays closed has received something as soon as TLS has begun.
        received = any(entry.received for entry in gone if not (entry.is_asked_again and entry.is_closed))
        gone = [entry for entry in gone if not entry.is_asked_again]
        harmful = sum(entry.harm == "irreversible" for entry in gone)
        return Committed(len(gone), harmful, received)
