"""What all mutations share: affected rows, checks, `returning`, column values.

A mutation's rows come back from a CTE. Where `returning` names related rows or computed fields it is read by a
second statement from the rows' values, so that it sees what the first one did, as graphql-engine's
`mutateAndSel` does (`Hasura.Backends.Postgres.Execute.Mutation`).
"""
# ruff: noqa: S608 - the text is put together from quoted identifiers and $n alone

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import RawCursor

from ..catalog import Column
from .document import Field
from .errors import CHECK_FAILED, GraphQLFault, from_postgres, not_supported
from .operators import is_session_variable, session_value
from .scalars import to_text
from .schema import Context, TableView, ident
from .select import Request, Select

Cursor = RawCursor[tuple[Any, ...]]
Plan = Callable[[Cursor], Any]
"""Runs a compiled root field in the request's transaction and answers its JSON."""


def run(cursor: Cursor, statement: str, params: list[Any], path: str = "$") -> tuple[Any, ...]:
    """Execute a statement that gives one row. Raises GraphQLFault for what the database refuses."""
    if len(params) > 65535:
        raise not_supported("a statement with more than 65535 values", path)
    try:
        row = cursor.execute(statement.encode(), params).fetchone()
    except psycopg.Error as error:
        raise from_postgres(error, path) from error
    if row is None:  # pragma: no cover - every statement here gives one row
        raise GraphQLFault("database query error", "unexpected", path)
    return row


def change(
    cursor: Cursor, cte: str, context: Context, path: str, *, check: bool, output: str
) -> tuple[int, Any]:
    """Execute a changing statement as a CTE `_m`; answers (number of rows, value of `output` over `_m`).

    With `check` the CTE has a column `_check`; GraphQLFault is raised if it is not true for every row.
    """
    failed = "(SELECT count(*) FROM _m WHERE _check IS NOT TRUE)" if check else "0"
    statement = f"WITH _m AS ({cte}) SELECT (SELECT count(*) FROM _m), {failed}, {output}"
    count, failures, value = run(cursor, statement, context.params, path)
    if failures:
        raise GraphQLFault(CHECK_FAILED, "permission-error", path)
    return count, value


def rows_of(view: TableView) -> str:
    """All rows of `_m` as text, to be read again or to take keys from."""
    names = ", ".join(f"_m.{ident(c.name)}" for c in view.table.columns.values())
    return f"(SELECT coalesce(json_agg(row_to_json(_r)), '[]')::text FROM (SELECT {names} FROM _m) AS _r)"


def response(
    request: Request, view: TableView, field: Field, context_of: Callable[[], Context]
) -> Callable[[Cursor, int, str], dict[str, Any]]:
    """Compile `T_mutation_response` for rows that are known as JSON text: (cursor, count, rows) → answer."""
    type_ = request.types.mutation_response(view)
    fields = request.fields(field, type_)
    compiled = [
        (sub, returning(request, view, sub, context_of(), single=False) if sub.name == "returning" else None)
        for sub in fields
    ]

    def answer(cursor: Cursor, count: int, rows: str) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for sub, read in compiled:
            if sub.name == "affected_rows":
                result[sub.key] = count
            elif sub.name == "__typename":
                result[sub.key] = type_.name
            elif read is not None:
                result[sub.key] = read(cursor, rows)
        return result

    return answer


def returning(
    request: Request, view: TableView, field: Field, context: Context, *, single: bool
) -> Callable[[Cursor, str], Any]:
    """Compile a selection over rows given as JSON text. Permission filters do not apply to rows just written."""
    place = context.param(None, "json")
    select = Select(request, context)
    alias = context.alias()
    row = select.object(view, field, alias)
    source = f"json_populate_recordset(NULL::{view.from_sql}, {place}) AS {alias}"
    statement = (
        f"SELECT (SELECT {row} FROM {source} LIMIT 1)"
        if single
        else f"SELECT (SELECT coalesce(json_agg(_j), '[]') FROM (SELECT {row} AS _j FROM {source}) AS _a)"
    )

    def read(cursor: Cursor, rows: str) -> Any:
        return run(cursor, statement, [rows, *context.params[1:]])[0]

    return read


def needs_rows(request: Request, view: TableView, field: Field) -> bool:
    """Does the answer need more than the number of rows?"""
    return any(
        sub.name == "returning" for sub in request.fields(field, request.types.mutation_response(view))
    )


def preset(context: Context, column: Column, value: Any) -> str:
    """A preset of a permission: a value or a session variable."""
    if is_session_variable(value):
        return context.param(session_value(context, value), column.cast)
    return context.param(to_text(value, column.type, column.element), column.cast)


def decoded(rows: str) -> list[dict[str, Any]]:
    """The rows as Python values."""
    found: list[dict[str, Any]] = json.loads(rows)
    return found
