"""Postgres types as GraphQL scalars, and client values as text that Postgres parses.

Names: graphql-engine `Hasura.Backends.Postgres.SQL.Types` (mkScalarTypeName) and `…Schema.columnParser`.
Every value goes to the database as a text parameter with a cast: Postgres alone decides what a date is.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLFloat,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLString,
)

from ..catalog import Column

_NAMES = {
    "int4": "Int",
    "bool": "Boolean",
    "float4": "Float",
    "text": "String",
    "varchar": "String",
    "int2": "smallint",
    "int8": "bigint",
    "float8": "float8",
}
_BUILT_IN = {"Int": GraphQLInt, "Boolean": GraphQLBoolean, "Float": GraphQLFloat, "String": GraphQLString}
NUMBERS = frozenset({"int2", "int4", "int8", "float4", "float8", "numeric", "money"})
BIG_NUMBERS = frozenset({"int8", "float8", "numeric"})
TEXTS = frozenset({"text", "varchar", "bpchar", "citext"})
COMPARABLE = (
    NUMBERS | TEXTS | frozenset({"date", "timestamp", "timestamptz", "time", "timetz", "uuid", "interval"})
)
"""Types with min and max; arrays, json and booleans have none."""


@lru_cache(maxsize=1024)
def custom_scalar(name: str) -> GraphQLScalarType:
    """The one scalar type of that name: types are compared by identity when a schema is put together."""
    return _BUILT_IN.get(name) or GraphQLScalarType(name)


def scalar_name(pg_type: str) -> str:
    """GraphQL name of a pg_type name that is not an array's."""
    return _NAMES.get(pg_type, pg_type)


def scalar(pg_type: str) -> GraphQLScalarType:
    """GraphQL type of a pg_type name that is not an array's."""
    return custom_scalar(scalar_name(pg_type))


def column_type(column: Column) -> GraphQLInputType:
    """GraphQL type of a column's values without nullability: a scalar, or a list for an array."""
    if column.element is not None:
        return GraphQLList(GraphQLNonNull(scalar(column.element)))
    return scalar(column.type)


def comparison_name(column: Column) -> str:
    """Name of the input type that compares this column."""
    if column.element is not None:
        return f"{scalar_name(column.element)}_array_comparison_exp"
    return f"{scalar_name(column.type)}_comparison_exp"


def is_json(column: Column) -> bool:
    """Does the column hold json or jsonb?"""
    return column.type in ("json", "jsonb")


def to_text(value: Any, pg_type: str, element: str | None = None) -> str | None:
    """A client's or metadata's value as the text that Postgres reads for `pg_type`; None is NULL.

    A list for an array type becomes an array literal; json keeps its structure.
    """
    if value is None:
        return None
    if pg_type in ("json", "jsonb"):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return array_literal(value, element or "text")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)


def array_literal(values: list[Any], element: str) -> str:
    """`{…}` as Postgres reads it, every element quoted."""
    parts = []
    for value in values:
        if isinstance(value, list):
            parts.append(array_literal(value, element))
            continue
        text = to_text(value, element)
        if text is None:
            parts.append("NULL")
        else:
            escaped = text.replace("\\", "\\\\").replace('"', '\\"')
            parts.append(f'"{escaped}"')
    return "{" + ",".join(parts) + "}"
