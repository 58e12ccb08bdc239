"""What a person sets for the app, in a file of their own, and who plans what they type there.

A project has no word in it: what stands behind ``editor`` is run.
"""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, PlainValidator, PrivateAttr

from agentrt.documents import Document, Loc, Written, describe, load_yaml, validate
from agentrt.errors import DocumentError, UsageError
from agentrt.homes import config_home
from agentrt.planners.found import KEYS, MODELS, keys
from agentrt.task import PlannerOptions

_EDITORS = ("vi", "nano")


def _keys(value: object) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not given or not all(isinstance(key, str) and key for key in given):
        raise ValueError(f"expected a key, such as ctrl+u, or a list of keys, not {describe(value)}")
    return tuple(given)


def _command(value: object) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(value)) if isinstance(value, str) else ()
    except ValueError as error:
        raise ValueError(f"expected words of a command: {error}") from None
    if not words:
        raise ValueError(f"expected a command, such as code --wait, not {describe(value)}")
    return words


class Settings(Written):
    """All of it may be left out."""

    planner: PlannerOptions | None = None
    """As in a task file; counts where the workspace has none."""
    keys: dict[str, Annotated[tuple[str, ...], PlainValidator(_keys)]] = Field(default_factory=dict)
    """By the action's name; only those that are others. Which there are is the app's to say."""
    theme: Literal["dark", "light", "ansi", "auto"] = "auto"
    diff: Literal["unified", "side-by-side"] = "unified"
    editor: Annotated[tuple[str, ...], PlainValidator(_command)] = ()
    """Its words; by default what the environment names."""

    _document: Document | None = PrivateAttr(default=None)

    def mistake(self, message: str, loc: Loc, *, key: bool = False, hint: str = "") -> DocumentError:
        """What only the app can see is wrong, told as a mistake of the file; ready to raise."""
        return (self._document or Document("settings.yaml", {})).error(message, loc, key=key, hint=hint)


class Planning(NamedTuple):
    """Who plans what is typed in the app."""

    options: dict[str, Any] | None
    """As a task's ``planner``; None: nobody can."""
    source: str
    """Where that stands: the settings file, or a key; for a person. Empty where nobody can."""
    hint: str
    """What a person could do about it; may be empty."""
    folder: Path
    """What relative files in ``options`` are relative to."""


def settings_file() -> Path:
    return config_home() / "settings.yaml"


def load_settings() -> Settings:
    """The user's; where there is no file, or nothing in it but comments, all as it is by default.

    Raises ``DocumentError``, also where somebody else could have written it.
    """
    file = settings_file()
    if not os.path.lexists(file):
        return Settings()
    _check_own(file)
    if _says_nothing(file):
        return Settings()
    document = load_yaml(file)
    settings = validate(Settings, document)
    settings._document = document
    return settings


def editor(settings: Settings) -> tuple[str, ...]:
    """The words of the command that a file's name is put behind. Raises ``UsageError`` where there is none."""
    if settings.editor:
        return settings.editor
    for variable in ("VISUAL", "EDITOR"):
        if text := os.environ.get(variable, "").strip():
            try:
                return _command(text)
            except ValueError as error:
                raise UsageError(f"${variable} cannot be read: {error}", hint=_no_editor()) from None
    for name in _EDITORS:
        if found := shutil.which(name):
            return (found,)
    raise UsageError("there is no editor", hint=_no_editor())


def planner_for(settings: Settings) -> Planning:
    """The settings say it, else a key that ``agentrt init`` would find."""
    file = settings_file()
    if settings.planner is not None:
        return Planning(settings.planner, str(file), "", file.parent)
    found, problem = keys()
    if found:
        first = found[0]
        server = "" if first.name in KEYS.values() else f"name a model that this server has: `planner` in {file}"
        options = {"provider": first.provider, "model": MODELS[first.provider]}
        return Planning(options, f"{first.name}, {first.place}", server, file.parent)
    ways = f"export {' or '.join(KEYS.values())}, say `planner` in {file}"
    hint = f"{ways}, or name a task file: agentrt tui --task task.yaml"
    return Planning(None, "", f"{hint} ({problem})" if problem else hint, file.parent)


def _check_own(file: Path) -> None:
    try:
        found = file.stat()
    except OSError:
        return  # which is told when it is read
    if found.st_uid not in (0, os.geteuid()):
        raise DocumentError("it belongs to another user", file=str(file), hint="its `editor` would be run as you")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise DocumentError(
            f"it can be written by others (mode {stat.S_IMODE(found.st_mode):04o})",
            file=str(file),
            hint=f"look at what is in it, then: chmod go-w {shlex.quote(str(file))}",
        )


def _says_nothing(file: Path) -> bool:
    try:
        lines = file.read_bytes().splitlines()
    except OSError:
        return False
    return not any(line.strip() and not line.lstrip().startswith(b"#") for line in lines)


def _no_editor() -> str:
    return f"name one: `editor` in {settings_file()}, or $EDITOR"
