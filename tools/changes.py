"""Changes to files, computed first, then made: all of them, or none."""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from agentrt.contracts import World

from .display import count, cut
from .hints import hinted
from .lines import TextFile, bare, end_of, split
from .loading import Failed, store

_WIDTH = 300
_COMPARED_LINES = 1000
"""Between the first and the last change; a longer stretch is told by its size, as comparing it takes too long."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file: ``before`` is None for a new one, ``after`` for one to be deleted."""

    path: str
    before: bytes | None
    after: bytes | None
    move_to: str | None = None


async def carry_out(changes: Sequence[FileChange], world: World) -> None:
    """Make all changes; where one fails, put back those before it. Raises ``Failed``."""
    done: list[FileChange] = []
    # What can fail for want of room comes first, what is hardest to put back last.
    ordered = sorted(changes, key=lambda change: (change.after is None, change.move_to is not None))
    try:
        for change in ordered:
            done.append(change)
            await _make(change, world)
    except Failed as failure:
        for change in reversed(done):
            await _put_back(change, world)
        raise Failed(f"{failure}; nothing was changed") from failure


async def _make(change: FileChange, world: World) -> None:
    if change.after is None:
        await _run(world, "rm", "--", change.path)
        return
    if change.after != change.before:
        await store(world, change.path, change.after)
    if change.move_to is not None:
        if folder := posixpath.dirname(change.move_to):
            await _run(world, "mkdir", "-p", "--", folder)
        await _run(world, "mv", "-n", "--", change.path, change.move_to)


async def _put_back(change: FileChange, world: World) -> None:
    """The failed one included: a write may have stopped half-way."""
    if change.move_to is not None:
        await world.exec(["mv", "-n", "--", change.move_to, change.path])
    if change.before is None:
        await world.exec(["rm", "-f", "--", change.path])
    elif change.after != change.before and await _content(change.path, world) != change.before:
        await store(world, change.path, change.before)


async def _content(path: str, world: World) -> bytes | None:
    try:
        return await world.read(path)
    except FileNotFoundError:
        return None


async def _run(world: World, *argv: str) -> None:
    seen = await hinted(await world.exec(argv), world)
    if seen.error is not None or seen.exit_code != 0:
        raise Failed(seen.error or seen.output.strip() or f"{argv[0]} failed with exit code {seen.exit_code}")


def describe(change: FileChange) -> str:
    """What happened to the file, and the lines that changed, as a unified diff."""
    if change.after is None:
        return f"deleted {change.path}"
    after = TextFile.of(change.after).text
    if change.before is None:
        return f"created {change.path}: {count(len(split(after)), 'line')}"
    head = f"changed {change.path}"
    if change.move_to is not None:
        head = f"moved {change.path} to {change.move_to}"
    return "\n".join([head, *_difference(split(TextFile.of(change.before).text), split(after))])


def _difference(old: list[str], new: list[str]) -> list[str]:
    """Unified diff lines without file names; of what lies between the first and the last change only."""
    same = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    alike = zip(reversed(old[same:]), reversed(new[same:]), strict=False)
    rest = next((i for i, (a, b) in enumerate(alike) if a != b), min(len(old), len(new)) - same)
    first = max(same - 3, 0)
    old, new = old[first : len(old) - max(rest - 3, 0)], new[first : len(new) - max(rest - 3, 0)]
    if len(old) + len(new) > _COMPARED_LINES:
        return [f"@@ from line {first + 1} on: {count(len(old), 'line')} became {len(new):,} @@"]
    hunks = difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(3)
    return [line for hunk in hunks for line in _hunk(old, new, hunk, first)]


_Opcode = tuple[str, int, int, int, int]


def _hunk(old: list[str], new: list[str], hunk: Sequence[_Opcode], first: int) -> list[str]:
    (_, a, _, b, _), (_, _, a_end, _, b_end) = hunk[0], hunk[-1]
    shown = [f"@@ -{a + first + 1},{a_end - a} +{b + first + 1},{b_end - b} @@"]
    for tag, i, i_end, j, j_end in hunk:
        if tag == "equal":
            shown += [_shown(" ", line) for line in old[i:i_end]]
        else:
            shown += [_shown("-", line) for line in old[i:i_end]]
            shown += [_shown("+", line) for line in new[j:j_end]]
    return shown


def _shown(sign: str, line: str) -> str:
    return sign + cut(bare(line), _WIDTH) + ("" if end_of(line) else "  [no newline at the end]")
