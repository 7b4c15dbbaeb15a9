"""Comparison operators as SQL: `_eq`, `_in`, `_like`, `_has_key`, and in permissions `_ceq` and session variables.

Source: graphql-engine `Hasura.Backends.Postgres.Translate.BoolExp`; Hasura docs, "Postgres: Filter query results".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..catalog import Column
from .errors import GraphQLFault, not_supported
from .scalars import to_text
from .schema import Context, RoleSchema, ident

_BINARY = {
    "_eq": "=", "_neq": "<>", "_ne": "<>", "_gt": ">", "_lt": "<", "_gte": ">=", "_lte": "<=",
    "_like": "LIKE", "_nlike": "NOT LIKE", "_ilike": "ILIKE", "_nilike": "NOT ILIKE",
    "_similar": "SIMILAR TO", "_nsimilar": "NOT SIMILAR TO",
    "_regex": "~", "_iregex": "~*", "_nregex": "!~", "_niregex": "!~*",
    "_contains": "@>", "_contained_in": "<@",
}  # fmt: skip
_COLUMN_BINARY = {
    "_ceq": "=",
    "_cneq": "<>",
    "_cne": "<>",
    "_cgt": ">",
    "_clt": "<",
    "_cgte": ">=",
    "_clte": "<=",
}
_PATHS = {"_jsonb_path_exists": "jsonb_path_exists", "_jsonb_path_match": "jsonb_path_match"}
_KEYS = {"_has_keys_any": "?|", "_has_keys_all": "?&"}
_TEXT = Column("", "text", True, False, cast="text")


def is_session_variable(value: Any) -> bool:
    """Is it the name of a session variable, as filters and presets write it?"""
    return isinstance(value, str) and value.lower().startswith("x-hasura-")


def session_value(context: Context, name: str) -> str:
    """Raises GraphQLFault where the session lacks it."""
    value = context.session.variables.get(name.lower())
    if value is None and name.lower() == "x-hasura-role":
        value = context.session.role
    if value is None:
        raise GraphQLFault(f'missing session variable: "{name.lower()}"', "not-found")
    return value


def conjunction(parts: list[str]) -> str:
    """`a AND b`; TRUE for none."""
    real = [p for p in parts if p != "TRUE"]
    return f"({' AND '.join(real)})" if len(real) > 1 else (real[0] if real else "TRUE")


def disjunction(parts: list[str]) -> str:
    """`a OR b`; FALSE for none."""
    if not parts:
        return "FALSE"
    if "TRUE" in parts:
        return "TRUE"
    return f"({' OR '.join(parts)})" if len(parts) > 1 else parts[0]


@dataclass
class Operators:
    """Compiles comparisons into one statement's context."""

    schema: RoleSchema
    context: Context

    def operators(self, column: Column, left: str, operators: Any, permission: Any = None) -> str:
        """Operators on `left`; `permission` is (table, alias, (root table, root alias)) of a permission's condition."""
        if not isinstance(operators, dict):
            operators = {"_eq": operators}  # {"id": "X-Hasura-User-Id"}
        elif permission and operators and not all(k.startswith(("_", "$")) for k in operators):
            operators = {"_eq": operators}  # a json value
        parts = []
        for raw, value in operators.items():
            name = "_" + raw[1:] if raw.startswith("$") else raw
            parts.append(self._operator(column, left, name, value, permission))
        return conjunction(parts)

    def _operator(self, column: Column, left: str, name: str, value: Any, permission: Any) -> str:
        if name == "_is_null":
            truth = (
                value
                if isinstance(value, bool)
                else str(self._plain(value, permission)).lower() in ("true", "t")
            )
            return f"({left} IS {'' if truth else 'NOT '}NULL)"
        if name == "_cast":
            inner = (value or {}).get("String")
            return self.operators(_TEXT, f"({left})::text", inner, permission) if inner else "TRUE"
        if name in ("_in", "_nin"):
            return self._among(column, left, name == "_in", value, permission)
        if name in _BINARY:
            return f"({left} {_BINARY[name]} {self._value(column, value, permission)})"
        if name == "_has_key":
            return f"({left} ? {self._value(_TEXT, value, permission)})"
        if name in _KEYS:
            text = session_value(self.context, value) if permission and is_session_variable(value) else None
            text = text if text is not None else to_text(value, "_text", "text")
            return f"({left} {_KEYS[name]} {self.context.param(text, 'text[]')})"
        if name in _PATHS:
            path = self.context.param(str(self._plain(value, permission)), "jsonpath")
            return f"{_PATHS[name]}({left}, {path})"
        if permission and name in _COLUMN_BINARY:
            return self._compare_columns(column, left, name, value, permission)
        raise not_supported(f'operator "{name}" on a column of type "{column.type}"')

    def _compare_columns(self, column: Column, left: str, name: str, value: Any, permission: Any) -> str:
        tracked, alias, (root_table, root_alias) = permission
        names = value if isinstance(value, list) else [value]
        if names and names[0] == "$":
            tracked, alias, names = root_table, root_alias, names[1:]
        if len(names) != 1 or names[0] not in tracked.table.columns:
            raise not_supported(f"comparison with a column across relationships: {value}")
        right = f"{alias}.{ident(names[0])}"
        if name in ("_ceq", "_cneq", "_cne"):  # NULL equals NULL here, unlike in _eq
            return f"({left} IS {'NOT ' if name == '_ceq' else ''}DISTINCT FROM {right})"
        return f"({left} {_COLUMN_BINARY[name]} {right})"

    def _plain(self, value: Any, permission: Any) -> Any:
        return session_value(self.context, value) if permission and is_session_variable(value) else value

    def _value(self, column: Column, value: Any, permission: Any) -> str:
        if permission and is_session_variable(value):
            return self.context.param(session_value(self.context, value), column.cast)
        return self.context.param(to_text(value, column.type, column.element), column.cast)

    def _among(self, column: Column, left: str, wanted: bool, value: Any, permission: Any) -> str:
        if permission and is_session_variable(value):
            right = self.context.param(session_value(self.context, value), f"{column.cast}[]")
        elif column.element is not None:
            equal = disjunction([f"({left} = {self._value(column, v, permission)})" for v in value])
            return equal if wanted else f"(NOT {equal})"
        elif permission and any(is_session_variable(v) for v in value):
            listed = ", ".join(self._value(column, v, permission) for v in value)
            return f"({left} {'' if wanted else 'NOT '}IN ({listed}))"
        else:
            right = self.context.param(to_text(value, "", column.type), f"{column.cast}[]")
        return f"({left} = ANY ({right}))" if wanted else f"({left} <> ALL ({right}))"
