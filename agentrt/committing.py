"""``apply`` into the user's git repository: as a branch of its own, or as files and a commit of just these.

What either would do is known, and its commit written, before the journal says that it will happen: until a branch
points to it, a commit is nothing to git.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from agentrt import applied, applying
from agentrt.applying import Applying
from agentrt.errors import AgentrtError, Conflict, UsageError
from agentrt.fetching import Fetching
from agentrt.history import apply as history
from agentrt.history.bases import paths_of
from agentrt.history.beneath import Beneath
from agentrt.history.planning import Wanted
from agentrt.notices import words
from agentrt.records import FileEffect, Operation, Snapshot
from agentrt.repository.draft import Change, Drafted, draft
from agentrt.repository.heads import branch_of, head_of, ref_of
from agentrt.repository.host import Repository, find
from agentrt.repository.made import Made, save
from agentrt.selecting import Asked, selected
from agentrt.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from agentrt.runtime import Runtime

_TITLE = 72


async def apply(runtime: Runtime, asked: Asked, actor: str, to: str, message: str | None) -> Operation | None:
    """See ``Runtime.apply``. The caller holds ``runtime.turn``."""
    kind, _, name = to.partition(":")
    if to == "files" and message is None:
        return await applying.apply(runtime, asked, actor)
    if to == "files":
        raise UsageError("a message is for a commit", hint="with --as commit or --as branch:NAME")
    if kind != "branch" and to != "commit":
        raise UsageError(f"there is no applying as {to!r}", hint="files, commit or branch:NAME")
    if message is not None and (not message.strip() or "\0" in message):
        raise UsageError("a commit needs a message", hint="leave it out, and one is written")
    repository = await asyncio.to_thread(find, runtime.store.workspace)
    async with selected(runtime, asked) as source:
        if kind == "branch":
            return await _branch(runtime, repository, asked, source, actor, name, message)
        return await _commit(runtime, repository, asked, source, actor, message)


async def _branch(
    runtime: Runtime,
    repository: Repository,
    asked: Asked,
    source: Snapshot,
    actor: str,
    name: str,
    message: str | None,
) -> Operation | None:
    ref = await asyncio.to_thread(ref_of, repository, name)
    head = await asyncio.to_thread(head_of, repository)
    planned = await applying.plan_of(runtime, asked, source, _as_asked)
    applying.check(runtime, planned, asked)
    if not planned.plan.steps:
        return None
    drafted = await _drafted(runtime, repository, head.commit, planned, message, indexed=False)
    made = Made(kind="branch", ref=ref, commit=drafted.commit, parent=drafted.parent)
    return await uninterrupted(_make_branch(runtime, planned, actor, made, _note(drafted)))


async def _commit(
    runtime: Runtime,
    repository: Repository,
    asked: Asked,
    source: Snapshot,
    actor: str,
    message: str | None,
) -> Operation | None:
    head = await asyncio.to_thread(branch_of, repository)
    planned = await applying.plan_of(runtime, asked, source)
    applying.check(runtime, planned, asked)
    if not planned.plan.steps:
        return None
    drafted = await _drafted(runtime, repository, head.commit, planned, message, indexed=True)
    assert head.ref is not None
    made = Made(kind="commit", ref=head.ref, commit=drafted.commit, parent=drafted.parent)
    return await uninterrupted(applying.carry_out(runtime, planned, actor, made=made, note=_note(drafted)))


async def _make_branch(runtime: Runtime, planned: Applying, actor: str, made: Made, note: str) -> Operation:
    before, target = runtime.view, applying.accepted_by(planned)
    op = runtime.intend("apply", actor=actor, target=target, action=applying.action_of(planned, made))
    aside, root = runtime.store.aside / runtime.layer(op.id), runtime.store.workspace
    try:
        await asyncio.to_thread(save, aside, made)
        await asyncio.to_thread(applied.put_back, aside, root)
        # The sandbox stands where it stood: none of this is in the real workspace.
        after = before.model_copy(update={"applied": (*before.applied, op.id)})
        operation = runtime.settle(op, status="settled", after=after, note=applying.note_of(planned, note))
    except BaseException as error:
        await asyncio.to_thread(applied.take_back, aside, root)
        if isinstance(error, AgentrtError | OSError):
            runtime.settle(op, status="failed", after=before, note=str(error))
        raise
    for accepted in target:
        runtime.journal.set_review(runtime.session, accepted, "accepted", by=actor)
    return operation


async def _drafted(
    runtime: Runtime, repository: Repository, parent: str, planned: Applying, message: str | None, *, indexed: bool
) -> Drafted:
    """Raises ``Conflict``, with the operations that touched its paths, and what ``draft`` raises."""
    merged = {step.path: step.content for step in planned.plan.steps if step.content is not None}
    try:
        async with Fetching(runtime.sandbox, planned.source, planned.plan.fetched) as agents:
            return await asyncio.to_thread(
                draft,
                repository,
                parent,
                [Change(step.path, step.before, step.after) for step in planned.plan.steps],
                before=lambda path: _in_workspace(runtime, path),
                after=lambda path: BytesIO(merged[path]) if path in merged else agents(path),
                message=_message(runtime, planned, message),
                scratch=runtime.store.root / "git",
                indexed=indexed,
            )
    except Conflict as conflict:
        conflict.conflicts = planned.with_operations(conflict.conflicts)
        raise


def _in_workspace(runtime: Runtime, path: str) -> BinaryIO:
    with Beneath(runtime.store.workspace) as tree:
        return open(tree.open(os.fsencode(path), os.O_RDONLY | os.O_NONBLOCK), "rb")


def _as_asked(root: Path, wanted: Sequence[Wanted], _: history.Sources) -> history.Plan:
    """What the agent did, on what it saw: what the workspace has now is of no account to a branch."""
    steps, refused = [], []
    names = {effect.path for effect, _ in wanted}
    for effect, base in wanted:
        if (old := effect.renamed_from) is not None:
            if old not in names:
                gone = FileEffect(path=old, change="deleted", before=effect.before)
                steps.append(history.Step(old, base, None, gone, implied=True))
            base = None
        if effect.after is not None and effect.after.type not in ("file", "directory", "symlink"):
            refused.append((effect.path, f"git has no word for a {effect.after.type}"))
        else:
            steps.append(history.Step(effect.path, base, effect.after, effect))
    return history.Plan(root, tuple(steps), refused=tuple(refused))


def _message(runtime: Runtime, planned: Applying, message: str | None) -> str:
    touched = paths_of(step.effect for step in planned.plan.steps)
    done = [op for op in planned.lineage if op.kind != "apply" and paths_of(op.files) & touched]
    text = message.strip() if message is not None else ""
    if not text:
        title = _line(runtime.info.title) or (_line(words(done[-1])) if len(done) == 1 else "")
        said = [f"- operation {op.id}: {_line(words(op))}" for op in done]
        text = "\n".join([title or f"What agentrt did in session {runtime.session}", "", *said])
    return f"{text}\n\nAgentrt-Session: {runtime.session}\n"


def _line(text: str) -> str:
    """One line, of what agents and task files wrote."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _TITLE else f"{text[: _TITLE - 1]}…"


def _note(drafted: Drafted) -> str:
    note = f"{_paths(drafted.committed)} committed"
    return f"{note}; not committed, as git ignores it: {_paths(len(drafted.ignored))}" if drafted.ignored else note


def _paths(count: int) -> str:
    return f"{count:,} path{'s' * (count != 1)}"
