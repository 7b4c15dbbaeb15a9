"""`T_aggregate`: numbers over rows, the rows themselves, and groups.

An inner select computes the columns that are needed, one row a table row, already redacted for the role; the
aggregates stand over it. A permission's limit binds `nodes`, not the numbers. Source: graphql-engine
`Hasura.GraphQL.Schema.Select` (tableAggregationFields) and `Hasura.Backends.Postgres.Translate.Select`.
"""
# ruff: noqa: S608 - the text is put together from quoted identifiers and $n alone

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..catalog import Column
from .document import Field
from .operators import conjunction
from .order_by import order_clause
from .schema import TableView, ident
from .select import Select, json_object, literal


@dataclass
class _Parts:
    """Columns of the inner select and aggregates over them."""

    base: list[str] = field(default_factory=list)
    sums: list[str] = field(default_factory=list)

    def column(self, expression: str) -> str:
        """Add an inner column; answers its name."""
        self.base.append(f"{expression} AS c{len(self.base)}")
        return f"c{len(self.base) - 1}"

    def sum(self, expression: str) -> str:
        """Add an aggregate; answers the outer reference."""
        self.sums.append(f"{expression} AS a{len(self.sums)}")
        return f"_g.a{len(self.sums) - 1}"


@dataclass
class Aggregate:
    """One aggregate field over the rows of `source` that fit `extra`, the permissions and the arguments."""

    select: Select
    view: TableView
    arguments: dict[str, Any]
    source: str
    extra: str

    def compile(self, asked: Field, alias: str) -> str:
        """A scalar sub-select that gives the object."""
        request, view, context = self.select.request, self.view, self.select.context
        type_ = request.types.aggregate(view)
        parts, pairs = _Parts(), []
        for sub in request.fields(asked, type_):
            if sub.name == "__typename":
                pairs.append((sub.key, literal(context, type_.name)))
            elif sub.name == "nodes":
                node = parts.column(self.select.object(view, sub, alias))
                kept = ""
                if view.limit is not None:
                    kept = f" FILTER (WHERE _n <= {context.param(str(view.limit), 'int')})"
                pairs.append((sub.key, parts.sum(f"coalesce(json_agg({node} ORDER BY _n){kept}, '[]')")))
            elif sub.name == "group_by":
                pairs.append((sub.key, self._groups(sub, asked.path, alias)))
            else:
                pairs.append((sub.key, self._numbers(sub, alias, parts)))
        rows = f"SELECT *, row_number() OVER () AS _n FROM ({self._inner(parts, asked.path, alias)}) AS _b"
        sums = ", ".join(parts.sums) or "count(*) AS a0"
        return f"(SELECT {json_object(pairs)} FROM (SELECT {sums} FROM ({rows}) AS _b) AS _g)"

    def _inner(self, parts: _Parts, path: str, alias: str) -> str:
        select, where = self.select, self.select.where
        distinct, order = order_clause(where, self.view, alias, self.arguments, path)
        wanted = where.client(self.view, self.arguments.get("where"), alias)
        condition = conjunction([self.extra, where.grants(self.view, alias), wanted])
        columns = ", ".join(parts.base) or "1 AS c0"
        text = f"SELECT {distinct}{columns} FROM {self.source} AS {alias} WHERE {condition}{order}"
        return text + select.slice(self.arguments.get("limit"), self.arguments.get("offset"))

    def _column(self, column: Column, alias: str, parts: _Parts) -> str:
        return parts.column(self.select.where.column(self.view, column, alias))

    def _numbers(self, asked: Field, alias: str, parts: _Parts) -> str:
        request, view, context = self.select.request, self.view, self.select.context
        type_ = request.types.aggregate_fields(view)
        pairs = []
        for sub in request.fields(asked, type_):
            if sub.name == "__typename":
                pairs.append((sub.key, literal(context, type_.name)))
                continue
            if sub.name == "count":
                pairs.append((sub.key, self._count(request.arguments(sub, type_), alias, parts)))
                continue
            inner: Any = type_.fields[sub.name].type
            values = []
            for leaf in request.fields(sub, inner):
                if leaf.name == "__typename":
                    values.append((leaf.key, literal(context, inner.name)))
                    continue
                column = view.columns[leaf.name]
                value = parts.sum(f"{ident(sub.name)}({self._column(column, alias, parts)})")
                same_type = sub.name in ("max", "min", "sum")
                values.append((leaf.key, self.select.output(column, value) if same_type else value))
            pairs.append((sub.key, json_object(values)))
        return json_object(pairs)

    def _count(self, arguments: dict[str, Any], alias: str, parts: _Parts) -> str:
        names = [self._column(self.view.columns[n], alias, parts) for n in arguments.get("columns") or []]
        if not names:
            return parts.sum("count(*)")
        listed = names[0] if len(names) == 1 else f"({', '.join(names)})"
        return parts.sum(f"count({'DISTINCT ' if arguments.get('distinct') else ''}{listed})")

    def _groups(self, asked: Field, path: str, alias: str) -> str:
        request, view, context = self.select.request, self.view, self.select.context
        group, key_type = request.types.group(view), request.types.group_key(view)
        arguments = request.arguments(asked, request.types.aggregate(view))
        parts = _Parts()
        names = list(dict.fromkeys(k["column"] for k in arguments["keys"]))
        keys = {name: self._column(view.columns[name], alias, parts) for name in names}
        pairs = []
        for sub in request.fields(asked, group):
            if sub.name == "__typename":
                pairs.append((sub.key, literal(context, group.name)))
            elif sub.name == "group_key":
                values = []
                for leaf in request.fields(sub, key_type):
                    if leaf.name == "__typename":
                        values.append((leaf.key, literal(context, key_type.name)))
                        continue
                    # a column that is no key has no value in a group
                    known = f"_g.{keys[leaf.name]}" if leaf.name in keys else "NULL"
                    values.append((leaf.key, self.select.output(view.columns[leaf.name], known)))
                pairs.append((sub.key, json_object(values)))
            else:
                pairs.append((sub.key, self._numbers(sub, alias, parts)))
        by = ", ".join(keys.values())
        columns = ", ".join([*keys.values(), *parts.sums]) or "1 AS a0"
        rows = f"SELECT {columns} FROM ({self._inner(parts, path, alias)}) AS _b{f' GROUP BY {by}' if by else ''}"
        return f"(SELECT coalesce(json_agg({json_object(pairs)}), '[]') FROM ({rows}) AS _g)"
