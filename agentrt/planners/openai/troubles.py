"""What goes wrong with a request, in words: whether it may pass, what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agentrt.errors import ContextOverflow, PlannerError
from agentrt.planners.keys import scrubbed
from agentrt.planners.retrying import PASSING, Passing, one_line, retry_after

from .server import Server

if TYPE_CHECKING:
    import openai

_OVERFLOW = re.compile(
    r"context_length_exceeded|exceed_context_size|context (window|length|size)|maximum (context|model) length"
    r"|(prompt|input) (is )?too (long|large)|exceeds? (the )?max(imum)?_?(model_len|context)"
    r"|longer than the (maximum )?model",
    re.IGNORECASE,
)
"""OpenAI's code and message, and the messages of vLLM, llama.cpp, Ollama and gateways."""
_ROOM = (
    re.compile(r"maximum context length is (\d+) tokens.*?(?:has|at least|plus) (\d+) (?:input|prompt)", re.DOTALL),
    re.compile(r"maximum context length is (\d+) tokens.*?\((\d+) in the (?:messages|prompt)", re.DOTALL),
)
"""vLLM's ways to say that the answer is what does not fit: the context, and what is sent."""
_MODEL = re.compile(
    r"\bmodel\b.*(not (be )?found|not exist|not a valid|unknown|invalid)|not a valid model|no such model",
    re.IGNORECASE | re.DOTALL,
)
_FINAL = re.compile(
    r"quota|billing|credit|invalid|policy|not_found|authentication|permission|unsupported", re.IGNORECASE
)
"""In the code or type of an error: asking again does not help."""


class Complaint(Exception):
    """An error as a server words it."""

    def __init__(self, message: str, *, status: int = 0, code: str = "", after: float | None = None) -> None:
        super().__init__(message)
        self.message, self.status, self.code, self.after = message, status, code, after
        """code: its code and type, as far as there are; after: seconds to wait, if it says."""

    @classmethod
    def of(cls, error: object, *, status: int = 0, after: float | None = None) -> Complaint:
        """Of what stands under ``error`` in a body or an event, in any of the forms servers have for it."""
        if isinstance(error, Mapping) and isinstance(error.get("error"), Mapping | str):
            error = error["error"]
        if not isinstance(error, Mapping):
            return cls(str(error or ""), status=status, after=after)
        code, message = error.get("code"), error.get("message") or error.get("detail") or ""
        if not status and isinstance(code, int) and 400 <= code < 600:
            status = code
        kinds = [str(kind) for kind in (code, error.get("type")) if kind and kind != "error"]
        return cls(_worded(message), status=status, code=" ".join(kinds), after=after)

    def without(self, key: str) -> Complaint:
        """The same without the key, should the server have told it."""
        return Complaint(
            scrubbed(self.message, key), status=self.status, code=scrubbed(self.code, key), after=self.after
        )

    @property
    def overflows(self) -> bool:
        """llama.cpp says it with status 500."""
        return self.status in (0, 400, 413, 422, 500) and bool(_OVERFLOW.search(f"{self.code} {self.message}"))

    @property
    def room(self) -> int:
        """Tokens that are left for the answer, where it was only the answer's length that did not fit; else 0."""
        for pattern in _ROOM:
            if found := pattern.search(self.message):
                return max(int(found[1]) - int(found[2]), 0)
        return 0

    @property
    def misses_model(self) -> bool:
        return self.status in (400, 404) and ("model_not_found" in self.code or bool(_MODEL.search(self.message)))

    @property
    def passes(self) -> bool:
        if self.status == 429 or not self.status:
            return not _FINAL.search(self.code)
        return self.status in PASSING


def complaint(error: openai.APIError) -> Complaint:
    """Of an error of the SDK."""
    import openai

    if isinstance(error, openai.APITimeoutError):
        return Complaint("it has been silent for too long", code="timeout")
    if isinstance(error, openai.APIConnectionError):
        return Complaint(_cause(error), code="connection")
    if isinstance(error, openai.APIStatusError):
        body = error.body if error.body is not None else error.response.text
        headers = error.response.headers
        if 300 <= error.status_code < 400:
            return Complaint(f"go to {headers.get('location', 'another place')}", status=error.status_code)
        return Complaint.of(body, status=error.status_code, after=retry_after(headers))
    return Complaint.of(error.body if error.body is not None else error.message)


def judged(told: Complaint, server: Server, model: str, *, names: str = "") -> Passing | PlannerError:
    """What is to be raised. ``names``: models that the server has, where it has not the one that was asked for."""
    said = _shortened(told.message)
    if told.code == "connection":
        return Passing(f"{server.host} cannot be reached: {said}")
    if told.code == "timeout":
        return Passing(f"{server.host} gave no answer: {said}")
    if told.overflows:
        return ContextOverflow(
            f"{server.host}: the conversation is longer than {model} takes: {said}",
            hint="take a model with a longer context, or start the server with one",
        )
    answers = f"{server.host} answers {told.status}" if told.status else f"{server.host} breaks off"
    message = f"{answers}: {said}" if said else answers
    if told.passes:
        return Passing(message, told.after)
    return PlannerError(f"{message} (model {model})", hint=_hint(told, server, names))


def _hint(told: Complaint, server: Server, names: str) -> str:
    status = told.status
    if told.misses_model:
        return names or "look at the name of the model: it is written as the server names it"
    if status == 401 and server.key is None:
        return "the server wants a key: name the variable or the secret that holds it, `key: NAME`"
    if status == 401:
        return (
            f"the key was taken from {server.key} (the environment, or else agentrt secrets): look whether it is right"
        )
    if status == 403:
        return "the key may not use this model or this server; what it may do is set where it was made"
    if status == 402 or re.search("quota|billing|credit", told.code, re.IGNORECASE):
        return "there is no credit left with the vendor; asking again does not help"
    if status in (404, 405) or 300 <= status < 400:
        return _address(server)
    if status == 413:
        return "the request is too large for this server"
    if "tool" in told.message:
        return "agentrt needs a model, and a server, that can call tools"
    return ""


def _address(server: Server) -> str:
    versioned = re.search(r"/v\d+\w*(/|$)", server.url)
    hints = [] if versioned else [f"most servers are asked at …/v1: base_url: {server.url}/v1"]
    if not server.own:
        hints.append(f"one that speaks otherwise wants `api: {'chat' if server.api == 'responses' else 'responses'}`")
    return "; ".join(hints) or "look at base_url"


def _worded(message: Any) -> str:
    return message if isinstance(message, str) else str(message)


def _shortened(text: str) -> str:
    """On one line; of a page of HTML, what it says."""
    if re.search(r"<(!doctype|html)", text, re.IGNORECASE):
        text = re.sub(r"(?is)<(script|style|head)\b.*?</\1>|<[^>]*>", " ", text)
    return one_line(text)


def _cause(error: BaseException) -> str:
    """The innermost words."""
    found = str(error)
    while (error_ := error.__cause__ or error.__context__) is not None:
        error = error_
        found = str(error) or found
    return found
