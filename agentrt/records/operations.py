"""The journal's entries, as everything above the journal sees them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from .base import Record, Text
from .effects import Effect, FileEffect, RequestEffect, Snapshot

Kind = Literal["act", "undo", "redo", "restore", "revert", "apply", "accept", "reject", "fork", "note"]
Status = Literal["intent", "settled", "rolled_back", "denied", "failed"]
"""intent: it may have run (in flight, or cut off by a crash). rolled_back: it ran and its effects are gone.
denied: it never ran. failed: agentrt could not run it; it left no effect."""
Review = Literal["pending", "accepted", "rejected"]
Decide = Literal["allow", "ask", "hold", "deny"]
Judge = Literal["accept", "review", "roll_back"]
STRICTNESS: tuple[Decide, ...] = ("allow", "ask", "hold", "deny")
"""Verdicts of a decision, the kindest first."""


class Decision(Record):
    """The policy's word before an action runs."""

    verdict: Decide
    rule: str
    """``file:line`` of the rule that said so."""
    because: Text = ""
    answer: Text = ""
    """What a person said, where one was asked."""
    flags: tuple[str, ...] = ()
    """What is true of the session from this action on (``read_secret``), if it runs."""


def escalated(decision: Decision, opinion: Decision) -> Decision:
    """The stricter of the two: an opinion can only add to what the policy says, whose word it is where they agree."""
    stricter = STRICTNESS.index(opinion.verdict) > STRICTNESS.index(decision.verdict)
    return opinion.model_copy(update={"flags": decision.flags}) if stricter else decision


class Answer(Record):
    """What a person says to a question."""

    allow: bool
    because: Text = ""
    """Told to the agent where the answer is no."""
    remembered: bool = False
    """It was made a rule of the user's policy."""


class Judgement(Record):
    """The policy's word on what an action did."""

    verdict: Judge
    rule: str
    because: Text = ""


class Explanation(Record):
    """How a policy comes to its decision."""

    verdict: Decide
    rules: tuple[Decision, ...]
    """Every rule that speaks of the action, the strictest first; before them the approvals that answered them."""
    read_as: tuple[tuple[Text, ...], ...] = ()
    """The programs it would run, with their arguments; ``…`` stands for what is only known at run time."""
    unknown: tuple[Text, ...] = ()
    """Why more than that may run."""
    programs: tuple[Text, ...] = ()
    """Their files; ``…`` for one that is not known, as it lies in the workspace or nowhere."""
    hosts: tuple[Text, ...] = ()
    """The hosts it names; ``…`` for what is only known at run time."""
    remotes: tuple[Text, ...] = ()
    """The remotes it names for git; ``…`` likewise."""
    flags: tuple[str, ...] = ()
    """What would be true of the session from then on."""
    judged: tuple[Judgement, ...] = ()
    """Rules on effects that ask for an action like this one, and speak of what it does where that is as they say."""

    @property
    def opaque(self) -> bool:
        return bool(self.unknown)


class RuleExample(Record):
    """Something a rule speaks of, or does not."""

    rule: str
    """``file:line``."""
    text: Text
    speaks: bool


class Limits(Record):
    """What one action may use, all its processes together. More than that ends it."""

    seconds: float = 600.0
    processes: int = 512
    """At the same time; each thread is one."""
    memory_bytes: int | None = None
    """Pages that several processes share are counted once, pages of files on disk not at all."""
    cpu_seconds: float | None = None
    file_bytes: int | None = None
    """The largest single file that may be written; this one is refused, and the action goes on."""
    written_bytes: int | None = None
    """In all files, holes not counted."""
    written_files: int | None = None
    """Files and folders created or changed."""
    output_bytes: int = 64 * 1024 * 1024
    """How much output is kept on disk; what comes after is counted, not kept."""
    shown_bytes: int = 30_000
    """How much of it an observation shows: head, errors and tail."""


class Observation(Record):
    """What the planner is told about one action."""

    exit_code: int | None = None
    """None where nothing was executed."""
    output: Text = ""
    truncated: bool = False
    output_bytes: int = 0
    """All that was printed, kept or not."""
    output_file: str | None = None
    """Name of the whole output in the session's store, where ``truncated``."""
    error: Text | None = None
    """Why the action did not do what was asked; None where it did."""
    timed_out: bool = False
    seconds: float = 0.0


class View(Record):
    """The complete state at an operation."""

    snapshot: Snapshot = Snapshot()
    conversation: int = 0
    """Id of the conversation's last message; 0 for an empty one."""
    applied: tuple[int, ...] = ()
    """The applies (operation ids) whose writes are in the real workspace, oldest first."""
    marks: tuple[int, ...] = ()
    """The operations whose changes to resources, such as databases, stand: acts, and what took acts out. Oldest first.
    """


class PathConflict(Record):
    """A path that two sides want to be different things."""

    path: Text
    ours: Text
    """What agentrt would write."""
    theirs: Text
    """What is there now."""
    operations: tuple[int, ...] = ()


class Operation(Record):
    """One journal entry."""

    id: int
    """1, 2, 3 … within its session."""
    session: str
    kind: Kind
    actor: str
    """``agent``, ``user`` or a crew member's name."""
    status: Status
    review: Review | None = None
    """None for what needs no review (it had no effect, or is not an act)."""
    started: float
    """Seconds since the epoch."""
    action: dict[str, Any] | None = None
    target: tuple[int, ...] = ()
    """The operations an undo, redo, restore … is about; of a verification, the one it was run after (0: the start)."""
    decision: Decision | None = None
    observation: Observation | None = None
    effects: tuple[Effect, ...] = ()
    judgement: Judgement | None = None
    before: View
    after: View
    note: Text = ""

    @property
    def files(self) -> tuple[FileEffect, ...]:
        """Of the effects those on files."""
        return tuple(effect for effect in self.effects if isinstance(effect, FileEffect))

    @property
    def requests(self) -> tuple[RequestEffect, ...]:
        """Of the effects those that went out, or were to."""
        return tuple(effect for effect in self.effects if isinstance(effect, RequestEffect))

    @property
    def resources(self) -> tuple[str, ...]:
        """The resources it changed that can take it back, in order: databases, by the names the session gives them, and
        ``http`` for requests."""
        changed = (
            effect.resource if isinstance(effect, RequestEffect) else effect.database
            for effect in self.effects
            if not isinstance(effect, FileEffect)
        )
        return tuple(dict.fromkeys(filter(None, changed)))

    @property
    def is_verification(self) -> bool:
        """An act that only tries things out: nothing it did is kept, and there is nothing to undo."""
        return self.kind == "act" and self.target != ()

    @property
    def partial(self) -> Collection[str]:
        """Of an apply: the paths it wrote and of which work of other operations is left in the session."""
        found: Collection[str] = (self.action or {}).get("partial", ()) if self.kind == "apply" else ()
        return found
