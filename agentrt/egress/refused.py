"""What is not passed on, and what the client is told of it."""

from __future__ import annotations


class Refused(Exception):
    """Nothing (more) of a request goes out."""

    def __init__(self, because: str, *, status: int = 403, rule: str = "", canary: str | None = None) -> None:
        super().__init__(because)
        self.because = because
        self.status = status
        """Of the answer: 400 where it cannot be right, 403 where it may not be, 502 where it came to nothing."""
        self.rule = rule
        """``file:line`` of a policy; empty where it was the gate itself."""
        self.canary = canary
        """The planted file that was on its way out."""


class Held(Refused):
    """It may go when a person releases it."""

    def __init__(self, because: str, *, rule: str, release: float | None) -> None:
        super().__init__(because, rule=rule)
        self.release = release
        """Seconds after which it goes all the same; None: never."""


def malformed(because: str) -> Refused:
    return Refused(because, status=400)


def unreachable(because: str) -> Refused:
    return Refused(because, status=502)
