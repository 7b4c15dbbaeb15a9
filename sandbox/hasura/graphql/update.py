"""`update_T`, `update_T_by_pk` and `update_T_many`.

Source: graphql-engine `Hasura.GraphQL.Schema.Update`, `Hasura.Backends.Postgres.Translate.Update`.
"""
# ruff: noqa: S608 - the text is put together from quoted identifiers and $n alone

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..catalog import Column
from .document import Field
from .errors import invalid
from .mutation import Cursor, Plan, change, needs_rows, preset, response, returning, rows_of
from .operators import conjunction
from .permissions import WritePermission
from .scalars import to_text
from .schema import Context, RootField, TableView, ident
from .select import Request, Select
from .where import require_where
from .write_inputs import UPDATE_OPERATORS


def _assignments(
    view: TableView, permission: WritePermission, given: dict[str, Any], context: Context, alias: str
) -> list[str]:
    """`SET` items. Raises GraphQLFault where operators meet in one column."""
    used: dict[str, list[str]] = {}
    items = []
    for operator in UPDATE_OPERATORS:
        for name, value in (given.get(operator) or {}).items():
            column = view.tracked.columns[name]
            used.setdefault(name, []).append(operator)
            items.append(f"{ident(column.name)} = {_operation(operator, column, value, context, alias)}")
    twice = [f'"{name}" in {", ".join(ops)}' for name, ops in used.items() if len(ops) > 1]
    if twice:
        raise invalid(f"column found in multiple operators; {'. '.join(twice)}")
    for name, value in permission.presets.items():
        if name in view.table.columns:
            items.append(f"{ident(name)} = {preset(context, view.table.columns[name], value)}")
    return items


def _operation(operator: str, column: Column, value: Any, context: Context, alias: str) -> str:
    own = f"{alias}.{ident(column.name)}"
    if operator == "_delete_key":
        return f"{own} - {context.param(to_text(value, 'text'), 'text')}"
    if operator == "_delete_elem":
        return f"{own} - {context.param(to_text(value, 'int4'), 'integer')}"
    if operator == "_delete_at_path":
        return f"{own} #- {context.param(to_text(value, '_text', 'text'), 'text[]')}"
    new = context.param(to_text(value, column.type, column.element), column.cast)
    forms = {
        "_set": new,
        "_inc": f"{own} + {new}",
        "_append": f"{own} || {new}",
        "_prepend": f"{new} || {own}",
    }
    return forms[operator]


class _Update:
    """One UPDATE statement."""

    def __init__(self, request: Request, view: TableView, context: Context) -> None:
        if view.update is None:  # pragma: no cover - the root field would not exist
            raise AssertionError(view.name)
        self.view, self.permission, self.context = view, view.update, context
        self.select = Select(request, context)
        self.alias = context.alias()

    def compile(self, given: dict[str, Any], wanted: str) -> str | None:
        """The CTE, None where nothing is to be set."""
        view, alias, where = self.view, self.alias, self.select.where
        items = _assignments(view, self.permission, given, self.context, alias)
        if not items:
            return None
        allowed = where.permission(view.tracked, self.permission.filter, alias)
        check = (
            where.permission(view.tracked, self.permission.check, alias) if self.permission.check else "TRUE"
        )
        return (
            f"UPDATE {view.from_sql} AS {alias} SET {', '.join(items)} WHERE {conjunction([allowed, wanted])} "
            f"RETURNING {alias}.*, {check} AS _check"
        )


def compile_update(
    request: Request,
    root: RootField,
    field: Field,
    arguments: dict[str, Any],
    new_context: Callable[[], Context],
) -> Plan:
    """Compile an update; the permission's filter is ANDed, its check must hold for every row afterwards."""
    view = root.view
    if root.kind == "update_many":
        return _compile_many(request, view, field, arguments, new_context)
    update = _Update(request, view, new_context())
    if root.kind == "update_by_pk":
        key = update.select.key(view, arguments["pk_columns"], update.alias)
        cte_one = update.compile(arguments, key)
        read = returning(request, view, field, new_context(), single=True)

        def update_one(cursor: Cursor) -> Any:
            if cte_one is None:
                return None
            return read(
                cursor, change(cursor, cte_one, update.context, "$", check=True, output=rows_of(view))[1]
            )

        return update_one
    where = require_where(arguments["where"], f"{field.path}.args.where")
    cte = update.compile(arguments, update.select.where.client(view, where, update.alias))
    answer = response(request, view, field, new_context)
    output = rows_of(view) if needs_rows(request, view, field) else "'[]'"

    def update_all(cursor: Cursor) -> Any:
        if cte is None:
            return answer(cursor, 0, "[]")
        return answer(cursor, *change(cursor, cte, update.context, "$", check=True, output=output))

    return update_all


def _compile_many(
    request: Request,
    view: TableView,
    field: Field,
    arguments: dict[str, Any],
    new_context: Callable[[], Context],
) -> Plan:
    output = rows_of(view) if needs_rows(request, view, field) else "'[]'"
    answer = response(request, view, field, new_context)
    updates = []
    for given in arguments["updates"]:
        update = _Update(request, view, new_context())
        wanted = update.select.where.client(view, given["where"], update.alias)
        updates.append((update.compile(given, wanted), update.context))

    def update_many(cursor: Cursor) -> Any:
        results = []
        for cte, context in updates:
            changed = (
                (0, "[]") if cte is None else change(cursor, cte, context, "$", check=True, output=output)
            )
            results.append(answer(cursor, *changed))
        return results

    return update_many
