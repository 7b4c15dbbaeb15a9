"""`insert_T`, `insert_T_one`, `on_conflict`, and inserts through relationships.

Rows without related ones go in one statement. With related ones each row is inserted by itself: object
relationships first, the row, then what refers to it. Source: graphql-engine
`Hasura.Backends.Postgres.Execute.Insert`, `…Translate.Insert`, `…Schema.OnConflict`.
"""
# ruff: noqa: S608 - the text is put together from quoted identifiers and $n alone

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .document import Field
from .errors import GraphQLFault, invalid
from .mutation import Cursor, Plan, change, decoded, needs_rows, preset, response, returning, rows_of
from .operators import conjunction
from .permissions import WritePermission
from .scalars import to_text
from .schema import Context, RootField, TableView, ident
from .select import Request
from .source import Relationship
from .where import Where

_MAX_VALUES = 30_000


class Insert:
    """Inserts rows of one root field, and those below them."""

    def __init__(self, request: Request, new_context: Callable[[], Context]) -> None:
        self.request, self.new_context = request, new_context

    def many(
        self,
        cursor: Cursor,
        view: TableView,
        rows: list[dict[str, Any]],
        *,
        conflict: dict[str, Any] | None,
        fixed: dict[str, Any],
        path: str,
    ) -> tuple[int, list[dict[str, Any]]]:
        """Insert rows; `fixed` are Postgres columns that a parent determines. Answers (all affected rows, rows)."""
        related = any(name in view.tracked.relationships and v for row in rows for name, v in row.items())
        if not related:
            for i, row in enumerate(rows):
                self._check_columns(view, row, fixed, f"{path}[{i}]")
            return self._insert(cursor, view, rows, conflict=conflict, fixed=fixed, path=path)
        total, result = 0, []
        for i, row in enumerate(rows):
            count, inserted = self._one(
                cursor, view, row, conflict=conflict, fixed=fixed, path=f"{path}[{i}]"
            )
            total += count
            result += inserted
        return total, result

    def _one(
        self,
        cursor: Cursor,
        view: TableView,
        row: dict[str, Any],
        *,
        conflict: dict[str, Any] | None,
        fixed: dict[str, Any],
        path: str,
    ) -> tuple[int, list[dict[str, Any]]]:
        self._check_columns(view, row, fixed, path)
        related = [
            (view.tracked.relationships[n], v)
            for n, v in row.items()
            if n in view.tracked.relationships and v
        ]
        before = [(r, v) for r, v in related if not r.is_array and not r.after_parent]
        after = [(r, v) for r, v in related if r.is_array or r.after_parent]
        total, known = 0, dict(fixed)
        for relationship, value in before:
            count, inserted = self._before(cursor, view, relationship, value, row=row, known=known, path=path)
            total += count
            known |= inserted
        count, inserted_rows = self._insert(cursor, view, [row], conflict=conflict, fixed=known, path=path)
        total += count
        for relationship, value in after:
            if not inserted_rows:
                text = f'cannot proceed to insert array relations since insert to table "{view.table.name}" affects zero rows'
                raise GraphQLFault(text, "not-supported", path)
            parent = {b: inserted_rows[0][a] for a, b in relationship.mapping}
            data = value["data"] if relationship.is_array else [value["data"]]
            remote = self.request.schema.view(relationship.remote)
            at = f"{path}.{relationship.name}.data"
            total += self.many(
                cursor, remote, data, conflict=value.get("on_conflict"), fixed=parent, path=at
            )[0]
        return total, inserted_rows

    def _before(
        self,
        cursor: Cursor,
        view: TableView,
        relationship: Relationship,
        value: dict[str, Any],
        *,
        row: dict[str, Any],
        known: dict[str, Any],
        path: str,
    ) -> tuple[int, dict[str, Any]]:
        named = {view.tracked.columns[n].name for n in row if n in view.tracked.columns} | known.keys()
        clash = [a for a, _ in relationship.mapping if a in named]
        at = f"{path}.{relationship.name}"
        if clash:
            listed = ", ".join(f'"{c}"' for c in clash)
            text = f'cannot insert object relationship "{relationship.name}" as {listed} column values are already determined'
            raise invalid(text, at)
        remote = self.request.schema.view(relationship.remote)
        count, rows = self._one(
            cursor, remote, value["data"], conflict=value.get("on_conflict"), fixed={}, path=f"{at}.data"
        )
        if not rows:
            text = f'cannot proceed to insert object relation "{relationship.name}" since insert to table '
            raise GraphQLFault(text + f'"{remote.table.name}" affects zero rows', "not-supported", at)
        return count, {a: rows[0][b] for a, b in relationship.mapping}

    @staticmethod
    def _check_columns(view: TableView, row: dict[str, Any], fixed: dict[str, Any], path: str) -> None:
        clash = [c.name for n, c in view.tracked.columns.items() if n in row and c.name in fixed]
        if clash:
            listed = ", ".join(f'"{c}"' for c in clash)
            raise invalid(
                f"cannot insert {listed} columns as their values are already being determined by parent insert",
                path,
            )

    def _insert(
        self,
        cursor: Cursor,
        view: TableView,
        rows: list[dict[str, Any]],
        *,
        conflict: dict[str, Any] | None,
        fixed: dict[str, Any],
        path: str,
    ) -> tuple[int, list[dict[str, Any]]]:
        total, result = 0, []
        step = max(1, _MAX_VALUES // max(1, len(view.table.columns)))
        for start in range(0, len(rows), step):
            context = self.new_context()
            cte = self.statement(context, view, rows[start : start + step], conflict=conflict, fixed=fixed)
            count, found = change(cursor, cte, context, path, check=True, output=rows_of(view))
            total += count
            result += decoded(found)
        return total, result

    def statement(
        self,
        context: Context,
        view: TableView,
        rows: list[dict[str, Any]],
        *,
        conflict: dict[str, Any] | None,
        fixed: dict[str, Any],
    ) -> str:
        """The INSERT with its check in RETURNING."""
        permission = view.insert
        if permission is None:  # pragma: no cover - the field would not exist
            raise AssertionError(view.name)
        given = {c.name: n for n, c in view.tracked.columns.items()}
        named = {name for row in rows for name in row if name in view.tracked.columns}
        names = [
            c.name
            for c in view.table.columns.values()
            if given.get(c.name) in named or c.name in fixed or c.name in permission.presets
        ]
        tuples = []
        for row in rows:
            cells = [
                self._cell(context, view, permission, row, name=name, gql_name=given.get(name), fixed=fixed)
                for name in names
            ]
            tuples.append(f"({', '.join(cells)})")
        alias = context.alias()
        listed = f" ({', '.join(map(ident, names))}) VALUES {', '.join(tuples)}"
        if not names:
            one = next(c.name for c in view.table.columns.values() if not c.is_generated)
            listed = f" ({ident(one)}) VALUES {', '.join('(DEFAULT)' for _ in rows)}"
        where = Where(self.request.schema, context)
        action = self._conflict(context, where, view, conflict, alias) if conflict else ""
        check = where.permission(view.tracked, permission.check, alias) if permission.check else "TRUE"
        update = view.conflict_update
        if conflict and conflict.get("update_columns") and update is not None and update.check is not None:
            after = where.permission(view.tracked, update.check, alias)
            check = f"(CASE WHEN {alias}.xmax = 0 THEN {check} ELSE {after} END)"
        return (
            f"INSERT INTO {view.from_sql} AS {alias}{listed}{action} RETURNING {alias}.*, {check} AS _check"
        )

    @staticmethod
    def _cell(
        context: Context,
        view: TableView,
        permission: WritePermission,
        row: dict[str, Any],
        *,
        name: str,
        gql_name: str | None,
        fixed: dict[str, Any],
    ) -> str:
        column = view.table.columns[name]
        if name in permission.presets:
            return preset(context, column, permission.presets[name])
        if name in fixed:
            return context.param(to_text(fixed[name], column.type, column.element), column.cast)
        if gql_name is not None and gql_name in row:
            return context.param(to_text(row[gql_name], column.type, column.element), column.cast)
        return "DEFAULT"

    @staticmethod
    def _conflict(
        context: Context, where: Where, view: TableView, conflict: dict[str, Any], alias: str
    ) -> str:
        target = f" ON CONFLICT ON CONSTRAINT {ident(conflict['constraint'])}"
        columns = conflict.get("update_columns") or []
        if "_PLACEHOLDER" in columns:
            raise invalid("erroneous column name")
        if not columns:
            return f"{target} DO NOTHING"
        update = view.conflict_update or WritePermission()
        items = [
            f"{name} = EXCLUDED.{name}" for name in (ident(view.tracked.columns[n].name) for n in columns)
        ]
        for name, value in update.presets.items():
            if name in view.table.columns:
                items.append(f"{ident(name)} = {preset(context, view.table.columns[name], value)}")
        allowed = where.permission(view.tracked, update.filter, alias)
        wanted = where.client(view, conflict.get("where"), alias)
        return f"{target} DO UPDATE SET {', '.join(items)} WHERE {conjunction([allowed, wanted])}"


def compile_insert(
    request: Request,
    root: RootField,
    field: Field,
    arguments: dict[str, Any],
    new_context: Callable[[], Context],
) -> Plan:
    """Compile an insert: what it answers now, what it writes when it runs."""
    view, insert = root.view, Insert(request, new_context)
    conflict = arguments.get("on_conflict")
    one = root.kind == "insert_one"
    path = f"{field.path}.args.{'object' if one else 'objects'}"
    rows = [arguments["object"]] if one else arguments["objects"]
    if one:
        read = returning(request, view, field, new_context(), single=True)

        def insert_one(cursor: Cursor) -> Any:
            inserted = insert.many(cursor, view, rows, conflict=conflict, fixed={}, path=path)[1]
            return read(cursor, json.dumps(inserted))

        return insert_one
    answer = response(request, view, field, new_context)
    full = needs_rows(request, view, field)

    def insert_many(cursor: Cursor) -> Any:
        if not rows:
            return answer(cursor, 0, "[]")
        related = any(n in view.tracked.relationships for row in rows for n in row)
        if not full and not related and len(rows) * len(view.table.columns) < _MAX_VALUES:
            context = new_context()
            cte = insert.statement(context, view, rows, conflict=conflict, fixed={})
            return answer(cursor, change(cursor, cte, context, path, check=True, output="NULL")[0], "[]")
        count, inserted = insert.many(cursor, view, rows, conflict=conflict, fixed={}, path=path)
        return answer(cursor, count, json.dumps(inserted))

    return insert_many
