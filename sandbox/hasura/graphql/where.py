"""Conditions as SQL: a client's `where` and a permission's filter or check.

A client names GraphQL columns it may see and reaches related rows only through its permissions on them. A
permission names Postgres columns, is not restricted itself, knows session variables, column comparison (`_ceq`),
`_exists`, and may write operators with `$`. Source: graphql-engine `Hasura.RQL.IR.BoolExp`,
`Hasura.Backends.Postgres.Translate.BoolExp`, `…DDL.BoolExp`; Hasura docs, "Permission rules".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..catalog import Column, QualifiedName
from .errors import GraphQLFault, invalid, not_supported
from .scalars import to_text
from .schema import Context, RoleSchema, TableView, ident, session_json
from .source import ComputedField, Relationship, TrackedTable, qualified

_BINARY = {
    "_eq": "=", "_neq": "<>", "_ne": "<>", "_gt": ">", "_lt": "<", "_gte": ">=", "_lte": "<=",
    "_like": "LIKE", "_nlike": "NOT LIKE", "_ilike": "ILIKE", "_nilike": "NOT ILIKE",
    "_similar": "SIMILAR TO", "_nsimilar": "NOT SIMILAR TO",
    "_regex": "~", "_iregex": "~*", "_nregex": "!~", "_niregex": "!~*",
    "_contains": "@>", "_contained_in": "<@",
}  # fmt: skip
_COLUMN_BINARY = {"_ceq": "=", "_cneq": "<>", "_cne": "<>", "_cgt": ">", "_clt": "<", "_cgte": ">=", "_clte": "<="}
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
class Where:
    """Compiles conditions into one statement's context."""

    schema: RoleSchema
    context: Context

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
        condition = disjunction([self.permission(view.tracked, g.filter, alias) for g in showing])
        return plain if condition == "TRUE" else f"(CASE WHEN {condition} THEN {plain} END)"

    def call(self, computed: ComputedField, alias: str, arguments: str = "") -> str:
        """The function of a computed field, applied to the row `alias`."""
        function = computed.function
        given = []
        row = next((a for a in function.arguments if a.name == computed.table_argument), None)
        row = row if computed.table_argument and row else next((a for a in function.arguments if a.table), None)
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
                parts.append(self._operators(column, self.column(view, column, alias), value))
            else:
                parts.append(self._client_related(view, name, value, alias))
        return conjunction(parts)

    def _client_related(self, view: TableView, name: str, value: dict[str, Any], alias: str) -> str:
        relationship = view.tracked.relationships.get(name)
        if relationship is not None:
            return self._exists_related(relationship, alias, lambda v, a: self.client(v, value, a))
        base = view.tracked.relationships.get(name.removesuffix("_aggregate"))
        if base is not None and name.endswith("_aggregate"):
            return conjunction([self._aggregate(base, kind, v, alias) for kind, v in value.items() if v is not None])
        computed = view.tracked.computed_fields[name]
        if computed.returns_table is None:
            return self._operators(computed.result, self.computed(view, computed, alias), value)
        remote, inner = self.schema.view(computed.returns_table), self.context.alias()
        condition = conjunction([self.grants(remote, inner), self.client(remote, value, inner)])
        return f"EXISTS (SELECT 1 FROM {self.call(computed, alias)} AS {inner} WHERE {condition})"

    def _exists_related(self, relationship: Relationship, alias: str, inner: Any) -> str:
        remote, other = self.schema.view(relationship.remote), self.context.alias()
        condition = conjunction([join(relationship, alias, other), self.grants(remote, other), inner(remote, other)])
        return f"EXISTS (SELECT 1 FROM {remote.from_sql} AS {other} WHERE {condition})"

    def _aggregate(self, relationship: Relationship, kind: str, value: dict[str, Any], alias: str) -> str:
        remote, other = self.schema.view(relationship.remote), self.context.alias()
        named = value.get("arguments") or []
        columns = [self.column(remote, remote.columns[n], other) for n in ([named] if isinstance(named, str) else named)]
        distinct = "DISTINCT " if value.get("distinct") else ""
        inner = ", ".join(columns) if len(columns) < 2 else f"({', '.join(columns)})"
        kind_of = "int8" if kind == "count" else "bool"
        condition = conjunction(
            [join(relationship, alias, other), self.grants(remote, other), self.client(remote, value.get("filter"), other)]
        )
        call = f"{kind}({distinct}{inner})" if inner else "count(*)"
        column = Column(kind, kind_of, False, False, cast=kind_of)
        subselect = f"(SELECT {call} FROM {remote.from_sql} AS {other} WHERE {condition})"
        return self._operators(column, subselect, value["predicate"])

    # a permission's condition

    def permission(self, tracked: TrackedTable, expression: Any, alias: str, root: tuple[TrackedTable, str] | None = None) -> str:
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
                parts.append(self._operators(column, f"{alias}.{ident(raw)}", value, (tracked, alias, root)))
            else:
                parts.append(self._permission_related(tracked, raw, value, alias, root))
        return conjunction(parts)

    def _permission_related(self, tracked: TrackedTable, name: str, value: Any, alias: str, root: Any) -> str:
        if name in tracked.relationships:
            relationship, other = tracked.relationships[name], self.context.alias()
            remote = self.schema.tables[relationship.remote]
            condition = conjunction([join(relationship, alias, other), self.permission(remote, value, other, root)])
            return f"EXISTS (SELECT 1 FROM {ident(*remote.key)} AS {other} WHERE {condition})"
        computed = tracked.computed_fields.get(name)
        if computed is None:
            raise GraphQLFault(f'column "{name}" of "{tracked.name}" in a permission does not exist', "unexpected")
        if computed.returns_table is None:
            return self._operators(computed.result, self.call(computed, alias), value, (tracked, alias, root))
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

    # operators

    def _operators(self, column: Column, left: str, operators: Any, permission: Any = None) -> str:
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
            truth = value if isinstance(value, bool) else str(self._plain(value, permission)).lower() in ("true", "t")
            return f"({left} IS {'' if truth else 'NOT '}NULL)"
        if name == "_cast":
            inner = (value or {}).get("String")
            return self._operators(_TEXT, f"({left})::text", inner, permission) if inner else "TRUE"
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


def join(relationship: Relationship, alias: str, other: str) -> str:
    """The condition that relates two rows."""
    return conjunction([f"{other}.{ident(b)} = {alias}.{ident(a)}" for a, b in relationship.mapping])


def require_where(value: Any, path: str) -> dict[str, Any]:
    """A mandatory `where`."""
    if not isinstance(value, dict):
        raise invalid("expected an object, but found null", path)
    return value
