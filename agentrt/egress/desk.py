"""What all connections of a gate share: whom to ask, what to look for, and where it is written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agentrt.records import Admission, Request

from .account import Account, Entry
from .authority import Authority
from .guard import Guard
from .outside import Resolver
from .refused import Refused


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
        return self.account.begin(method, self.guard.masked(text.partition("?")[0][:500]))

    def decide(self, entry: Entry, *requests: Request) -> Admission:
        """The policy's word on all of them, which are one request read in different ways. Raises ``Refused``."""
        if self.frozen is not None:
            raise Refused(f"frozen: {self.frozen} was on its way out, and nobody has looked at that yet")
        for request in requests:
            try:
                admission = self.admit(request)
            except Exception as error:  # whatever is wrong with a policy, it is no permission
                raise Refused(f"the policy failed ({type(error).__name__}: {error})") from error
            entry.admission = entry.admission or admission
            refused = admission.verdict == "deny" or (admission.verdict == "inspect" and request.path is not None)
            if refused:
                because = admission.because or f"no rule lets {request.method} to {request.host} out"
                raise Refused(because, rule=admission.rule)
        assert entry.admission is not None
        return entry.admission

    def refuse(self, entry: Entry, refused: Refused) -> str:
        """Write it down; the line for the client."""
        if not (entry.went and refused.status == 502):  # then it was sent, and only nothing came back
            entry.refused = refused
        if refused.canary is not None:
            self.frozen = refused.canary
            self.on_freeze()
        rule = refused.rule or "agentrt"
        return f"agentrt: {entry.method} {entry.url}: {refused.because} ({rule})"
