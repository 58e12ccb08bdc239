"""What AUTO_INCREMENT gives next. No transaction holds it: it is put back after one, if nobody went on from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from agentrt.errors import AgentrtError

from ..rows import Move
from .place import Link, Place, literal, quoted
from .record import Record

_WAIT_S = 1
"""For others who have the table in a transaction."""


def numbers(link: Link, tables: Iterable[str]) -> dict[str, int]:
    """By table, of those that give any out."""
    wanted = ", ".join(literal(table) for table in tables)
    if not wanted:
        return {}
    found = link.ask(
        "SELECT table_name, auto_increment FROM information_schema.tables WHERE table_schema = DATABASE()"
        f" AND table_name IN ({wanted}) AND auto_increment IS NOT NULL"
    )
    return {table: int(number) for table, number in found}


def wanted(moves: Sequence[Move[Record]], there: Mapping[str, int]) -> dict[str, int]:
    """What they are to be when the moves are made, from what is there before."""
    now = dict(there)
    for move in moves:
        for table, (before, after) in move.record.numbers.items():
            expected, comes = (before, after) if move.to == "after" else (after, before)
            if now.get(table) == expected:
                now[table] = comes
    return now


def put_back(place: Place, to: Mapping[str, int], left: Mapping[str, int]) -> None:
    """Where they are still as they were ``left``. The server gives no number that a row has, whatever it is told; one
    that cannot be put back stays, and is a gap."""
    moved = {table: number for table, number in to.items() if table in left and left[table] != number}
    if not moved:
        return
    try:
        with place.outage():
            link = place.connect()
            try:
                link.run(f"SET SESSION lock_wait_timeout = {_WAIT_S}")
                now = numbers(link, moved)
                for table, number in moved.items():
                    if now.get(table) == left[table]:
                        link.run(
                            f"ALTER TABLE {quoted(table)} AUTO_INCREMENT = {number}, ALGORITHM = INPLACE, LOCK = NONE"
                        )
            finally:
                link.close()
    except AgentrtError:  # no number is worth an error: what was asked for is done
        return
