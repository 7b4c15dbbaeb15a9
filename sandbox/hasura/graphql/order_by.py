"""`order_by` and `distinct_on` as SQL. Source: graphql-engine `Hasura.GraphQL.Schema.OrderBy`, `…Schema.Select`."""

from __future__ import annotations

from typing import Any

from .errors import invalid
from .operators import conjunction
from .schema import TableView, ident
from .where import Where, join

_DIRECTIONS = {
    "asc": "ASC NULLS LAST",
    "asc_nulls_first": "ASC NULLS FIRST",
    "asc_nulls_last": "ASC NULLS LAST",
    "desc": "DESC NULLS FIRST",
    "desc_nulls_first": "DESC NULLS FIRST",
    "desc_nulls_last": "DESC NULLS LAST",
}


def order_clause(
    where: Where, view: TableView, alias: str, arguments: dict[str, Any], path: str
) -> tuple[str, str]:
    """(`DISTINCT ON (…) ` or nothing, ` ORDER BY …` or nothing). Raises GraphQLFault where the two disagree."""
    items = [i for entry in arguments.get("order_by") or [] for i in _items(where, view, alias, entry or {})]
    distinct_names = arguments.get("distinct_on") or []
    distinct = [where.column(view, view.columns[n], alias) for n in distinct_names]
    if distinct and items:
        initial = [expression for expression, _ in items[: len(distinct)]]
        if set(initial) - set(distinct) or len(items) < len(set(distinct)):
            raise invalid('"distinct_on" columns must match initial "order_by" columns', f"{path}.args")
    elif distinct:
        items = [(expression, "asc") for expression in distinct]
    order = ", ".join(f"{expression} {_DIRECTIONS[direction]}" for expression, direction in items)
    on = f"DISTINCT ON ({', '.join(distinct)}) " if distinct else ""
    return on, f" ORDER BY {order}" if order else ""


def _items(where: Where, view: TableView, alias: str, entry: dict[str, Any]) -> list[tuple[str, str]]:
    items: list[tuple[str, str]] = []
    for name, value in entry.items():
        if value is None:
            continue
        if name in view.columns:
            items.append((where.column(view, view.columns[name], alias), value))
        elif name in view.tracked.computed_fields:
            items.append((where.computed(view, view.tracked.computed_fields[name], alias), value))
        else:
            items += _related(where, view, alias, name, value)
    return items


def _related(
    where: Where, view: TableView, alias: str, name: str, value: dict[str, Any]
) -> list[tuple[str, str]]:
    relationship = view.tracked.relationships.get(name)
    aggregate = relationship is None
    relationship = relationship or view.tracked.relationships[name.removesuffix("_aggregate")]
    remote, other = where.schema.view(relationship.remote), where.context.alias()
    condition = conjunction([join(relationship, alias, other), where.grants(remote, other)])
    source = f"FROM {remote.from_sql} AS {other} WHERE {condition}"
    if not aggregate:
        inner = _items(where, remote, other, value)
        return [(f"(SELECT {expression} {source} LIMIT 1)", direction) for expression, direction in inner]
    items = []
    for kind, columns in value.items():
        if columns is None:
            continue
        if kind == "count":
            items.append((f"(SELECT count(*) {source})", columns))
            continue
        for column, direction in columns.items():
            if direction is not None:
                plain = where.column(remote, remote.columns[column], other)
                items.append((f"(SELECT {ident(kind)}({plain}) {source})", direction))
    return items
