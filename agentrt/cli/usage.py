"""What the parser says of a wrong command line, in our words."""

from __future__ import annotations

import difflib

from cyclopts import CycloptsError
from cyclopts.exceptions import (
    CoercionError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)


def told(error: CycloptsError, words: list[str]) -> tuple[str, str]:
    """Message and hint."""
    chain = " ".join(error.command_chain or ())
    command = f"agentrt {chain}".strip()
    help_hint = f"{command} --help shows what it takes"
    if isinstance(error, UnknownOptionError):
        option = (error.token.keyword or error.token.value).split("=", 1)[0]
        if chain == "exec":
            return f"agentrt exec has no option {option}", f"put -- before the command: agentrt exec -- {_after(words)}"
        known = [name for argument in error.argument_collection for name in argument.names if name.startswith("-")]
        close = difflib.get_close_matches(option, known, n=1)
        return f"{command} has no option {option}", f"did you mean {close[0]}?" if close else help_hint
    if isinstance(error, UnknownCommandError | UnusedCliTokensError):
        extra = " ".join(error.unused_tokens or ())
        return f"{command} does not take {extra!r}", help_hint
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        name = error.argument.name
        what = "a value after it" if name.startswith("--") else "one"
        return f"{command} needs {name if name.startswith('--') else name.upper()} {what}", help_hint
    if isinstance(error, RepeatArgumentError):
        return f"{command}: {error.token.keyword} was given twice", help_hint
    if isinstance(error, CoercionError) and error.token is not None and error.argument is not None:
        wanted = "a number" if error.target_type is int else "something else"
        name = error.token.keyword or error.argument.name.upper()
        return f"{command}: {name} must be {wanted}, not {error.token.value!r}", help_hint
    error.verbose = False
    return f"{command}: {str(error).strip()}", help_hint


def _after(words: list[str]) -> str:
    return " ".join(words[words.index("exec") + 1 :]) if "exec" in words else "COMMAND"
