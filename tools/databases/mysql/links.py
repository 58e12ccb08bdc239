"""A connection that stays open from one action to the next: the one that sees what is committed. Nothing of an agent's,
nor what its statements set off, ever runs there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from .place import Link, Place

T = TypeVar("T")
U = TypeVar("U")


class Links:
    """For one thread at a time."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._kept: Link | None = None

    @contextmanager
    def others(self) -> Iterator[Link]:
        """In no transaction; for as long as this. Raises ``UsageError``, ``ResourceError``."""
        link, done = self._take(), False
        try:
            yield link
            done = True
        finally:
            if done and self._kept is None:
                self._kept = link
            else:
                link.close()

    def close(self) -> None:
        link, self._kept = self._kept, None
        if link is not None:
            link.close()

    def _take(self) -> Link:
        """One that broke meanwhile is opened anew."""
        import pymysql

        link, self._kept = self._kept, None
        if link is not None:
            try:
                link.connection.ping(reconnect=False)
            except (pymysql.MySQLError, OSError):
                link.close()
            else:
                return link
        return self._place.connect()


def at_once(one: Callable[[], T], other: Callable[[], U]) -> tuple[T, U]:
    """What each gives, on a connection of its own: the server has the work."""
    with ThreadPoolExecutor(1) as apart:
        theirs = apart.submit(other)
        return one(), theirs.result()
