"""The kinds of text an action's fields hold, checked before anything runs."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from agentrt.records import Text

_MAX_ARGUMENT = 128 * 1024 - 1
"""Linux takes no longer single argument (MAX_ARG_STRLEN, with its final NUL)."""


def encode(text: str) -> bytes:
    """The bytes ``text`` stands for: UTF-8, and surrogate escapes for what is not."""
    return text.encode("utf-8", "surrogateescape")


def _content(text: str) -> str:
    try:
        encode(text)
    except UnicodeEncodeError as error:
        raise ValueError(f"character {error.start + 1} is a lone surrogate that stands for no byte") from None
    return text


def _argument(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not hold a NUL character")
    if (size := len(encode(_content(text)))) > _MAX_ARGUMENT:
        raise ValueError(f"is {size:,} bytes long and {_MAX_ARGUMENT:,} is the most: write it to a file first")
    return text


def _path(text: str) -> str:
    if not text:
        raise ValueError("must not be empty; the workspace itself is '.'")
    return text


Content = Annotated[Text, AfterValidator(_content)]
"""What can be written to a file."""
Argument = Annotated[Text, AfterValidator(_argument)]
"""What can be an argument of a command."""
FilePath = Annotated[Argument, AfterValidator(_path)]
"""Relative to the workspace, or absolute."""
