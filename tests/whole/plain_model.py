"""What each verb means, said of plain trees: one session, and its way to the workspace and back.

A view is what the session's work left at the paths it changed, over whatever the user has everywhere else. The verbs
raise what agentrt raises where it refuses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from plain_trees import (
    Node,
    Sides,
    Tree,
    above,
    blend,
    differing,
    has_room,
    hunks,
    is_folder,
    is_tree,
    merged,
    with_sides,
    without,
)

from agentrt import Conflict, UnknownOperation, UsageError

Parts = Mapping[str, Sequence[int]]
WORK = ("act", "revert", "reject")


@dataclass(frozen=True)
class View:
    over: Mapping[str, Node | None] = field(default_factory=dict)
    """What the session's work left there; None: nothing, and nothing beneath."""
    base: Mapping[str, Node | None] = field(default_factory=dict)
    """What was at these paths when the session first changed them."""
    anew: frozenset[str] = frozenset()
    """Folders it removed and made again: what the user puts into his is not in these."""
    line: tuple[int, ...] = ()
    """The operations whose work is in it."""
    applies: tuple[int, ...] = ()
    real: frozenset[tuple[int, str]] = frozenset()
    """What of these operations is in the workspace."""

    def seen(self, real: Tree) -> Tree:
        def hides(folder: str) -> bool:
            return folder in self.anew or (folder in self.over and not is_folder(self.over[folder]))

        shown = {path: node for path, node in real.items() if not any(map(hides, above(path)))}
        return with_sides(shown, self.over)

    def then(self, effects: Mapping[str, Sides]) -> View:
        gone = {path for path, node in self.over.items() if not is_folder(node)}
        return replace(
            self,
            over={**self.over, **{path: came for path, (_, came) in effects.items()}},
            base={**{path: was for path, (was, _) in effects.items()}, **self.base},
            anew=self.anew | {path for path, (_, came) in effects.items() if path in gone and is_folder(came)},
        )


@dataclass(frozen=True)
class Op:
    id: int
    kind: str
    before: View
    after: View
    effects: Mapping[str, Sides] = field(default_factory=dict)
    targets: tuple[int, ...] = ()
    parts: Parts | None = None
    word: str = ""
    """A verdict's: what its target is by it."""
    reads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Applying:
    real: Tree
    """As it will be."""
    slots: Mapping[str, Sides]
    """By path, what was in the workspace and what will be."""
    after: View
    """Without the apply itself."""
    accepts: tuple[int, ...]
    merged: tuple[str, ...]


class Line:
    """One session."""

    def __init__(self, name: str, start: View) -> None:
        self.name, self.start, self.now = name, start, start
        self.ops: dict[int, Op] = {}
        self.done: list[int] = []
        self.undone: list[int] = []
        self.reviews: dict[int, str] = {}

    def view_after(self, op: int) -> View:
        if op and op not in self.ops:
            raise UnknownOperation("")
        return self.ops[op].after if op else self.start

    def views(self) -> list[View]:
        return [self.start, *(op.after for op in self.ops.values())]

    def add(self, op: Op) -> None:
        """It was done."""
        was = self._words(self.now)
        self.ops[op.id], self.now = op, op.after
        if op.kind == "undo":
            self.undone += [self.done.pop() for _ in op.targets]
        elif op.kind == "redo":
            self.done.append(self.undone.pop())
        elif op.kind in (*WORK, "restore", "apply"):
            self.done.append(op.id)
            self.undone.clear()
        if op.kind == "act" and op.effects:
            self.reviews[op.id] = "pending"
        if op.kind == "accept":
            self.reviews |= dict.fromkeys((t for t in op.targets if self.ops[t].kind == "act"), op.word)
        will = self._words(self.now)
        for target in was.keys() | will.keys():
            if was.get(target) != will.get(target) and self.ops[target].kind == "act":
                self.reviews[target] = will.get(target, "pending")

    def _words(self, view: View) -> dict[int, str]:
        """What was taken out of a view, unless what took it out was itself taken out."""
        found: dict[int, str] = {}
        for op in reversed(view.line):
            if self.ops[op].kind != "act" and op not in found:
                found = {**dict.fromkeys(self.ops[op].targets, self.ops[op].word), **found}
        return found

    # Review and revert

    def standing(self, ops: Iterable[int]) -> list[Op]:
        """Those that can be reviewed and taken out."""
        for op in ops:
            if op not in self.ops:
                raise UnknownOperation("")
            if self.ops[op].kind not in WORK or not self.ops[op].effects or op not in self.now.line:
                raise UsageError("nothing to take out")
            if any((op, path) in self.now.real for path in self.ops[op].effects):
                raise UsageError("it is in the workspace")
        return [self.ops[op] for op in ops]

    def accept(self, op: int, parts: Parts | None) -> str:
        self.standing([op])
        if self.reviews.get(op) == "rejected":
            raise UsageError("it was rejected")
        return self.word(op, parts, "accepted")

    def word(self, op: int, parts: Parts | None, word: str) -> str:
        """What an operation is by this verdict: it waits until every file of it has a word."""
        target = self.ops[op]
        if parts is None:
            return word
        given: dict[str, dict[int, str]] = {path: {} for path in target.effects}
        counting = [o for o in self.ops.values() if op in o.targets and (o.kind == "accept" or o.id in self.now.line)]
        verdicts = [(o.parts, "accepted" if o.kind == "accept" else "rejected") for o in counting if o.kind != "revert"]
        for some, said in [*verdicts, (parts, word)]:
            for path, numbers in (some if some is not None else dict.fromkeys(target.effects, ())).items():
                given[path] = {**given[path], **dict.fromkeys(numbers, said)} if numbers else {0: said}
        waits = any(0 not in words and len(words) < max(self.hunks(op, path), 1) for path, words in given.items())
        words = {said for some in given.values() for said in some.values()}
        return "pending" if waits else "rejected" if words == {"rejected"} else "accepted"

    def hunks(self, op: int, path: str) -> int:
        """0 where it was no file on both sides."""
        was, came = self.ops[op].effects[path]
        return hunks(was.content, came.content) if was and came and was.kind == came.kind == "file" else 0

    def dependents(self, ops: Collection[int]) -> list[int]:
        """Later acts that wrote or read what these changed, or what such an act wrote."""
        changed, found = set[str](), []
        readers = [op for op in self.done if self.ops[op].kind == "act" and not self.ops[op].effects]
        for op in sorted({*self.now.line, *readers}):
            wrote = self.ops[op].effects.keys()
            if op in ops:
                changed |= wrote
            elif self.ops[op].kind == "act" and any(
                changed & {path, *above(path)} for path in (*wrote, *self.ops[op].reads)
            ):
                found.append(op)
                changed |= wrote
        return found

    def revert(
        self, real: Tree, ops: Sequence[int], dependents: bool, parts: Parts | None = None
    ) -> tuple[tuple[int, ...], dict[str, Sides]]:
        """All that is taken out, newest first, and what that changes in the view."""
        self.standing(ops)
        if dependents:
            ops = [op for op in {*ops, *self.dependents(ops)} if op in self.now.line]
        now = self.now.seen(real)
        effects = differing(now, self.take_out(real, self.standing(ops), parts))
        if not effects:
            raise UsageError("nothing is left of it")
        return tuple(sorted(ops, reverse=True)), effects

    def take_out(self, real: Tree, targets: Iterable[Op], parts: Parts | None = None) -> Tree:
        """The view without them, newest first: as it was before, unless something was changed since."""
        now = self.now.seen(real)
        new, brings = dict(now), dict[str, bool]()
        for op in sorted(targets, key=lambda op: op.id, reverse=True):
            old = op.before.seen(real)
            for path, (was, came) in op.effects.items():
                numbers = () if parts is None else parts.get(path)
                if numbers is None or (not numbers and new.get(path) == was):
                    continue
                if not numbers and new.get(path) == came:
                    put = old.get(path)
                else:
                    put = _without(was, came, new.get(path), old.get(path), numbers)
                new, brings[path] = with_sides(new, {path: put}), was is not None
        return _folders_kept(now, new, brings)

    # The workspace

    def apply(self, real: Tree, paths: Sequence[str] | None, ops: Sequence[int] = ()) -> Applying | None:
        tree = self.now.seen(real)
        source = tree
        if ops:
            if any(self.reviews[op.id] == "rejected" for op in self.standing(ops)):
                raise UsageError("it was rejected")
            source = self.take_out(real, self._others(ops))
        changed, chosen = self._changed(real, tree), self._changed(real, source)
        if paths is not None:
            chosen = _named(source, chosen, paths)
        sides, merges = dict[str, Sides](), []
        for path in chosen:
            was, came, base = real.get(path), source.get(path), self.now.base[path]
            if was != base:
                came = blend(base, was, came)
                if came is None:
                    raise Conflict(path)
                merges.append(path)
            if came != was:
                sides[path] = was, came
        after = with_sides(real, {path: came for path, (_, came) in sides.items()})
        if not is_tree(after):
            raise Conflict("something would lie in no folder")
        if not sides:
            return None
        partial = set(chosen) & differing(source, tree).keys() if ops else set()
        left = [path for path in changed if path not in chosen or path in partial]
        wrote = [(op, path) for op in self.now.line for path in self.ops[op].effects if path in sides]
        view = View(
            over={path: tree.get(path) for path in left},
            base={path: sides[path][1] if path in sides else self.now.base[path] for path in left},
            line=self.now.line,
            applies=self.now.applies,
            real=self.now.real | {(op, path) for op, path in wrote if path not in partial or op in ops},
        )
        waiting = {
            op for op, _ in wrote if self.reviews.get(op) == "pending" and not self.ops[op].effects.keys() & left
        }
        accepts = tuple(sorted(ops or waiting))
        return Applying(after, sides, view, accepts, tuple(sorted(p for p in merges if p in sides)))

    def _changed(self, real: Tree, tree: Tree) -> list[str]:
        """What could be applied; not what the agent left as it had found it."""
        base = self.now.base
        return [path for path in sorted(base) if tree.get(path) not in (real.get(path), base[path])]

    def _others(self, ops: Collection[int]) -> list[Op]:
        """The work that nobody asked for, as far as it is not in the workspace."""
        found = [self.ops[op] for op in self.now.line if op not in ops]
        here = self.now.real
        return [replace(op, effects={p: s for p, s in op.effects.items() if (op.id, p) not in here}) for op in found]


def turned(real: Tree, slots: Mapping[str, Sides], to: int) -> tuple[Tree, dict[str, Sides]]:
    """An apply taken out (``to`` 0) or put back (1): the workspace by then, and what it has of both sides.

    What somebody changed since stays, and comes back with the side that goes.
    """
    found = dict[str, Sides]()
    for path, sides in slots.items():
        stands, brought, now = sides[1 - to], sides[to], real.get(path)
        if now != stands:
            brought = blend(stands, now, brought)
            if brought is None:
                raise Conflict(path)
        found[path] = (now, brought) if to else (brought, now)
    after = with_sides(real, {path: sides[to] for path, sides in found.items()})
    if not is_tree(after):
        raise Conflict("something would lie in no folder")
    return after, found


def _named(tree: Tree, changed: Sequence[str], paths: Sequence[str]) -> list[str]:
    """Those that are named or lie in a folder that is, with the folders they need."""
    chosen = set[str]()
    for named in paths:
        found = {path for path in changed if named in (path, *above(path))}
        if not found:
            raise UsageError(f"nothing to apply at {named}")
        chosen |= found
    needed = {folder for path in chosen for folder in above(path) if is_folder(tree.get(folder))}
    return sorted(chosen | needed.intersection(changed))


def _without(was: Node | None, came: Node | None, here: Node | None, old: Node | None, hunks: Sequence[int]) -> Node:
    """A file that was changed since, without what led from ``was`` to ``came``; ``old``: what was there before."""
    if (
        was is None
        or came is None
        or here is None
        or old is None
        or {n.kind for n in (was, came, here, old)} != {"file"}
    ):
        raise Conflict("no file")
    mode = here.mode
    if not hunks and here.mode == came.mode:
        mode = old.mode
    elif not hunks and was.mode not in (came.mode, here.mode):
        raise Conflict("both changed the mode")
    content = merged(came.content, here.content, without(old.content, came.content, hunks) if hunks else old.content)
    if content is None:
        raise Conflict("no merge")
    return Node("file", mode, content)


def _folders_kept(now: Tree, new: Tree, brings: Mapping[str, bool]) -> Tree:
    """A folder stays for what came into it. ``brings``: the paths that were changed, and whether it had been there."""
    for path in sorted(brings, reverse=True):
        if is_folder(now.get(path)) and not is_folder(new.get(path)) and any(path in above(inner) for inner in new):
            if brings[path]:
                raise Conflict("what is in the folder would be hidden")
            new = {**new, path: now[path]}
    if any(brought and path in new and not has_room(new, path) for path, brought in brings.items()):
        raise Conflict("its folder is gone")
    return new
