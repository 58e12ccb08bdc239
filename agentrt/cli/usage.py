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
    told, hint = _told(error, chain, words)
    return f"{chain}: {told}" if chain else told, hint or f"{f'agentrt {chain}'.strip()} --help shows what it takes"


def _told(error: CycloptsError, chain: str, words: list[str]) -> tuple[str, str]:
    if isinstance(error, UnknownOptionError):
        option = (error.token.keyword or error.token.value).split("=", 1)[0]
        if chain == "exec":
            return f"no option {option}", f"put -- before the command: agentrt exec -- {_command(words)}"
        known = [name for argument in error.argument_collection for name in argument.names if name.startswith("-")]
        close = difflib.get_close_matches(option, known, n=1)
        return f"no option {option}", f"did you mean {close[0]}?" if close else ""
    if isinstance(error, UnknownCommandError | UnusedCliTokensError):
        return f"too much: {' '.join(error.unused_tokens or ())!r}", ""
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        name = error.argument.name
        return f"{name} needs a value" if name.startswith("-") else f"{name.upper()} is missing", ""
    if isinstance(error, RepeatArgumentError):
        return f"{error.token.keyword} was given twice", ""
    if isinstance(error, CoercionError) and error.token is not None and error.argument is not None:
        name = error.token.keyword or error.argument.name.upper()
        return f"{name} {error.msg or f'must be something else than {error.token.value!r}'}", ""
    error.verbose = False
    return str(error).strip(), ""


def _command(words: list[str]) -> str:
    return " ".join(words[words.index("exec") + 1 :]) if "exec" in words else "COMMAND"
