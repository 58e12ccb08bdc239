"""GET /v1/models: the list, in the form of the vendor whose client asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vendors import anthropic_checks
from vendors.openai_tools import check_key
from vendors.refusal import Refusal
from vendors.request import Request
from vendors.state import CREATED, State


def of_anthropic(request: Request) -> bool:
    return "anthropic-version" in request.headers or "x-api-key" in request.headers


def listed(request: Request, names: Sequence[str], state: State) -> dict[str, Any]:
    """Of all, or of the one whose name ends the path. Raises ``Refusal``."""
    if of_anthropic(request):
        anthropic_checks.check_key(request, state)
        found = [_anthropic(name) for name in names]
    else:
        check_key(request, state)
        found = [{"id": name, "object": "model", "created": CREATED, "owned_by": "system"} for name in names]
    wanted = request.path.removeprefix("/v1/models").strip("/")
    if wanted:
        if wanted not in names:
            raise Refusal(f"model: {wanted}", 404, code="model_not_found")
        return found[names.index(wanted)]
    if of_anthropic(request):
        ends = {"first_id": names[0], "last_id": names[-1]} if names else {"first_id": None, "last_id": None}
        return {"data": found, "has_more": False, **ends}
    return {"object": "list", "data": found}


def _anthropic(name: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": name.title(),
        "created_at": "2026-01-01T00:00:00Z",
        "deprecated_at": None,
        "retires_at": None,
        "lifecycle": "active",
        "line": None,
        "capabilities": None,
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
    }
