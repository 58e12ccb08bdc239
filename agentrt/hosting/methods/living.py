"""Runs and actions: a task, going on, interrupting, an action by hand; and what a client asks first."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from agentrt.errors import UsageError
from agentrt.hosting.wire import PROTOCOL
from agentrt.records import Text
from agentrt.showing.words import operation_json

from .base import Caller, Method, OfCaller, OfSession, Params

if TYPE_CHECKING:
    from agentrt.hosting.host import Host


class Nothing(Params):
    pass


class Named(Params):
    title: Text = ""


class Planned(OfSession):
    file: Text | None = None
    """A task file that says who plans, under which policy, with which limits and rules."""

    @property
    def path(self) -> Path | None:
        return Path(self.file) if self.file is not None else None


class Said(Planned):
    text: Annotated[Text, Field(min_length=1)]


class Act(OfSession):
    kind: Text
    arguments: dict[str, Any]


async def hello(host: Host, params: Nothing) -> dict[str, Any]:
    """Who this is."""
    return {
        "protocol": PROTOCOL,
        "version": version("agentrt"),
        "pid": os.getpid(),
        "workspace": str(host.store.workspace),
        "headless": host.headless,
        "open": list(host.runtimes.open),
        "at_work": host.at_work,
    }


async def watch(host: Host, params: OfCaller, caller: Caller) -> dict[str, Any]:
    """``hello``, and from now on the client only looks on, as if it were not there."""
    host.look_on(caller.channel)
    return await hello(host, Nothing())


async def state(host: Host, params: Planned) -> dict[str, Any]:
    session = await host.runtimes.resolve(params.session, make=True)
    return host.look_again(session, params.path).to_dict()


async def new(host: Host, params: Named) -> dict[str, Any]:
    """A session on the untouched workspace; the current one from now on."""
    session = await host.runtimes.new(params.title)
    host.journal_changed()
    return {"session": session}


async def task(host: Host, params: Said) -> dict[str, Any]:
    session = await host.runtimes.resolve(params.session, make=True)
    return {"session": session, "queued": await host.runs.say(session, params.text, params.path)}


async def go_on(host: Host, params: Planned) -> dict[str, Any]:
    session = await host.runtimes.resolve(params.session)
    await host.runs.go_on(session, params.path)
    return {"session": session}


async def interrupt(host: Host, params: OfSession) -> dict[str, Any]:
    session = await host.runtimes.resolve(params.session)
    return {"session": session, "interrupted": await host.runs.interrupt(session)}


async def call_off(host: Host, params: OfCaller, caller: Caller) -> dict[str, Any]:
    """What the caller asked for that waits until an action is done."""
    return {"called_off": host.late.call_off(caller.channel)}


async def act(host: Host, params: Act) -> dict[str, Any] | None:
    session = await host.runtimes.resolve(params.session, make=True)
    operation = await host.runs.act(session, params.kind, params.arguments)
    return None if operation is None else operation_json(operation)


async def leave(host: Host, params: Nothing) -> dict[str, Any]:
    """Whoever has taken the workspace listens from now on; clients connect to that one."""
    if host.headless or host.runs.busy or host.runtimes.open:
        raise UsageError("this host is at work", hint="SIGTERM ends it all the same, cleanly")
    host.leaving.set()
    return {}


METHODS: dict[str, Method] = {
    "hello": (Nothing, hello),
    "watch": (OfCaller, watch),
    "state": (Planned, state),
    "new": (Named, new),
    "task": (Said, task),
    "go_on": (Planned, go_on),
    "interrupt": (OfSession, interrupt),
    "call_off": (OfCaller, call_off),
    "act": (Act, act),
    "leave": (Nothing, leave),
}
