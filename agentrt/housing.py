"""In which sandbox a session goes on: the one it was begun in, with its options, unless somebody says otherwise."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from agentrt import plugins
from agentrt.contracts import Confinement, OpenSandbox, Sandbox
from agentrt.errors import PluginError, UsageError
from agentrt.history.journal import Journal
from agentrt.history.store import Store
from agentrt.records import dump_json

SandboxChoice = str | Mapping[str, object] | OpenSandbox
"""A plug-in's name; a mapping whose ``kind`` is that name and whose rest are its options; or its function itself."""


def sandbox_name() -> str:
    """The sandbox of new sessions for which nobody names one: ``AGENTRT_SANDBOX``, else the local one."""
    return os.environ.get("AGENTRT_SANDBOX", "local")


@dataclass(frozen=True)
class House:
    """A sandbox to be opened."""

    choice: SandboxChoice
    folder: Path
    """What files in its options are relative to."""

    def open(self, store: Store, confinement: Confinement) -> Sandbox:
        """Nothing is started or made by it. Raises ``PluginError`` where none of that name is installed, and
        ``UsageError`` for wrong options: with their place, where they were read from a file."""
        return self.opener()(store, confinement)

    def opener(self) -> Callable[[Store, Confinement], Sandbox]:
        """Raises ``PluginError``, and ``UsageError`` where the choice has no kind."""
        options: Mapping[str, object] = {}
        factory: object = self.choice
        if isinstance(self.choice, str):
            factory = plugins.find("agentrt.sandboxes", self.choice)
        elif isinstance(self.choice, Mapping):
            factory, options = plugins.find("agentrt.sandboxes", _kind(self.choice)), _options(self.choice)
        if not callable(factory):
            raise PluginError(f"{self.choice!r} is no sandbox", hint="its entry point must name a function")
        make = cast(OpenSandbox, factory)
        return lambda store, confinement: make(
            options, workspace=store.workspace, store=store.layers, confinement=confinement, folder=self.folder
        )

    def written(self) -> str | None:
        """For the journal; None for a function, which only who has it can choose."""
        if not isinstance(self.choice, str | Mapping):
            return None
        kind, options = _kind(self.choice), _options(self.choice)
        try:
            # Where nothing can be relative, the folder is no difference.
            return dump_json(
                {"kind": kind, **({"options": options, "folder": os.path.abspath(self.folder)} if options else {})}
            )
        except TypeError:  # an option that is no plain data is Python's own, too
            return None


def house_of(journal: Journal, session: str, asked: SandboxChoice | None, folder: Path) -> House:
    """The sandbox of ``session``: that which is ``asked`` for; else the one in which something was done in it, or in
    what it was forked from; else that of new sessions.

    Raises ``UsageError`` where what was done lies in a sandbox of another kind.
    """
    recorded, begun = journal.sandbox(session)
    before = json.loads(recorded) if recorded is not None and begun else None
    if asked is None and before is not None:
        return House({"kind": before["kind"], **before.get("options", {})}, Path(before.get("folder", ".")))
    chosen = House(sandbox_name() if asked is None else asked, folder)
    if before is not None and isinstance(chosen.choice, str | Mapping) and _kind(chosen.choice) != before["kind"]:
        raise UsageError(
            f"session {session} was begun in the {before['kind']} sandbox, and goes on in no other",
            hint=f"leave the sandbox out, or name {before['kind']}; `agentrt new` begins another session",
        )
    return chosen


def remember(journal: Journal, session: str, house: House) -> None:
    """That the session is opened to act in it."""
    written = house.written()
    if written is not None and written != journal.sandbox(session)[0]:
        journal.choose_sandbox(session, written)


def _kind(choice: str | Mapping[str, object]) -> str:
    if isinstance(choice, str):
        return choice
    kind = choice.get("kind")
    if not isinstance(kind, str):
        raise UsageError("a sandbox needs its `kind`", hint='as in {"kind": "local"}')
    return kind


def _options(choice: str | Mapping[str, object]) -> Mapping[str, object]:
    """What came from a file keeps its places."""
    if isinstance(choice, str):
        return {}
    options = copy.copy(choice) if isinstance(choice, dict) else dict(choice)
    del options["kind"]
    return options
