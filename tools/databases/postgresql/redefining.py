"""Steps of undo where definitions change: each compares all of it, changes it, and looks whether it is as recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from agentrt.errors import Conflict, UsageError
from agentrt.records import Effect, PathConflict

from ..kept import Kept
from ..rows import Change, Row, Standing, effects_of
from . import covered, emptying, sequences
from .altered import Altered, Side
from .catalog import Name, Table, oids, references, tables
from .definitions import Entries, Entry, address, describe
from .line import EXACT, Refused
from .measuring import balance, exact_row, measure, paired, select
from .present import Present, compare, gone_table
from .rebuilding import Rebuild
from .sequences import Moved
from .silence import Silence
from .telling import effects
from .transaction import Transaction
from .writing import Writer, against

Found = list[tuple[Table, Sequence[Change], Present]]


@dataclass
class Redefining:
    """Several steps in one transaction, one after the other."""

    transaction: Transaction
    database: str
    whole: set[int] = field(default_factory=set)
    """Tables that were made or rewritten here, and looked at then."""
    wanted: list[tuple[int, Change]] = field(default_factory=list)
    """What is to happen to rows of others, by the table's oid."""
    told: list[Effect] = field(default_factory=list)

    async def step(self, kept: Kept, to: Standing) -> None:
        """Raises ``Conflict``, ``UsageError``, ``ResourceError``; what was done then is to be rolled back."""
        altered = Altered.read(kept.own["definitions"]) if "definitions" in kept.own else None

        whole, wanted, told = set(self.whole), list(self.wanted), list(self.told)

        async def job() -> None:
            self.whole, self.wanted, self.told = set(whole), list(wanted), list(told)
            await self._step(kept, altered, to)

        await emptying.keeping(self.transaction, job)

    async def _step(self, kept: Kept, altered: Altered | None, to: Standing) -> None:
        line = self.transaction.new
        await line.set(EXACT | {"check_function_bodies": "off"}, local=True)
        source, target = _sides(altered, to)
        present = await describe(line)
        await self._expect(present.entries, source, target)
        names = {name: Name(*at) for name, at in kept.own["tables"].items()}
        rows = await self._compared(kept, names if altered is None else altered.names(names, _other(to)), to)
        rebuild = None
        if altered is not None:
            renamed, columns = altered.renames(to)
            rebuild = Rebuild(
                line, self.database, present, source.entries, dict(target.entries), renamed, columns
            )  # fmt: skip
            await rebuild.loosen()
        await self._write(rows, target, to)
        if altered is not None and rebuild is not None:
            await rebuild.tighten()
            await self._states(altered, to)
            await self._verify(present.entries, source, target)
        moves = [Moved.read(written) for written in kept.own["sequences"]]
        for move in moves:
            await sequences.put(line, move.turned() if to == "before" else move)
        if altered is not None:
            self.told += effects(self.database, altered, to)

    async def _expect(self, present: Entries, source: Side, target: Side) -> None:
        """All is as the other side left it."""
        conflicts = [
            PathConflict(
                path=f"{self.database}:{at}", ours=_short(target.entries.get(at)), theirs=_short(present.get(at))
            )
            for at in source.entries | target.entries
            if present.get(at) != source.entries.get(at)
        ]
        line = self.transaction.new
        if not conflicts:
            for at, rows in source.rows.items():
                found = await self._table(source.entries[at])
                there = Counter(exact_row(row) for _, row in await select(line, found, "true"))
                if there != (recorded := Counter(map(exact_row, rows))):
                    more, less = (there - recorded).total(), (recorded - there).total()
                    conflicts.append(
                        PathConflict(
                            path=f"{self.database}:{found.name.label}",
                            ours=f"its {len(rows)} rows as they were left",
                            theirs=f"{more} other rows, and {less} are gone",
                        )
                    )
            for at, state in source.states.items():
                if at in target.entries or source.entries[at]["owned"]:
                    continue
                name = Name(source.entries[at]["schema"], source.entries[at]["name"])
                await sequences.hold(line, name, int(source.entries[at]["increment"]))
                now = await sequences.read(line, list((await oids(line, [name])).values()))
                if now.get(name) != state:
                    conflicts.append(
                        PathConflict(path=f"{self.database}:{name.label}", ours=f"at {state[0]}", theirs="used since")
                    )
        if conflicts:
            raise Conflict(f"database {self.database} was changed by somebody else since", conflicts=conflicts)

    async def _compared(self, kept: Kept, names: dict[str, Name], to: Standing) -> Found:
        line = self.transaction.new
        here = {
            table.name: table
            for table in (await tables(line, list((await oids(line, list(names.values()))).values()))).values()
        }
        rows: Found = []
        conflicts: list[PathConflict] = []
        for label, name in names.items():
            changes = [change for change in kept.changes if change.table == label]
            if (table := here.get(name)) is None:
                conflicts.append(gone_table(self.database, label))
                continue
            present = await compare(line, self.database, table, changes, to)
            conflicts += present.conflicts
            rows.append((table, changes, present))
            turned = (change.turned() for change in changes) if to == "before" else changes
            self.wanted += [(table.oid, change) for change in turned]
        if conflicts:
            raise Conflict(f"database {self.database} was changed by somebody else since", conflicts=conflicts)
        return rows

    async def _write(self, rows: Found, target: Side, to: Standing) -> None:
        """Those of the recorded changes, and all of the tables that are kept whole."""
        line = self.transaction.new
        now = await tables(line, [table.oid for table, _, _ in rows])
        # a key may be away for the moment; rows are found already
        found = [(replace(table, name=now[table.oid].name), changes, present) for table, changes, present in rows]
        wholes: Found = []
        for at, recorded in target.rows.items():
            table = await self._table(target.entries[at])
            self.whole.add(table.oid)
            wholes.append(_differing(table, await select(line, table, "true"), recorded, to))
        written = [table.oid for table, _, _ in (*found, *wholes)]
        if written:
            beside = await references(line, written)
            silence = await Silence.of(line, written, beside)
            writer = Writer(line, self.database, beside, silence.whole)
            await writer.write([*found, *wholes], to)
            try:
                await self.transaction.settle()
            except Refused as error:
                raise against(self.database, error) from None
            await line.set({"check_function_bodies": "off"}, local=True)
            await silence.end()
            await writer.check(written)

    async def _states(self, altered: Altered, to: Standing) -> None:
        source, target = _sides(altered, to)
        line = self.transaction.new
        came = {other: one for one, other in altered.renames(to)[0]}
        for at, state in target.states.items():
            entry = target.entries[at]
            name = Name(entry["schema"], entry["name"])
            if at in came:
                await sequences.put(line, Moved(name, source.states[came[at]], state))
            else:
                last, called = state
                await line.run(f"SELECT pg_catalog.setval($1::regclass, {last}, {called})", [name.sql])

    async def _verify(self, before: Entries, source: Side, target: Side) -> None:
        """Everything is as it is to be, and nothing else is another."""
        line = self.transaction.new
        expected = {at: each for at, each in before.items() if at not in source.entries} | target.entries
        now = (await describe(line)).entries
        wrong = sorted(at for at in expected | now if expected.get(at) != now.get(at))
        if wrong:
            raise Conflict(
                f"database {self.database}: definitions cannot be put back",
                conflicts=[
                    PathConflict(
                        path=f"{self.database}:{at}", ours=_apart(expected.get(at), now.get(at)),
                        theirs=_apart(now.get(at), expected.get(at)),
                    )
                    for at in wrong
                ],
            )  # fmt: skip
        for at, recorded in target.rows.items():
            table = await self._table(target.entries[at])
            there = Counter(exact_row(row) for _, row in await select(line, table, "true"))
            if there != Counter(map(exact_row, recorded)):
                raise Conflict(
                    f"database {self.database}: rows cannot be put back",
                    conflicts=[
                        PathConflict(path=f"{self.database}:{table.name.label}", ours="its rows", theirs="others")
                    ],
                )

    async def _table(self, entry: Entry) -> Table:
        line = self.transaction.new
        name = Name(entry["schema"], entry["name"])
        found = await tables(line, list((await oids(line, [name])).values()))
        if not found:
            raise UsageError(f"the table {name.label} is gone")
        return next(iter(found.values()))

    async def end(self) -> list[Effect]:
        """Rows of all other tables changed as they were to, and no others; and nobody else changed a definition.

        Raises ``Conflict``, ``ResourceError``.
        """
        await covered.alone(self.transaction)
        line = self.transaction.new
        was = {int(oid) for (oid,) in (await self.transaction.old.run("SELECT oid FROM pg_catalog.pg_class")).rows}
        made = [int(oid) for (oid,) in (await line.run("SELECT oid FROM pg_catalog.pg_class")).rows if oid not in was]
        measured = await measure(self.transaction, {*self.whole, *made})
        names = {oid: table.name.label for oid, table in (await tables(line, [oid for oid, _ in self.wanted])).items()}
        wanted = [
            Change(names[oid], change.key, change.before, change.after)
            for oid, change in self.wanted
            if oid not in self.whole and oid in names
        ]
        one, other = balance(wanted), balance(measured.changes)
        wrong = sorted({key[0] for key in one.keys() | other.keys() if one.get(key) != other.get(key)})
        if wrong:
            raise Conflict(
                f"database {self.database} would change more than it is to: a trigger or a foreign key takes part",
                conflicts=[
                    PathConflict(
                        path=f"{self.database}:{at}", ours="its rows as they were", theirs="rows that change along"
                    )
                    for at in wrong
                ],
            )
        return [*self.told, *effects_of(self.database, measured.changes)]


def _differing(
    table: Table, there: list[tuple[str, Row]], recorded: list[Row], to: Standing
) -> tuple[Table, list[Change], Present]:
    present = Present()
    changes = list(paired(table, (row for _, row in there), recorded))
    if to == "before":
        changes = [change.turned() for change in changes]
    places: dict[object, list[str]] = {}
    for at, row in there:
        places.setdefault(exact_row(row), []).append(at)
    for change in changes:
        if (gone := change.side(_other(to))) is not None:
            present.gone.append((places[exact_row(gone)].pop(), change))
    return table, changes, present


def _other(to: Standing) -> Standing:
    return "after" if to == "before" else "before"


def _sides(altered: Altered | None, to: Standing) -> tuple[Side, Side]:
    if altered is None:
        return Side({}, {}, {}), Side({}, {}, {})
    return altered.side(_other(to)), altered.side(to)


def _short(entry: Entry | None) -> str:
    return "not there" if entry is None else _apart(entry, {})


def _apart(entry: Entry | None, other: Entry | None) -> str:
    """What of it is not in the other."""
    if entry is None:
        return "not there"
    said = ", ".join(f"{fact}: {value}" for fact, value in entry.items() if (other or {}).get(fact, ...) != value)
    return said[:300] or address(entry)
