"""The runtime: one session of one workspace, open for work.

The transaction itself is in ``transaction``, undo and its like in ``moves``, the way to the real workspace in
``applying``. This is what they share: the store, the journal, the sandbox, and where the session stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Self

from agentrt import (
    accepting,
    applying,
    committing,
    forking,
    moves,
    resources,
    reverting,
    reviewing,
    transaction,
    verifying,
)
from agentrt.arguments import load_tools
from agentrt.contracts import Approval, Ask, Opinion, Policy, Sandbox, Tool
from agentrt.databases import DatabasesChoice
from agentrt.history.journal import SessionInfo
from agentrt.history.revert import Parts
from agentrt.holding import SessionDatabase
from agentrt.housing import SandboxChoice
from agentrt.moves import Scope
from agentrt.narrowing import OnTop, Rules
from agentrt.opening import Opened, Opening, PolicyChoice, open_runtime
from agentrt.preview import Preview
from agentrt.records import FileEffect, Operation, ProposedAction
from agentrt.selecting import Asked
from agentrt.standing import Standing
from agentrt.turns import Turn
from agentrt.uncollected import uncollected
from agentrt.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from agentrt.outward import Outward

OnOutput = Callable[[bytes], None]


class Runtime(Standing):
    """Everything an agent does passes here. A workspace is opened once at a time; ``fork`` gives more runtimes over
    it. A runtime's methods may be called concurrently and then wait for each other; those of two do not wait, save
    for what changes the real workspace."""

    sandbox: Sandbox
    notes: tuple[str, ...] = ()
    """What was found cut off when it was opened, and what was done about it; and what the quota made of history."""

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
    ) -> Opening[Self]:
        """``async with Runtime.open(…) as rt`` or ``rt = await Runtime.open(…)`` and ``await rt.close()``.

        ``session`` defaults to the workspace's current one, which is made if there is none. ``ask`` puts questions to
        a person; without it nobody is there, and what is asked about is denied. ``opinion`` is heard on every action
        that is not denied already, and can only make the decision stricter. ``folder``, where relative files of
        ``policy``, ``sandbox`` and ``databases`` lie, defaults to the current one; ``sandbox`` to that in which the
        session was begun, and ``databases`` (by name: a URL, or ``{url, hold}``) to those it had last. A disk too full
        to be safe lets it open only without ``to_act``, to undo, apply or make room; then a policy that cannot be read
        is in ``notes``, and all is denied. Raises ``SessionBusy``, ``JournalError``, ``DiskFull``, ``UsageError``.
        """
        return Opening(
            lambda: open_runtime(
                cls,
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
        )

    def __init__(
        self,
        opened: Opened,
        session: str,
        *,
        rules: Rules,
        sandbox: Sandbox,
        outward: Outward | None = None,
        databases: Mapping[str, SessionDatabase] = MappingProxyType({}),
        ask: Ask | None = None,
        opinion: Opinion | None = None,
    ) -> None:
        """For ``open``."""
        super().__init__(opened.store, opened.journal, session)
        self.rules, self.sandbox, self.outward, self.databases = rules, sandbox, outward, databases
        self.ask, self.opinion = ask, opinion
        self.on_top = OnTop()
        self.turn = Turn(opened.ground)
        """Held while an operation is in progress."""
        self.opened = opened
        opened.sessions.add(session)

    # Doing

    async def act(
        self, /, kind: str, *, actor: str = "agent", on_output: OnOutput | None = None, **arguments: Any
    ) -> Operation:
        """Carry out one action as a transaction; what became of it is the operation's ``status``.

        ``on_output`` gets the output as it comes, perhaps on another thread. A denied, failed or rolled back action
        is not an exception. Raises ``PluginError`` (no such tool), ``UsageError`` (wrong arguments),
        ``SandboxUnavailable``, ``JournalError``, and ``DiskFull`` when not even the journal can be written.
        """
        return await transaction.act(self, kind, arguments, actor=actor, on_output=on_output)

    async def verify(
        self, /, kind: str, *, actor: str = "agent", on_output: OnOutput | None = None, **arguments: Any
    ) -> Operation:
        """``act``, and keep nothing of what it did: afterwards the session stands where it stood.

        It is in the journal like any action, and is no step: there is nothing to undo. Raises the same.
        """
        return await transaction.act(self, kind, arguments, actor=actor, on_output=on_output, keep=False)

    async def propose(
        self, proposed: ProposedAction, *, actor: str = "agent", on_output: OnOutput | None = None
    ) -> Operation:
        """``act`` on a planner's words."""
        return await transaction.act(self, proposed.kind, proposed.arguments, actor=actor, on_output=on_output)

    async def undo(self, n: int = 1, *, actor: str = "user", scope: Scope = "both") -> Operation:
        """Take back the last ``n`` steps that stand.

        Raises ``UnknownOperation`` (there are fewer); ``Conflict`` (an apply among them cannot be taken out of the
        real workspace, because what was changed since cannot be merged; nothing is touched).
        """
        return await moves.go(self, "undo", n, scope, actor)

    async def redo(self, *, actor: str = "user", scope: Scope = "both") -> Operation:
        """Do again what was undone last. Raises as ``undo``."""
        return await moves.go(self, "redo", None, scope, actor)

    async def restore(self, op: int, *, actor: str = "user", scope: Scope = "both") -> Operation:
        """Go to the view after any operation; 0 is the start. Raises as ``undo``."""
        return await moves.go(self, "restore", op, scope, actor)

    async def revert(
        self, *ops: int, with_dependents: bool = False, because: str = "", actor: str = "user"
    ) -> Operation:
        """Take old operations out and keep the later ones; ``with_dependents``: those that stand on them go as well.

        What was changed since is merged where it is text. The planner is told, with ``because``. Raises ``Conflict``
        (it cannot be told apart from later changes; nothing is touched), ``UnknownOperation``, ``UsageError``.
        """
        async with self.turn:
            with uncollected():
                planned = await reverting.plan(self, ops, with_dependents=with_dependents)
                return await reverting.revert(self, planned, {"kind": "revert"}, because=because, actor=actor)

    async def preview_revert(self, *ops: int, with_dependents: bool = False) -> Preview:
        """What ``revert`` would do: files, conflicts, and which later operations stand on it; nothing is touched."""
        async with self.turn:
            return await reverting.preview(self, ops, with_dependents=with_dependents)

    async def accept(self, *ops: int, parts: Parts | None = None, actor: str = "user") -> Operation:
        """Say yes to what operations did; ``parts``: only to these files of one, or to these hunks of them.

        Raises ``UnknownOperation``, ``UsageError``.
        """
        async with self.turn:
            return await reviewing.accept(self, ops, parts, actor)

    async def reject(self, *ops: int, parts: Parts | None = None, because: str = "", actor: str = "user") -> Operation:
        """Say no: what operations did is taken out as by ``revert``, and the planner is told why.

        Raises as ``revert``.
        """
        async with self.turn:
            return await reviewing.reject(self, ops, parts, because, actor)

    def acceptance(self, op: int) -> Approval:
        """The rule of the user's own policy by which the like of an operation needs no review; once it is written it
        counts at once. Raises ``UnknownOperation``; ``UsageError``: why there is none."""
        return accepting.acceptance(self, op)

    async def accept_alike(self, *, actor: str = "user") -> Operation | None:
        """Accept all that waits and the policy would have by now; None where there is none."""
        async with self.turn:
            return await accepting.accept_alike(self, actor)

    def set_review_deadline(self, seconds: float, then: Literal["accept", "reject"]) -> None:
        """From now on, what has waited for review that long is accepted or rejected: looked at by
        ``keep_review_deadline``, and whenever the session is opened."""
        reviewing.set_deadline(self, seconds, then)

    async def keep_review_deadline(self) -> tuple[str, ...]:
        """Accept or reject what has waited too long, and send what waited long enough; lines for a person."""
        async with self.turn:
            return await reviewing.keep_times(self)

    async def apply(
        self,
        paths: Sequence[str] | None = None,
        *,
        ops: Sequence[int] = (),
        include_git: bool = False,
        rest: bool = False,
        as_of: int | None = None,
        actor: str = "user",
        to: str = "files",
        message: str | None = None,
    ) -> Operation | None:
        """Write what the session did to the real workspace; None where there is nothing to write.

        ``to="branch:NAME"``: to a new branch of the user's git repository instead, one commit on top of HEAD;
        ``to="commit"``: to the workspace, and a commit of just these paths on the current branch. ``message`` is
        that commit's; by default it says what was done. ``ops``: only what these operations did. ``paths``: only
        these files and folders, relative to the workspace. What lies in a ``.git`` folder stays in the sandbox unless
        it is named or ``include_git`` is set: hooks and configuration an agent wrote would be run by the user's own
        git. ``rest``: apply all else where something is never written (a fifo, a setuid file, what lies behind a
        symbolic link). ``as_of``: a preview's; where files were changed after it, nothing is applied.

        Raises ``Conflict`` (what changed underneath cannot be merged, or is never written; nothing is touched),
        ``UsageError`` (a path that has no change, ``as_of``), ``SandboxError``, ``DiskFull``.
        """
        async with self.turn:
            await self.turn.alone()
            asked = Asked(paths, ops, include_git, rest, as_of)
            with uncollected():
                operation = await committing.apply(self, asked, actor, to, message)
            if operation is not None:
                await self.count(operation)
            return operation

    async def preview(
        self,
        kind: Literal["undo", "redo", "restore", "apply"],
        number: int | None = None,
        *,
        scope: Scope = "both",
        paths: Sequence[str] | None = None,
        ops: Sequence[int] = (),
        include_git: bool = False,
    ) -> Preview:
        """What ``undo(number)``, ``redo()``, ``restore(number)`` or ``apply(paths)`` would do; nothing is touched.

        Raises ``UnknownOperation``, ``UsageError``.
        """
        async with self.turn:
            if kind == "apply":
                return await applying.preview(self, Asked(paths, ops, include_git))
            return await moves.preview(self, moves.step_of(self, kind, number), scope)

    async def fork(self, op: int) -> Self:
        """A second session from the view after ``op`` (0: the start), open beside this one; both must be closed.

        It becomes the workspace's current one. Neither sees what the other does from here on, but what is applied.
        Raises ``UnknownOperation``; ``Conflict`` where the real workspace has other applies of this session in it
        now than it had then; ``DiskFull``, ``SandboxUnavailable``.
        """
        async with self.turn:
            return await forking.fork(self, op)

    def new_session(self, title: str = "") -> SessionInfo:
        """A session on the untouched workspace; the workspace's current one from now on, though not this runtime's."""
        return self.journal.create_session(title=title)

    @property
    def policy(self) -> Policy:
        """What is decided by: the one the session was opened with, and what its agent narrowed it to."""
        return self.rules.narrowed(self.narrowings)

    def policy_for(self, actor: str) -> Policy:
        """``policy``, and what ``tighten`` put on top of it for one actor."""
        return self.on_top.of(actor, self.policy)

    def tighten(self, actor: str, rules: Mapping[str, object]) -> None:
        """From now on these rules, too, hold for what ``actor`` does in this runtime and those forked from it.

        ``rules`` is what a policy file would hold. Raises ``DocumentError`` for what does not make the policy stricter.
        """
        self.on_top.put(actor, rules, self.policy)

    # Looking

    @cached_property
    def tools(self) -> Mapping[str, Tool]:
        """Every tool that is installed and of use here, by name. Raises ``PluginError``."""
        return MappingProxyType(load_tools(self.databases, network=self.outward is not None))

    async def changes(self, a: int, b: int) -> list[FileEffect]:
        """Every path that differs between the views after operations ``a`` and ``b``. Raises ``UnknownOperation``."""
        first, second = self.view_after(a).snapshot, self.view_after(b).snapshot
        async with self.turn:
            return await self.sandbox.changes(first, second)

    async def pending(self) -> list[FileEffect]:
        """Every path of the workspace that the session changed and that is not applied, sorted."""
        async with self.turn:
            return await applying.pending(self)

    async def read_at(self, op: int, path: str) -> BinaryIO:
        """A file as it was after an operation, open for reading. Raises ``UnknownOperation``, ``OSError``."""
        snapshot = self.view_after(op).snapshot
        async with self.turn:
            return await self.sandbox.read_at(snapshot, path)

    async def verify_undo(self) -> verifying.Verification:
        """Restore every view of the session in a second sandbox and compare it with what was recorded; nothing is
        touched. What is damaged is in the result. Raises ``SandboxUnavailable``, ``JournalError``."""
        async with self.turn:
            return await verifying.verify(self)

    async def close(self) -> None:
        """End what runs; the last of several forks lets go of the workspace. Closing twice is fine."""
        try:
            await self.sandbox.close()
            await resources.close(self.databases)
        finally:
            self.opened.leave(self.session)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *about: object) -> None:
        await self.close()

    async def count(self, operation: Operation) -> None:
        """What it takes on disk, and what has to go for it."""
        self.opened.room.add(operation)
        alone = self.opened.sessions == {self.session}
        self.notes += await uninterrupted(self.opened.room.keep_within(self.sandbox, alone=alone))
