"""A workspace whose sessions are in containers, and the program as its users start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from engine import IMAGE

NOWHERE = "unix:///nonexistent/s"


class Ground:
    def __init__(self, folder: Path) -> None:
        self.folder, self.workspace = folder, folder / "ws"
        self.workspace.mkdir(parents=True)
        (self.workspace / "a.txt").write_text("one\n")
        own = {"XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config")}
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("AGENTRT_SAND")} | own

    def run(self, *words: str, text: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "agentrt", *words]
        environment = self.environment | more
        return subprocess.run(
            command, cwd=self.workspace, env=environment, input=text, capture_output=True, text=True, timeout=90
        )

    def json(self, *words: str, **more: str) -> Any:
        done = self.run(words[0], "--json", *words[1:], **more)
        assert done.stdout, done
        return json.loads(done.stdout)

    def task(self, actions: str, *, sandbox: str = f"{{kind: docker, image: '{IMAGE}'}}", more: str = "") -> Path:
        """In a folder beside the workspace."""
        (self.folder / "script.yaml").write_text(
            f"turns:\n  - actions:\n{actions}  - actions:\n      - submit: {{text: done}}\n"
        )
        file = self.folder / "task.yaml"
        file.write_text(f"objective: try\nworkspace: ws\nplanner: {{script: script.yaml}}\nsandbox: {sandbox}\n{more}")
        return file
