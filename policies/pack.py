"""What a pack says: the keys of the YAML file, checked."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BeforeValidator, Field, PlainValidator

from agentrt.contracts import Wall
from agentrt.documents import Document, Loc, Written, describe, nearest, validate
from agentrt.records import Text
from agentrt.units import Count, Seconds, Size, parse_size

from .effects import EffectRule
from .network import NetworkRules
from .redacting import Redacts
from .rules import Rule
from .values import Paths, Pattern, Planted, SecretNames, Usd, parse_exact, parse_program

T = TypeVar("T")
_SHARE = re.compile(r"(\d+(?:\.\d+)?) ?%")


class Most(Written, Generic[T]):
    """A ceiling, and why."""

    most: T
    because: Text = ""


def _short(value: object) -> object:
    """``1000`` is short for ``{most: 1000}``."""
    return value if isinstance(value, dict) else {"most": value}


def _memory(value: object) -> int:
    """A size, or a share of this machine's memory: ``75%``. Raises ``ValueError``."""
    if isinstance(value, str) and (found := _SHARE.fullmatch(value)) and 0 < float(found[1]) <= 100:
        return int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * float(found[1]) / 100)
    try:
        return parse_size(value)
    except ValueError:
        expected = "a size, such as 64MB or 1GiB, or a share of the machine's memory, such as 75%"
        raise ValueError(f"expected {expected}, not {describe(value)}") from None


Memory = Annotated[int, PlainValidator(_memory)]
MostCount = Annotated[Most[Count], BeforeValidator(_short)]
MostSize = Annotated[Most[Size], BeforeValidator(_short)]
MostSeconds = Annotated[Most[Seconds], BeforeValidator(_short)]
MostUsd = Annotated[Most[Usd], BeforeValidator(_short)]


class PackLimits(Written):
    """Of one action. Left out: as in the pack this one extends."""

    seconds: Seconds | None = None
    processes: Annotated[int, Field(ge=1)] | None = None
    memory: Memory | None = None
    cpu: Seconds | None = None
    file_size: Size | None = None
    output: Size | None = None
    shown: Size | None = None
    files_deleted: MostCount | None = None
    files_changed: MostCount | None = None
    bytes_written: MostSize | None = None
    rows_changed: MostCount | None = None
    requests: MostCount | None = None
    irreversible: MostCount | None = None
    files_written: Annotated[int, Field(ge=1)] | None = None


class PackBudget(Written):
    """Of a whole session, for what was done and stands, and for what was undone since. Left out: no ceiling."""

    actions: MostCount | None = None
    seconds: MostSeconds | None = None
    cost_usd: MostUsd | None = None
    files_deleted: MostCount | None = None
    files_changed: MostCount | None = None
    bytes_written: MostSize | None = None
    rows_changed: MostCount | None = None
    requests: MostCount | None = None
    irreversible: MostCount | None = None


class ToolFolders(Written):
    """Toolchain folders of the host."""

    show: Annotated[tuple[str, ...], Field(strict=False)] = ()
    hide: Annotated[tuple[str, ...], Field(strict=False)] = ()


class PackFiles(Written):
    """Of the workspace."""

    read_only: Paths | None = None
    hidden: Paths | None = None
    """There, but empty."""
    secret: Paths | None = None
    """Who reads one has read a secret."""
    canaries: Planted | None = None
    """Where files are planted that nobody has a reason to read."""


class Approved(Written):
    """A command that is not asked about any more."""

    run: Annotated[Pattern, PlainValidator(parse_exact)]
    """Exactly this."""
    program: Annotated[str, PlainValidator(parse_program)]
    """The file that its first word leads to."""
    because: Text = ""


class Pack(Written):
    """One pack, as written."""

    name: str | None = Field(default=None, min_length=1)
    extends: str | None = Field(default=None, min_length=1)
    network: NetworkRules | None = None
    home: Literal["hidden"] = "hidden"
    require: Annotated[tuple[Wall, ...], Field(strict=False)] = ()
    tools: ToolFolders = ToolFolders()
    files: PackFiles = PackFiles()
    limits: PackLimits = PackLimits()
    budget: PackBudget = PackBudget()
    secrets: SecretNames = ()
    redact: Redacts = ()
    approved: Annotated[tuple[Approved, ...], Field(strict=False)] = ()
    decide: Annotated[tuple[Rule, ...], Field(strict=False)] = ()
    judge: Annotated[tuple[EffectRule, ...], Field(strict=False)] = ()


def read_pack(document: Document, *, folder: Path) -> Pack:
    """Check a pack; its folders come back absolute. Raises ``DocumentError``."""
    pack = validate(Pack, document)
    _check_given(document, document.data, ())
    _check_kinds(pack, document)
    _check_network(pack, document)
    _check_judge(pack, document)
    show, hide = (
        tuple(_folder(path, document, ("tools", key, at), folder) for at, path in enumerate(paths))
        for key, paths in (("show", pack.tools.show), ("hide", pack.tools.hide))
    )
    return pack.model_copy(update={"tools": ToolFolders(show=show, hide=hide)})


def _check_given(document: Document, value: object, loc: Loc) -> None:
    """``hidden:`` with nothing behind it would hide nothing."""
    if value is None:
        hint = "leave it out, or say what it is"
        raise document.error(f"nothing is said of `{loc[-1]}`", loc, key=True, hint=hint)
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key not in ("match", "not_match"):
                _check_given(document, inner, (*loc, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            _check_given(document, inner, (*loc, at))


def _check_kinds(pack: Pack, document: Document) -> None:
    """A rule about an action that does not exist never says anything: a typing mistake that opens a door."""
    rules = [("decide", at, rule.actions) for at, rule in enumerate(pack.decide)]
    rules += [("judge", at, rule.actions) for at, rule in enumerate(pack.judge)]
    if not any(actions for _, _, actions in rules):
        return
    from agentrt.plugins import names

    known = names("agentrt.tools")
    for key, at, actions in rules:
        for index, kind in enumerate(actions or ()):
            if kind not in known:
                loc = (key, at, "actions", index)
                raise document.error(f'no action is called "{kind}"', loc, hint=nearest(kind, known))


def _check_network(pack: Pack, document: Document) -> None:
    for at, rule in enumerate(pack.network or ()):
        for index, method in enumerate(rule.methods or ()):
            if method == "CONNECT":
                loc = ("network", at, "methods", index)
                hint = "leave `methods` and `paths` out: then TLS stays closed"
                raise document.error("of CONNECT nothing is seen but the host", loc, hint=hint)
        for key in ("private", "reversibility", "hold", "proof"):
            if rule.verdict == "deny" and getattr(rule, key):
                raise document.error(f"`{key}` is for a rule that allows", ("network", at, key), key=True)


def _check_judge(pack: Pack, document: Document) -> None:
    for at, rule in enumerate(pack.judge):
        given = [
            (key, what)
            for key, what, value in (
                ("paths", "files", rule.paths),
                ("plain", "files", rule.plain or None),
                ("hosts", "requests", rule.hosts),
                ("methods", "requests", rule.methods),
                ("tables", "databases", rule.tables),
            )
            if value is not None
        ]
        for key, what in given:
            other, others = given[0]
            if what != others:
                message = f"`{key}` speaks of {what} and `{other}` of {others}: of both at once there is nothing"
                raise document.error(message, ("judge", at, key), key=True, hint="make it two rules")


def _folder(path: str, document: Document, loc: tuple[str | int, ...], folder: Path) -> str:
    try:
        found = (folder / Path(path).expanduser()).resolve()
    except (RuntimeError, ValueError) as error:  # no such user, or a NUL
        raise document.error(f"`{path}` names no folder: {error}", loc) from None
    if loc[1] == "show" and Path.home().resolve().is_relative_to(found):
        raise document.error(f"`{path}` would show the home folder", loc, hint="name a folder within it")
    return str(found)
