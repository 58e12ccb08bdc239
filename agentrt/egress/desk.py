"""What all connections of a gate share: whom to ask, what to look for, and where it is written down."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agentrt.records import Admission, Request
from agentrt.records.effects import HARM

from . import limits
from .account import Account, Entry
from .authority import Authority
from .forms import Found
from .guard import Guard
from .outside import Resolver
from .refused import Held, Refused

_LOGIN = re.compile(r"//[^/]*@")
_SHOWN = 500
"""Characters of what nobody understood."""


@dataclass
class Desk:
    admit: Callable[[Request], Admission]
    authority: Authority
    guard: Guard
    resolver: Resolver
    account: Account
    on_freeze: Callable[[], None]
    """Ends every connection but the one that is being served."""
    frozen: str | None = None
    """The canary that was on its way out."""

    def begin(self, method: str, text: str) -> Entry:
        """``text``: what is asked for, as the client has it."""
        shown = _LOGIN.sub("//", text.partition("?")[0])[:_SHOWN]
        return self.account.begin(self.guard.masked(method), self.guard.masked(shown))

    def decide(self, entry: Entry, *requests: Request) -> Admission:
        """The policy's word on all of them, which are one request read in different ways. Raises ``Refused``."""
        if self.frozen is not None:
            raise Refused(f"frozen: {self.frozen} was on its way out, and nobody has looked at that yet")
        if not self.account.has(entry):
            raise Refused(f"these are more than {limits.REQUESTS:,} requests of one action")
        found = self._ask(requests)
        # Only now: until it is let out it must not be counted, not even against itself. What is worst counts.
        worst = max(found, key=lambda one: HARM.index(one.reversibility))
        entry.admission = worst.model_copy(update={"private": all(one.private for one in found)})
        return entry.admission

    def _ask(self, requests: Sequence[Request]) -> list[Admission]:
        found: list[Admission] = []
        for request in requests:
            try:
                admission = self.admit(request)
            except Exception as error:  # whatever is wrong with a policy, it is no permission
                raise Refused(f"the policy failed ({type(error).__name__}: {error})") from error
            refused = admission.verdict == "deny" or (admission.verdict == "inspect" and request.path is not None)
            if refused:
                because = admission.because or f"no rule lets {request.method} to {request.host} out"
                raise Refused(because, rule=admission.rule)
            waits = request.hold if request.released is None else ""
            if admission.verdict == "hold" or waits:
                until = "until a person releases it" if admission.release is None else "unless somebody drops it"
                because = f"held back, {admission.because or waits or until}"
                raise Held(because, rule=admission.rule, release=admission.release)
            found.append(admission)
        return found

    def ask_again(self, entry: Entry, *requests: Request) -> None:
        """Whether more of a request may go that was let out before: what came in since may have changed that.

        Raises ``Refused``.
        """
        entry.is_asked_again = True
        try:
            self._ask(requests)
        finally:
            entry.is_asked_again = False

    def refuse(self, entry: Entry, refused: Refused) -> str:
        """Write it down; the line for the client."""
        refused.because = self.guard.masked(refused.because)
        if not entry.went or isinstance(refused, Found):  # else it was sent, and what came of it is another matter
            entry.refused = refused
        if refused.canary is not None:
            self.frozen = refused.canary
            self.account.saw_canary(entry)
            self.on_freeze()
        rule = refused.rule or "agentrt"
        how = "; the tool http queues it" if isinstance(refused, Held) else ""
        return f"agentrt: {entry.method} {entry.url}: {refused.because}{how} ({rule})"
