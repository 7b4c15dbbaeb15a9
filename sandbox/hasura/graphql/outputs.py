"""Output types and root types of one role's schema, as graphql-core's classes: for validation and introspection.

Rules and names: graphql-engine `Hasura.GraphQL.Schema.Select` and `…Schema.Mutation`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLField,
    GraphQLFloat,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLString,
)

from ..catalog import Argument
from .inputs import aggregate_columns
from .scalars import column_type, is_json
from .schema import RoleSchema, RootField, TableView
from .source import ComputedField, TrackedFunction
from .write_inputs import WriteInputTypes


def argument(type_: Any, *, integer: str | None = None) -> GraphQLArgument:
    """An argument; `integer` is `limit` or `offset` for those two."""
    return GraphQLArgument(type_, extensions={"integer": integer})


class OutputTypes:
    """Makes the object types that a role's requests select from."""

    def __init__(self, schema: RoleSchema) -> None:
        self.schema = schema
        self.inputs = WriteInputTypes(schema)
        self._made: dict[str, GraphQLObjectType] = {}

    def _object(self, name: str, fields: Callable[[], dict[str, GraphQLField]]) -> GraphQLObjectType:
        found = self._made.get(name)
        if found is None:
            found = self._made[name] = GraphQLObjectType(name, fields)
        return found

    def list_args(self, view: TableView) -> dict[str, GraphQLArgument]:
        """distinct_on, limit, offset, order_by, where"""
        columns: Any = GraphQLNonNull(self.inputs.select_column(view))
        order: Any = GraphQLNonNull(self.inputs.order_by(view))
        return {
            "distinct_on": argument(GraphQLList(columns)),
            "limit": argument(GraphQLInt, integer="limit"),
            "offset": argument(GraphQLInt, integer="offset"),
            "order_by": argument(GraphQLList(order)),
            "where": argument(self.inputs.bool_exp(view)),
        }

    def row(self, view: TableView) -> GraphQLObjectType:
        """The table's object type."""

        def fields() -> dict[str, GraphQLField]:
            result = {}
            redacted = len(view.grants) > 1
            for name, column in view.columns.items():
                type_: Any = column_type(column)
                path = {"path": argument(GraphQLString)} if is_json(column) else {}
                not_null = not column.nullable and not redacted
                result[name] = GraphQLField(
                    GraphQLNonNull(type_) if not_null else type_, path, description=column.description
                )
            for name, relationship in self.schema.relationships(view).items():
                remote = self.schema.view(relationship.remote)
                if relationship.is_array:
                    result[name] = GraphQLField(_many(self.row(remote)), self.list_args(remote))
                    if remote.aggregations:
                        result[f"{name}_aggregate"] = GraphQLField(
                            GraphQLNonNull(self.aggregate(remote)), self.list_args(remote)
                        )
                else:
                    result[name] = GraphQLField(self.row(remote))
            for name, computed in self.schema.computed_fields(view).items():
                result[name] = self._computed(view, name, computed)
            return result

        return self._object(view.name, fields)

    def _computed(self, view: TableView, name: str, computed: ComputedField) -> GraphQLField:
        args = {}
        own = computed_arguments(computed)
        if own:
            type_: Any = self.inputs.function_args(f"{name}_{view.name}", own)
            optional = all(a.has_default for a in own)
            args["args"] = argument(type_ if optional else GraphQLNonNull(type_))
        if computed.returns_table is None:
            column = computed.result
            if is_json(column):
                args["path"] = argument(GraphQLString)
            return GraphQLField(column_type(column), args)  # type: ignore[arg-type]  # graphql-core's maps are invariant
        remote = self.schema.view(computed.returns_table)
        return GraphQLField(_many(self.row(remote), False), {**args, **self.list_args(remote)})

    def aggregate(self, view: TableView) -> GraphQLObjectType:
        """`T_aggregate`"""
        return self._object(
            f"{view.name}_aggregate",
            lambda: {
                "aggregate": GraphQLField(self.aggregate_fields(view)),
                "group_by": GraphQLField(_many(self.group(view)), self._group_args(view)),
                "nodes": GraphQLField(_many(self.row(view))),
            },
        )

    def _group_args(self, view: TableView) -> dict[str, GraphQLArgument]:
        keys: Any = GraphQLNonNull(self.inputs.group_key(view))
        return {"keys": argument(GraphQLNonNull(GraphQLList(keys)))}

    def group(self, view: TableView) -> GraphQLObjectType:
        """One group of `group_by`."""
        return self._object(
            f"{view.name}_group",
            lambda: {
                "aggregate": GraphQLField(self.aggregate_fields(view)),
                "group_key": GraphQLField(GraphQLNonNull(self.group_key(view))),
            },
        )

    def group_key(self, view: TableView) -> GraphQLObjectType:
        """The columns that make a group."""
        columns = view.columns.items()
        return self._object(
            f"{view.name}_group_key_fields",
            lambda: {n: GraphQLField(column_type(c)) for n, c in columns},  # type: ignore[arg-type]  # graphql-core's maps are invariant
        )

    def aggregate_fields(self, view: TableView) -> GraphQLObjectType:
        """`T_aggregate_fields`"""

        def fields() -> dict[str, GraphQLField]:
            columns: Any = GraphQLNonNull(self.inputs.select_column(view))
            args = {"columns": argument(GraphQLList(columns)), "distinct": argument(GraphQLBoolean)}
            result = {"count": GraphQLField(GraphQLNonNull(GraphQLInt), args)}
            for kind, chosen in aggregate_columns(view).items():
                same = kind in ("max", "min", "sum")
                types = {n: column_type(c) if same else GraphQLFloat for n, c in chosen.items()}
                made = self._object(
                    f"{view.name}_{kind}_fields",
                    lambda types=types: {n: GraphQLField(t) for n, t in types.items()},  # type: ignore[misc]  # a default binds the loop's value
                )
                result[kind] = GraphQLField(made)
            return result

        return self._object(f"{view.name}_aggregate_fields", fields)

    def mutation_response(self, view: TableView) -> GraphQLObjectType:
        """`T_mutation_response`: `returning` only for who may select."""

        def fields() -> dict[str, GraphQLField]:
            result = {"affected_rows": GraphQLField(GraphQLNonNull(GraphQLInt))}
            if view.selectable:
                result["returning"] = GraphQLField(_many(self.row(view)))
            return result

        return self._object(f"{view.name}_mutation_response", fields)

    def query_root(self) -> GraphQLObjectType:
        """`query_root`; a role that may query nothing gets a placeholder."""
        return self._object("query_root", lambda: self._roots(self.schema.query_fields) or _placeholder())

    def mutation_root(self) -> GraphQLObjectType | None:
        """`mutation_root`, None where the role may change nothing."""
        fields = self.schema.mutation_fields
        return self._object("mutation_root", lambda: self._roots(fields)) if fields else None

    def _roots(self, fields: dict[str, RootField]) -> dict[str, GraphQLField]:
        return {name: self._root(root) for name, root in sorted(fields.items())}

    def _root(self, root: RootField) -> GraphQLField:
        view, inputs = root.view, self.inputs
        key = {n: argument(GraphQLNonNull(column_type(c))) for n, c in (view.pk_columns or {}).items()}
        where = argument(GraphQLNonNull(inputs.bool_exp(view))) if root.kind in ("update", "delete") else None
        response: Any = None if root.kind.startswith(("select", "function")) else self.mutation_response(view)
        match root.kind:
            case "select":
                return GraphQLField(_many(self.row(view)), self.list_args(view))
            case "select_by_pk" | "delete_by_pk":
                return GraphQLField(self.row(view), key)
            case "select_aggregate":
                return GraphQLField(GraphQLNonNull(self.aggregate(view)), self.list_args(view))
            case "function" | "function_aggregate":
                args = {**self._function_args(root.function), **self.list_args(view)}  # type: ignore[arg-type]  # graphql-core's maps are invariant
                aggregate = root.kind.endswith("aggregate")
                rows: Any = self.aggregate(view) if aggregate else GraphQLList(GraphQLNonNull(self.row(view)))
                return GraphQLField(GraphQLNonNull(rows), args)
            case "insert" | "insert_one":
                row: Any = GraphQLNonNull(inputs.insert_input(view))
                one = root.kind == "insert_one"
                args = (
                    {"object": argument(row)}
                    if one
                    else {"objects": argument(GraphQLNonNull(GraphQLList(row)))}
                )
                if (conflict := inputs.on_conflict(view)) is not None:
                    args["on_conflict"] = argument(conflict)
                return GraphQLField(self.row(view) if one else response, args)
            case "delete":
                return GraphQLField(response, {"where": where})  # type: ignore[dict-item]  # graphql-core's maps are invariant
        return self._update(root, where, response)

    def _update(self, root: RootField, where: GraphQLArgument | None, response: Any) -> GraphQLField:
        view, inputs = root.view, self.inputs
        if view.update is None:  # pragma: no cover - the root field would not exist
            raise AssertionError(root.name)
        if root.kind == "update_many":
            update: Any = GraphQLNonNull(inputs.updates(view, view.update))
            return GraphQLField(
                GraphQLList(response), {"updates": argument(GraphQLNonNull(GraphQLList(update)))}
            )
        args = {n: argument(t) for n, t in inputs.update_operators(view, view.update).items()}
        if root.kind == "update_by_pk":
            args["pk_columns"] = argument(GraphQLNonNull(inputs.pk_columns(view)))
            return GraphQLField(self.row(view), args)
        return GraphQLField(response, {**args, "where": where})  # type: ignore[dict-item]  # graphql-core's maps are invariant

    def _function_args(self, function: TrackedFunction) -> dict[str, GraphQLArgument]:
        own = function_arguments(function)
        if not own:
            return {}
        type_: Any = self.inputs.function_args(function.name, own)
        optional = all(a.has_default for a in own)
        return {"args": argument(type_ if optional else GraphQLNonNull(type_))}


def computed_arguments(computed: ComputedField) -> list[Argument]:
    """Arguments that a client gives: not the row, not the session."""
    arguments = list(computed.function.arguments)
    table = (
        next((a for a in arguments if a.name == computed.table_argument), None)
        if computed.table_argument
        else None
    )
    table = table or next((a for a in arguments if a.table is not None), None)
    return [
        a for a in arguments if a is not table and (a.name is None or a.name != computed.session_argument)
    ]


def function_arguments(function: TrackedFunction) -> list[Argument]:
    """Arguments that a client gives: not the session."""
    return [a for a in function.function.arguments if a.name is None or a.name != function.session_argument]


def _many(row: GraphQLObjectType, required: bool = True) -> Any:
    rows: Any = GraphQLList(GraphQLNonNull(row))
    return GraphQLNonNull(rows) if required else rows


def _placeholder() -> dict[str, GraphQLField]:
    text = (
        "There are no queries available to the current role. Either there are no sources or remote schemas "
    )
    text += "configured, or the current role doesn't have the required permissions."
    return {"no_queries_available": GraphQLField(GraphQLNonNull(GraphQLString), description=text)}
