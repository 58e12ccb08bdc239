"""What is kept of the calls of one action, on disk before each is sent."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError

from agentrt.contracts import Answer, Call, Inverse
from agentrt.errors import ResourceError
from agentrt.records import Record
from agentrt.whole import write_whole

from .images import ABSENT, NOT_THERE, Image, Looking, differing, name_at

NAME = "http"
_EQUALS = ".http-equals"
_MOST_EQUALS = 2_000


Turned = Literal["back", "forth", "made"]
"""made: forth, where that makes another thing, and it is known which."""


class Written(Record):
    """A request; its body a character a byte. Where a secret is to be it has the secret's name."""

    method: str
    url: str
    headers: dict[str, str]
    body: str = ""
    success: dict[str, Any] = Field(default_factory=dict)
    hold: str = ""
    headers_only: bool = False
    proved: bool = False
    nullable: tuple[str, ...] = ()

    @classmethod
    def of(cls, call: Call) -> Self:
        return cls(
            method=call.method,
            url=call.url,
            headers=dict(call.headers),
            body=call.body.decode("latin-1"),
            success=dict(call.success),
            hold=call.hold,
            headers_only=call.headers_only,
            proved=call.proved,
            nullable=call.nullable,
        )

    @property
    def call(self) -> Call:
        said = self.headers_only, self.proved, self.nullable
        return Call(self.method, self.url, self.headers, self.body.encode("latin-1"), self.success, self.hold, *said)

    @property
    def line(self) -> str:
        """``DELETE https://…``, without the query."""
        return f"{self.method} {self.url.partition('?')[0]}"


class Said(Record):
    """``contracts.Inverse``"""

    method: str
    url: str
    look: str | None
    look_body: str | None = None
    absent: tuple[int, ...] = NOT_THERE
    body: str
    ignore: tuple[str, ...]
    verify: dict[str, Any] | None = None
    is_known: bool = False
    window: float | None = None

    @classmethod
    def of(cls, inverse: Inverse) -> Self:
        return cls(
            method=inverse.method,
            url=inverse.url,
            look=inverse.look,
            look_body=None if inverse.look_body is None else inverse.look_body.decode("latin-1"),
            absent=inverse.absent,
            body=inverse.body.decode("latin-1"),
            ignore=inverse.ignore,
            verify=None if inverse.verify is None else dict(inverse.verify),
            is_known=inverse.is_known,
            window=inverse.window,
        )

    @property
    def inverse(self) -> Inverse:
        return Inverse(
            method=self.method,
            url=self.url,
            look=self.look,
            look_body=None if self.look_body is None else self.look_body.encode("latin-1"),
            absent=self.absent,
            body=self.body.encode("latin-1"),
            ignore=self.ignore,
            verify=self.verify,
            is_known=self.is_known,
            window=self.window,
        )


class Queued(Record):
    """In the outbox."""

    rule: str
    """``file:line`` of the rule that holds it back."""
    due: float | None
    """When it is sent all the same, in seconds since the epoch; None: never."""


class Answered(Record):
    """What came back; its body a character a byte."""

    status: int
    headers: dict[str, str]
    body: str

    @classmethod
    def of(cls, answer: Answer) -> Self:
        return cls(status=answer.status, headers=dict(answer.headers), body=answer.body.decode("latin-1"))

    @property
    def answer(self) -> Answer:
        return Answer(self.status, self.headers, self.body.encode("latin-1"))


class Kept(Record):
    """A call, and all that takes it back."""

    call: Written
    look: str = ""
    """The URL at which it shows whether it stands; empty where there is none."""
    look_body: str | None = None
    """What is sent there to see it; None: nothing, by GET."""
    before: Image | None = None
    """What that showed; None where it is not known."""
    after: Image | None = None
    inverse: Written | None = None
    queued: Queued | None = None
    """It is held back, and waits."""
    is_created: bool = False
    """``look`` is of what the call has made, and did not exist before."""
    said: Said | None = None
    """What its author says takes it back."""
    sent: float | None = None
    """When, in seconds since the epoch; None: nothing of it was."""
    answer: Answered | None = None
    turned: Turned | None = None
    """Which way it was sent last by an undo or a redo, or was about to be; None: neither was."""

    @property
    def can_go_back(self) -> bool:
        return self.inverse is not None and self.after is not None and self.before is not None

    @property
    def over(self) -> str | None:
        """Since when the service does not let it be taken back; None: it does."""
        if self.said is None or self.said.window is None or self.sent is None:
            return None
        end = self.sent + self.said.window
        return None if time.time() < end else f"{datetime.fromtimestamp(end):%Y-%m-%d %H:%M}"

    @property
    def place(self) -> tuple[str, str | None]:
        """Where it shows."""
        return self.look, self.look_body

    @property
    def shows(self) -> str:
        """``GET https://… shows``, for people."""
        return f"{'GET' if self.look_body is None else 'POST'} {self.look} shows"

    @property
    def looking(self) -> Looking:
        """How to see whether it stands."""
        body = None if self.look_body is None else self.look_body.encode("latin-1")
        absent = NOT_THERE if self.said is None else self.said.absent
        return Looking(self.look, self.call.headers, body, absent, self.call.headers_only)

    @property
    def is_claimed(self) -> bool:
        """Only the agent says what takes it back."""
        return self.said is not None and not self.said.is_known

    @property
    def ignored(self) -> tuple[str, ...]:
        """JSON pointers: what the server changes by itself, as its author says."""
        return self.said.ignore if self.said is not None else ()

    @property
    def by_server(self) -> tuple[str, ...]:
        """And what it changed when the call was made, which had not said so."""
        if self.before is None or self.after is None or not (self.before.there and self.after.there):
            return self.ignored
        sent = Image(there=True, body=self.call.body).value
        if not isinstance(sent, dict):
            return self.ignored
        in_both = (self.before.members or {}).keys() & (self.after.members or {}).keys()
        changed = differing(self.before, self.after)
        return (*self.ignored, *(p for p in changed if name_at(p) in in_both and name_at(p) not in sent))


_ALL = TypeAdapter(tuple[Kept, ...])


def file_of(aside: Path, mark: str) -> Path:
    return aside / mark / f"{NAME}.json"


def save(aside: Path, mark: str, kept: Sequence[Kept]) -> None:
    """For this user only; on disk on return. Raises ``ResourceError``."""
    file = file_of(aside, mark)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(file, _ALL.dump_json(tuple(kept)))
    except OSError as error:
        raise ResourceError(
            f"what undo needs could not be kept: {error.strerror or error}",
            hint=f"look at the disk that {file.parent} is on; nothing was sent",
        ) from error


def load(aside: Path, mark: str) -> tuple[Kept, ...]:
    """Raises ``ResourceError`` where it is not there, or cannot be read."""
    file = file_of(aside, mark)
    try:
        return _ALL.validate_json(file.read_bytes())
    except OSError as error:
        raise ResourceError(f"what was kept of requests is not there: {file}: {error.strerror}") from error
    except ValidationError as error:
        raise ResourceError(f"{file} is damaged: {error.errors()[0]['msg']}") from error


class Equals:
    """Images that are the same to people though a server wrote them anew, with a new time: what an undo has put back
    equals what was there, and the undo before it must not take it for somebody else's."""

    def __init__(self, aside: Path) -> None:
        self._file = aside / _EQUALS
        self._pairs: dict[str, str] | None = None

    def are(self, one: Image, other: Image) -> bool:
        return self._first(one.digest) == self._first(other.digest)

    def add(self, now: Image, then: Image) -> None:
        """``now`` was compared with ``then``. Raises ``ResourceError``."""
        first = self._first(then.digest)
        if now.digest == first or ABSENT in (now, then):
            return
        pairs = {**self._read(), now.digest: first}
        self._pairs = dict(list(pairs.items())[-_MOST_EQUALS:])
        try:
            write_whole(self._file, _PAIRS.dump_json(self._pairs))
        except OSError as error:
            raise ResourceError(f"{self._file} could not be written: {error.strerror}") from error

    def _first(self, digest: str) -> str:
        return self._read().get(digest, digest)

    def _read(self) -> dict[str, str]:
        if self._pairs is None:
            try:
                self._pairs = _PAIRS.validate_json(self._file.read_bytes())
            except (FileNotFoundError, ValidationError):
                self._pairs = {}
        return self._pairs


_PAIRS = TypeAdapter(dict[str, str])
