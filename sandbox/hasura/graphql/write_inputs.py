"""Input types of mutations. Names: graphql-engine `Hasura.GraphQL.Schema.Mutation`, `…Schema.Update`, `…OnConflict`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import (
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLString,
)

from ..catalog import Column
from .inputs import InputTypes, field
from .permissions import WritePermission
from .scalars import NUMBERS, column_type
from .schema import TableView
from .source import is_graphql_name

UPDATE_OPERATORS = ("_set", "_inc", "_append", "_prepend", "_delete_key", "_delete_elem", "_delete_at_path")


def value_field(column: Column, nullable: bool = False) -> GraphQLInputField:
    """A field that takes a value of the column's type."""
    return field(column_type(column), no_null=not nullable, array=column.element is not None)


class WriteInputTypes(InputTypes):
    """Input types for reading and writing."""

    def insert_input(self, view: TableView) -> GraphQLInputObjectType:
        """`T_insert_input`"""

        def fields() -> dict[str, GraphQLInputField]:
            permission = view.insert
            allowed = view.gql_columns(permission.columns if permission else frozenset())
            result = {n: value_field(c, c.nullable) for n, c in allowed.items()}
            for name, relationship in view.tracked.relationships.items():
                remote = self.schema.view(relationship.remote)
                if remote.insert:
                    result[name] = field(self.nested_insert(remote, relationship.is_array))
            return result

        return self.object(f"{view.name}_insert_input", fields)

    def nested_insert(self, view: TableView, is_array: bool) -> GraphQLInputObjectType:
        """`T_arr_rel_insert_input` or `T_obj_rel_insert_input`"""

        def fields() -> dict[str, GraphQLInputField]:
            row: Any = GraphQLNonNull(self.insert_input(view))
            result = {"data": field(GraphQLNonNull(GraphQLList(row)) if is_array else row)}
            if (conflict := self.on_conflict(view)) is not None:
                result["on_conflict"] = field(conflict)
            return result

        return self.object(f"{view.name}_{'arr' if is_array else 'obj'}_rel_insert_input", fields)

    def on_conflict(self, view: TableView) -> GraphQLInputObjectType | None:
        """`T_on_conflict`, where the table has a unique key."""
        table = view.table
        keys = ([table.primary_key] if table.primary_key else []) + table.unique_constraints
        keys = [k for k in keys if is_graphql_name(k.name)]
        if not keys:
            return None
        update = view.conflict_update
        columns = view.gql_columns(update.columns) if update else {}

        def fields() -> dict[str, GraphQLInputField]:
            constraint = self.enum(f"{view.name}_constraint", (k.name for k in keys))
            column = self.enum(f"{view.name}_update_column", columns)
            listed: Any = GraphQLNonNull(GraphQLList(GraphQLNonNull(column)))
            return {
                "constraint": field(GraphQLNonNull(constraint)),
                "update_columns": GraphQLInputField(listed, default_value=[], extensions={}),
                "where": field(self.bool_exp(view)),
            }

        return self.object(f"{view.name}_on_conflict", fields)

    def update_operators(
        self, view: TableView, permission: WritePermission
    ) -> dict[str, GraphQLInputObjectType]:
        """`_set`, `_inc` … with the columns that each may name; empty ones are left out."""
        allowed = view.gql_columns(permission.columns)
        numbers = {n: c for n, c in allowed.items() if c.type in NUMBERS}
        jsonb = {n: c for n, c in allowed.items() if c.type == "jsonb"}
        texts: Any = GraphQLList(GraphQLNonNull(GraphQLString))
        makers: dict[str, tuple[dict[str, Column], Callable[[Column], GraphQLInputField]]] = {
            "_append": (jsonb, value_field),
            "_delete_at_path": (jsonb, lambda _: field(texts)),
            "_delete_elem": (jsonb, lambda _: field(GraphQLInt)),
            "_delete_key": (jsonb, lambda _: field(GraphQLString)),
            "_inc": (numbers, value_field),
            "_prepend": (jsonb, value_field),
            "_set": (allowed, lambda c: value_field(c, c.nullable)),
        }
        return {
            operator: self.object(
                f"{view.name}{operator}_input",
                lambda columns=columns, make=make: {n: make(c) for n, c in columns.items()},  # type: ignore[misc]  # a default binds the loop's value
            )
            for operator, (columns, make) in makers.items()
            if columns
        }

    def updates(self, view: TableView, permission: WritePermission) -> GraphQLInputObjectType:
        """`T_updates`"""

        def fields() -> dict[str, GraphQLInputField]:
            result = {n: field(t) for n, t in self.update_operators(view, permission).items()}
            return {**result, "where": field(GraphQLNonNull(self.bool_exp(view)))}

        return self.object(f"{view.name}_updates", fields)

    def pk_columns(self, view: TableView) -> GraphQLInputObjectType:
        """`T_pk_columns_input`"""

        def fields() -> dict[str, GraphQLInputField]:
            key = view.pk_columns or {}
            return {n: field(GraphQLNonNull(column_type(c))) for n, c in key.items()}

        return self.object(f"{view.name}_pk_columns_input", fields)
