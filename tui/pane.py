"""The right side: the selected operation, all there is to say of it above, what it did to files below."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.worker import Worker

from agentrt.errors import AgentrtError
from agentrt.history.timeline import STEPS
from agentrt.preview import Preview
from agentrt.records import Operation
from agentrt.showing.plain import plain

from .book import Book
from .detail.about import Undo, about
from .detail.detail import Detail
from .diffs.model import DiffModel, compute
from .diffs.view import DiffView

Ask = Callable[..., Awaitable[Any]]
_STILL = 0.15
"""Seconds the cursor rests before anything is asked of the host about what it is on."""
_MOVED = 0.05
"""Seconds it rests before what it is on is read."""
_MANY = 300
"""Effects of an operation that is read beside the app."""


class Pane(Vertical):
    """Shows one operation, and keeps up with it."""

    DEFAULT_CSS = """
    Pane > Detail { height: auto; max-height: 50%; min-height: 5; border: round $foreground 40%; }
    Pane > DiffView { height: 1fr; border: round $foreground 40%; }
    Pane > Detail:focus, Pane > DiffView:focus { border: heavy $accent; }
    """

    def __init__(self, book: Book, ask: Ask, id: str | None = None) -> None:
        super().__init__(id=id)
        self._book, self._ask = book, ask
        self._number = 0
        self._operation: Operation | None = None
        self._undo: Undo = None
        self._moved: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Detail(id="detail")
        yield DiffView(id="diff")

    @property
    def diff(self) -> DiffView:
        return self.query_one(DiffView)

    @property
    def only_file(self) -> str | None:
        """Where the operation changed a single one."""
        self._catch_up()
        files = self._operation.files if self._operation is not None else ()
        return files[0].path if len(files) == 1 else None

    def show_undo(self) -> None:
        """Go to what undo would do."""
        self._catch_up()
        self.query_one(Detail).focus()
        self.query_one(Detail).reveal("undo")

    def show(self, number: int) -> None:
        """An operation, or 0: the start. What the journal knows is shown when the cursor rests: moving it waits for
        nothing; what the host knows comes later."""
        if number == self._number:
            self.refresh_operation()
            return
        self._number, self._undo, self._operation = number, None, None
        if self._moved is not None:
            self._moved.stop()
        self._moved = self.set_timer(_MOVED, self._rests)

    def _rests(self) -> None:
        entry = self._book.entry(self._number)
        if entry is None or entry.files + entry.requests <= _MANY:
            self._catch_up()
            return
        _: Worker[None] = self.run_worker(self._read_beside, group="looking", exclusive=True)

    async def _read_beside(self) -> None:
        """What takes a while to read."""
        session, number = self._book.session, self._number
        try:
            operation = await asyncio.to_thread(self._book.operation_beside, number)
        except AgentrtError:
            operation = None  # whoever reads it again says why
        if self._moved is not None and (session, number) == (self._book.session, self._number):
            self.refresh_operation(operation)

    def _catch_up(self) -> None:
        """With the cursor."""
        if self._moved is not None:
            self.refresh_operation()

    def refresh_operation(self, operation: Operation | None = None) -> None:
        """It may have ended, or been reviewed or undone, since. ``operation``: it was read just now."""
        if self._moved is not None:
            self._moved.stop()
            self._moved = None
        if self._number == 0:
            return
        try:
            operation = operation if operation is not None else self._book.operation(self._number)
            verdicts = self._book.verdicts(operation)
        except AgentrtError as error:
            self.app.notify(plain(str(error)), severity="error", markup=False)
            return
        if self._operation is None or operation.files != self._operation.files:
            self.diff.show(DiffModel.of(operation.files))
        waiting = {effect.path: {0: operation.review} for effect in operation.files if operation.review == "pending"}
        self.diff.set_states(
            {**waiting, **{path: {**waiting.get(path, {}), **given} for path, given in verdicts.items()}}
        )
        self._operation = operation
        self.draw()

        async def look(of: Operation = operation) -> None:  # no partial: a worker puts all it is made of into words
            await self._look(of)

        _: Worker[None] = self.run_worker(look, group="looking", exclusive=True)

    def draw(self) -> None:
        operation = self._operation
        if operation is None:
            return
        entry = self._book.entry(operation.id)
        sections = about(
            operation,
            max(self.query_one(Detail).size.width - 8, 20),
            undo=self._undo,
            name=self._named,
            stands=operation.id in self._book.stands,
            lost="they are not kept any more" if entry is not None and entry.gone else "",
        )
        detail = self.query_one(Detail)
        detail.border_title = Content(f"{operation.kind} {operation.id}")
        detail.show(sections, operation.id)

    def _named(self, number: int) -> str:
        entry = self._book.entry(number)
        return entry.about if entry is not None else ""

    async def _look(self, operation: Operation) -> None:
        """What undoing it would do, as things stand."""
        await asyncio.sleep(_STILL)
        try:
            if operation.id in self._book.stands and operation.kind in STEPS:
                found = await self._ask("preview", kind="revert", ops=[operation.id])
                undo: Undo = Preview.from_dict(found)
            else:
                undo = ""
        except AgentrtError as error:
            undo = plain(str(error))
        if self._operation is not None and self._operation.id == operation.id:
            self._undo = undo
            self.draw()

    def on_diff_view_wanted(self, event: DiffView.Wanted) -> None:
        event.stop()
        if self._operation is not None:
            self.run_worker(self._fetch(self._operation, event.path), group="sides")

    async def _fetch(self, operation: Operation, path: str) -> None:
        try:
            found = await self._ask("sides", op=operation.id, path=path)
            before, after = _bytes(found["before"]), _bytes(found["after"])
        except AgentrtError:
            before = after = None
        file = self.diff.rows.model.file(path)
        if file is None:
            return
        body = await asyncio.to_thread(compute, file.effect, before, after)
        if self._operation is not None and self._operation.id == operation.id:
            self.diff.show(self.diff.rows.model.with_body(path, body))

    @property
    def cursor(self) -> tuple[str | None, int | None]:
        """The file and the hunk under the cursor of the diff; None for all of it."""
        self._catch_up()
        return self.diff.under_cursor()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)
