"""Every verb done in the real sessions and in the plain ones: what comes of it, what it says, and when it refuses."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from plain_ground import Ground
from plain_model import Applying, Line, Op, Parts, View, turned
from plain_trees import Node, Sides, Tree, above, differing, is_folder

from agentrt import Conflict, UnknownOperation, UsageError
from agentrt.records import Effect, FileState

T = TypeVar("T")
REFUSALS = (Conflict, UsageError, UnknownOperation)


class NotTried(Exception):
    """It would take folders away from under the work of other sessions: what is seen there is not for the model."""


class Both(Ground):
    def both(
        self, expect: Callable[[], T], do: Callable[[], Coroutine[Any, Any, Any]], look: Callable[[], Any] | None = None
    ) -> tuple[T, Any, Any] | None:
        """What the model expects, what was done, and its preview; None where both refuse, alike."""
        refused: Exception | None = None
        try:
            expected = expect()
        except NotTried:
            return None
        except REFUSALS as error:
            refused = error
        seen = None
        if look is not None:
            try:
                seen = self.run(look())
            except REFUSALS as error:
                assert type(error) is type(refused), error
        if refused is None:
            return expected, self.run(do()), seen
        if seen is not None:
            assert bool(seen.conflicts) == isinstance(refused, Conflict) and (seen.conflicts or not seen.effects)
        with pytest.raises(REFUSALS) as raised:
            self.run(do())
        assert type(raised.value) is type(refused), raised.value
        return None

    def acts(self, line: Line, tree: Tree, tool: str, /, *, reads: Sequence[str] = (), **arguments: Any) -> None:
        effects = differing(line.now.seen(self.real), tree)
        op = self.run(self.opened[line.name].act(tool, **arguments))
        assert op.status == "settled" and op.observation and not op.observation.error, op.observation
        assert _sides(op.effects) == _measured(effects)
        after = line.now.then(effects)
        after = replace(after, line=(*after.line, op.id)) if effects else after
        line.add(Op(op.id, "act", line.now, after, effects, reads=tuple(reads)))

    def moves(
        self, line: Line, kind: Any, targets: tuple[int, ...], view: View | None, number: int | None, look: bool
    ) -> None:
        runtime, now = self.opened[line.name], line.now
        there = view.applies if view is not None else ()
        turns = [(op, 0) for op in reversed(now.applies) if op not in there]
        turns += [(op, 1) for op in there if op not in now.applies]

        def expect() -> Tree:
            if view is None:
                raise UnknownOperation("")
            real, slots = self.real, dict[tuple[str, int], Mapping[str, Sides]]()
            try:
                for op, to in turns:
                    real, slots[line.name, op] = turned(real, self.slots[line.name, op], to)
                if self.pulls_away(line, real):
                    slots.clear()
                    raise NotTried
            finally:  # what was merged before a conflict was met is known from then on
                self.slots |= slots
            return real

        call = getattr(runtime, kind)
        found = self.both(
            expect,
            lambda: call() if number is None else call(number),
            (lambda: runtime.preview(kind, number)) if look and len(turns) < 2 else None,
        )
        if found is None:
            if len(runtime.operations) > len(line.ops):  # only the first of several applies is looked at beforehand
                (*_, failed) = runtime.log()
                assert len(turns) > 1 and failed.status == "failed"
                line.add(Op(failed.id, "failed", now, now))
            return
        assert view is not None
        self.real, op, preview = found
        assert op.target == targets
        if not turns:
            effects = _measured(differing(now.seen(self.real), view.seen(self.real)))
            assert _sides(op.effects) == effects and (preview is None or _sides(preview.effects) == effects)
        line.add(Op(op.id, kind, now, view, {}, targets))

    def takes_out(
        self,
        line: Line,
        kind: str,
        ops: Sequence[int],
        parts: Parts | None = None,
        *,
        dependents: bool = False,
        look: bool = False,
    ) -> None:
        runtime = self.opened[line.name]
        if kind == "reject":
            found = self.both(
                lambda: line.revert(self.real, ops, False, parts),
                lambda: runtime.reject(*ops, parts=parts, because="no"),
            )
        else:
            found = self.both(
                lambda: line.revert(self.real, ops, dependents),
                lambda: runtime.revert(*ops, with_dependents=dependents),
                (lambda: runtime.preview_revert(*ops, with_dependents=dependents)) if look else None,
            )
        if found is None:
            return
        (targets, effects), op, preview = found
        assert op.target == targets and _sides(op.effects) == _measured(effects)
        assert preview is None or _sides(preview.effects) == _measured(effects)
        word = line.word(ops[0], parts, "rejected")
        after = line.now.then(effects)
        after = replace(after, line=(*after.line, op.id))
        line.add(Op(op.id, kind, line.now, after, effects, targets, parts, word))

    def applies(self, line: Line, paths: Sequence[str] | None, ops: tuple[int, ...], look: bool) -> None:
        runtime = self.opened[line.name]

        def expect() -> Applying | None:
            planned = line.apply(self.real, paths, ops)
            if planned is not None and self.pulls_away(line, planned.real):
                raise NotTried
            return planned

        found = self.both(
            expect,
            lambda: runtime.apply(paths, ops=ops),
            (lambda: runtime.preview("apply", paths=paths, ops=ops)) if look else None,
        )
        if found is None:
            return
        planned, op, preview = found
        slots = planned.slots if planned is not None else {}
        if preview is not None:
            assert _sides(preview.effects) == _measured(slots) and not preview.conflicts
        if planned is None:
            assert op is None
            return
        assert _sides(op.effects) == _measured(slots)
        assert op.target == planned.accepts and (preview is None or preview.merged == planned.merged)
        self.real, self.slots[line.name, op.id] = planned.real, slots
        after = replace(planned.after, applies=(*line.now.applies, op.id))
        line.add(Op(op.id, "apply", line.now, after, slots))
        line.reviews |= dict.fromkeys(planned.accepts, "accepted")

    def pulls_away(self, line: Line, real: Tree) -> bool:
        """Whether folders would go from under the work of other sessions."""
        going = {path for path, node in self.real.items() if is_folder(node) and not is_folder(real.get(path))}
        views = (view for other in self.lines.values() if other is not line for view in other.views())
        return any(going.intersection(above(path)) for view in views for path in view.over)


def _sides(effects: Iterable[Effect]) -> dict[str, tuple[object, object]]:
    return {effect.path: (_state(effect.before), _state(effect.after)) for effect in effects}


def _state(state: FileState | None) -> object:
    return None if state is None else (state.type, state.mode, state.digest)


def _measured(sides: Mapping[str, Sides]) -> dict[str, tuple[object, object]]:
    return {path: (_measure(was), _measure(came)) for path, (was, came) in sides.items()}


def _measure(node: Node | None) -> object:
    if node is None:
        return None
    if node.kind == "folder":
        return "directory", node.mode, None
    return "symlink" if node.kind == "link" else node.kind, node.mode, hashlib.sha256(node.content.encode()).hexdigest()
