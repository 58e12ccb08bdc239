"""The diff of a set of effects: files at once, their lines once both sides are there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from agentrt.history import hunks
from agentrt.history.hunks import Opcode
from agentrt.history.matching import Matcher
from agentrt.records import FileEffect, FileState
from agentrt.showing.marks import HARMS
from agentrt.showing.patch import NOT_SHOWN, kinds_text
from agentrt.showing.plain import plain
from agentrt.showing.words import effect_line

BIG = 400
"""Changed lines of a file that starts folded."""
MANY = 20
"""Files of which none starts unfolded when there are more."""
_BIG_BYTES = 200_000
"""Of both sides together; such a file starts folded before its lines are known."""
_TEXT = 4_000_000
"""Bytes of both sides that are compared line by line."""
_MOST_PAIRS = 5_000_000
"""Of equal lines: above, comparing takes minutes."""


@dataclass(frozen=True, slots=True)
class Body:
    """What the contents of a file come to."""

    old: Sequence[bytes] = ()
    new: Sequence[bytes] = ()
    hunks: Sequence[list[Opcode]] = ()
    """Hunk 1 is the first."""
    added: int = 0
    removed: int = 0
    said: tuple[str, ...] = ()
    """Instead of lines or above them; safe to show."""


@dataclass(frozen=True)
class FileDiff:
    """One file; its ``body`` is None until its sides were there."""

    effect: FileEffect
    body: Body | None = None

    @property
    def path(self) -> str:
        return self.effect.path

    @cached_property
    def title(self) -> str:
        """``modified  a.py  (was b.py)  — note``; safe to show."""
        effect = self.effect
        old, new = effect.before, effect.after
        text = effect_line(effect)
        told = effect.change == "mode" and effect.renamed_from is None
        if old and new and old.type == new.type and old.mode != new.mode and not told:
            text += f"  ({old.mode:04o} → {new.mode:04o})"
        return text if effect.reversibility == "reversible" else f"{text}  {HARMS[effect.reversibility]}"

    @property
    def by_hunk(self) -> bool:
        """A review may be of some of its hunks: it was a file before and after, at this path."""
        return (_type(self.effect.before), _type(self.effect.after)) == ("file", "file") and (
            self.effect.renamed_from is None
        )

    @property
    def big(self) -> bool:
        if self.body is not None:
            return self.body.added + self.body.removed > BIG
        states = (self.effect.before, self.effect.after)
        return sum(state.size for state in states if state is not None) > _BIG_BYTES


@dataclass(frozen=True)
class DiffModel:
    """Effects on files, in the order they are shown."""

    files: tuple[FileDiff, ...] = ()

    @classmethod
    def of(cls, effects: Iterable[FileEffect]) -> DiffModel:
        return cls(tuple(map(FileDiff, effects)))

    def with_sides(self, path: str, before: bytes | None, after: bytes | None) -> DiffModel:
        """The contents before and after, each None where it is no regular file, or not to be had."""
        file = self.file(path)
        return self if file is None else self.with_body(path, compute(file.effect, before, after))

    def with_body(self, path: str, body: Body) -> DiffModel:
        return DiffModel(tuple(replace(file, body=body) if file.path == path else file for file in self.files))

    def same_as(self, other: DiffModel) -> bool:
        """It is of the same effects, whatever is known of their contents."""
        return [file.effect for file in self.files] == [file.effect for file in other.files]

    def file(self, path: str) -> FileDiff | None:
        return next((file for file in self.files if file.path == path), None)

    def starts_folded(self, file: FileDiff) -> bool:
        return len(self.files) > MANY or file.big


def compute(effect: FileEffect, before: bytes | None, after: bytes | None) -> Body:
    """For a thread: with thousands of changes it takes up to seconds."""
    old, new = effect.before, effect.after
    types = {_type(old), _type(new)} - {""}
    said: tuple[str, ...] = ()
    if types == {"symlink"}:
        return Body(said=_links(old, new))
    if "file" not in types:
        return Body(said=(plain(kinds_text(effect)),))
    if len(types) > 1:
        links = (state if _type(state) == "symlink" else None for state in (old, new))
        said = (plain(kinds_text(effect)), *_links(*links))
    first, second = (data if _type(state) == "file" else b"" for state, data in ((old, before), (new, after)))
    if first is None or second is None:
        digests = {state.digest if state is not None else None for state in (old, new)}
        same = first == second and len(digests) == 1 and None not in digests
        return Body(said=said if same else (*said, NOT_SHOWN))
    if b"\0" in first[:8000] or b"\0" in second[:8000]:
        return Body(said=(*said, f"binary, {_sizes(old, new)}")) if first != second else Body(said=said)
    if len(first) + len(second) > _TEXT:
        return Body(said=(*said, NOT_SHOWN))
    return _lines(hunks.lines(first), hunks.lines(second), said)


def _lines(old: list[bytes], new: list[bytes], said: tuple[str, ...]) -> Body:
    matcher = Matcher(old, new)
    if matcher.pairs() > _MOST_PAIRS:
        return Body(said=(*said, "too many lines are alike to compare them one by one"))
    groups = hunks.grouped(matcher)
    changes = [code for group in groups for code in group if code[0] != "equal"]
    added, removed = sum(j2 - j1 for *_, j1, j2 in changes), sum(i2 - i1 for _, i1, i2, *_ in changes)
    return Body(old, new, groups, added, removed, said)


def _links(old: FileState | None, new: FileState | None) -> tuple[str, ...]:
    was, now = (plain(state.target or "") if state is not None else None for state in (old, new))
    if was is not None and now is not None:
        return (f"symbolic link to {was}, now to {now}",) if was != now else ()
    if now is not None:
        return (f"symbolic link to {now}",)
    return (f"symbolic link was to {was}",) if was is not None else ()


def _sizes(old: FileState | None, new: FileState | None) -> str:
    sizes = [f"{state.size:,}" for state in (old, new) if state is not None]
    return f"{' → '.join(sizes)} bytes"


def _type(state: FileState | None) -> str:
    return "" if state is None else state.type
