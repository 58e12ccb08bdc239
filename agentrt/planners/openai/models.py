"""What is known of OpenAI's models by their names. Where OpenAI changes something, it is here that it is changed."""

from __future__ import annotations

import re

_NATIVE = re.compile(r"gpt-5\.[1-9]|gpt-([6-9]|\d\d)")
"""Take the tools ``shell`` and ``apply_patch``: gpt-5.1 and later (OpenAI's guides to these tools)."""
_UNREASONING = re.compile(r"gpt-[34]|chatgpt-4|gpt-5(\.\d)?-chat")
"""Do not reason: have no encrypted reasoning to hand out, and refuse to be asked for it."""
_LATER = re.compile(r"gpt-5\.[6-9]|gpt-([6-9]|\d\d)")
"""gpt-5.6 and later: what they are sent is found in the cache up to a breakpoint, and nowhere else."""
_MOST = (
    (_LATER, "max"),
    (re.compile(r"gpt-5\.[2-5]|gpt-5\.1-codex-max"), "xhigh"),
)
"""What the highest effort is called; ``high`` of all others."""


def takes_native_tools(model: str) -> bool:
    return bool(_NATIVE.match(model))


def caches_at_breakpoints(model: str) -> bool:
    return bool(_LATER.match(model))


def reasons(model: str) -> bool:
    return not _UNREASONING.match(model)


def effort(model: str, wanted: str) -> str:
    """``wanted`` as the model calls it."""
    if wanted != "max":
        return wanted
    return next((name for pattern, name in _MOST if pattern.match(model)), "high")
