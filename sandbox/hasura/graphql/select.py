"""Selections as one SQL statement: rows, related rows, aggregates, function results, all as JSON made by Postgres.

Shape: every object is `row_to_json((SELECT _e FROM (SELECT … AS "alias") AS _e))`; related rows are correlated
sub-selects. Source: graphql-engine `Hasura.GraphQL.Schema.Select`, `Hasura.Backends.Postgres.Translate.Select`.
"""
# ruff: noqa: S608 - the text is put together from quoted identifiers and $n alone

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphql import GraphQLList, GraphQLNonNull, GraphQLObjectType

from ..catalog import Argument, Column
from ..json_path import json_path
from .document import Document, Field, collect
from .errors import invalid, not_supported
from .operators import conjunction
from .order_by import order_clause
from .outputs import OutputTypes, computed_arguments, function_arguments
from .scalars import to_text
from .schema import Context, RoleSchema, TableView, ident, session_json, stringifies
from .source import ComputedField, TrackedFunction
from .values import Values
from .where import Where, join


@dataclass
class Request:
    """What all compilers of one operation share."""

    schema: RoleSchema
    types: OutputTypes
    document: Document
    values: Values

    def fields(self, field: Field, type_: GraphQLObjectType) -> list[Field]:
        """The flattened selection set of a field, checked against its type."""
        if not field.selections:
            raise invalid(f"missing selection set for '{field.name}'", field.path)
        found = collect(self.document, field.selections, type_.name, field.path, self.values.boolean)
        for sub in found:
            if sub.name != "__typename" and sub.name not in type_.fields:
                raise invalid(f"field '{sub.name}' not found in type: '{type_.name}'", sub.path)
        return found

    def arguments(self, field: Field, type_: GraphQLObjectType) -> dict[str, Any]:
        """A field's arguments, checked; a scalar may have no selection set."""
        definition = type_.fields[field.name]
        inner: Any = definition.type
        while isinstance(inner, GraphQLNonNull | GraphQLList):
            inner = inner.of_type
        if field.selections is not None and not isinstance(inner, GraphQLObjectType):
            raise invalid("unexpected subselection set for non-object field", field.path)
        return self.values.arguments(field.arguments, definition.args, field.name, field.path)


def literal(context: Context, text: str) -> str:
    """A constant text of the answer."""
    return context.param(text, "text")


def json_object(pairs: list[tuple[str, str]]) -> str:
    """A JSON object of (key, SQL expression)."""
    for key, _ in pairs:
        if len(key.encode()) > 63:
            raise not_supported(f'a response key longer than 63 bytes ("{key}")')
    columns = ", ".join(f"{expression} AS {ident(key)}" for key, expression in pairs)
    return f"row_to_json((SELECT _e FROM (SELECT {columns}) AS _e))" if pairs else "'{}'::json"


class Select:
    """Compiles selections into one statement."""

    def __init__(self, request: Request, context: Context) -> None:
        self.request, self.context = request, context
        self.where = Where(request.schema, context)

    def rows(
        self,
        view: TableView,
        field: Field,
        arguments: dict[str, Any],
        source: str,
        alias: str,
        *,
        extra: str = "TRUE",
    ) -> str:
        """A scalar sub-select that gives the JSON array of a list field."""
        row = self.object(view, field, alias)
        distinct, order = order_clause(self.where, view, alias, arguments, field.path)
        condition = conjunction(
            [extra, self.where.grants(view, alias), self.where.client(view, arguments.get("where"), alias)]
        )
        limits = [x for x in (arguments.get("limit"), view.limit) if x is not None]
        inner = f"SELECT {distinct}{row} AS _j FROM {source} AS {alias} WHERE {condition}{order}"
        inner += self.slice(min(limits) if limits else None, arguments.get("offset"))
        return f"(SELECT coalesce(json_agg(_j), '[]') FROM ({inner}) AS {self.context.alias()})"

    def slice(self, limit: int | None, offset: int | None) -> str:
        """LIMIT and OFFSET."""
        text = f" LIMIT {self.context.param(str(limit), 'bigint')}" if limit is not None else ""
        return text + (f" OFFSET {self.context.param(str(offset), 'bigint')}" if offset else "")

    def aggregate(
        self,
        view: TableView,
        field: Field,
        arguments: dict[str, Any],
        source: str,
        alias: str,
        *,
        extra: str = "TRUE",
    ) -> str:
        """A scalar sub-select that gives `T_aggregate`."""
        from .aggregate import Aggregate  # noqa: PLC0415 - selections and aggregates contain each other

        return Aggregate(self, view, arguments, source, extra).compile(field, alias)

    def one(self, view: TableView, field: Field, source: str, alias: str, extra: str) -> str:
        """A scalar sub-select that gives one row's object or NULL."""
        condition = conjunction([extra, self.where.grants(view, alias)])
        return (
            f"(SELECT {self.object(view, field, alias)} FROM {source} AS {alias} WHERE {condition} LIMIT 1)"
        )

    def object(self, view: TableView, field: Field, alias: str) -> str:
        """The JSON object of the row `alias`, with the fields that are selected."""
        type_ = self.request.types.row(view)
        pairs = [(sub.key, self._field(view, type_, sub, alias)) for sub in self.request.fields(field, type_)]
        return json_object(pairs)

    def is_flat(self, view: TableView, field: Field) -> bool:
        """Does the selection name columns only (no related rows, no computed fields)?"""
        fields = self.request.fields(field, self.request.types.row(view))
        return all(sub.name == "__typename" or sub.name in view.columns for sub in fields)

    def _field(self, view: TableView, type_: GraphQLObjectType, field: Field, alias: str) -> str:
        if field.name == "__typename":
            return literal(self.context, type_.name)
        arguments = self.request.arguments(field, type_)
        if field.name in view.columns:
            column = view.columns[field.name]
            return self.output(
                column, self.where.column(view, column, alias), arguments.get("path"), field.path
            )
        if (relationship := view.tracked.relationships.get(field.name)) is not None:
            remote, other = self.request.schema.view(relationship.remote), self.context.alias()
            joined = join(relationship, alias, other)
            if relationship.is_array:
                return self.rows(remote, field, arguments, remote.from_sql, other, extra=joined)
            return self.one(remote, field, remote.from_sql, other, joined)
        if (computed := view.tracked.computed_fields.get(field.name)) is not None:
            return self._computed(view, computed, field, arguments, alias)
        relationship = view.tracked.relationships[field.name.removesuffix("_aggregate")]
        remote, other = self.request.schema.view(relationship.remote), self.context.alias()
        return self.aggregate(
            remote, field, arguments, remote.from_sql, other, extra=join(relationship, alias, other)
        )

    def output(self, column: Column, expression: str, path: str | None = None, at: str = "$") -> str:
        """A column's value as it is answered."""
        if path is not None:
            steps = _path_steps(path, f"{at}.args.path")
            if steps:
                expression = (
                    f"({expression} #> {self.context.param(to_text(steps, '_text', 'text'), 'text[]')})"
                )
        return f"({expression})::text" if stringifies(column, self.context) else expression

    def _computed(
        self, view: TableView, computed: ComputedField, field: Field, arguments: dict[str, Any], alias: str
    ) -> str:
        given = self._call_arguments(computed_arguments(computed), arguments.get("args") or {})
        if computed.returns_table is None:
            value = self.where.computed(view, computed, alias, given)
            return self.output(computed.result, value, arguments.get("path"), field.path)
        remote, other = self.request.schema.view(computed.returns_table), self.context.alias()
        return self.rows(remote, field, arguments, self.where.call(computed, alias, given), other)

    def _call_arguments(self, known: list[Argument], given: dict[str, Any]) -> str:
        parts = []
        for argument in known:
            if argument.name is None:
                raise not_supported("functions with unnamed arguments")
            if argument.name in given:
                element = argument.type[1:] if argument.type.startswith("_") else None
                text = to_text(given[argument.name], argument.type, element)
                parts.append(f"{ident(argument.name)} => {self.context.param(text, argument.cast)}")
        return ", ".join(parts)

    def function(self, function: TrackedFunction, arguments: dict[str, Any], path: str) -> str:
        """A tracked function's call, to stand in FROM."""
        known = function_arguments(function)
        given = arguments.get("args") or {}
        for argument in known:
            if argument.name not in given and not argument.has_default:
                raise invalid(
                    f"missing required field '{argument.name}'", f"{path}.args.args.{argument.name}"
                )
        call = self._call_arguments(known, given)
        for argument in function.function.arguments:
            if argument.name is not None and argument.name == function.session_argument:
                session = self.context.param(
                    to_text(session_json(self.context.session), "json"), argument.cast
                )
                call += f"{', ' if call else ''}{ident(argument.name)} => {session}"
        return f"{ident(function.function.schema, function.function.name)}({call})"

    # roots

    def root(self, kind: str, view: TableView, field: Field, arguments: dict[str, Any]) -> str:
        """The expression of a query's root field."""
        alias = self.context.alias()
        if kind == "select":
            return self.rows(view, field, arguments, view.from_sql, alias)
        if kind == "select_aggregate":
            return self.aggregate(view, field, arguments, view.from_sql, alias)
        return self.one(view, field, view.from_sql, alias, self.key(view, arguments, alias))

    def key(self, view: TableView, arguments: dict[str, Any], alias: str) -> str:
        """The condition of `…_by_pk`."""
        return conjunction(
            [
                f"{alias}.{ident(c.name)} = {self.context.param(to_text(arguments[n], c.type, c.element), c.cast)}"
                for n, c in (view.pk_columns or {}).items()
            ]
        )


def _path_steps(path: str, at: str) -> list[str]:
    try:
        return [str(step) for step in json_path(path)]
    except ValueError as error:
        raise invalid(f"parse json path error: {error}", at) from error
