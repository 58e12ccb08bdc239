"""What the examples share: a temporary copy to play on, agentrt as a user calls it, and a way to compare trees."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

Tree = dict[str, tuple[str, ...]]
"""What lies below a folder: path to type, permissions, and what makes it that file."""


class Stage:
    """A temporary folder with a copy of an example and a state folder of its own."""

    def __init__(self, example: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"agentrt-{example}-"))
        self.example = self.folder / example
        shutil.copytree(Path(__file__).parent / example, self.example, ignore=shutil.ignore_patterns("__pycache__"))
        self.project = self.example / "project"
        self.state = self.folder / "state"

    def agentrt(self, *arguments: str, cwd: Path | None = None, most: int = 100) -> str:
        """Call agentrt in the project, show ``most`` lines of what it prints, and insist that it succeeds."""
        print(f"\n  $ agentrt {shlex.join(arguments)}", flush=True)
        printed = self.quietly(*arguments, cwd=cwd)
        lines = printed.splitlines()
        if len(lines) > most:
            lines[most:] = [f"… {len(lines) - most} more lines"]
        print("\n".join(f"    {line}".rstrip() for line in lines), flush=True)
        return printed

    def quietly(self, *arguments: str, cwd: Path | None = None) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "agentrt", *arguments],
            cwd=cwd or self.project,
            env={**os.environ, "XDG_STATE_HOME": str(self.state)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        insist(ended.returncode == 0, f"agentrt {arguments[0]} ended with {ended.returncode}:\n{ended.stdout}")
        return ended.stdout

    def tree_inside(self) -> Tree:
        """``tree`` of the project as an action in the sandbox sees it."""
        imports = "from __future__ import annotations\nimport hashlib, json, os, stat\nfrom pathlib import Path\n"
        code = f"{imports}{inspect.getsource(tree)}print(json.dumps(tree(Path('.'))))"
        found = json.loads(self.quietly("exec", "--", "python3", "-B", "-c", code))
        return {path: tuple(facts) for path, facts in found.items()}

    def remove(self) -> None:
        shutil.rmtree(self.folder)


def say(text: str) -> None:
    print("\n" + textwrap.fill(text, 100), flush=True)


def insist(holds: bool, otherwise: str) -> None:
    """End with 1 where the example does not do what it claims."""
    if not holds:
        sys.exit(f"\nNOT AS CLAIMED: {otherwise}")


def tree(root: Path) -> Tree:
    """Everything below ``root``, whatever git thinks of it."""
    found: Tree = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            there = path.lstat()
            facts: tuple[str, ...] = (stat.filemode(there.st_mode),)
            if path.is_symlink():
                facts += (os.readlink(path),)
            elif path.is_file():
                facts += (hashlib.sha256(path.read_bytes()).hexdigest(), str(there.st_mtime_ns))
            found[str(path.relative_to(root))] = facts
    return found


def differences(before: Tree, after: Tree) -> list[str]:
    """Paths that are not the same in both, sorted."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
