"""The actions of ``keys`` that look at something: nothing is changed by them."""

from __future__ import annotations

import shlex
from base64 import b64decode
from pathlib import Path

from textual.app import SuspendNotSupported

from agentrt.errors import AgentrtError, UsageError
from agentrt.settings import Settings, editor
from agentrt.showing.plain import plain, plain_lines

from .acting import Acting
from .outside import open_file, open_shell, report
from .pane import Pane


class Looking(Acting):
    """What leaves the app for a while, and how things are shown."""

    settings: Settings

    def action_diff_mode(self) -> None:
        diff = self.query_one(Pane).diff
        diff.set_mode("unified" if diff.rows.options.mode == "sides" else "sides")

    def action_preview(self) -> None:
        """What undo would do stands in the detail; this goes there."""
        if self.selected.entry is None:
            self.say("select an operation first", "warning")
        else:
            self.query_one(Pane).show_undo()

    def action_open_file(self) -> None:
        selected, pane = self.selected, self.query_one(Pane)
        path = pane.cursor[0] or pane.only_file
        if selected.entry is None or path is None:
            self.say("select an operation, and a file in its diff, first", "warning")
            return
        self.start(self._open(selected.entry.id, path))

    async def _open(self, op: int, path: str) -> None:
        try:
            words = editor(self.settings)
            content = b64decode(await self.ask("file", op=op, path=path))
            with self.suspend():
                open_file(path, content, words)
        except AgentrtError as error:
            self.say("\n".join(filter(None, (plain(str(error)), plain(error.hint)))), "error")
        except SuspendNotSupported:
            self.say(f"no editor in a browser; on the machine: agentrt diff {op}", "error")
        self.refresh()

    def action_shell(self) -> None:
        selected = self.selected
        try:
            with self.suspend():
                op = selected.entry.id if selected.entry is not None else None
                told = open_shell(self.book.workspace, self.book.session, op)
            if told:
                self.say(plain_lines("\n".join(told)), "warning")
        except UsageError as error:
            self.say(str(error), "error")
        except SuspendNotSupported:
            words = ["agentrt", "shell", *([str(selected.entry.id)] if selected.entry is not None else [])]
            self.say(f"no shell in a browser; on the machine: {shlex.join(words)}", "error")
        self.refresh()

    def action_report(self) -> None:
        self.start(self._report())

    async def _report(self) -> None:
        try:
            file = await report(self.book.workspace, self.book.session)
        except UsageError as error:
            self.say(plain(str(error)), "error")
        else:
            self.say(f"written: {plain(shlex.quote(str(Path(file))))}")
