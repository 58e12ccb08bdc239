"""A ``World`` over a plain folder: real files, real commands, and NO CONFINEMENT AT ALL.

For tests of tools. Commands run with the rights of this process and may touch anything it may; a call blocks the
event loop until it is done.
"""

from __future__ import annotations

import io
import os
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from agentrt.contracts import Database, Http, Output, Pushes
from agentrt.errors import UsageError
from agentrt.records import Limits, Observation

_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TERM", "TZ")


class PlainWorld:
    """``root`` is the workspace. Of ``limits``, ``seconds`` and ``shown_bytes`` are kept; of a long output no more than
    what is shown."""

    def __init__(
        self,
        root: Path,
        *,
        limits: Limits | None = None,
        env: Mapping[str, str] | None = None,
        outputs: Mapping[int, bytes] | None = None,
        databases: Mapping[str, Database] | None = None,
    ) -> None:
        """``outputs``: what earlier operations printed. ``databases``, by name: nothing is committed."""
        self._root = root.resolve()
        self._outputs = dict(outputs or {})
        self._databases, self._begun = dict(databases or {}), set[str]()
        self._limits = limits or Limits()
        self._env = dict(env) if env is not None else _allowed_environment()

    @property
    def workspace(self) -> str:
        return str(self._root)

    async def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        seconds: float | None = None,
    ) -> Observation:
        folder = self._root / (cwd or ".")
        if not folder.is_dir():
            return self._said(f"cannot enter {cwd}: No such file or directory", 125)
        limit = min(seconds or self._limits.seconds, self._limits.seconds)
        began = time.monotonic()
        # Files, not pipes: a process left in the background cannot keep us waiting for the end of a pipe.
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as printed:
            given.write(stdin)
            given.seek(0)
            try:
                process = subprocess.Popen(  # noqa: ASYNC220 (a call blocks, as is said above)
                    list(argv),
                    cwd=folder,
                    env=self._env | dict(env or {}),
                    stdin=given,
                    stdout=printed,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except FileNotFoundError:
                return self._said(f"{argv[0]}: not found in the sandbox", 127)
            except OSError as error:
                return self._said(f"{argv[0]}: {error.strerror}", 126)
            timed_out = not _ends_within(process, limit)
            return self._seen(_read_back(printed)).model_copy(
                update={
                    "exit_code": _shell_code(process.returncode),
                    "timed_out": timed_out,
                    "seconds": time.monotonic() - began,
                    "error": f"stopped after {limit:g} seconds" if timed_out else None,
                }
            )

    async def read(self, path: str, *, limit: int | None = None) -> bytes:
        return _content(self._root / path, limit)

    def output(self, operation: int, *, part: int | None = None) -> Output:
        data = self._outputs.get(operation)
        if data is None or part not in (None, 1):
            raise UsageError(f"there is no operation {operation} here, or no such part of it")
        return Output(io.BytesIO(data), len(data), f"operation {operation}")

    async def write(self, path: str, data: bytes) -> None:
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    async def database(self, name: str) -> Database:
        if name not in self._databases:
            raise UsageError(f'no database is called "{name}"')
        if name not in self._begun:
            await self._databases[name].begin("plain")
            self._begun.add(name)
        return self._databases[name]

    async def http(self) -> Http:
        raise UsageError("there is no network here")

    async def pushes(self) -> Pushes:
        raise UsageError("there is no repository of a user here")

    def narrow(self, rules: Mapping[str, object]) -> None:
        raise UsageError("there is no policy here to narrow")

    def show(self, text: str) -> Observation:
        return self._seen(text.encode("utf-8", "surrogateescape"))

    def _seen(self, data: bytes) -> Observation:
        most = self._limits.shown_bytes
        if len(data) <= most:
            return Observation(output=data.decode("utf-8", "replace"), output_bytes=len(data))
        head, tail = data[: most // 2], data[len(data) - (most - most // 2) :]
        note = f"\n… [{len(data) - most:,} bytes left out] …\n"
        text = head.decode("utf-8", "replace") + note + tail.decode("utf-8", "replace")
        return Observation(output=text, truncated=True, output_bytes=len(data))

    def _said(self, message: str, code: int) -> Observation:
        return self.show(f"agentrt: {message}\n").model_copy(update={"exit_code": code})


def _content(path: Path, limit: int | None) -> bytes:
    # Without O_NONBLOCK a fifo would keep us waiting for a writer.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(22, "Not a regular file")
        return file.read(-1 if limit is None else limit)


def _allowed_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}


def _ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Waits; afterwards the command and what it left in its process group is dead either way."""
    try:
        process.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        return False
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _read_back(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def _shell_code(returncode: int) -> int:
    return 128 - returncode if returncode < 0 else returncode
