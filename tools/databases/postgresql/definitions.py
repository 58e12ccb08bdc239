"""All definitions there are, as plain data that two moments can be compared by, and a definition be made again from.

Names stand for what the catalog numbers; what only the storage knows (files, counts, hints) is left out, and of every
row of the catalog all else is in, also what a later version adds.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from .catalog import Name, ident, quoted
from .line import Line

Entry = dict[str, Any]
"""``kind``, ``schema``, ``name``, ``on`` (the table, as SQL, of what hangs on one), and by kind what it is."""
Entries = dict[str, Entry]
"""By address: `x`."""

_MINE = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
_ACL = """
    CASE WHEN {acl} IS NOT NULL THEN (SELECT coalesce(json_agg(pg_catalog.json_build_array(
            CASE x.grantee WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(x.grantee) END, x.privilege_type,
            x.is_grantable, pg_catalog.pg_get_userbyid(x.grantor)) ORDER BY
            CASE x.grantee WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(x.grantee) END COLLATE "C",
            x.privilege_type COLLATE "C", x.is_grantable, pg_catalog.pg_get_userbyid(x.grantor) COLLATE "C"), '[]')
       FROM pg_catalog.aclexplode({acl}) AS x) END
"""
# Some builds of the server stamp columns with ``pg_attver``, which nobody can set.
_NOISE_CLASS = """{oid,relname,relnamespace,reltype,relowner,relam,relfilenode,relpages,reltuples,relallvisible,
    relallfrozen,reltoastrelid,relhasindex,relhasrules,relhastriggers,relhassubclass,relfrozenxid,relminmxid,relacl,
    relpartbound,relnatts,reltablespace,reloptions,relpersistence,relkind,relchecks}"""
_NOISE_COLUMN = """{attrelid,attname,atttypid,attlen,attnum,attcacheoff,atttypmod,attbyval,attalign,attcollation,
    atthasdef,atthasmissing,attmissingval,attisdropped,attacl,attnotnull,attidentity,attgenerated,attoptions,attstorage,
    attcompression,attstattarget}"""
_RELATIONS = rf"""
    SELECT pg_catalog.json_build_object('kind', CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' END,
        'schema', n.nspname, 'name', c.relname, 'owner', pg_catalog.pg_get_userbyid(c.relowner),
        'acl', {_ACL.format(acl="c.relacl")}, 'comment', pg_catalog.obj_description(c.oid, 'pg_class'),
        'options', c.reloptions, 'toast', t.reloptions, 'persistence', c.relpersistence,
        'method', (SELECT amname FROM pg_catalog.pg_am WHERE oid = c.relam),
        'tablespace', (SELECT spcname FROM pg_catalog.pg_tablespace WHERE oid = c.reltablespace),
        'facts', pg_catalog.to_jsonb(c) - '{_NOISE_CLASS}'::text[],
        'kin', (SELECT json_agg(pg_catalog.json_build_array(i.inhparent::regclass::text, i.inhrelid::regclass::text)
                        ORDER BY i.inhparent::regclass::text COLLATE "C", i.inhrelid::regclass::text COLLATE "C")
                  FROM pg_catalog.pg_inherits i WHERE c.oid IN (i.inhparent, i.inhrelid)),
        'query', CASE c.relkind WHEN 'v' THEN pg_catalog.pg_get_viewdef(c.oid) END,
        'rules', (SELECT json_agg(pg_catalog.json_build_array(r.rulename, r.ev_enabled,
                                                              pg_catalog.pg_get_ruledef(r.oid))
                                  ORDER BY r.rulename)
                    FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid),
        'columns', (SELECT json_agg(pg_catalog.json_build_object(
                'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
                'collation', CASE WHEN a.attcollation <> y.typcollation THEN
                    (SELECT pg_catalog.format('%I.%I', ln.nspname, l.collname) FROM pg_catalog.pg_collation l
                       JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace WHERE l.oid = a.attcollation) END,
                'default', pg_catalog.pg_get_expr(d.adbin, d.adrelid), 'generated', a.attgenerated,
                'identity', a.attidentity, 'required', a.attnotnull, 'storage', a.attstorage,
                'usual storage', y.typstorage, 'compression', pg_catalog.to_jsonb(a) -> 'attcompression',
                'statistics', nullif(a.attstattarget, -1), 'options',
                (SELECT json_agg(o ORDER BY o) FROM pg_catalog.unnest(a.attoptions) AS o
                  WHERE o NOT LIKE 'pg\_attver=%'),
                'acl', {_ACL.format(acl="a.attacl")}, 'comment', pg_catalog.col_description(c.oid, a.attnum),
                'facts', pg_catalog.to_jsonb(a) - '{_NOISE_COLUMN}'::text[]) ORDER BY a.attnum)
            FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
            LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))::text, c.oid,
        (SELECT json_object_agg(a.attnum, a.attname) FROM pg_catalog.pg_attribute a
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)::text
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid
     WHERE c.relkind IN ('r', 'v') AND c.relpersistence <> 't' AND {_MINE}
"""
_SEQUENCES = f"""
    SELECT pg_catalog.json_build_object('kind', 'sequence', 'schema', n.nspname, 'name', c.relname,
        'owner', pg_catalog.pg_get_userbyid(c.relowner), 'acl', {_ACL.format(acl="c.relacl")},
        'comment', pg_catalog.obj_description(c.oid, 'pg_class'), 'persistence', c.relpersistence,
        'type', pg_catalog.format_type(s.seqtypid, NULL), 'start', s.seqstart::text, 'increment', s.seqincrement::text,
        'max', s.seqmax::text, 'min', s.seqmin::text, 'cache', s.seqcache::text, 'cycle', s.seqcycle,
        'owned', (SELECT pg_catalog.json_build_array(tn.nspname, t.relname, a.attname, d.deptype)
                    FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
                    JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
                    JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
                   WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
                     AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0))::text, c.oid, NULL
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
     WHERE c.relpersistence <> 't' AND {_MINE}
"""
_INDEXES = f"""
    SELECT pg_catalog.json_build_object('kind', 'index', 'schema', n.nspname, 'name', c.relname,
        'on', pg_catalog.json_build_array(tn.nspname, t.relname), 'sql', pg_catalog.pg_get_indexdef(c.oid),
        'comment', pg_catalog.obj_description(c.oid, 'pg_class'), 'relkind', t.relkind,
        'tablespace', (SELECT spcname FROM pg_catalog.pg_tablespace WHERE oid = c.reltablespace),
        'kind of', c.relkind, 'options', c.reloptions,
        'flags', pg_catalog.json_build_array(i.indisclustered, i.indisvalid, i.indisready, i.indisreplident),
        'statistics', (SELECT json_agg(pg_catalog.json_build_array(a.attnum, a.attstattarget) ORDER BY a.attnum)
                         FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0))::text,
        c.oid, NULL
      FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_class t ON t.oid = i.indrelid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
     WHERE c.relpersistence <> 't' AND {_MINE}
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'))
"""
_CONSTRAINTS = f"""
    SELECT pg_catalog.json_build_object('kind', 'constraint', 'schema', n.nspname, 'name', k.conname,
        'on', pg_catalog.json_build_array(n.nspname, c.relname), 'sql', pg_catalog.pg_get_constraintdef(k.oid),
        'comment', pg_catalog.obj_description(k.oid, 'pg_constraint'), 'type', k.contype, 'relkind', c.relkind,
        'facts', pg_catalog.json_build_array(k.condeferrable, k.condeferred, k.convalidated, k.conislocal,
                                             k.coninhcount, k.connoinherit, k.conparentid <> 0),
        'index', (SELECT pg_catalog.json_build_array(pg_catalog.pg_get_indexdef(x.oid), x.reloptions,
                         x.reltablespace <> 0, i.indisclustered, i.indisvalid, i.indisreplident,
                         pg_catalog.obj_description(x.oid, 'pg_class'))
                    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
                   WHERE i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')),
        'triggers', (SELECT json_agg(t.tgenabled ORDER BY t.tgtype, t.tgenabled) FROM pg_catalog.pg_trigger t
                      WHERE t.tgconstraint = k.oid AND k.contype = 'f'))::text, k.oid, NULL
      FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE k.contype <> 't' AND c.relpersistence <> 't' AND {_MINE}
"""
_TRIGGERS = f"""
    SELECT pg_catalog.json_build_object('kind', 'trigger', 'schema', n.nspname, 'name', t.tgname,
        'on', pg_catalog.json_build_array(n.nspname, c.relname), 'sql', pg_catalog.pg_get_triggerdef(t.oid),
        'comment', pg_catalog.obj_description(t.oid, 'pg_trigger'), 'enabled', t.tgenabled, 'relkind', c.relkind,
        'parent', (pg_catalog.to_jsonb(t) ->> 'tgparentid') IS DISTINCT FROM '0')::text, t.oid, NULL
      FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE NOT t.tgisinternal AND c.relpersistence <> 't' AND {_MINE}
"""
_NOISE_FUNCTION = """{oid,proname,pronamespace,proowner,proacl,prolang,proargtypes,proallargtypes,prorettype,
    provariadic,proargdefaults,prosqlbody,prosupport,protrftypes}"""
_FUNCTIONS = f"""
    SELECT pg_catalog.json_build_object('kind', CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
        'schema', n.nspname, 'name', p.proname, 'arguments', pg_catalog.pg_get_function_identity_arguments(p.oid),
        'owner', pg_catalog.pg_get_userbyid(p.proowner), 'acl', {_ACL.format(acl="p.proacl")},
        'comment', pg_catalog.obj_description(p.oid, 'pg_proc'), 'prokind', p.prokind,
        'language', l.lanname, 'trusted', l.lanpltrusted,
        'sql', CASE WHEN p.prokind IN ('f', 'p', 'w') THEN pg_catalog.pg_get_functiondef(p.oid) END,
        'facts', pg_catalog.to_jsonb(p) - '{_NOISE_FUNCTION}'::text[])::text, p.oid, NULL
      FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
      JOIN pg_catalog.pg_language l ON l.oid = p.prolang
     WHERE {_MINE}
"""


class Described(NamedTuple):
    """At one moment."""

    entries: Entries
    oids: dict[str, int]
    """By address; within one kind."""
    columns: dict[str, dict[str, str]]
    """Of tables and views, by address: each column's number, and its name."""


def address(entry: Entry) -> str:
    """What it is found by. Functions by their arguments, too."""
    kind, name = entry["kind"], quoted(entry["name"])
    if kind in ("constraint", "trigger"):
        return f"{kind} {Name(*entry['on']).sql}.{name}"
    at = f"{kind} {quoted(entry['schema'])}.{name}"
    return f"{at}({entry['arguments']})" if "arguments" in entry else at


def sql_name(entry: Entry) -> str:
    """Of what has a name of its own in its schema."""
    return Name(entry["schema"], entry["name"]).sql


def label(entry: Entry) -> str:
    """As people say it."""
    if entry["kind"] in ("constraint", "trigger"):
        return f"{Name(*entry['on']).label}.{ident(entry['name'])}"
    said = Name(entry["schema"], entry["name"]).label
    return f"{said}({entry['arguments']})" if "arguments" in entry else said


async def describe(line: Line) -> Described:
    """All of them; the line reads under ``EXACT``."""
    found = Described({}, {}, {})
    for query in (_RELATIONS, _SEQUENCES, _INDEXES, _CONSTRAINTS, _TRIGGERS, _FUNCTIONS):
        for written, oid, columns in (await line.run(query)).rows:
            entry: Entry = json.loads(written)
            at = address(entry)
            found.entries[at] = entry
            found.oids[at] = int(oid)
            if columns is not None:
                found.columns[at] = json.loads(columns)
    return found
