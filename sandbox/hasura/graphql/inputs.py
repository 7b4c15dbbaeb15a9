"""Input types of one role's schema, made on demand and remembered by name.

`extensions` of an input field carry what Hasura's parsers do beyond GraphQL: `no_null` (may be left out but not be
null), `integer` (limit, offset). Names: graphql-engine `Hasura.GraphQL.Schema.BoolExp`, `…OrderBy`, `…Mutation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLString,
)

from ..catalog import Argument, Column
from .scalars import (
    COMPARABLE,
    NUMBERS,
    TEXTS,
    column_type,
    comparison_name,
    scalar,
)
from .schema import RoleSchema, TableView
from .source import ComputedField, is_graphql_name

ORDERS = ("asc", "asc_nulls_first", "asc_nulls_last", "desc", "desc_nulls_first", "desc_nulls_last")
STATISTICS = ("avg", "stddev", "stddev_pop", "stddev_samp", "sum", "var_pop", "var_samp", "variance")
TEXT_OPERATORS = (
    "_like", "_nlike", "_ilike", "_nilike", "_similar", "_nsimilar", "_regex", "_iregex", "_nregex", "_niregex",
)  # fmt: skip

T = TypeVar("T")


def field(
    type_: Any, *, no_null: bool = False, integer: str | None = None, array: bool = False
) -> GraphQLInputField:
    """An input field with Hasura's extras."""
    extensions = {"no_null": no_null, "integer": integer, "array": array}
    return GraphQLInputField(type_, extensions=extensions)


class InputTypes:
    """Makes the input types that a role's requests may use."""

    def __init__(self, schema: RoleSchema) -> None:
        self.schema = schema
        self._made: dict[str, Any] = {}
        self.order_by_enum = GraphQLEnumType("order_by", {name: name for name in ORDERS})

    def once(self, name: str, make: Callable[[], T]) -> T:
        """The type of that name, made on first use."""
        found = self._made.get(name)
        if found is None:
            found = self._made[name] = make()
        result: T = found
        return result

    def object(self, name: str, fields: Callable[[], dict[str, GraphQLInputField]]) -> GraphQLInputObjectType:
        return self.once(name, lambda: GraphQLInputObjectType(name, fields))

    def enum(self, name: str, values: Iterable[str], placeholder: str = "_PLACEHOLDER") -> GraphQLEnumType:
        """An enum type; one that would be empty gets a placeholder."""
        listed = [v for v in values if is_graphql_name(v)] or [placeholder]
        return self.once(name, lambda: GraphQLEnumType(name, {v: v for v in listed}))

    # reading

    def bool_exp(self, view: TableView) -> GraphQLInputObjectType:
        """`T_bool_exp`"""
        name = f"{view.name}_bool_exp"

        def fields() -> dict[str, GraphQLInputField]:
            own = self.bool_exp(view)
            result = {
                "_and": field(GraphQLList(GraphQLNonNull(own))),
                "_not": field(own),
                "_or": field(GraphQLList(GraphQLNonNull(own))),
            }
            for column_name, column in view.columns.items():
                result[column_name] = field(self.comparison(column))
            for name, relationship in self.schema.relationships(view).items():
                remote = self.schema.view(relationship.remote)
                result[name] = field(self.bool_exp(remote))
                if relationship.is_array and remote.aggregations:
                    result[f"{name}_aggregate"] = field(self.aggregate_bool_exp(remote))
            for name, computed in self.schema.computed_fields(view).items():
                if len(computed.function.arguments) > (2 if computed.session_argument else 1):
                    continue
                if computed.returns_table is None:
                    result[name] = field(self.comparison(computed.result))
                else:
                    result[name] = field(self.bool_exp(self.schema.view(computed.returns_table)))
            return result

        return self.object(name, fields)

    def aggregate_bool_exp(self, view: TableView) -> GraphQLInputObjectType:
        """`T_aggregate_bool_exp`: conditions on the count of related rows, or on all or any of a boolean column."""
        name = f"{view.name}_aggregate_bool_exp"
        booleans = [n for n, c in view.columns.items() if c.type == "bool"]

        def predicate(kind: str) -> GraphQLInputObjectType:
            def fields() -> dict[str, GraphQLInputField]:
                number = Column("count", "int4", False, False, cast="integer")
                boolean = Column(kind, "bool", False, False, cast="boolean")
                columns: Any = GraphQLNonNull(self.select_column(view))
                if kind == "count":
                    columns = GraphQLList(columns)
                else:
                    enum = (
                        f"{view.name}_select_column_{view.name}_aggregate_bool_exp_{kind}_arguments_columns"
                    )
                    columns = GraphQLNonNull(self.enum(enum, booleans))
                return {
                    "arguments": field(columns),
                    "distinct": field(GraphQLBoolean),
                    "filter": field(self.bool_exp(view)),
                    "predicate": field(
                        GraphQLNonNull(self.comparison(number if kind == "count" else boolean))
                    ),
                }

            return self.object(f"{view.name}_aggregate_bool_exp_{kind}", fields)

        def fields() -> dict[str, GraphQLInputField]:
            kinds = ["bool_and", "bool_or", "count"] if booleans else ["count"]
            return {kind: field(predicate(kind)) for kind in kinds}

        return self.object(name, fields)

    def comparison(self, column: Column) -> GraphQLInputObjectType:
        """`X_comparison_exp` of the column's type."""

        def fields() -> dict[str, GraphQLInputField]:
            one = column_type(column)
            many: Any = GraphQLList(GraphQLNonNull(one))
            is_array = column.element is not None
            result = {
                n: field(one, no_null=True, array=is_array)
                for n in ("_eq", "_neq", "_gt", "_gte", "_lt", "_lte")
            }
            result |= {n: field(many, no_null=True, array=is_array) for n in ("_in", "_nin")}
            result["_is_null"] = field(GraphQLBoolean, no_null=True)
            kind = column.base_type or column.type
            if kind in TEXTS:
                result |= {n: field(one, no_null=True) for n in TEXT_OPERATORS}
            if not is_array and kind not in ("text", "varchar"):
                result["_cast"] = field(self.cast(column))
            if is_array or column.type == "jsonb":
                result |= {
                    n: field(one, no_null=True, array=is_array) for n in ("_contains", "_contained_in")
                }
            if column.type == "jsonb":
                texts: Any = GraphQLList(GraphQLNonNull(GraphQLString))
                result["_has_key"] = field(GraphQLString, no_null=True)
                result |= {n: field(texts, no_null=True) for n in ("_has_keys_any", "_has_keys_all")}
                result |= {
                    n: field(GraphQLString, no_null=True) for n in ("_jsonb_path_exists", "_jsonb_path_match")
                }
            return result

        return self.object(comparison_name(column), fields)

    def cast(self, column: Column) -> GraphQLInputObjectType:
        """`X_cast_exp`: compare as text."""
        name = comparison_name(column).replace("_comparison_exp", "_cast_exp")
        text = Column("cast", "text", True, False, cast="text")
        return self.object(name, lambda: {"String": field(self.comparison(text))})

    def order_by(self, view: TableView) -> GraphQLInputObjectType:
        """`T_order_by`"""

        def fields() -> dict[str, GraphQLInputField]:
            result = {name: field(self.order_by_enum) for name in view.columns}
            for name, relationship in self.schema.relationships(view).items():
                remote = self.schema.view(relationship.remote)
                if not relationship.is_array:
                    result[name] = field(self.order_by(remote))
                elif remote.aggregations:
                    result[f"{name}_aggregate"] = field(self.aggregate_order_by(remote))
            for name, computed in self._plain_computed(view):
                if computed.returns_table is None:
                    result[name] = field(self.order_by_enum)
            return result

        return self.object(f"{view.name}_order_by", fields)

    def _plain_computed(self, view: TableView) -> list[tuple[str, ComputedField]]:
        return [
            (n, c)
            for n, c in self.schema.computed_fields(view).items()
            if len(c.function.arguments) <= (2 if c.session_argument else 1)
        ]

    def aggregate_order_by(self, view: TableView) -> GraphQLInputObjectType:
        """`T_aggregate_order_by`"""

        def fields() -> dict[str, GraphQLInputField]:
            result = {"count": field(self.order_by_enum)}
            for kind, columns in aggregate_columns(view).items():
                made = self.object(
                    f"{view.name}_{kind}_order_by",
                    lambda columns=columns: {n: field(self.order_by_enum) for n in columns},  # type: ignore[misc]  # a default binds the loop's value
                )
                result[kind] = field(made)
            return result

        return self.object(f"{view.name}_aggregate_order_by", fields)

    def select_column(self, view: TableView) -> GraphQLEnumType:
        """`T_select_column`"""
        return self.enum(f"{view.name}_select_column", view.columns)

    def group_key(self, view: TableView) -> GraphQLInputObjectType:
        """A key of `group_by`."""
        column: Any = GraphQLNonNull(self.select_column(view))
        return self.object(f"{view.name}_group_by_key", lambda: {"column": field(column)})

    def function_args(self, name: str, arguments: list[Argument]) -> GraphQLInputObjectType:
        """`F_args`"""

        def fields() -> dict[str, GraphQLInputField]:
            result = {}
            for i, argument in enumerate(arguments, 1):
                result[argument.name or f"arg_{i}"] = field(scalar(argument.type))
            return result

        return self.object(f"{name}_args", fields)


def aggregate_columns(view: TableView) -> dict[str, dict[str, Column]]:
    """Aggregate function → columns that it may be applied to."""
    numbers = {n: c for n, c in view.columns.items() if c.type in NUMBERS}
    ordered = {n: c for n, c in view.columns.items() if c.type in COMPARABLE}
    result: dict[str, dict[str, Column]] = {}
    if numbers:
        result |= dict.fromkeys(STATISTICS, numbers)
    if ordered:
        result |= {"max": ordered, "min": ordered}
    return dict(sorted(result.items()))
