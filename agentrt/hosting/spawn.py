"""Starting a host: a process of its own, which lives on when whoever started it is gone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time

from agentrt.errors import HostGone
from agentrt.history.store import Store, create

PATIENCE = 30.0
"""Seconds until a host must listen."""
_LOG = 1_000_000
_TOLD = 2000


class Starting:
    """Of several who start one at once, one host remains; the others' end by themselves."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._process: subprocess.Popen[bytes] | None = None
        self._deadline = time.monotonic() + PATIENCE

    async def see_to_it(self) -> None:
        """Call until somebody listens. Raises ``HostGone`` (nobody is going to), ``WorkspaceError``, ``DiskFull``."""
        if self._process is None:
            self._process = await asyncio.to_thread(self._start)
            return
        code = self._process.poll()
        if code:
            raise HostGone(f"the process that works here could not be started: {self._said()}", hint=self._hint())
        if time.monotonic() >= self._deadline:
            raise HostGone(f"nobody listens after {PATIENCE:.0f} s", hint=self._hint())
        if code == 0:  # somebody else was there; if not any more, it is our turn again
            self._process = None

    def leave(self) -> None:
        """It lives on; should it end before we do, somebody has to take note."""
        if self._process is not None and self._process.poll() is None:
            threading.Thread(target=self._process.wait, daemon=True).start()

    def _start(self) -> subprocess.Popen[bytes]:
        create(self._store)
        # Neither the workspace nor what Python calls the current folder may bring modules of their own.
        command = [sys.executable, "-P", "-m", "agentrt.hosting", "--workspace", os.fspath(self._store.workspace)]
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        log = os.open(self._store.host_log, flags, 0o600)
        try:
            if os.fstat(log).st_size > _LOG:
                os.ftruncate(log, 0)
            null = subprocess.DEVNULL
            return subprocess.Popen(command, cwd="/", stdin=null, stdout=log, stderr=log, start_new_session=True)
        finally:
            os.close(log)

    def _said(self) -> str:
        try:
            said = self._store.host_log.read_bytes()[-_TOLD:].decode("utf-8", "replace").strip()
        except OSError:
            return ""
        return said.splitlines()[-1] if said else ""

    def _hint(self) -> str:
        return f"{self._store.host_log} has what it said"
