"""A service of people's own: things with ids it hands out, ETags, times it writes itself, and every way to go wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopback import Asked as Seen
from loopback import Loopback

from agentrt import Runtime
from agentrt.records import Operation
from agentrt.testing import memory_sandbox

Thing = dict[str, Any]
BOX: Any = memory_sandbox.open_sandbox


@dataclass
class Wrong:
    """What is to go wrong with the next request of a method."""

    refuse: int = 0
    """This status, and nothing is done."""
    silent: bool = False
    """It is done, and no answer comes: the connection ends."""
    ignore: bool = False
    """It says it did, and did not."""
    always: bool = False
    """Not only the next one."""


class Rest(Loopback):
    """``/things`` and ``/things/ID``; ``/things/ID/archive`` and ``…/restore``, which take no second one; ``/texts/NAME``
    as it was put."""

    def __init__(self, *, etags: bool = True, port: int = 0) -> None:
        self.things: dict[str, Thing] = {}
        self.texts: dict[str, tuple[str, bytes]] = {}
        self.seen: list[Seen] = []
        self.wrong: dict[str, Wrong] = {}
        self.before_answer: Callable[[Seen], None] = lambda seen: None
        self.etags = etags
        self.elsewhere = ""
        """Where it says that things are."""
        self._next = self._clock = 0
        self._lock = threading.Lock()
        super().__init__(self._answer, port)

    @property
    def unsafe(self) -> list[str]:
        """What it was asked to do, as ``POST /things``."""
        return [f"{seen.method} {seen.path}" for seen in self.seen if seen.method not in ("GET", "HEAD")]

    def state(self) -> dict[str, Thing]:
        """All there is, without what the service writes by itself."""
        return {id: {k: v for k, v in thing.items() if k not in ("updated",)} for id, thing in self.things.items()}

    def edit(self, id: str, **changes: Any) -> None:
        """Somebody else does."""
        with self._lock:
            self.things[id] = self._stamped({**self.things[id], **changes})

    def add(self, **thing: Any) -> str:
        with self._lock:
            return self._new(thing)

    def start_again(self) -> None:
        """As ``filled`` has it, and as if nothing had been asked for."""
        self.things.clear()
        self.texts.clear()
        self.seen.clear()
        self._next = 0
        filled(self)

    def _new(self, thing: Thing) -> str:
        self._next += 1
        id = str(self._next)
        self.things[id] = self._stamped({"id": self._next, **thing})
        return id

    def _stamped(self, thing: Thing) -> Thing:
        self._clock += 1
        return {**thing, "updated": self._clock}

    def _answer(self, seen: Seen) -> tuple[int, dict[str, str], bytes] | None:
        with self._lock:
            self.seen.append(seen)
            wrong = self.wrong.get(seen.method, Wrong())
            if not wrong.always:
                self.wrong.pop(seen.method, None)
            if wrong.refuse:
                return wrong.refuse, {"Retry-After": "1"} if wrong.refuse == 429 else {}, b'{"error": "no"}'
            if wrong.ignore:
                return 200, {"Content-Type": "application/json"}, b"{}"
            answer = self._text(seen) if seen.path.startswith("/texts/") else self._do(seen)
            self.before_answer(seen)
            return None if wrong.silent else answer

    def _text(self, seen: Seen) -> tuple[int, dict[str, str], bytes]:
        name = seen.path.removeprefix("/texts/")
        if seen.method == "PUT":
            self.texts[name] = (seen.headers.get("content-type", ""), seen.body)
            return 204, {}, b""
        if name not in self.texts:
            return 404, {}, b""
        if seen.method == "DELETE":
            del self.texts[name]
            return 204, {}, b""
        return 200, {"Content-Type": self.texts[name][0]}, self.texts[name][1]

    def _do(self, seen: Seen) -> tuple[int, dict[str, str], bytes]:
        parts = seen.path.partition("?")[0].strip("/").split("/")
        if parts == ["things"] and seen.method == "POST":
            id = self._new(json.loads(seen.body))
            return self._shown(id, 201, {"Location": f"{self.elsewhere}/things/{id}"})
        if parts == ["drafts"] and seen.method == "POST":  # says its id, and not where it is
            return self._shown(self._new(json.loads(seen.body)), 200, {})
        if parts[0] != "things" or len(parts) < 2 or parts[1] not in self.things:
            return 404, {}, b'{"error": "not found"}'
        id = parts[1]
        if len(parts) == 3:
            self.things[id] = self._stamped({**self.things[id], "archived": parts[2] == "archive"})
            return self._shown(id, 200, {})
        etag = self._etag(id)
        if self.etags and seen.headers.get("if-match", etag) != etag:
            return 412, {}, b'{"error": "changed"}'
        if seen.method == "PUT":
            self.things[id] = self._stamped({**json.loads(seen.body), "id": int(id)})
        elif seen.method == "PATCH":
            patch = json.loads(seen.body)
            merged = {**self.things[id], **patch}
            self.things[id] = self._stamped({k: v for k, v in merged.items() if k not in patch or v is not None})
        elif seen.method == "DELETE":
            del self.things[id]
            return 204, {}, b""
        return self._shown(id, 200, {})

    def _etag(self, id: str) -> str:
        return f'"{id}-{self.things[id]["updated"]}"'

    def _shown(self, id: str, status: int, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if self.etags:
            headers = {**headers, "ETag": self._etag(id)}
        return status, {**headers, "Content-Type": "application/json"}, json.dumps(self.things[id]).encode()


def policy(rest: Rest, *rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Everything at that service, and nothing else."""
    return {"network": [{"hosts": ["127.0.0.1"], "ports": [rest.port], "private": True}, *rules], **more}


def said(operation: Operation) -> str:
    """All the planner was told."""
    assert operation.observation is not None
    return f"{operation.observation.output}{operation.observation.error or ''}"


def sent(operation: Operation) -> list[tuple[str, int | None, str]]:
    """Of each request the method, the status and what became of it."""
    return [(effect.method, effect.status, effect.reversibility) for effect in operation.requests]


def filled(rest: Rest) -> None:
    rest.add(name="one", note="mind", deep={"a": 1}, empty=None)
    rest.texts["old"] = ("text/plain", b"as it was\xff")


def opened(workspace: Path, rest: Rest, **more: Any) -> Any:
    """Where POST and DELETE need not be irreversible."""
    rules = policy(rest, **{"budget": {"irreversible": 100}, **more})
    return Runtime.open(workspace, policy=rules, sandbox=BOX)


def killed_at(number: int, rest: Rest, workspace: Path, program: str, given: str) -> int:
    """Run a program that is killed when the service has done what it was asked for as this number, from 0, and has not
    answered yet. How often it was asked for something."""
    count = 0
    env = {**os.environ, "WORKSPACE": str(workspace)}
    with subprocess.Popen([sys.executable, "-c", program, given], env=env) as process:

        def kill(seen: Seen) -> None:
            nonlocal count
            if count == number:
                process.send_signal(signal.SIGKILL)
                process.wait()
            count += 1

        rest.before_answer = kill
        process.wait(60)
    rest.before_answer = lambda seen: None
    return count
