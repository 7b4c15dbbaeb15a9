"""What is found in the database: a table as Postgres' system catalogs describe it.

Postgres writes types and expressions in its own spelling (`timestamptz` comes back as `timestamp with time zone`, `'x'` as
`'x'::text`). Whether two spellings mean the same is Postgres' word, not ours: the declared columns are made as a temporary table
inside a transaction that is rolled back, and its catalog entries are compared with the real table's.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from providers.pgschema.definition import Column, TableInputs, UniqueConstraint

_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
       col_description(a.attrelid, a.attnum)
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_KEYS = """
SELECT c.conname, c.contype::text,
       ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k(num, place)
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num ORDER BY k.place)
FROM pg_constraint c WHERE c.conrelid = %s AND c.contype IN ('p', 'u') ORDER BY c.conname
"""
_TABLE = """
SELECT t.oid, obj_description(t.oid, 'pg_class') FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE n.nspname = %s AND t.relname = %s AND t.relkind IN ('r', 'p')
"""

Row = tuple[Any, ...]


def find(connection: psycopg.Connection[Row], schema: str, name: str) -> TableInputs | None:
    """Everything that a table has, in Postgres' spelling; None where there is no such table."""
    found = connection.execute(_TABLE, (schema, name)).fetchone()
    if found is None:
        return None
    keys = connection.execute(_KEYS, (found[0],)).fetchall()
    return TableInputs(
        schema=schema,
        name=name,
        columns=_columns(connection, found[0]),
        primary_key=next((columns for _, kind, columns in keys if kind == "p"), []),
        unique_constraints=[
            UniqueConstraint(name=constraint, columns=columns)
            for constraint, kind, columns in keys
            if kind == "u"
        ],
        comment=found[1],
    )


def project(connection: psycopg.Connection[Row], live: TableInputs, declared: TableInputs) -> TableInputs:
    """The live table as far as it is declared, in the declared spelling wherever Postgres takes both for the same.

    Leaves the connection's transaction rolled back.
    """
    meant = {column.name: column for column in _as_postgres_writes(connection, declared)}
    there = {column.name: column for column in live.columns}
    columns = [
        _respelled(there[column.name], column, meant.get(column.name))
        for column in declared.columns
        if column.name in there
    ]
    ours = [item.name for item in declared.unique_constraints]
    constraints = {item.name: item for item in live.unique_constraints}
    return declared.model_copy(
        update={
            "columns": columns,
            "primary_key": live.primary_key if declared.primary_key else [],
            "unique_constraints": [constraints[name] for name in ours if name in constraints],
            "comment": live.comment if declared.comment is not None else None,
        }
    )


def _columns(connection: psycopg.Connection[Row], oid: int) -> list[Column]:
    return [
        Column.model_construct(name=name, type=type_, nullable=nullable, default=default, comment=comment)
        for name, type_, nullable, default, comment in connection.execute(_COLUMNS, (oid,))
    ]


def _as_postgres_writes(connection: psycopg.Connection[Row], declared: TableInputs) -> list[Column]:
    """The declared columns in Postgres' spelling; empty where Postgres cannot make them (a type that is gone, say)."""
    parts = [
        # Types and default expressions are SQL by nature; both were declared by whoever may change the table anyway.
        sql.SQL("{} {}{}").format(
            sql.Identifier(column.name),
            sql.SQL(column.type),
            sql.SQL(f" DEFAULT {column.default}" if column.default is not None else ""),
        )
        for column in declared.columns
    ]
    statement = sql.SQL("CREATE TEMPORARY TABLE pgschema_spelling ({})").format(sql.SQL(", ").join(parts))
    try:
        connection.execute(statement)
        made = connection.execute("SELECT 'pg_temp.pgschema_spelling'::regclass::oid").fetchone()
        return _columns(connection, made[0]) if made else []
    except psycopg.Error:
        return []
    finally:
        connection.rollback()


def _respelled(live: Column, declared: Column, meant: Column | None) -> Column:
    same_type = meant is not None and meant.type == live.type
    same_default = meant is not None and meant.default == live.default
    return live.model_copy(
        update={
            "type": declared.type if same_type else live.type,
            "default": declared.default if same_default else live.default,
            "comment": live.comment,
        }
    )
