"""Values that must not be there twice, where the server itself only looks by a trigger, and none fires.

Those are of deferrable constraints: with triggers off, what breaks one is written without a word.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from agentrt.errors import Conflict
from agentrt.records import PathConflict

from .catalog import Name
from .line import Line
from .values import array

_DEFERRABLE = """
    SELECT n.nspname, c.relname, k.conname, pg_catalog.pg_get_expr(i.indpred, i.indrelid),
           coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false),
           (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                       pg_catalog.pg_get_indexdef(k.conindid, p.place, false),
                       pg_catalog.format('OPERATOR(%I.%s)', o.nspname, o.oprname)) ORDER BY p.place)
              FROM pg_catalog.generate_series(1, i.indnkeyatts) AS p (place)
              JOIN pg_catalog.pg_opclass s ON s.oid = i.indclass[p.place - 1]
              LEFT JOIN pg_catalog.pg_amop m ON m.amopfamily = s.opcfamily AND m.amopstrategy = 3
               AND m.amoplefttype = s.opcintype AND m.amoprighttype = s.opcintype
              JOIN (SELECT o.oid, o.oprname, n.nspname FROM pg_catalog.pg_operator o
                      JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace) AS o
                ON o.oid = CASE k.contype WHEN 'x' THEN k.conexclop[p.place] ELSE m.amopopr END)::text
      FROM pg_catalog.pg_constraint k
      JOIN pg_catalog.pg_index i ON i.indexrelid = k.conindid
      JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE k.conrelid = ANY ($1::oid[]) AND c.relkind = 'r' AND k.contype IN ('p', 'u', 'x') AND k.condeferrable
     ORDER BY k.oid
"""


async def unique(line: Line, database: str, tables: Iterable[int]) -> None:
    """Of rows this transaction wrote there. Raises ``Conflict``."""
    for schema, table, constraint, only, nulls, written in (await line.ask(_DEFERRABLE, [array(tables)])).rows:
        name, parts = Name(schema, table), json.loads(written)
        keys = ", ".join(f"{expression} AS k{place}" for place, (expression, _) in enumerate(parts))
        same = " AND ".join(_same(place, operator, nulls) for place, (_, operator) in enumerate(parts))
        twice = await line.run(
            f"WITH held AS NOT MATERIALIZED (SELECT ctid AS at, xmin AS by, {keys} FROM ONLY {name.sql} "
            f"WHERE {only or 'true'}) SELECT a.at::text FROM held AS a JOIN held AS b ON a.at <> b.at AND {same} "
            "WHERE pg_catalog.age(a.by) <= 0 LIMIT 1"
        )
        if twice.rows:
            raise Conflict(
                f"the database is against it: {constraint} wants values to be there once",
                conflicts=[
                    PathConflict(
                        path=f"{database}:{name.label}", ours="its rows as they were",
                        theirs=f"another row with values that {constraint} wants to be there once",
                    )
                ],
            )  # fmt: skip


def _same(place: int, operator: Any, nulls: Any) -> str:
    equal = f"a.k{place} {operator} b.k{place}"
    return f"({equal} OR a.k{place} IS NULL AND b.k{place} IS NULL)" if nulls else equal
