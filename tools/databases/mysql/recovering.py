"""What follows an exchange of tables, and what is made of one that was cut off, whenever that was."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from agentrt.errors import ResourceError

from .comparing import sums
from .definitions import Definitions, converge, describe, set_number
from .place import MODE_OF_UNDO, Link, Place, quoted
from .scratch import make_views
from .session import Uncertain
from .table import Table
from .way import Way


def complete(link: Link, way: Way) -> list[str]:
    """What follows the exchange; what was done of it is not done again. Gives the tables that others wrote to at the
    last moment, all the same (by foreign keys): their old ones are not dropped.

    Raises ``ResourceError`` where others changed what it is about."""
    left = _there(link, way.gone.values())
    slipped = [name for name, old in way.gone.items() if old in left and printed(link, old) != way.prints[name]]
    _drop(link, (old for name, old in way.gone.items() if name not in slipped))
    _restore(link, way, way.target)
    return slipped


def printed(link: Link, name: str) -> list[str]:
    """Tells whether a table's rows are the same. Raises ``ResourceError``."""
    rows = link.ask(sums(Table.read(link, [name])[name], 1))
    if any(row[-1] != "0" for row in rows):
        raise ResourceError(f"the rows of {name} could not be compared")
    return sorted(map(str, rows))


def tell(place: Place, way: Way, slipped: Iterable[str]) -> None:
    """Raises ``Uncertain`` where others wrote at the last moment."""
    for name in slipped:
        raise Uncertain(
            f"{place.said}: it is done, and others wrote to {name} at the last moment",
            hint=f"what they wrote is in the table {way.gone[name]}: look at it, and drop that then",
        )


def recover(place: Place, file: Path) -> bool:
    """After a crash, or whatever cut it off: finished where tables were exchanged (True), else nothing of it stands.

    Raises ``ResourceError``, ``Uncertain`` as ``tell``."""
    way = Way.load(file)
    if way is None:
        return False
    slipped: list[str] = []
    with place.outage():
        link = place.connect(MODE_OF_UNDO)
        try:
            if exchanged := _exchanged(link, way):
                slipped = complete(link, way)
            else:
                if way.switching:
                    _restore(link, way, way.source)
                _drop(link, way.built.values())
        finally:
            link.close()
    file.unlink(missing_ok=True)
    tell(place, way, slipped)
    return exchanged


def _exchanged(link: Link, way: Way) -> bool:
    if not way.switching or not (way.built or way.gone or way.moved):
        return False
    left = {*way.built.values(), *(way.gone.keys() | way.moved.keys()) - way.target.tables.keys()}
    return not _there(link, left)


def _there(link: Link, names: Iterable[str]) -> set[str]:
    return set(describe(link, names).tables)


def _drop(link: Link, names: Iterable[str]) -> None:
    if those := _there(link, names):
        link.run("DROP TABLE " + ", ".join(map(quoted, sorted(those))))


def _restore(link: Link, way: Way, wanted: Definitions) -> None:
    """Tables are exchanged, or not: all else as it is wanted."""
    known = (way.source, way.target)
    there = describe(link, [*wanted.tables, *way.source.views, *way.target.views])
    for name, definition in wanted.tables.items():
        found = there.tables.get(name)
        ours = {*(each for side in known if name in side.tables for each in side.tables[name].foreign)}
        names = {trigger.name for side in known for table in side.tables.values() for trigger in table.triggers}
        if (
            found is None
            or found.body != definition.body
            or any(each not in ours and not _own(each, way) for each in found.foreign)
            or any(trigger.name not in names and not _own(trigger.name, way) for trigger in found.triggers)
        ):
            raise ResourceError(
                f"{link.place.said}: {name} was changed by others while definitions were put back",
                hint="look at it: it may be half done",
            )
    changed = [name for name, definition in wanted.tables.items() if _differs(there, name, wanted)]
    if changed:
        link.run("LOCK TABLES " + ", ".join(f"{quoted(name)} WRITE" for name in wanted.tables))
        try:
            for name in changed:
                definition = wanted.tables[name]
                converge(link, name, definition.foreign, definition.triggers)
            for name in changed:
                set_number(link, name, wanted.tables[name].number, there.tables[name].number)
        finally:
            link.run("UNLOCK TABLES")
    more = {}
    for name in way.source.views | way.target.views:
        now, want = there.views.get(name), wanted.views.get(name)
        if now not in (want, way.source.views.get(name), way.target.views.get(name), None):
            raise ResourceError(f"{link.place.said}: the view {name} was changed by others", hint="look at it")
        if now is not None and now != want:
            link.run(f"DROP VIEW {quoted(name)}")
        if want is not None and now != want:
            more[name] = want
    make_views(link, Definitions({}, more))


def _own(name: str, way: Way) -> bool:
    return any(name.startswith(f"{hidden}_") for hidden in (*way.built.values(), *way.gone.values()))


def _differs(there: Definitions, name: str, wanted: Definitions) -> bool:
    return there.tables[name] != wanted.tables[name] or there.tables[name].number != wanted.tables[name].number
