"""The two streams: what is printed for people and for programs, and how errors are told."""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO

from agentrt.errors import AgentrtError, Conflict
from agentrt.records import dump_json
from agentrt.showing.plain import plain, plain_lines
from agentrt.showing.words import conflict_line


def put(text: str = "") -> None:
    """A line on standard output."""
    print(text)


def put_patch(text: str) -> None:
    """For a person every character visible; for a program exact, so that `git apply` takes it."""
    if sys.stdout.isatty():
        sys.stdout.write(plain_lines(text))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def say(text: str) -> None:
    """A line of ours on standard error: what a person should know and a program should not parse."""
    print(f"agentrt: {text}", file=sys.stderr)


def mute(stream: TextIO | None = None) -> None:
    """Nothing more is written to a stream (standard output), not even what waits to be written at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, (stream or sys.stdout).fileno())
    os.close(nowhere)


def put_json(value: object) -> None:
    """One document."""
    print(dump_json(value, indent=2))


def put_error(error: AgentrtError, *, json: bool) -> None:
    """On standard error for people; with ``json`` also a document on standard output."""
    conflicts = error.conflicts if isinstance(error, Conflict) else ()
    if json:
        document: dict[str, Any] = {"code": error.code, "message": str(error), "hint": error.hint}
        about = {"conflicts": list(conflicts)} if isinstance(error, Conflict) else {}
        print(dump_json({"error": {**document, **about}, **about}))  # on one line: it may follow a run's events
    say(plain(str(error)))
    for conflict in conflicts:
        print(f"  {conflict_line(conflict)}", file=sys.stderr)
    if error.hint:
        print(f"hint: {plain(error.hint)}", file=sys.stderr)
