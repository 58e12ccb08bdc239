"""Where a session stands, step by step, from its operations without their views: what the app asks again and again.

The same as ``Timeline`` and ``bases.lineage`` say, for what is read by ``Follower``.
"""

from __future__ import annotations

from collections.abc import Collection

from .bases import WORK
from .chains import Chains, Files
from .follower import Light
from .timeline import Steps


class Course:
    """One session, up to now."""

    def __init__(self, start: Files, chains: Chains) -> None:
        self.steps = Steps()
        self._chains = chains
        self._after = [start]
        """By operation, how the files stood then."""
        self._heads = [0]
        """By operation, where they stood."""
        self._applied_on: dict[int, Files] = {}
        """By apply, how they stood before it."""
        self._work: dict[int, Files] = {}
        """By operation that changed files, how they stood then."""
        self._line: set[int] | None = set()
        """None: to be found anew."""

    @property
    def head(self) -> int:
        """The operation after which the files were as they are; 0 is the start."""
        return self._heads[-1]

    def after(self, operation: int) -> Files:
        """How the files stood then."""
        return self._after[operation]

    def add(self, operation: Light) -> bool:
        """What happened next, or how what happened last has ended; whether what stands is something else now.

        Raises ``JournalError`` where it does not follow.
        """
        if operation.id < len(self._after):
            del self._after[operation.id :], self._heads[operation.id :]
        before = self._after[-1]
        stepped = self.steps.add(operation)
        self._heads.append(self._head(operation))
        self._after.append(operation.after)
        if operation.kind == "apply":
            self._applied_on[operation.id] = operation.before
        if operation.after == before:
            return stepped
        grew = operation.after.layers != operation.before.layers
        if operation.kind in WORK and operation.status == "settled" and grew:
            self._work[operation.id] = operation.after
            on_top = Files(self._chains.parent(operation.after.layers), operation.after.applied)
            if self._line is not None and on_top == before:  # its layer is of a new name: nobody else's work is in it
                self._line.add(operation.id)
                return stepped
        self._line = None
        return stepped

    def _head(self, operation: Light) -> int:
        head = last = self._heads[-1]
        if operation.status == "settled" and not operation.is_verification:
            if operation.kind in WORK or operation.kind == "apply":
                return operation.id
            if operation.kind == "undo":
                head = self._heads[operation.target[-1] - 1]
            elif operation.kind in ("redo", "restore"):
                head = self._heads[operation.target[0]]
        # Not where only the conversation moved.
        return next((at for at in (head, last) if self._after[at] == operation.after), operation.id)

    def kept(self) -> frozenset[int]:
        """The steps whose work is there: in the files as they are, or, where there is none, not undone. Within a
        transaction."""
        line = self.line()
        gone = (self._work.keys() | self._applied_on.keys()) - set(line)
        return frozenset(self.steps.done).union(line) - gone

    def line(self) -> Collection[int]:
        """The operations in the ``lineage`` of the present view. Within a transaction."""
        if self._line is None:
            files = self._after[-1]
            applied, marks = self._chains.outside(files.applied)
            self._line = set(marks)
            while True:
                above = self._chains.above(files.layers)
                self._line |= {
                    operation
                    for operation, work in self._work.items()
                    if work.layers in above and self._chains.outside(work.applied)[0] == applied
                }
                if not applied:
                    break
                self._line.add(applied[-1])
                files = self._applied_on[applied[-1]]
                applied = self._chains.outside(files.applied)[0]
        return self._line
