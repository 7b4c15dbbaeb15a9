"""What a Postgres database holds, read from its system catalogs.

One reading gives tables, views, columns, keys and functions as frozen values; nothing here knows metadata
or GraphQL. Source of the rules: Postgres documentation, chapter "System Catalogs" (pg_class, pg_attribute,
pg_constraint, pg_proc); which schemas are left out follows graphql-engine's own table query.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

QualifiedName = tuple[str, str]
"""(schema, name)"""

_KINDS = {"r": "table", "p": "table", "f": "foreign table", "v": "view", "m": "materialized view"}


@dataclass(frozen=True)
class Column:
    """A column; `type` is the type's name in pg_type (`uuid`, `timestamptz`, `_text` for text[])."""

    name: str
    type: str
    nullable: bool
    has_default: bool
    is_generated: bool = False
    """GENERATED ALWAYS AS (…) STORED or AS IDENTITY: never written by a client."""
    cast: str = ""
    """The type as SQL, usable after `::`, without length or precision."""
    element: str | None = None
    """pg_type name of an array's elements."""
    base_type: str | None = None
    """pg_type name below a domain."""
    type_kind: str = "b"
    """pg_type.typtype: b(ase), c(omposite), d(omain), e(num), r(ange) …"""
    description: str | None = None


@dataclass(frozen=True)
class Constraint:
    """A primary key or unique constraint, columns in key order."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class ForeignKey:
    """`columns[i]` refers to `referenced_columns[i]` of `referenced_table`."""

    name: str
    columns: tuple[str, ...]
    referenced_table: QualifiedName
    referenced_columns: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table or view with what the GraphQL schema needs of it."""

    schema: str
    name: str
    kind: str
    columns: dict[str, Column]
    primary_key: Constraint | None = None
    unique_constraints: list[Constraint] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    insertable: bool = True
    updatable: bool = True
    deletable: bool = True
    description: str | None = None


@dataclass(frozen=True)
class Argument:
    """An input argument of a function; `table` is set when its type is a table's row type."""

    name: str | None
    type: str
    cast: str
    has_default: bool
    table: QualifiedName | None = None


@dataclass(frozen=True)
class Function:
    """A function; `returns_table` is set when it returns rows of a table."""

    schema: str
    name: str
    arguments: tuple[Argument, ...]
    returns_set: bool
    return_type: str
    returns_table: QualifiedName | None
    volatility: str
    """pg_proc.provolatile: i(mmutable), s(table), v(olatile)."""

    @property
    def args(self) -> tuple[Argument, ...]:
        """The same as `arguments`."""
        return self.arguments


@dataclass(frozen=True)
class Catalog:
    """Everything that one database holds outside the system's schemas."""

    tables: dict[QualifiedName, Table]
    functions: dict[QualifiedName, Function] = field(default_factory=dict)


_OUR_SCHEMAS = (
    "n.nspname NOT IN ('pg_catalog', 'information_schema', 'hdb_catalog', 'hdb_lib') "
    "AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'"
)

_TABLES = f"""
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind,
       pg_relation_is_updatable(c.oid, true) AS writes, obj_description(c.oid, 'pg_class') AS description
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND {_OUR_SCHEMAS}
"""  # noqa: S608 - constant text

_COLUMNS = f"""
SELECT a.attrelid AS table, a.attname AS name, t.typname AS type, t.typtype AS type_kind, NOT a.attnotnull AS nullable,
       a.atthasdef AND a.attgenerated = '' OR a.attidentity <> '' AS has_default,
       a.attgenerated <> '' OR a.attidentity = 'a' AS is_generated,
       format_type(a.atttypid, -1) AS cast, e.typname AS element, b.typname AS base_type,
       col_description(a.attrelid, a.attnum) AS description
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
LEFT JOIN pg_type b ON b.oid = t.typbasetype AND t.typtype = 'd'
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'v', 'm') AND {_OUR_SCHEMAS}
ORDER BY a.attrelid, a.attnum
"""  # noqa: S608 - constant text

_CONSTRAINTS = f"""
SELECT k.conrelid AS table, k.conname AS name, k.contype AS kind, fn.nspname AS ref_schema, f.relname AS ref_name,
       (SELECT array_agg(a.attname::text ORDER BY i.n) FROM unnest(k.conkey) WITH ORDINALITY AS i(num, n)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = i.num) AS columns,
       (SELECT array_agg(a.attname::text ORDER BY i.n) FROM unnest(k.confkey) WITH ORDINALITY AS i(num, n)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = i.num) AS ref_columns
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class f ON f.oid = k.confrelid LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
WHERE k.contype IN ('p', 'u', 'f') AND {_OUR_SCHEMAS}
ORDER BY k.conrelid, k.contype, k.oid
"""  # noqa: S608 - constant text

_FUNCTIONS = f"""
SELECT n.nspname AS schema, p.proname AS name, p.proretset AS returns_set, p.provolatile AS volatility,
       p.pronargdefaults AS defaults, p.proargnames AS arg_names, p.proargmodes AS arg_modes,
       rt.typname AS return_type, rn.nspname AS ret_schema, rc.relname AS ret_name,
       (SELECT json_agg(json_build_object('type', t.typname, 'cast', format_type(t.oid, -1),
                                          'schema', cn.nspname, 'table', tc.relname) ORDER BY i.n)
        FROM unnest(p.proargtypes) WITH ORDINALITY AS i(oid, n) JOIN pg_type t ON t.oid = i.oid
        LEFT JOIN pg_class tc ON tc.oid = t.typrelid AND tc.relkind IN ('r', 'p', 'f', 'v', 'm')
        LEFT JOIN pg_namespace cn ON cn.oid = tc.relnamespace) AS args
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_type rt ON rt.oid = p.prorettype
LEFT JOIN pg_class rc ON rc.oid = rt.typrelid AND rc.relkind IN ('r', 'p', 'f', 'v', 'm')
LEFT JOIN pg_namespace rn ON rn.oid = rc.relnamespace
WHERE p.prokind = 'f' AND {_OUR_SCHEMAS}
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""  # noqa: S608 - constant text


def introspect(conn: psycopg.Connection[Any]) -> Catalog:
    """Read the database behind `conn`.

    The connection's transaction state is left to the caller. Raises psycopg.Error when the catalogs cannot
    be read.
    """
    with conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(_TABLES).fetchall()
        columns: dict[int, dict[str, Column]] = {row["oid"]: {} for row in rows}
        for row in cur.execute(_COLUMNS).fetchall():
            oid = row.pop("table")
            columns[oid][row["name"]] = Column(**row)
        keys: dict[int, list[dict[str, Any]]] = {row["oid"]: [] for row in rows}
        for row in cur.execute(_CONSTRAINTS).fetchall():
            keys[row["table"]].append(row)
        functions = [_function(row) for row in cur.execute(_FUNCTIONS).fetchall()]
    tables = [_table(row, columns[row["oid"]], keys[row["oid"]]) for row in rows]
    return Catalog(
        tables={(t.schema, t.name): t for t in tables},
        functions={(f.schema, f.name): f for f in functions},
    )


def _table(row: dict[str, Any], columns: dict[str, Column], keys: list[dict[str, Any]]) -> Table:
    primary = [Constraint(k["name"], tuple(k["columns"])) for k in keys if k["kind"] == "p"]
    is_table = row["kind"] in ("r", "p")
    return Table(
        schema=row["schema"],
        name=row["name"],
        kind=_KINDS[row["kind"]],
        columns=columns,
        primary_key=primary[0] if primary else None,
        unique_constraints=[Constraint(k["name"], tuple(k["columns"])) for k in keys if k["kind"] == "u"],
        foreign_keys=[
            ForeignKey(
                k["name"], tuple(k["columns"]), (k["ref_schema"], k["ref_name"]), tuple(k["ref_columns"])
            )
            for k in keys
            if k["kind"] == "f"
        ],
        # bits of pg_relation_is_updatable: 4 UPDATE, 8 INSERT, 16 DELETE
        insertable=is_table or bool(row["writes"] & 8),
        updatable=is_table or bool(row["writes"] & 4),
        deletable=is_table or bool(row["writes"] & 16),
        description=row["description"],
    )


def _function(row: dict[str, Any]) -> Function:
    types = row["args"] or []
    modes = row["arg_modes"]
    names = list(row["arg_names"] or [])
    if modes:  # names of OUT and TABLE columns stand beside those of the input arguments
        names = [n for n, m in zip(names, modes, strict=False) if m in ("i", "b", "v")]
    names += [None] * (len(types) - len(names))
    first_default = len(types) - row["defaults"]
    return Function(
        schema=row["schema"],
        name=row["name"],
        arguments=tuple(
            Argument(
                name=names[i] or None,
                type=t["type"],
                cast=t["cast"],
                has_default=i >= first_default,
                table=(t["schema"], t["table"]) if t["table"] else None,
            )
            for i, t in enumerate(types)
        ),
        returns_set=row["returns_set"],
        return_type=row["return_type"],
        returns_table=(row["ret_schema"], row["ret_name"]) if row["ret_name"] else None,
        volatility=row["volatility"],
    )
