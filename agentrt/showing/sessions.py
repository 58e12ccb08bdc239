"""The sessions of a workspace, and of all: forks under what they were forked from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agentrt.errors import AgentrtError
from agentrt.history.journal import Journal, SessionInfo
from agentrt.history.store import Store, all_stores

from .plain import plain
from .words import counted, time_text


@dataclass(frozen=True)
class Listed:
    """A session, as a list shows it."""

    info: SessionInfo
    operations: int
    depth: int
    """0 for what is no fork."""
    current: bool
    title: str
    """What it is about: its title, or else its first task. Safe to show."""

    @property
    def name(self) -> str:
        return f"{'  ' * self.depth}{self.info.id}"


def sessions_of(journal: Journal) -> list[Listed]:
    """Forks behind what they were forked from, else oldest first. Raises ``JournalError``."""
    current, counts = journal.current(), journal.counts()
    places: dict[str, tuple[int, ...]] = {}
    sessions = journal.sessions()
    for number, info in enumerate(sessions):  # a fork is younger than its parent
        places[info.id] = (*places.get(info.parent or "", ()), number)
    ordered = sorted(sessions, key=lambda info: places[info.id])
    tasks = {} if all(info.title for info in sessions) else journal.tasks()
    return [
        Listed(
            info,
            operations=counts.get(info.id, 0),
            depth=len(places[info.id]) - 1,
            current=info.id == current,
            title=title_of(info, tasks.get(info.id, "")),
        )
        for info in ordered
    ]


def title_of(info: SessionInfo, task: str) -> str:
    """Its title, or the first line of its first task; safe to show."""
    return plain(info.title or task.strip().split("\n", 1)[0])


def session_line(session: Listed, names: int, doing: str = "") -> str:
    """Whether it is the current one, its name in ``names`` columns, when, how much was done, what goes on just now
    (``doing``), where it began, why."""
    info = session.info
    star = "*" if session.current else " "
    at = f"at {info.parent_operation}  " if info.parent is not None else ""
    count = counted(session.operations, "operation")
    told = f"{doing}  " if doing else ""
    line = f"{star} {session.name:<{names}} {time_text(info.created)}  {count:<14}  {told}{at}{session.title}"
    return line.rstrip()


def everywhere() -> Iterator[tuple[Store, list[Listed]]]:
    """Each workspace that has sessions, by its path. A journal that cannot be read is passed over."""
    for store in all_stores():
        try:
            with Journal.open(store.journal, read_only=True) as journal:
                listed = sessions_of(journal)
        except AgentrtError:
            continue
        if listed:
            yield store, listed
