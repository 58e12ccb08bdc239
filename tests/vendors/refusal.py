"""Errors as the vendors write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vendors.script import Overflow, Trouble

ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
OPENAI_TYPES = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", None),
    403: ("invalid_request_error", None),
    404: ("invalid_request_error", None),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("service_unavailable_error", None),
}
MESSAGES = {
    401: "The key is not valid.",
    403: "This key may not use the resource.",
    404: "There is no such model.",
    413: "Request exceeds the maximum size",
    429: "Rate limit reached: too many requests.",
    500: "The server had an error while processing your request.",
    503: "The engine is currently overloaded, please try again later.",
    529: "Overloaded",
}


@dataclass
class Refusal(Exception):
    """The request is not what the vendor takes. ``param`` and ``code`` are OpenAI's."""

    message: str
    status: int = 400
    param: str | None = None
    code: str | None = None
    kind: str | None = None
    """The error's type, where it is not the status's own."""


def anthropic_error(refusal: Refusal, request_id: str) -> dict[str, Any]:
    kind = refusal.kind or ANTHROPIC_TYPES.get(refusal.status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": refusal.message}, "request_id": request_id}


def openai_error(refusal: Refusal) -> dict[str, Any]:
    kind, code = OPENAI_TYPES.get(refusal.status, ("server_error", None))
    code = refusal.code or code
    return {
        "error": {"message": refusal.message, "type": refusal.kind or kind, "param": refusal.param, "code": code},
    }


def of_trouble(trouble: Trouble) -> Refusal:
    message = trouble.message or MESSAGES.get(trouble.status, "Something went wrong.")
    kind = trouble.code if trouble.code == "insufficient_quota" else None
    return Refusal(message, trouble.status, code=trouble.code, kind=kind)


def anthropic_overflow(overflow: Overflow) -> Refusal:
    return Refusal(f"prompt is too long: {overflow.tokens} tokens > {overflow.limit} maximum")


def responses_overflow(overflow: Overflow) -> Refusal:
    message = "Your input exceeds the context window of this model. Please adjust your input and try again."
    return Refusal(message, param="input", code="context_length_exceeded")


def chat_overflow(overflow: Overflow) -> Refusal:
    message = (
        f"This model's maximum context length is {overflow.limit} tokens. However, your messages resulted in "
        f"{overflow.tokens} tokens. Please reduce the length of the messages."
    )
    return Refusal(message, param="messages", code="context_length_exceeded")


def masked(key: str) -> str:
    """The key's beginning and end, as OpenAI's errors have them."""
    head, tail = (8, 4) if len(key) >= 20 else (5, 2)
    return key[:head] + "*" * max(3, len(key) - head - tail) + key[-tail:]
