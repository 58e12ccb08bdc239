"""``verify-undo``: does every view of the session come back as it was recorded?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from agentrt import drilling
from agentrt.contracts import HTTP, PUSH
from agentrt.notices import named
from agentrt.records import FileState
from agentrt.runtime import Runtime
from agentrt.showing.plain import plain
from agentrt.showing.words import conflict_line
from agentrt.verifying import CheckedDatabase, CheckedView, Verification

from .api import packs
from .interrupting import run
from .options import HERE, Where
from .render import put, put_json
from .session import with_runtime


def verify_undo(
    *,
    drill: Annotated[Path | None, Parameter(help="A drill: make its requests at its instance, and undo.")] = None,
    where: Where = HERE,
) -> int:
    """Restore every view of the session elsewhere and compare it with what was recorded; 1 where one is wrong."""
    if drill is not None:
        return _drilled(drill, where)

    async def work(runtime: Runtime) -> Verification:
        return await runtime.verify_undo()

    found = with_runtime(where, work)
    total = _total(found.views)
    if where.json:
        views = [{"ok": view.ok, **view.to_dict()} for view in found.views]
        databases = [database.to_dict() for database in found.databases]
        put_json({"ok": found.ok, "views": views, "databases": databases, "total": total})
        return 0 if found.ok else 1
    for view in found.views:
        for line in _lines(view):
            put(line)
    for database in found.databases:
        for line in _database_lines(database):
            put(line)
    put(
        f"{_count(total['views'], 'view')}: {total['good']} as recorded, {total['wrong']} wrong, {total['damaged']}"
        f" damaged; {_count(total['compared'], 'path')} compared, {total['edited']} edited in the workspace since,"
        f" {total['not_comparable']} not comparable"
        + (f"; {total['collected']} collected" if total["collected"] else "")
    )
    return 0 if found.ok else 1


def _drilled(file: Path, where: Where) -> int:
    found = run(drilling.drill(packs().drill(file)))
    if where.json:
        put_json({"ok": found.ok, **found.to_dict()})
        return 0 if found.ok else 1
    for line in found.wrong:
        put(f"NOT PROVED: {plain(line)}")
    for name in found.proved:
        put(f"proved: {plain(name)} was carried out, and undone")
    return 0 if found.ok else 1


def _total(views: tuple[CheckedView, ...]) -> dict[str, int]:
    return {
        "views": len(views),
        "good": sum(view.ok and not view.collected for view in views),
        "collected": sum(bool(view.collected) for view in views),
        "wrong": sum(bool(view.wrong) for view in views),
        "damaged": sum(bool(view.damage) for view in views),
        "compared": sum(view.compared for view in views),
        "edited": sum(len(view.edited) for view in views),
        "not_comparable": sum(len(view.not_comparable) for view in views),
    }


def _lines(view: CheckedView) -> list[str]:
    name = f"view {', '.join(map(str, view.operations))}"
    if view.collected:
        return [f"{name}: its files {plain(view.collected)}"]
    if view.damage:
        return [f"{name}: DAMAGED: {plain(view.damage)}"]
    parts = [f"{_count(view.compared - len(view.wrong) - len(view.edited), 'path')} as recorded"]
    parts += [f"{len(view.edited)} edited in the workspace since"] if view.edited else []
    parts += [f"{len(view.not_comparable)} not comparable"] if view.not_comparable else []
    if not view.wrong:
        return [f"{name}: {', '.join(parts)}"]
    lines = [f"{name}: {len(view.wrong)} WRONG, {', '.join(parts)}"]
    for wrong in view.wrong:
        expected = " or ".join(_words(state) for state in wrong.expected)
        lines += [f"  {plain(wrong.path)}", f"    expected: {expected}", f"    found:    {_words(wrong.found)}"]
    return lines


def _database_lines(database: CheckedDatabase) -> list[str]:
    out = {HTTP: "requests", PUSH: "pushes"}.get(database.name)
    name = f"{out or f'database {database.name}'}, {named(database.operations)}"
    if database.damage:
        return [f"{name}: DAMAGED: {plain(database.damage)}"]
    if not database.changed:
        return [f"{name}: as recorded; {'all was looked at' if out else 'undo was tried, and rolled back'}"]
    return [f"{name}: changed by others since", *(f"  {conflict_line(one)}" for one in database.changed)]


def _words(state: FileState | None) -> str:
    if state is None:
        return "nothing"
    if state.type == "symlink":
        return f"symlink to {plain(state.target or '')}"
    words = f"{state.type}, mode {state.mode:04o}"
    if state.type == "file":
        words += f", {_count(state.size, 'byte')}, sha256 {state.digest or 'not recorded'}"
    return words


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
