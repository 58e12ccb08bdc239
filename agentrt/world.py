"""What a tool may touch while it carries out one action: the sandbox, under the limits of the policy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agentrt.contracts import Database, Http, Output, Pushes, Sandbox
from agentrt.errors import SandboxError, SandboxUnavailable, UsageError
from agentrt.organizer import Organizer
from agentrt.records import Limits, Observation
from agentrt.resources import Begun

if TYPE_CHECKING:
    from agentrt.outward import Call
    from agentrt.secrets import Redactor


class ActionWorld:
    """The ``World`` of one operation. One clock runs for all it executes: ``limits.seconds``."""

    def __init__(
        self,
        sandbox: Sandbox,
        limits: Limits,
        *,
        operation: int,
        output: Path,
        on_output: Callable[[bytes], None] | None,
        narrow: Callable[[Mapping[str, object]], object] | None = None,
        printed: Callable[[int, int | None], Output] | None = None,
        databases: Begun | None = None,
    ) -> None:
        """``narrow`` tries rules on top of the session's policy; ``printed`` opens what an operation printed."""
        self._sandbox, self._limits, self._operation = sandbox, limits, operation
        self._narrow, self._printed, self._databases = narrow, printed, databases or Begun({}, "", output)
        self._output, self._on_output = output, on_output
        self.failure: SandboxError | SandboxUnavailable | None = None
        """What the sandbox itself failed with. It is an ``OSError``, which a tool may catch: it must not get lost."""
        self.cut_off: Observation | None = None
        """What was printed by then, where a command was not seen through to its end."""
        self.stopped = False
        """It was over a limit while it ran, and ended for that."""
        self._environment: Mapping[str, str] = {}
        self._call: Call | None = None
        self._outputs = 0
        self._started = time.monotonic()

    def narrow(self, rules: Mapping[str, object]) -> None:
        if self._narrow is None:
            raise UsageError("there is no policy here to narrow")
        self._narrow(rules)

    def connect(self, call: Call) -> None:
        """Give what is executed from here on a way out."""
        self._environment, self._databases.line = call.environment, call
        self._call = call

    @property
    def workspace(self) -> str:
        return self._sandbox.workspace

    async def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        seconds: float | None = None,
    ) -> Observation:
        left = max(self._limits.seconds - (time.monotonic() - self._started), 0.001)
        limit = left if seconds is None else min(seconds, left)
        limits = self._limits.model_copy(update={"seconds": limit})
        env = {**self._environment, **(env or {})}
        organizer = self._organizer(self._on_output)
        try:
            with self._watched():
                result = await self._sandbox.exec(
                    argv,
                    cwd=cwd,
                    env=env,
                    stdin=stdin,
                    limits=limits,
                    on_output=organizer.feed,
                )
        except BaseException:
            organizer.close()
            self.cut_off = self._observation(organizer)
            raise
        organizer.close()
        error = f"stopped after {limit:g} seconds" if result.timed_out else None
        if result.exceeded:
            self.stopped = True
            error = f"stopped: it {result.exceeded}"
        return self._observation(organizer).model_copy(
            update={
                "exit_code": result.exit_code,
                "timed_out": result.timed_out,
                "seconds": result.seconds,
                "error": error,
            }
        )

    async def read(self, path: str, *, limit: int | None = None) -> bytes:
        with self._watched():
            return await self._sandbox.read(path, limit=limit)

    def output(self, operation: int, *, part: int | None = None) -> Output:
        if self._printed is None:
            raise UsageError("there is no other operation here")
        return self._printed(operation, part)

    async def write(self, path: str, data: bytes) -> None:
        with self._watched():
            await self._sandbox.write(path, data)

    async def database(self, name: str) -> Database:
        return await self._databases.get(name)

    async def http(self) -> Http:
        return await self._databases.http()

    async def pushes(self) -> Pushes:
        return await self._databases.pushes()

    def show(self, text: str) -> Observation:
        organizer = self._organizer(None)
        organizer.feed(text.encode("utf-8", "surrogateescape"))
        organizer.close()
        return self._observation(organizer)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except (SandboxError, SandboxUnavailable) as error:
            self.failure = self.failure or error
            raise

    def _organizer(self, stream: Callable[[bytes], None] | None) -> Organizer:
        """Most actions have one output; a tool that runs several commands gets ``<name>``, ``<name>.2`` …"""
        self._outputs += 1
        part, file = self._outputs, self._output
        if part > 1:
            file = file.with_name(f"{file.name}.{part}")
        redactor = self._redactor()
        return Organizer(file, self._limits, operation=self._operation, part=part, stream=stream, redactor=redactor)

    def _redactor(self) -> Redactor | None:
        values = self._call.values if self._call is not None else ()  # as they are by now: tokens are renewed
        if not values:
            return None
        from agentrt.secrets import Redactor  # most sessions have no secrets

        return Redactor(values)

    @staticmethod
    def _observation(organizer: Organizer) -> Observation:
        return Observation(
            output=organizer.text(),
            truncated=organizer.truncated,
            output_bytes=organizer.size,
            output_file=organizer.output_file,
        )
