"""The same runtime, blocking.

    from agentrt.sync import Runtime

    with Runtime.open("path/to/repo") as rt:
        op = rt.act("bash", command="pytest -q")
        rt.undo()

Every method has the arguments, result and errors of the asynchronous one. Not for use inside an event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from agentrt import runtime as asynchronous
from agentrt.contracts import Ask, Opinion, Policy, Sandbox, Tool
from agentrt.databases import DatabasesChoice
from agentrt.errors import UsageError
from agentrt.history.journal import Journal
from agentrt.history.store import Store
from agentrt.history.timeline import Timeline
from agentrt.housing import SandboxChoice
from agentrt.opening import PolicyChoice
from agentrt.records import View

P = ParamSpec("P")
T = TypeVar("T")


class _Blocking(Generic[P, T]):
    """A method that runs the asynchronous one to its end."""

    def __init__(self, method: Callable[Concatenate[asynchronous.Runtime, P], Coroutine[Any, Any, T]]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, at: None, owner: type[Runtime]) -> Self: ...
    @overload
    def __get__(self, at: Runtime, owner: type[Runtime]) -> Callable[P, T]: ...
    def __get__(self, at: Runtime | None, owner: type[Runtime]) -> Self | Callable[P, T]:
        if at is None:
            return self

        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            return at.runner.run(self._method(at.runtime, *args, **kwargs))

        return call


class _Same(Generic[P, T]):
    """A method that does not wait for anything, as it is."""

    def __init__(self, method: Callable[Concatenate[asynchronous.Runtime, P], T]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, at: None, owner: type[Runtime]) -> Self: ...
    @overload
    def __get__(self, at: Runtime, owner: type[Runtime]) -> Callable[P, T]: ...
    def __get__(self, at: Runtime | None, owner: type[Runtime]) -> Self | Callable[P, T]:
        if at is None:
            return self

        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            return self._method(at.runtime, *args, **kwargs)

        return call


class Runtime:
    """``agentrt.Runtime`` without ``await``; a context manager."""

    def __init__(
        self, runner: asyncio.Runner, runtime: asynchronous.Runtime, together: set[Runtime] | None = None
    ) -> None:
        """For ``open`` and ``fork``. ``together``: those that are open on this runner; the last one closes it."""
        self.runner, self.runtime = runner, runtime
        self._together = together if together is not None else set()
        self._together.add(self)

    @classmethod
    def open(
        cls,
        workspace: Path | str = ".",
        *,
        policy: PolicyChoice = "default",
        sandbox: SandboxChoice | None = None,
        databases: DatabasesChoice | None = None,
        session: str | None = None,
        ask: Ask | None = None,
        opinion: Opinion | None = None,
        folder: Path | None = None,
        to_act: bool = True,
    ) -> Self:
        """As ``agentrt.Runtime.open``. Raises ``UsageError`` inside an event loop, too."""
        if asyncio._get_running_loop() is not None:
            raise UsageError("agentrt.sync cannot be used inside an event loop", hint="use agentrt.Runtime")
        runner = asyncio.Runner()
        opening = asynchronous.Runtime.open(
            workspace,
            policy=policy,
            sandbox=sandbox,
            databases=databases,
            session=session,
            ask=ask,
            opinion=opinion,
            folder=folder,
            to_act=to_act,
        )
        try:
            return cls(runner, runner.run(_opened(opening)))
        except BaseException:
            runner.close()
            raise

    act = _Blocking(asynchronous.Runtime.act)
    verify = _Blocking(asynchronous.Runtime.verify)
    propose = _Blocking(asynchronous.Runtime.propose)
    undo = _Blocking(asynchronous.Runtime.undo)
    redo = _Blocking(asynchronous.Runtime.redo)
    restore = _Blocking(asynchronous.Runtime.restore)
    revert = _Blocking(asynchronous.Runtime.revert)
    accept = _Blocking(asynchronous.Runtime.accept)
    acceptance = _Same(asynchronous.Runtime.acceptance)
    accept_alike = _Blocking(asynchronous.Runtime.accept_alike)
    reject = _Blocking(asynchronous.Runtime.reject)
    keep_review_deadline = _Blocking(asynchronous.Runtime.keep_review_deadline)
    preview_revert = _Blocking(asynchronous.Runtime.preview_revert)
    apply = _Blocking(asynchronous.Runtime.apply)
    preview = _Blocking(asynchronous.Runtime.preview)
    changes = _Blocking(asynchronous.Runtime.changes)
    pending = _Blocking(asynchronous.Runtime.pending)
    read_at = _Blocking(asynchronous.Runtime.read_at)
    verify_undo = _Blocking(asynchronous.Runtime.verify_undo)

    def fork(self, op: int) -> Self:
        """As ``agentrt.Runtime.fork``. Both are used from the same thread."""
        return type(self)(self.runner, self.runner.run(self.runtime.fork(op)), self._together)

    say = _Same(asynchronous.Runtime.say)
    new_session = _Same(asynchronous.Runtime.new_session)
    log = _Same(asynchronous.Runtime.log)
    show = _Same(asynchronous.Runtime.show)
    set_review_deadline = _Same(asynchronous.Runtime.set_review_deadline)
    standing_of = _Same(asynchronous.Runtime.standing_of)
    policy_for = _Same(asynchronous.Runtime.policy_for)
    tighten = _Same(asynchronous.Runtime.tighten)
    to_review = _Same(asynchronous.Runtime.to_review)
    output = _Same(asynchronous.Runtime.output)
    conversation = _Same(asynchronous.Runtime.conversation)
    part = _Same(asynchronous.Runtime.part)
    view_after = _Same(asynchronous.Runtime.view_after)

    @property
    def session(self) -> str:
        return self.runtime.session

    @property
    def store(self) -> Store:
        return self.runtime.store

    @property
    def journal(self) -> Journal:
        return self.runtime.journal

    @property
    def sandbox(self) -> Sandbox:
        return self.runtime.sandbox

    @property
    def policy(self) -> Policy:
        return self.runtime.policy

    @property
    def view(self) -> View:
        return self.runtime.view

    @property
    def timeline(self) -> Timeline:
        return self.runtime.timeline

    @property
    def tools(self) -> Mapping[str, Tool]:
        return self.runtime.tools

    @property
    def notes(self) -> tuple[str, ...]:
        return self.runtime.notes

    def close(self) -> None:
        """End what runs; the last of several forks lets go of the workspace. Closing twice is fine."""
        if self not in self._together:
            return
        try:
            self.runner.run(self.runtime.close())
        finally:
            self._together.discard(self)
            if not self._together:
                self.runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


async def _opened(opening: Any) -> asynchronous.Runtime:
    runtime: asynchronous.Runtime = await opening
    return runtime
