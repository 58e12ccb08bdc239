"""What leaves the app for a while: an editor on a file as it was, a shell in the sandbox, a report."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from agentrt.errors import UsageError
from agentrt.showing.plain import plain


def open_file(name: str, content: bytes, editor: Sequence[str]) -> None:
    """In the editor, as a copy that leads nowhere: what is saved in it changes nothing. Blocks until it is closed.

    Raises ``UsageError`` where the editor cannot be run.
    """
    with tempfile.TemporaryDirectory(prefix="agentrt-") as folder:
        # An agent chose the name: as a word of a command line it is never an option, and no more than a name.
        file = Path(
            folder, "".join(c if c.isprintable() and c != "/" else "_" for c in os.path.basename(name)) or "file"
        )
        file.write_bytes(content)
        file.chmod(0o400)
        _run([*editor, str(file)])


def open_shell(workspace: Path, session: str | None, op: int | None) -> list[str]:
    """Blocks until it is left: how it ended, in lines that the app hides from who sat there.

    Raises ``UsageError`` where it cannot be run.
    """
    words = _command(workspace, session, "shell", *([] if op is None else [str(op)]))
    told: list[str] = []
    try:
        with subprocess.Popen(words, stderr=subprocess.PIPE) as shell:
            assert shell.stderr is not None
            for line in shell.stderr:
                with suppress(OSError):
                    os.write(2, line)
                text = line.decode("utf-8", "replace").rstrip()
                # A hint stands behind what it is about.
                told = [*(told if text.startswith("hint: ") else ()), text.removeprefix("agentrt: ")]
    except OSError as error:
        raise _not_run(words, error) from None
    return told if shell.returncode else []


async def report(workspace: Path, session: str | None) -> str:
    """Where the report was written. Raises ``UsageError`` with what went wrong."""
    words = _command(workspace, session, "report", "--json")
    running = await asyncio.create_subprocess_exec(
        *words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await running.communicate()
    if running.returncode != 0:
        said = err.decode("utf-8", "replace").strip().splitlines()
        raise UsageError(said[0].removeprefix("agentrt: ") if said else "the report could not be written")
    return str(json.loads(out)["file"])


def _command(workspace: Path, session: str | None, *words: str) -> list[str]:
    named = ["--session", session] if session is not None else []
    return [sys.executable, "-m", "agentrt", *words, "--workspace", str(workspace), *named]


def _run(words: Sequence[str]) -> None:
    try:
        subprocess.run(words, check=False)
    except OSError as error:
        raise _not_run(words, error) from None


def _not_run(words: Sequence[str], error: OSError) -> UsageError:
    return UsageError(f"{plain(shlex.join(words[:1]))} cannot be run: {error.strerror}")
