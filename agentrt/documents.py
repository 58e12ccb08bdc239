"""Files people write: YAML whose every mistake is told as ``file:line:column``, what was expected, what came.

YAML 1.2: ``no`` and ``off`` are text. What is read is plain data (``str int float bool None``, mappings,
lists) that remembers where it stood, so that a mistake found later, by whoever reads it, can be pointed at.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import DocumentError
from .records import Record

MAX_BYTES = 1_000_000
MAX_NODES = 100_000
"""Values in a document once its aliases are written out: a few lines of YAML can become billions."""

Place = tuple[int, int]
"""Line and column, both from 1."""
Loc = tuple[str | int, ...]
"""The way to a value: keys and indices from the top."""
M = TypeVar("M", bound=BaseModel)


class Written(Record):
    """Base of the models documents are checked against: no ``"5"`` for 5, no ``true`` for 1."""

    model_config = ConfigDict(strict=True)


class Section(dict[str, Any]):
    """A mapping that knows where it was written."""

    def __init__(self, file: str, at: Place) -> None:
        super().__init__()
        self.file, self.at = file, at
        self.keys_at: dict[str, Place] = {}
        self.values_at: dict[str, Place] = {}


class Items(list[Any]):
    """A list that knows where its items were written."""

    def __init__(self) -> None:
        super().__init__()
        self.values_at: list[Place] = []


class Mistake(NamedTuple):
    """One thing that is wrong with a document."""

    place: Place
    message: str
    hint: str


@dataclass(frozen=True)
class Document:
    """A file's content, or a mapping that could have been one."""

    file: str
    """As the user typed it."""
    data: Mapping[str, Any]
    at: Place = (1, 1)

    @classmethod
    def of(cls, data: Mapping[str, Any], name: str) -> Document:
        """A mapping from elsewhere: part of another document, or Python's own (which has no places)."""
        if isinstance(data, Section):
            return cls(data.file, data, data.at)
        return cls(name, data)

    def where(self, loc: Iterable[str | int], *, key: bool = False) -> Place:
        """Where the value at ``loc`` stands, or its key; where there is none, the nearest thing around it."""
        at = self.at
        for around, step, _ in self._walk(loc):
            if isinstance(around, Section):
                at = (around.keys_at if key else around.values_at)[step]
            elif isinstance(around, Items):
                at = around.values_at[step]
        return at

    def path_of(self, loc: Iterable[str | int]) -> Loc:
        """``loc`` without the steps that are not in the data (pydantic puts names of union members in)."""
        return tuple(step for _, step, _ in self._walk(loc))

    def _walk(self, loc: Iterable[str | int]) -> Iterator[tuple[Any, Any, Any]]:
        value: Any = self.data
        for step in loc:
            in_list = isinstance(value, list) and isinstance(step, int) and step < len(value)
            if in_list or (isinstance(value, Mapping) and step in value):
                around, value = value, value[step]
                yield around, step, value

    def rule(self, loc: Iterable[str | int]) -> str:
        """``default.yaml:12``: the line the key at ``loc`` stands on, for people."""
        return f"{Path(self.file).name}:{self.where(loc, key=True)[0]}"

    def error(self, message: str, loc: Iterable[str | int] = (), *, key: bool = False, hint: str = "") -> DocumentError:
        """A mistake at ``loc``, ready to raise."""
        line, column = self.where(loc, key=key)
        return DocumentError(message, file=self.file, line=line, column=column, hint=hint)

    def refusal(self, mistakes: Sequence[Mistake]) -> DocumentError:
        """The first mistake, and how many more there are, ready to raise."""
        (line, column), message, hint = mistakes[0]
        more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
        return DocumentError(message + more, file=self.file, line=line, column=column, hint=hint)


def load_yaml(path: Path | str) -> Document:
    """Read a YAML mapping. Raises ``DocumentError``."""
    from ._yaml import compose

    return compose(str(path), _read(path))


def validate(model: type[M], document: Document) -> M:
    """Check a document against a model. Raises ``DocumentError`` at the first mistake, by position."""
    found, mistakes = check(model, document)
    if found is not None:
        return found
    raise document.refusal(mistakes)


def check(model: type[M], document: Document) -> tuple[M | None, list[Mistake]]:
    """What the document says, or every mistake in it, by position."""
    try:
        return model.model_validate(document.data), []
    except ValidationError as error:
        from ._mistakes import mistakes_of

        return None, mistakes_of(model, document, error)


def nearest(word: str, known: Iterable[str], *, quote: str = "`") -> str:
    """A hint: "did you mean `objective`?", or all there is to choose from."""
    known = sorted(known)
    for close in difflib.get_close_matches(word, known, n=1, cutoff=0.6):
        return f"did you mean {quote}{close}{quote}?"
    return "there is " + ", ".join(f"{quote}{name}{quote}" for name in known) if known else ""


def describe(value: object) -> str:
    """What a value is, in words a person uses: ``text "abc"``, ``the number 5``, ``a list``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f'text "{value if len(value) <= 40 else value[:37] + "..."}"'
    return "a mapping" if isinstance(value, Mapping) else "a list"


def _read(path: Path | str) -> str:
    file = str(path)
    try:
        with open(path, "rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise DocumentError("no such file", file=file) from None
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror}", file=file) from None
    except ValueError as error:  # a NUL in the name
        raise DocumentError(f"cannot be read: {error}", file=file) from None
    if len(raw) > MAX_BYTES:
        raise DocumentError(f"larger than {MAX_BYTES:,} bytes", file=file)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        lines = error.object[: error.start].split(b"\n")
        message = f"not UTF-8: byte 0x{error.object[error.start]:02x}"
        column = len(lines[-1].decode(errors="replace")) + 1
        raise DocumentError(message, file=file, line=len(lines), column=column) from None
