"""The screen of sessions: of this workspace, and of all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from agentrt.history.store import Store
from agentrt.showing.plain import plain
from agentrt.showing.sessions import Listed, session_line

PHASES = {"acting": "running", "asking": "asks you", "stopping": "stopping"}
"""What goes on in a session, as it is said; of others as the host has it."""

CURSOR = "▸"


@dataclass(frozen=True)
class Place:
    """Where to go: a session of a workspace."""

    workspace: Path
    session: str


@dataclass(frozen=True)
class Row:
    """A line of the list; a heading leads nowhere."""

    text: str
    place: Place | None = None


def rows(
    here: Path,
    found: Iterable[tuple[Store, Sequence[Listed]]],
    session: str | None = None,
    *,
    everywhere: bool,
    at_work: Mapping[str, str] = {},
) -> list[Row]:
    """Those of ``here`` first, of which ``at_work`` says what goes on, and the open one, ``session``, has a star; the
    others under their workspaces' paths."""
    own: list[Row] = []
    others: list[Row] = []
    for store, listed in found:
        if store.workspace != here and not everywhere:
            continue
        # Not `is_dir`, which raises where one may not look.
        gone = "" if os.path.isdir(store.workspace) else "  (the folder is gone)"
        block = [Row(plain(str(store.workspace)) + gone)]
        names = max(4, *(len(session.name) for session in listed))
        doing = at_work if store.workspace == here else {}
        for one in listed:
            id = one.info.id
            phase = PHASES.get(doing.get(id, ""), doing.get(id, ""))
            one = replace(one, current=(store.workspace, id) == (here, session))
            block.append(Row(session_line(one, names, phase), Place(store.workspace, id)))
        if store.workspace == here:
            own = block
        else:
            others += block
    return [*(own or [Row(plain(str(here))), Row("  no session yet")]), *others]


class Sessions(ModalScreen[Place | None]):
    """Enter opens, tab shows this workspace or all, escape leaves."""

    DEFAULT_CSS = """
    Sessions { align: center middle; }
    Sessions > OptionList { width: 95%; height: 85%; border: round $foreground 60%; }
    Sessions > OptionList { text-wrap: nowrap; text-overflow: ellipsis; }
    Sessions > Static { width: 95%; height: 1; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "leave"),
        Binding("tab", "everywhere", "all", priority=True),
    ]

    def __init__(self, here: Path, found: Sequence[tuple[Store, Sequence[Listed]]], session: str | None) -> None:
        super().__init__()
        self._here, self._found, self._session = here, found, session
        self._everywhere = False
        self._at_work: Mapping[str, str] = {}
        self._rows: list[Row] = []
        self._marked: int | None = None
        """Which row has the mark of the cursor."""

    def compose(self) -> ComposeResult:
        yield OptionList(markup=False)
        yield Static("enter opens it · tab this workspace or all · esc leaves", markup=False)

    def on_mount(self) -> None:
        self._fill()

    def tell(self, at_work: Mapping[str, str]) -> None:
        """What goes on in the sessions of this workspace."""
        self._at_work = at_work
        if at_work and self.is_mounted:
            at = self.query_one(OptionList).highlighted
            self._fill()
            self.query_one(OptionList).highlighted = at

    def _fill(self) -> None:
        self._rows = rows(self._here, self._found, self._session, everywhere=self._everywhere, at_work=self._at_work)
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(Content(f"  {row.text}"), disabled=row.place is None) for row in self._rows])
        options.border_title = "Sessions of all workspaces" if self._everywhere else "Sessions of this workspace"
        here = Place(self._here, self._session) if self._session else None
        places = [n for n, row in enumerate(self._rows) if row.place is not None]
        options.highlighted = next((n for n in places if self._rows[n].place == here), places[0] if places else None)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        options = event.option_list
        for number, mark in ((self._marked, " "), (options.highlighted, CURSOR)):
            if number is not None and number < len(self._rows):
                options.replace_option_prompt_at_index(number, Content(f"{mark} {self._rows[number].text}"))
        self._marked = options.highlighted

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._rows[event.option_index].place)

    def action_everywhere(self) -> None:
        self._everywhere = not self._everywhere
        self._fill()

    def action_leave(self) -> None:
        self.dismiss(None)
