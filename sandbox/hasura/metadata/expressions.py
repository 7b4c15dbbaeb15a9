"""Whether a permission's boolean expression speaks of columns, relationships and operators that exist.

Rule: Hasura's permission filters, checks and presets are read against the table's fields when metadata is loaded;
a key is a logical operator, a column with operators or a value (equality), a relationship or computed field that
returns rows with an expression of that table, or a scalar computed field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.hasura.catalog import Table
from sandbox.hasura.metadata.names import Key, display, kind_of, qualified

__all__ = ["Fields", "Unfit", "check_expression"]

_OPERATORS = frozenset(
    [
        "eq",
        "ne",
        "neq",
        "gt",
        "lt",
        "gte",
        "lte",
        "in",
        "nin",
        "is_null",
        "like",
        "nlike",
        "ilike",
        "nilike",
        "similar",
        "nsimilar",
        "regex",
        "iregex",
        "nregex",
        "niregex",
        "ceq",
        "cne",
        "cneq",
        "cgt",
        "clt",
        "cgte",
        "clte",
        "contains",
        "contained_in",
        "has_key",
        "has_keys_any",
        "has_keys_all",
        "cast",
        "ancestor",
        "ancestor_any",
        "descendant",
        "descendant_any",
        "matches",
        "matches_any",
        "matches_fulltext",
        "st_contains",
        "st_crosses",
        "st_equals",
        "st_intersects",
        "st_3d_intersects",
        "st_overlaps",
        "st_touches",
        "st_within",
        "st_d_within",
        "st_3d_d_within",
        "st_intersects_rast",
        "st_intersects_nband_geom",
        "st_intersects_geom_nband",
    ]
)


class Unfit(Exception):  # noqa: N818 - a finding
    """The reason why an object of the metadata does not fit the database.

    `in_context`: Hasura prints it after the object's table and name; what a dependency lacks stands alone.
    """

    def __init__(self, reason: str, *, in_context: bool = True) -> None:
        super().__init__(reason)
        self.in_context = in_context


@dataclass
class Fields:
    """What a tracked table offers to permissions."""

    table: Table
    relationships: dict[str, Key] = field(default_factory=dict)
    """Name -> the table that it leads to."""
    computed: dict[str, Key | None] = field(default_factory=dict)
    """Name -> the table of the rows that it returns; None for a scalar."""


def check_expression(expression: object, key: Key, tables: Mapping[Key, Fields]) -> None:
    """Raise `Unfit` unless `expression` fits the tracked table `key`."""
    if not isinstance(expression, dict):
        raise Unfit(
            f"parsing boolean expression failed, expected Object, but encountered {kind_of(expression)}"
        )
    fields = tables.get(key)
    if fields is None:
        raise Unfit(f'table "{display({"schema": key[0], "name": key[1]})}" is not tracked')
    for name, operand in expression.items():
        logical = f"_{name[1:]}" if name.startswith("$") else name
        if logical in ("_and", "_or"):
            for item in operand if isinstance(operand, list) else [operand]:
                check_expression(item, key, tables)
        elif logical == "_not":
            check_expression(operand, key, tables)
        elif logical == "_exists":
            table = qualified(operand["_table"], path="$")
            check_expression(operand["_where"], (table["schema"], table["name"]), tables)
        else:
            _check_field(name, operand, fields, tables)


def _check_field(name: str, operand: Any, fields: Fields, tables: Mapping[Key, Fields]) -> None:
    if name in fields.table.columns:
        _check_operators(operand)
    elif name in fields.relationships:
        check_expression(operand, fields.relationships[name], tables)
    elif name in fields.computed:
        target = fields.computed[name]
        if target is None:
            _check_operators(operand)
        else:
            check_expression(operand, target, tables)
    else:
        raise Unfit(f'"{name}" does not exist')


def _check_operators(operand: Any) -> None:
    for part in operand if isinstance(operand, list) else [operand]:
        if isinstance(part, dict):
            for operator in part:
                if operator[:1] not in ("_", "$") or operator[1:] not in _OPERATORS:
                    raise Unfit(f'"{operator}": unknown operator')
