"""``http``: one request, sent by agentrt itself, with what takes it back kept before and after."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, field_validator

from agentrt.contracts import Answer, Call, Database, Inverse, Tool, World
from agentrt.errors import AgentrtError, SandboxError, SandboxUnavailable, Unanswered, UsageError
from agentrt.records import Action, Observation, Record, Text

from .display import one_line

_METHOD = r"[A-Z][A-Z-]{0,19}"
_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}"
_SHOWN = ("content-type", "location", "etag", "retry-after", "link")


class Undo(Record):
    """A request that takes another back. In `url`, `look` and `body`, `{location}` is the answer's Location, `{/id}` a
    part of the answer (a JSON pointer), `{before/name}` a part of what `look` showed before, `{before}` (as the whole
    body) all of that."""

    method: Annotated[str, Field(pattern=f"^{_METHOD}$")]
    """In capitals."""
    url: Annotated[Text, Field(min_length=1)]
    """May be relative to the request's."""
    look: Text | None = None
    """A URL at which it shows whether the request stands, if that is not `url`."""
    body: Text = ""
    ignore: tuple[Text, ...] = ()
    """JSON pointers of what the server changes by itself, such as `/updated_at`."""


class Http(Action):
    """Send a request."""

    kind: Literal["http"] = "http"
    method: Annotated[str, Field(pattern=f"^{_METHOD}$")] = "GET"
    """In capitals."""
    url: Annotated[Text, Field(min_length=1)]
    """Whole, with `https://` or `http://`."""
    headers: dict[Annotated[str, Field(pattern=f"^{_NAME}$")], Text] = Field(default_factory=dict)
    """`${NAME}` in a header, in the URL and in the body stands for a secret of the session."""
    body: Text = ""
    """Text; JSON if it reads as JSON and no content-type says otherwise."""
    undo: Undo | None = None
    """What takes it back. Without it PUT and PATCH are taken back by what the URL showed before, and POST by a DELETE
    of the Location it answered."""
    again: bool = False
    """Send it even where an operation that lies behind, after a restore or on a fork, has sent the same."""

    @field_validator("headers")
    @classmethod
    def _small(cls, headers: dict[str, str]) -> dict[str, str]:
        return {name.lower(): value for name, value in headers.items()}


class HttpTool:
    name = "http"
    description = (
        "Send one HTTP request to a service, through the session's network rules. What it changes there is looked at "
        "before and after, and taken back by undo where that is possible; the answer says what undo would send."
    )
    action: type[Action] = Http
    queues: Literal[True] = True

    def fitted(self, databases: Mapping[str, Database], *, network: bool) -> Tool | None:
        return self if network else None

    async def run(self, action: Action, world: World) -> Observation:
        assert isinstance(action, Http)
        try:
            http = await world.http()
            answer, undo = await http.send(_call(action), _inverse(action), again=action.again)
        except (OSError, UsageError) as error:
            return refused(error)
        return answered(world, answer, undo)

    def show(self, action: Action) -> str:
        assert isinstance(action, Http)
        return one_line(f"http {action.method} {action.url}")

    def reads(self, action: Action) -> Sequence[str] | None:
        return ()


def answered(world: World, answer: Answer | None, undo: str) -> Observation:
    """What came of a request: its answer, and what undo would send; None: it is held back."""
    if answer is None:
        return world.show(f"{undo}\n")
    seen = world.show("".join((_head(answer), answer.body.decode(errors="surrogateescape"), _note(undo))))
    return seen if answer.status < 400 else seen.model_copy(update={"error": f"answered with {answer.status}"})


def refused(error: OSError | UsageError) -> Observation:
    """Why there is no answer. Raises what is not the request's."""
    if isinstance(error, SandboxError | SandboxUnavailable):
        raise error
    if isinstance(error, Unanswered):
        return Observation(error=f"{error}; it may have been carried out: look before you ask again")
    hint = error.hint if isinstance(error, AgentrtError) else ""
    return Observation(error=f"{error} ({hint})" if hint else str(error))


def _call(action: Http) -> Call:
    headers = {"accept": "*/*", **action.headers}
    body = action.body.encode("utf-8", "surrogateescape")
    if body and "content-type" not in headers:
        headers["content-type"] = "application/json" if _is_json(action.body) else "text/plain; charset=utf-8"
    return Call(action.method, action.url, headers, body)


def _inverse(action: Http) -> Inverse | None:
    undo = action.undo
    if undo is None:
        return None
    body = undo.body.encode("utf-8", "surrogateescape")
    return Inverse(undo.method, undo.url, undo.look, body=body, ignore=undo.ignore)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _head(answer: Answer) -> str:
    shown = [f"{name}: {answer.headers[name]}\n" for name in _SHOWN if name in answer.headers]
    return "".join((f"{answer.status}\n", *shown, "\n"))


def _note(undo: str) -> str:
    return f"\n[{undo}]\n" if undo else ""
