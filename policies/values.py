"""What stands in rules: commands, paths, hosts and their like, checked as they are read."""

from __future__ import annotations

import re
import shlex
from typing import Annotated, Literal

from pydantic import Field, PlainValidator

from agentrt.documents import describe

from .patterns import address

Flag = Literal["saw_untrusted", "read_secret", "frozen"]
Pattern = tuple[str, ...]


def parse_words(value: object) -> Pattern:
    """``git push **``, word by word as the shell reads words. Raises ``ValueError``."""
    try:
        words = tuple(shlex.split(value)) if isinstance(value, str) else ()
    except ValueError as error:
        raise ValueError(f"expected words of a command: {error}") from None
    if not words:
        raise ValueError(f"expected words of a command, such as git push **, not {describe(value)}")
    return words


def parse_exact(value: object) -> Pattern:
    """Words of one command, to the letter. Raises ``ValueError``."""
    words = parse_words(value)
    if "**" in words:
        raise ValueError("an approval is of one command to the letter: `**` is no pattern here")
    return words


def _path(value: object) -> str:
    if (
        not isinstance(value, str)
        or not value
        or value.startswith("~")
        or value.endswith("/")
        or (value.startswith("./") and "/" in value[2:])
    ):
        raise ValueError(
            f"expected a path relative to the workspace or an absolute one, such as src/**, not {describe(value)}"
        )
    return value


def _planted(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"~/(?!.*/?\.\.?/)[^~*?\[\]]*[^~*?\[\]/]", value):
        raise ValueError(f"expected a file of the home inside, such as ~/.aws/credentials, not {describe(value)}")
    return value


def parse_program(value: object) -> str:
    """Raises ``ValueError``."""
    if not isinstance(value, str) or not re.fullmatch(r"/.*[^/]", value):
        raise ValueError(f"expected the absolute path of a program, such as /usr/bin/git, not {describe(value)}")
    return value


def _table(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z*?][a-z0-9_*?-]*\..+", value):
        raise ValueError(f"expected a database and a table of it, such as app.users or app.*, not {describe(value)}")
    return value


_LABEL = r"(?:\*\*|(?:\*(?!\*)|[a-z0-9_-])+)"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def _host(value: object) -> str:
    text = value.lower() if isinstance(value, str) else ""
    if (found := address(text.strip("[]"))) is not None:
        return found
    if not text.isascii():
        try:
            text = ".".join(part.encode("idna").decode() if not part.isascii() else part for part in text.split("."))
        except UnicodeError:
            text = ""
    if not _HOST.fullmatch(text) or text.rpartition(".")[2].isdigit():
        raise ValueError(f"expected a host, such as pypi.org, *.example.com or 10.0.0.1, not {describe(value)}")
    return text


def _method(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]+(?:-[A-Z]+)*", value):
        raise ValueError(f"expected a method in capitals, such as GET, not {describe(value)}")
    return value


def _url_path(value: object) -> str:
    if not isinstance(value, str) or not value.startswith("/") or set(value) & set("?#"):
        raise ValueError(f"expected a path from the host's root, such as /simple/**, not {describe(value)}")
    return value


def _secret(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z][A-Z0-9_]*", value):
        raise ValueError(f"expected a secret's name in capitals, such as API_TOKEN, not {describe(value)}")
    return value


def _usd(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ValueError(f"expected an amount in US dollars, such as 2.50, not {describe(value)}")
    return float(value)


_LIST = Field(strict=False, min_length=1)
Commands = Annotated[tuple[Annotated[Pattern, PlainValidator(parse_words)], ...], _LIST]
Paths = Annotated[tuple[Annotated[str, PlainValidator(_path)], ...], _LIST]
Planted = Annotated[tuple[Annotated[str, PlainValidator(_planted)], ...], _LIST]
Programs = Annotated[tuple[Annotated[str, PlainValidator(parse_program)], ...], _LIST]
Tables = Annotated[tuple[Annotated[str, PlainValidator(_table)], ...], _LIST]
Hosts = Annotated[tuple[Annotated[str, PlainValidator(_host)], ...], _LIST]
Methods = Annotated[tuple[Annotated[str, PlainValidator(_method)], ...], _LIST]
UrlPaths = Annotated[tuple[Annotated[str, PlainValidator(_url_path)], ...], _LIST]
Ports = Annotated[tuple[Annotated[int, Field(ge=1, le=65535)], ...], _LIST]
SecretNames = Annotated[tuple[Annotated[str, PlainValidator(_secret)], ...], _LIST]
Flags = Annotated[tuple[Flag, ...], _LIST]
Names = Annotated[tuple[str, ...], _LIST]
Usd = Annotated[float, PlainValidator(_usd)]
Example = str | dict[str, object]
"""A command for bash, or an action's fields with its kind; of an effect and a request what it says on one line."""
Examples = Annotated[tuple[Example, ...], Field(strict=False)]
Lines = Annotated[tuple[str, ...], Field(strict=False)]
