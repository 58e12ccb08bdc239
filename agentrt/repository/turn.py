"""Turning the user's repository from one side of a commit to the other, whole or not at all.

    with turn(aside, workspace, "after"):      the index is locked, everything is as it should be, or ``Conflict``
        …                                      the files
                                               then the branch is moved, and the index with it

Only the index entries of the commit's own paths change, so what else is staged stays staged. ``recover`` undoes
what was cut off from nothing but what it finds.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from agentrt.errors import AgentrtError, Conflict
from agentrt.history import steps
from agentrt.history.ledger import Standing, other
from agentrt.records import PathConflict

from .heads import Entry, between, branch_of, checked_out, index_lines, index_of, tip_of
from .host import GitFailed, Repository, find
from .made import Made, load, save


@contextmanager
def turn(aside: Path, workspace: Path, to: Standing) -> Iterator[None]:
    """Have ``to`` stand when the block is left without an error; otherwise nothing is changed.

    Raises ``Conflict``, ``UsageError`` (the repository is gone), ``OSError``.
    """
    recover(aside, workspace)
    made = load(aside)
    if made is None or made.standing == to:
        yield
        return
    repository = find(workspace)
    if found := _against(repository, made, to):
        raise Conflict(f"{found.path}: {found.theirs}", conflicts=[found])
    made = save(aside, made, doing=True)
    try:
        if made.kind == "branch":
            yield
            _move(repository, made, to, aside.name)
        else:
            with _index(repository, made, aside, to) as index:
                yield
                index.refresh()
                _move(repository, made, to, aside.name)
                index.replace()
        save(aside, made, standing=to, doing=False)
    except BaseException:
        # Where even this fails it is tried again at the next start.
        with suppress(AgentrtError, OSError):
            recover(aside, workspace)
        raise


def obstacle(aside: Path, workspace: Path) -> PathConflict | None:
    """What ``turn`` to the other side would raise; nothing is touched. Raises ``UsageError``."""
    made = load(aside)
    if made is None:
        return None
    repository, to = find(workspace), other(made.standing)
    if found := _against(repository, made, to):
        return found
    if made.kind == "commit":
        return _unlike(repository, between(repository, made.parent, made.commit), made.standing)
    return None


def recover(aside: Path, workspace: Path) -> bool:
    """Undo what was cut off; whether something was. May be killed and called again. Raises as ``turn``."""
    made = load(aside)
    if made is None or not made.doing:
        return False
    repository = find(workspace)
    _unlock(repository, aside)
    to, wrong = made.standing, other(made.standing)
    if tip_of(repository, made.ref) == made.tip(wrong) and made.tip(wrong) != made.tip(to):
        _move(repository, made, to, aside.name)
    if made.kind == "commit" and repository.ask("symbolic-ref", "-q", "HEAD") == os.fsencode(made.ref):
        entries = between(repository, made.parent, made.commit)
        here = index_of(repository)
        back = {path: _side(both, to) for path, both in entries.items() if here.get(path) == _side(both, wrong)}
        if back:
            lines = index_lines(back, len(made.commit))
            repository.run("update-index", "--add", "-z", "--index-info", stdin=lines)
    save(aside, made, doing=False)
    return True


def _against(repository: Repository, made: Made, to: Standing) -> PathConflict | None:
    """The branch is not where it was left, or cannot go where it should. Raises ``Conflict``."""
    tip, expected = tip_of(repository, made.ref), made.tip(other(to))
    ours = f"at {_short(made.tip(to))}"
    if tip != expected:
        return PathConflict(path=made.ref, ours=ours, theirs=f"now at {_short(tip)}, was left at {_short(expected)}")
    if to == "after" and repository.ask("cat-file", "-e", f"{made.commit}^{{commit}}") is None:
        return PathConflict(path=made.ref, ours=ours, theirs="that commit is no longer in the repository")
    if made.kind == "branch":
        where = checked_out(repository, made.ref) if to == "before" else None
        return PathConflict(path=made.ref, ours=ours, theirs=f"checked out in {where}") if where else None
    on = branch_of(repository).ref
    if on != made.ref:
        return PathConflict(path=made.ref, ours=ours, theirs=f"HEAD is on {on}")
    return None


def _move(repository: Repository, made: Made, to: Standing, name: str) -> None:
    """Git checks once more, under its lock, that the ref is where we think. Raises ``GitFailed``."""
    steps.checkpoint("move ref")
    target, expected = made.tip(to), made.tip(other(to))
    why = ("-m", f"agentrt: {'apply' if to == 'after' else 'undo of apply'} {name}")
    if target is None:
        repository.run("update-ref", *why, "-d", os.fsencode(made.ref), expected or "")
    else:
        # An empty old value: there must be none.
        repository.run("update-ref", *why, os.fsencode(made.ref), target, expected or "")


@contextmanager
def _index(repository: Repository, made: Made, aside: Path, to: Standing) -> Iterator[_Index]:
    """The user's index, locked as git locks it. Raises ``Conflict``."""
    guard, lock = repository.git_dir / _guard(aside), repository.git_dir / "index.lock"
    guard.touch()
    steps.checkpoint("lock index")
    try:
        # A link, so that after a crash we know our lock from another's.
        os.link(guard, lock)
    except FileExistsError:
        raise GitFailed(f"{lock} is there: another git is at work", hint="wait for it, and try again") from None
    entries = between(repository, made.parent, made.commit)
    if found := _unlike(repository, entries, made.standing):
        raise Conflict(f"{found.path}: {found.theirs}", conflicts=[found])
    yield _Index(repository, repository.git_dir / _draft(aside), lock, guard, entries, to)


class _Index:
    """What will be the user's index."""

    def __init__(
        self,
        repository: Repository,
        draft: Path,
        lock: Path,
        guard: Path,
        entries: dict[bytes, tuple[Entry | None, Entry | None]],
        to: Standing,
    ) -> None:
        self._repository, self._draft, self._lock, self._guard = repository, draft, lock, guard
        self._paths = {path: _side(both, to) for path, both in entries.items()}
        steps.checkpoint("draft index")
        if repository.index.exists():
            shutil.copy(repository.index, draft)
        length = len(next(name for both in entries.values() for entry in both if entry for name in entry[1:]))
        lines = index_lines(self._paths, length)
        repository.run("update-index", "--add", "-z", "--index-info", stdin=lines, index=draft)

    def refresh(self) -> None:
        """The files are there now: with their times noted, git need not read them to know that they are clean."""
        there = b"".join(path + b"\0" for path, entry in self._paths.items() if entry is not None)
        how = ("--literal-pathspecs", "add", "--refresh", "--pathspec-from-file=-", "--pathspec-file-nul")
        if there:
            with suppress(GitFailed):  # it only saves time
                self._repository.run(*how, stdin=there, index=self._draft)

    def replace(self) -> None:
        steps.checkpoint("replace index")
        with self._draft.open("rb") as file:
            os.fsync(file.fileno())
        self._draft.replace(self._repository.index)
        steps.checkpoint("unlock index")
        self._lock.unlink()
        self._guard.unlink()


def _unlock(repository: Repository, aside: Path) -> None:
    lock, guard = repository.git_dir / "index.lock", repository.git_dir / _guard(aside)
    for name in (_draft(aside), f"{_draft(aside)}.lock"):
        (repository.git_dir / name).unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        if guard.samefile(lock):
            lock.unlink()
    guard.unlink(missing_ok=True)


def _unlike(
    repository: Repository, entries: dict[bytes, tuple[Entry | None, Entry | None]], standing: Standing
) -> PathConflict | None:
    here = index_of(repository)
    for path, both in entries.items():
        if here.get(path) != _side(both, standing):
            return PathConflict(path=os.fsdecode(path), ours="as it is committed", theirs="staged otherwise since")
    return None


def _side(both: tuple[Entry | None, Entry | None], standing: Standing) -> Entry | None:
    return both[0] if standing == "before" else both[1]


def _guard(aside: Path) -> str:
    return f"agentrt-{aside.name}.lock"


def _draft(aside: Path) -> str:
    return f"index.agentrt-{aside.name}"


def _short(commit: str | None) -> str:
    return "nothing" if commit is None else commit[:10]
