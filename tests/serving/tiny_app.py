"""A Textual app to be served: it says which keys came, and ends on q. ``tiny_app.py FILE`` writes its process into it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from textual.app import App, ComposeResult
from textual.events import Key
from textual.widgets import Static


class Tiny(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("ready https://example.com/", id="said", markup=False)

    def on_mount(self) -> None:
        child = subprocess.Popen(["sleep", "600"])  # what it started ends with it
        if len(sys.argv) > 1:
            Path(sys.argv[1]).write_text(f"{os.getpid()} {child.pid}")

    def on_key(self, event: Key) -> None:
        if event.key == "q":
            self.exit()
        elif event.key == "x":
            raise RuntimeError("it \x1b[31mbroke")
        else:
            self.query_one("#said", Static).update(f"pressed {event.key} at {self.size.width}x{self.size.height}")


Tiny().run()
