"""Conditions as SQL: a client's `where` and a permission's filter or check.

A client names GraphQL columns it may see and reaches related rows only through its permissions on them. A
permission names Postgres columns, is not restricted itself, knows session variables, column comparison (`_ceq`),
`_exists`, and may write operators with `$`. Source: graphql-engine `Hasura.RQL.IR.BoolExp`,
`Hasura.Backends.Postgres.Translate.BoolExp`, `…DDL.BoolExp`; Hasura docs, "Permission rules".
"""
# ruff: noqa: S608 - the text is put together from quoted identifiers and $n alone

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..catalog import Column, QualifiedName
from .errors import GraphQLFault, invalid
from .operators import Operators, conjunction, disjunction
from .scalars import to_text
from .schema import TableView, ident, session_json
from .source import ComputedField, Relationship, TrackedTable, qualified


@dataclass
class Where(Operators):
    """Compiles conditions into one statement's context."""

    # what the role may see

    def grants(self, view: TableView, alias: str) -> str:
        """The rows of `alias` that the role may select."""
        return disjunction([self.permission(view.tracked, g.filter, alias) for g in view.grants])

    def column(self, view: TableView, column: Column, alias: str) -> str:
        """A column's value, NULL in rows where no grant that lets the role see the row shows this cell."""
        plain = f"{alias}.{ident(column.name)}"
        showing = [g for g in view.grants if column.name in g.columns]
        return self._redacted(view, plain, showing, alias)

    def computed(self, view: TableView, computed: ComputedField, alias: str, arguments: str = "") -> str:
        """A scalar computed field's value, redacted like a column."""
        showing = [g for g in view.grants if computed.name in g.computed_fields]
        return self._redacted(view, self.call(computed, alias, arguments), showing, alias)

    def _redacted(self, view: TableView, plain: str, showing: list[Any], alias: str) -> str:
        if len(showing) == len(view.grants):
            return plain
        found = self.context.cells.get((alias, plain))
        if found is None:
            condition = disjunction([self.permission(view.tracked, g.filter, alias) for g in showing])
            found = plain if condition == "TRUE" else f"(CASE WHEN {condition} THEN {plain} END)"
            self.context.cells[alias, plain] = found
        return found

    def call(self, computed: ComputedField, alias: str, arguments: str = "") -> str:
        """The function of a computed field, applied to the row `alias`."""
        function = computed.function
        given: list[str] = []
        row = next((a for a in function.arguments if a.name == computed.table_argument), None)
        row = (
            row if computed.table_argument and row else next((a for a in function.arguments if a.table), None)
        )
        for position, argument in enumerate(function.arguments):
            if argument is row:
                value = alias
            elif argument.name is not None and argument.name == computed.session_argument:
                value = self.context.param(to_text(session_json(self.context.session), "json"), argument.cast)
            else:
                continue
            given.append(value if position == len(given) else f"{ident(argument.name or '')} => {value}")
        if arguments:
            given.append(arguments)
        return f"{ident(function.schema, function.name)}({', '.join(given)})"

    # a client's condition

    def client(self, view: TableView, expression: dict[str, Any] | None, alias: str) -> str:
        """`where`, already checked against `T_bool_exp`."""
        if not expression:
            return "TRUE"
        parts = []
        for name, value in expression.items():
            if value is None:
                continue
            if name == "_and":
                parts.append(conjunction([self.client(view, v, alias) for v in value]))
            elif name == "_or":
                parts.append(disjunction([self.client(view, v, alias) for v in value]))
            elif name == "_not":
                parts.append(f"(NOT {self.client(view, value, alias)})")
            elif name in view.columns:
                column = view.columns[name]
                parts.append(self.operators(column, self.column(view, column, alias), value))
            else:
                parts.append(self._client_related(view, name, value, alias))
        return conjunction(parts)

    def _client_related(self, view: TableView, name: str, value: dict[str, Any], alias: str) -> str:
        relationship = view.tracked.relationships.get(name)
        if relationship is not None:
            return self._exists_related(relationship, alias, lambda v, a: self.client(v, value, a))
        base = view.tracked.relationships.get(name.removesuffix("_aggregate"))
        if base is not None and name.endswith("_aggregate"):
            return conjunction(
                [self._aggregate(base, kind, v, alias) for kind, v in value.items() if v is not None]
            )
        computed = view.tracked.computed_fields[name]
        if computed.returns_table is None:
            return self.operators(computed.result, self.computed(view, computed, alias), value)
        remote, inner = self.schema.view(computed.returns_table), self.context.alias()
        condition = conjunction([self.grants(remote, inner), self.client(remote, value, inner)])
        return f"EXISTS (SELECT 1 FROM {self.call(computed, alias)} AS {inner} WHERE {condition})"

    def _exists_related(self, relationship: Relationship, alias: str, inner: Any) -> str:
        remote, other = self.schema.view(relationship.remote), self.context.alias()
        condition = conjunction(
            [join(relationship, alias, other), self.grants(remote, other), inner(remote, other)]
        )
        return f"EXISTS (SELECT 1 FROM {remote.from_sql} AS {other} WHERE {condition})"

    def _aggregate(self, relationship: Relationship, kind: str, value: dict[str, Any], alias: str) -> str:
        remote, other = self.schema.view(relationship.remote), self.context.alias()
        named = value.get("arguments") or []
        columns = [
            self.column(remote, remote.columns[n], other)
            for n in ([named] if isinstance(named, str) else named)
        ]
        distinct = "DISTINCT " if value.get("distinct") else ""
        inner = ", ".join(columns) if len(columns) < 2 else f"({', '.join(columns)})"
        kind_of = "int8" if kind == "count" else "bool"
        condition = conjunction(
            [
                join(relationship, alias, other),
                self.grants(remote, other),
                self.client(remote, value.get("filter"), other),
            ]
        )
        call = f"{kind}({distinct}{inner})" if inner else "count(*)"
        column = Column(kind, kind_of, False, False, cast=kind_of)
        subselect = f"(SELECT {call} FROM {remote.from_sql} AS {other} WHERE {condition})"
        return self.operators(column, subselect, value["predicate"])

    # a permission's condition

    def permission(
        self, tracked: TrackedTable, expression: Any, alias: str, root: tuple[TrackedTable, str] | None = None
    ) -> str:
        """A filter or check from metadata. Raises GraphQLFault for a missing session variable."""
        root = root or (tracked, alias)
        if isinstance(expression, list):
            return conjunction([self.permission(tracked, e, alias, root) for e in expression])
        parts = []
        for raw, value in (expression or {}).items():
            name = "_" + raw[1:] if raw.startswith("$") else raw
            if name == "_and":
                parts.append(conjunction([self.permission(tracked, e, alias, root) for e in value]))
            elif name == "_or":
                parts.append(disjunction([self.permission(tracked, e, alias, root) for e in value]))
            elif name == "_not":
                parts.append(f"(NOT {self.permission(tracked, value, alias, root)})")
            elif name == "_exists":
                parts.append(self._exists(value, root))
            elif raw in tracked.table.columns:
                column = tracked.table.columns[raw]
                parts.append(self.operators(column, f"{alias}.{ident(raw)}", value, (tracked, alias, root)))
            else:
                parts.append(self._permission_related(tracked, raw, value, alias, root))
        return conjunction(parts)

    def _permission_related(self, tracked: TrackedTable, name: str, value: Any, alias: str, root: Any) -> str:
        if name in tracked.relationships:
            relationship, other = tracked.relationships[name], self.context.alias()
            remote = self.schema.tables[relationship.remote]
            condition = conjunction(
                [join(relationship, alias, other), self.permission(remote, value, other, root)]
            )
            return f"EXISTS (SELECT 1 FROM {ident(*remote.key)} AS {other} WHERE {condition})"
        computed = tracked.computed_fields.get(name)
        if computed is None:
            raise GraphQLFault(
                f'column "{name}" of "{tracked.name}" in a permission does not exist', "unexpected"
            )
        if computed.returns_table is None:
            return self.operators(computed.result, self.call(computed, alias), value, (tracked, alias, root))
        other, remote = self.context.alias(), self.schema.tables[computed.returns_table]
        condition = self.permission(remote, value, other, root)
        return f"EXISTS (SELECT 1 FROM {self.call(computed, alias)} AS {other} WHERE {condition})"

    def _exists(self, value: dict[str, Any], root: tuple[TrackedTable, str]) -> str:
        key: QualifiedName = qualified(value.get("_table") or value["$table"])
        tracked = self.schema.tables.get(key)
        if tracked is None:
            raise GraphQLFault(f'table "{key[1]}" of _exists in a permission is not tracked', "unexpected")
        other = self.context.alias()
        condition = self.permission(tracked, value.get("_where") or value.get("$where") or {}, other, root)
        return f"EXISTS (SELECT 1 FROM {ident(*key)} AS {other} WHERE {condition})"


def join(relationship: Relationship, alias: str, other: str) -> str:
    """The condition that relates two rows."""
    return conjunction([f"{other}.{ident(b)} = {alias}.{ident(a)}" for a, b in relationship.mapping])


def require_where(value: Any, path: str) -> dict[str, Any]:
    """A mandatory `where`."""
    if not isinstance(value, dict):
        raise invalid("expected an object, but found null", path)
    return value
