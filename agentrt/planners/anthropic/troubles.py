"""What the API's errors mean: to be waited out, to be asked about with less, or to be told to a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentrt.errors import ContextOverflow, PlannerError
from agentrt.planners.keys import NONE, scrubbed
from agentrt.planners.retrying import PASSING, Passing, one_line, retry_after

_TOO_LONG = re.compile(
    r"prompt is too long|exceeds? (?:the |its )?(?:model's )?(?:maximum )?context|context (?:window|length|limit)", re.I
)
_PASSING_TYPES = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error"})


@dataclass(frozen=True)
class Troubles:
    """Of one planner with one server."""

    server: str
    model: str
    key: str
    source: str
    """Where the key was found, in words."""

    def __repr__(self) -> str:
        return f"Troubles(server={self.server!r}, model={self.model!r})"

    def of_status(self, status: int, body: object, headers: Mapping[str, str]) -> Exception:
        """Of an answer that is none."""
        kind, said = self._said(body)
        if 300 <= status < 400:
            to = self._plain(headers.get("location", "elsewhere"))
            return self._told(
                f"sends us on to {to}, where the key does not go", "name the server that answers: base_url"
            )
        what = f"{said} (HTTP {status})" if said else f"HTTP {status}"
        should = headers.get("x-should-retry")
        if status == 413 or (status == 400 and _TOO_LONG.search(said)):
            return self._overflow(what)
        if should == "true" or (status in PASSING and should != "false"):
            return Passing(self._sentence(what), retry_after(headers))
        return self._told(what, self._hint(status, kind, said))

    def of_event(self, body: object) -> Exception:
        """Of an error that came in the midst of an answer."""
        kind, said = self._said(body)
        if _TOO_LONG.search(said):
            return self._overflow(said)
        if kind in _PASSING_TYPES or not kind:
            return Passing(self._sentence(said or kind or "an error in the midst of the answer"))
        return self._told(said or kind, "")

    def cut(self, why: str) -> Passing:
        """Of an answer that did not come, or not to its end."""
        return Passing(self._sentence(why))

    def no_events(self, content_type: str) -> PlannerError:
        kind = self._plain(content_type) or "no type"
        return self._told(f"answers with {kind} in place of a stream of events", "is `base_url` where the API begins?")

    def _overflow(self, what: str) -> ContextOverflow:
        return ContextOverflow(self._sentence(what), hint="a shorter conversation can be gone on with")

    def _told(self, what: str, hint: str) -> PlannerError:
        return PlannerError(self._sentence(what), hint=hint)

    def _sentence(self, what: str) -> str:
        return f"{self.model} at {self.server}: {what}"

    def _hint(self, status: int, kind: str, said: str) -> str:
        if status == 401:
            if self.key == NONE:
                return "no key was sent; name the variable or the secret that holds it: key"
            return f"the key came from {self.source}: is it whole, of this server, and still valid?"
        if status == 402 or kind == "billing_error" or "credit balance" in said:
            return "there is no credit left with the vendor; asking again does not help"
        if status == 403:
            return f"the key from {self.source} may not do this: look at its permissions, or take another model"
        if status == 404:
            return "is `model` written as the vendor names it, and `base_url` where its API begins?"
        return ""

    def _said(self, body: object) -> tuple[str, str]:
        """The type of an error, and its message in one line."""
        error: Any = body.get("error", body) if isinstance(body, Mapping) else body
        if isinstance(error, Mapping):
            return str(error.get("type") or ""), self._plain(str(error.get("message") or ""))
        return "", self._plain(re.sub(r"<(style|script|title).*?</\1>|<[^>]*>", " ", str(error or ""), flags=re.S))

    def _plain(self, text: str) -> str:
        return one_line(scrubbed(text, self.key))
