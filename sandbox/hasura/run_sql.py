"""`/v2/query`: `run_sql` and `bulk`.

Rules (Hasura's `RunSQL.hs`): statements run in one transaction; rows come as text with a header; a statement that may
change tables is followed by a comparison of the database with the metadata, and what the metadata rests on is not
dropped without `cascade`.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import psycopg

from sandbox.hasura import catalog
from sandbox.hasura.engine import HasuraEngine
from sandbox.hasura.metadata.changes import Column, follow_database, refuse_renames
from sandbox.hasura.metadata.commands_tables import source_of
from sandbox.hasura.metadata.draft import Draft
from sandbox.hasura.metadata.faults import Fault, key_error, not_simulated, parse_failed
from sandbox.hasura.metadata.names import kind_of, require

__all__ = ["query_request"]

_log = logging.getLogger("sandbox.hasura")
_MAY_CHANGE_TABLES = re.compile(r"\b(alter|drop|replace|create function|comment on)\b", re.IGNORECASE)
_MAY_CHANGE_CATALOG = re.compile(r"\b(create|alter|drop|replace|comment|do|call)\b", re.IGNORECASE)
_NOT_SIMULATED = {
    f"{prefix}{name}"
    for prefix in ("", "pg_", "postgres_")
    for name in ("select", "insert", "update", "delete", "count")
} | {f"{prefix}_run_sql" for prefix in ("mssql", "bigquery", "citus", "cockroach")}


def query_request(engine: HasuraEngine, request: object) -> Any:
    """Answer a request of `/v2/query` (the caller is admin). Raises `Fault`."""
    if not isinstance(request, dict):
        raise parse_failed(
            f"parsing RQLQuery failed, expected Object, but encountered {kind_of(request)}", path="$"
        )
    if "type" not in request:
        raise key_error("type", path="$")
    kind, args = request["type"], request.get("args")
    if kind in ("run_sql", "pg_run_sql", "postgres_run_sql"):
        return _run_sql(engine, args)
    if kind in ("bulk", "concurrent_bulk"):
        if not isinstance(args, list):
            raise parse_failed(
                f"parsing [] failed, expected Array, but encountered {kind_of(args)}", path="$.args"
            )
        return [_inside(engine, item, index) for index, item in enumerate(args)]
    if kind in _NOT_SIMULATED:
        _log.warning("query command %s is not simulated", kind)
        raise not_simulated(str(kind))
    raise parse_failed(f'unknown query command "{kind}"', path="$.type")


def _inside(engine: HasuraEngine, request: object, index: int) -> Any:
    try:
        return query_request(engine, request)
    except Fault as fault:
        raise fault.under(f"$.args[{index}]") from None


def _run_sql(engine: HasuraEngine, args: Any) -> Any:
    sql = require(args, "sql")
    if not isinstance(sql, str):
        raise parse_failed(
            f"parsing Text failed, expected String, but encountered {kind_of(sql)}", path="$.args.sql"
        )
    source = source_of(args)
    read_only = bool(args.get("read_only"))
    check = args.get("check_metadata_consistency")
    checked = bool(_MAY_CHANGE_TABLES.search(sql)) if check is None else bool(check)
    checked = checked and not read_only
    if not checked and (read_only or not _MAY_CHANGE_CATALOG.search(sql)):
        return _plain(engine, source, sql, read_only)

    def work(draft: Draft) -> Any:
        draft.source(source)
        state = draft.sources[source]
        before = state.catalog
        with state.usable_pool.connection() as connection, connection.transaction():
            names = _names(connection) if checked else {}
            answer = _execute(connection, sql)
            after = catalog.introspect(connection)
            if checked and before is not None:
                now = _names(connection)
                refuse_renames(
                    draft, source, [(old, now[at]) for at, old in names.items() if now.get(at, old) != old]
                )
                follow_database(draft, source, before, after, cascade=bool(args.get("cascade")))
        draft.adopt(source, after)
        draft.refresh()
        return answer

    return engine.change(work, changes=checked, serve=True)


def _names(connection: psycopg.Connection[Any]) -> dict[tuple[int, int], Column]:
    """Every column by its identity, which outlives a change of name."""
    rows = connection.execute(
        "SELECT c.oid, a.attnum, n.nspname, c.relname, a.attname FROM pg_attribute a"
        " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped"
        " AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
    )
    return {(oid, number): (schema, table, column) for oid, number, schema, table, column in rows}


def _plain(engine: HasuraEngine, source: str, sql: str, read_only: bool) -> Any:
    state = engine.snapshot.sources.get(source)
    if state is None:
        raise Fault(f'source with name "{source}" does not exist', "not-exists")
    if state.pool is None:
        raise Fault(f'source with name "{source}" is inconsistent', "unexpected")
    with state.pool.connection() as connection, connection.transaction():
        if read_only:
            connection.execute("SET TRANSACTION READ ONLY")
        return _execute(connection, sql)


def _execute(connection: psycopg.Connection[Any], sql: str) -> dict[str, Any]:
    """The last statement's result in Hasura's form. Raises `Fault` for an SQL error."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql.encode())
            result = cursor.pgresult
            while cursor.nextset():
                result = cursor.pgresult
            if result is None or result.status != psycopg.pq.ExecStatus.TUPLES_OK:
                return {"result_type": "CommandOk", "result": None}
            names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
            rows = [
                [_cell(result.get_value(row, column)) for column in range(result.nfields)]
                for row in range(result.ntuples)
            ]
            return {"result_type": "TuplesOk", "result": [names, *rows]}
    except psycopg.Error as error:
        raise Fault("query execution failed", "postgres-error", internal=_internal(error, sql)) from None


def _cell(value: bytes | None) -> str:
    return "NULL" if value is None else value.decode(errors="replace")


def _internal(error: psycopg.Error, sql: str) -> dict[str, Any]:
    diagnosis = error.diag
    return {
        "arguments": [],
        "error": {
            "description": diagnosis.message_detail,
            "exec_status": "FatalError",
            "hint": diagnosis.message_hint,
            "message": diagnosis.message_primary or str(error),
            "status_code": error.sqlstate,
        },
        "prepared": False,
        "statement": sql,
    }
