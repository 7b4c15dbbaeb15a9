"""`delete_T` and `delete_T_by_pk`. Source: graphql-engine `Hasura.Backends.Postgres.Translate.Delete`."""
# ruff: noqa: S608 - the text is put together from quoted identifiers and $n alone

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .document import Field
from .mutation import Cursor, Plan, change, needs_rows, response, returning, rows_of
from .operators import conjunction
from .schema import Context, RootField
from .select import Request, Select
from .where import require_where


def compile_delete(
    request: Request,
    root: RootField,
    field: Field,
    arguments: dict[str, Any],
    new_context: Callable[[], Context],
) -> Plan:
    """Compile a delete; the permission's filter is ANDed to what the client asks for."""
    view, context = root.view, new_context()
    permission = view.delete
    if permission is None:  # pragma: no cover - the root field would not exist
        raise AssertionError(root.name)
    select = Select(request, context)
    alias = context.alias()
    one = root.kind == "delete_by_pk"
    wanted = (
        select.key(view, arguments, alias)
        if one
        else select.where.client(view, require_where(arguments["where"], f"{field.path}.args.where"), alias)
    )
    allowed = select.where.permission(view.tracked, permission.filter, alias)
    cte = f"DELETE FROM {view.from_sql} AS {alias} WHERE {conjunction([allowed, wanted])} RETURNING {alias}.*"
    if one:
        read = returning(request, view, field, new_context(), single=True)

        def delete_one(cursor: Cursor) -> Any:
            return read(cursor, change(cursor, cte, context, "$", check=False, output=rows_of(view))[1])

        return delete_one
    answer = response(request, view, field, new_context)
    output = rows_of(view) if needs_rows(request, view, field) else "'[]'"

    def delete_many(cursor: Cursor) -> Any:
        return answer(cursor, *change(cursor, cte, context, "$", check=False, output=output))

    return delete_many
