"""The host: who is attached, what each session's state is, and who is told what."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agentrt.agent.conclusion import Budget, RunLimits
from agentrt.agent.events import Event, OperationSettled, OutputCame, TextCame
from agentrt.contracts import Ask
from agentrt.errors import AgentrtError, UsageError
from agentrt.history.store import Store
from agentrt.reader import open_reader
from agentrt.records import Operation
from agentrt.showing.words import operation_json

from . import state as states
from .late import Late
from .methods import METHODS, Caller, read
from .questions import Questions, who_asks
from .runs import Runs
from .runtimes import Runtimes
from .setup import How, Setup
from .state import SessionState
from .tail import Tail
from .wire import LONGEST, Channel, Line, close_all, decode, encode, error_json, gone

PACE = 0.05
"""Seconds between two tellings of what changes all the time."""
UNREAD = 32 * 1024 * 1024
"""Bytes a client may leave unread."""
AT_ONCE = 64
"""Requests of one client that are worked on."""
LINGER = 1.0
"""Seconds that a session stays open when nobody needs it any more."""
PATIENCE = 10.0
"""Seconds that what was asked for has when the host ends."""
EFFECTS = 200
"""Of an operation that is told of; all of them are in the journal."""


class Host:
    """Of one workspace. Everything but ``tell`` of output happens on one event loop."""

    def __init__(self, store: Store, setup: Setup, *, asks: Callable[[str], Ask | None] | None = None) -> None:
        """``asks``: who is asked before an action runs, by session; whoever is attached, by default."""
        self.store, self.setup = store, setup
        self.questions = Questions(self._begun, self._over)
        self.runtimes = Runtimes(store, How, asks or self.ask, self.noted, LINGER)
        self.runs = Runs(self)
        self.late = Late()
        self.clients: set[Channel] = set()
        self.watchers: set[Channel] = set()
        """They only look on: nobody is there because of them."""
        self._away: set[Channel] = set()
        self.requests = 0
        """That are being worked on."""
        self.headless = False
        self.leaving = asyncio.Event()
        """Set when it is to end, though clients are attached."""
        self.ending = False
        """Nothing new is begun any more."""
        self.attached: Callable[[], None] = lambda: None
        """Is told when a client comes or goes."""
        self.changed = asyncio.Event()
        """Set when there may be nothing to do any more."""
        self.moved = asyncio.Event()
        """Set when there is something new in the journal."""
        self._states: dict[str, SessionState] = {}
        self._tails: dict[str, Tail] = {}
        self._dirty: set[str] = set()
        self._journal = False
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._work: set[asyncio.Task[None]] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._left: set[asyncio.Event] = set()
        """Of each client, set when it is gone."""

    @property
    def present(self) -> bool:
        """Somebody is attached who could answer."""
        return bool(self.clients - self._away)

    @contextmanager
    def away(self, client: Channel) -> Iterator[None]:
        """Its person is at something else meanwhile, and sees no questions."""
        self._away.add(client)
        self.attached()
        try:
            yield
        finally:
            self._away.discard(client)
            self.attached()

    @property
    def needed(self) -> bool:
        return bool(self.clients or self.requests or self.runs.busy or len(self.questions))

    def ask(self, session: str) -> Ask:
        return self.questions.ask(session, who_asks(lambda: self.state(session)))

    # States

    def state(self, session: str) -> SessionState:
        """Raises ``UnknownOperation``, ``JournalError``."""
        if session not in self._states:
            planner, hint = self.setup.who()
            with open_reader(self.store.workspace, session=session) as reader:
                budget, conversation = Budget(RunLimits()), reader.conversation()
                budget.take_up(conversation)
            self._states[session] = SessionState(
                session=session,
                turns=budget.turns,
                actions=budget.actions,
                usage=budget.usage,
                ending=states.journaled(conversation),
                planner=planner,
                planner_hint=hint,
            )
        return self._states[session]

    @property
    def at_work(self) -> dict[str, states.Phase]:
        """The sessions in which something goes on, or asks."""
        return {session: state.phase for session, state in self._states.items() if state.phase != "idle"}

    def look_again(self, session: str, file: Path | None) -> SessionState:
        """``state``, and who plans as the files say now."""
        planner, hint = self.setup.who(file)
        self._states[session] = self.state(session).model_copy(update={"planner": planner, "planner_hint": hint})
        return self._states[session]

    def change(self, session: str, how: Callable[[SessionState], SessionState]) -> None:
        self._states[session] = how(self.state(session))
        self._dirty.add(session)
        self._soon()

    def journal_changed(self) -> None:
        self._journal = True
        self.moved.set()
        self._soon()

    def look_about(self) -> None:
        """Something ended: perhaps that was all."""
        self.changed.set()

    # Telling

    def tell(self, session: str, event: Event, *, fold: bool = True) -> None:
        """What happens in a session. ``fold``: it is about what the session's state is about.

        Output may be told on any thread.
        """
        if isinstance(event, OutputCame):
            tail = self._tails.get(session) or self._tails.setdefault(session, Tail())
            if tail.add(event.data):
                self._loop.call_soon_threadsafe(self._soon)
            return
        what = event.to_dict()
        if isinstance(event, OperationSettled):
            self._flush_output(session, last=True)
            what["operation"] = _short(event.operation)
        if not isinstance(event, TextCame):
            self.journal_changed()
        if fold:
            self.change(session, lambda s: states.folded(s, event))
        self.broadcast({"event": "told", "session": session, "what": what})

    def broadcast(self, message: dict[str, Any]) -> None:
        line = encode(message)
        for client in [*self.clients, *self.watchers]:
            self._send(client, line)

    def _send(self, client: Channel, line: bytes) -> None:
        if client.waiting > UNREAD:
            client.drop()
        client.send(line)

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(PACE, self._flush)

    def _flush(self) -> None:
        self._timer = None
        for session in list(self._tails):
            self._flush_output(session)
        if self._journal:
            self._journal = False
            self.broadcast({"event": "journal"})
        dirty, self._dirty = sorted(self._dirty), set()
        for session in dirty:
            self.broadcast({"event": "state", "session": session, "state": self._states[session].to_dict()})

    def _flush_output(self, session: str, *, last: bool = False) -> None:
        tail = self._tails.get(session)
        text, skipped, lines = tail.take(last=last) if tail is not None else ("", 0, 0)
        if not text and not skipped:
            return
        self._states[session] = states.with_output(self.state(session), text, lines)
        what = {"event": "output", "data": text, "skipped": skipped, "skipped_lines": lines}
        self.broadcast({"event": "told", "session": session, "what": what})

    def _begun(self, session: str, question: states.Pending) -> None:
        self.change(session, lambda s: states.asked(s, question))

    def _over(self, session: str, question: str) -> None:
        self.change(session, lambda s: states.answered(s, question))
        self.look_about()

    def noted(self, session: str, notes: tuple[str, ...]) -> None:
        self.broadcast({"event": "notes", "session": session, "notes": list(notes)})

    def bug(self, error: BaseException) -> str:
        """Write a mistake of ours down; what to say of it."""
        lines = "".join(traceback.format_exception(error))
        note(self.store, lines)
        return f"a mistake in agentrt itself: {type(error).__name__}: {error}; {self.store.host_log} says where"

    # Clients

    def serve(self, sock: socket.socket) -> None:
        """A client, from now until it goes."""
        task = self._loop.create_task(self._serve(sock))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, sock: socket.socket) -> None:
        channel = Channel(sock, LONGEST)
        self.clients.add(channel)
        self.attached()
        room = asyncio.Semaphore(AT_ONCE)
        left = asyncio.Event()
        self._left.add(left)
        try:
            while (line := await channel.line()) is not None:
                if not line.text.strip():
                    close_all(line.files)
                else:
                    await room.acquire()
                    self.requests += 1
                    work = self._loop.create_task(self._answer(channel, line, left))
                    self._work.add(work)
                    work.add_done_callback(self._work.discard)
                    work.add_done_callback(lambda _: room.release())
        except UsageError as error:
            channel.send(encode({"id": None, "error": error_json(error)}))
        finally:
            left.set()
            self._left.discard(left)
            self.watchers.discard(channel)
            self._leave(channel)
            await channel.close()

    def look_on(self, channel: Channel) -> None:
        """From now on this client only watches."""
        self.watchers.add(channel)
        self._leave(channel)

    def _leave(self, channel: Channel) -> None:
        self.clients.discard(channel)
        self.attached()
        self.look_about()

    async def _answer(self, channel: Channel, line: Line, left: asyncio.Event) -> None:
        """The request goes on when its client is gone, but for what is done at that client."""
        id: Any = None
        try:
            request = decode(line.text)
            id = _id(request)
            with self.late.asked(channel, request.get("method")):
                answer = {"id": id, "result": await self._do(request, Caller(line.files, left, channel))}
        except AgentrtError as error:
            answer = {"id": id, "error": error_json(error)}
        except Exception as error:
            self.bug(error)
            answer = {"id": id, "error": error_json(error)}
        except asyncio.CancelledError:
            why = gone("the host ended") if self.ending else UsageError("it was called off", hint="nothing was done")
            answer = {"id": id, "error": error_json(why)}
        finally:
            close_all(line.files)
            self.requests -= 1
            self.look_about()
        self._send(channel, encode(answer))

    async def _do(self, request: dict[str, Any], caller: Caller) -> Any:
        method, params = request.get("method"), request.get("params", {})
        unknown = sorted(set(request) - {"id", "method", "params"})
        if unknown:
            raise UsageError(f"a request has no {unknown[0]!r}", hint="it has `id`, `method` and `params`")
        if self.ending:
            raise gone("the run is over, and its host ends")
        return await read(METHODS, method, params)(self, caller)

    async def close(self) -> None:
        """End what goes on, answer what was asked, let everybody go."""
        self.ending = True
        for left in self._left:
            left.set()
        await self.runs.close()
        self.questions.nobody()
        if self._work:
            _, late = await asyncio.wait(self._work, timeout=PATIENCE)
            for work in late:
                work.cancel()
            if late:
                await asyncio.wait(late)
        if self._timer is not None:
            self._timer.cancel()
            self._flush()
        for client in [*self.clients, *self.watchers]:
            client.finish()
        if self._serving:
            await asyncio.wait(self._serving)
        await self.runtimes.close()


def _id(request: dict[str, Any]) -> int | str | None:
    id = request.get("id")
    if id is not None and not isinstance(id, int | str):
        raise UsageError("`id` is a number or a text", hint="the answer has the same")
    return id


def _short(operation: Operation) -> dict[str, Any]:
    return operation_json(operation.model_copy(update={"effects": operation.effects[:EFFECTS]}))


def note(store: Store, text: str) -> None:
    """Add to the host's log."""
    try:
        file = os.open(store.host_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with open(file, "a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {os.getpid()} {text}\n")
    except OSError:
        print(text, file=sys.stderr)
