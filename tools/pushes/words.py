"""A push as people see it before they release it: all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .kept import Kept
from .quarantine import Quarantine, at

_MOST = 1000
"""Commits that are named one by one."""


def told(kept: Kept, quarantine: Quarantine, known: Sequence[str]) -> str:
    """Where to, which commits, and what they change. ``known``: commits the remote has, as far as anybody knows."""
    return "\n".join(_lines(kept, quarantine, known)) + "\n"


def _lines(kept: Kept, quarantine: Quarantine, known: Sequence[str]) -> Iterator[str]:
    yield f"remote: {kept.remote}, {kept.url}"
    new = "a new branch" if kept.before is None else f"{at(kept.before)} when your repository last saw it"
    yield f"branch: {kept.branch} to {kept.to} there ({new})"
    yield f"commit: {kept.commit}"
    number, commits = quarantine.commits(kept.commit, known, most=_MOST)
    if number == 0:
        yield "no new commits: the remote has them, as far as your repository knows"
        return
    yield f"{number:,} commit{'s' * (number != 1)}, the newest first:"
    for name, author, subject in commits:
        yield f"  {name} {author}  {subject}"
    if number > len(commits):
        yield f"  … and {number - len(commits):,} more"
    yield from ("", quarantine.diffstat(kept.commit, kept.before, known).rstrip("\n"))
