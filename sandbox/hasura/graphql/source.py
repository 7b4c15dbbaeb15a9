"""A source's metadata joined with its database: tables, relationships and computed fields under their GraphQL names.

The same for every role. Rules: Hasura's metadata reference (table configuration, relationships, computed fields)
and graphql-engine `Hasura.RQL.DDL.Schema.Table`, `…DDL.Relationship`.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import Any

from ..catalog import Catalog, Column, Function, QualifiedName, Table

log = logging.getLogger("sandbox.hasura.graphql")
_NAME = re.compile(r"^[_A-Za-z][_0-9A-Za-z]*$")


@dataclass(frozen=True)
class Relationship:
    """`mapping` pairs own columns with the remote table's."""

    name: str
    is_array: bool
    remote: QualifiedName
    mapping: tuple[tuple[str, str], ...]
    after_parent: bool = False
    """An object relationship whose row refers to this one, so it is inserted after it."""
    nullable: bool = True


@dataclass(frozen=True)
class ComputedField:
    """A function of the row: a scalar, or rows of `returns_table`."""

    name: str
    function: Function
    table_argument: str | None
    session_argument: str | None
    returns_table: QualifiedName | None

    @property
    def result(self) -> Column:
        """The scalar result as a column."""
        kind = self.function.return_type
        element = kind[1:] if kind.startswith("_") else None
        return Column(self.name, kind, True, False, cast=kind, element=element)


@dataclass
class TrackedTable:
    """A tracked table with its GraphQL names."""

    table: Table
    metadata: dict[str, Any]
    name: str
    columns: dict[str, Column]
    """All columns that have a legal GraphQL name, by that name."""
    relationships: dict[str, Relationship] = field(default_factory=dict)
    computed_fields: dict[str, ComputedField] = field(default_factory=dict)

    @property
    def key(self) -> QualifiedName:
        """(schema, name)"""
        return (self.table.schema, self.table.name)

    def root_field(self, kind: str) -> str:
        """Name of a root field: `select`, `select_by_pk`, `insert_one` …"""
        custom = (self.metadata.get("configuration") or {}).get("custom_root_fields") or {}
        given = custom.get(kind)
        if isinstance(given, dict):
            given = given.get("name")
        if given:
            return str(given)
        patterns = {
            "select": "{}",
            "select_by_pk": "{}_by_pk",
            "select_aggregate": "{}_aggregate",
            "insert": "insert_{}",
            "insert_one": "insert_{}_one",
            "update": "update_{}",
            "update_by_pk": "update_{}_by_pk",
            "update_many": "update_{}_many",
            "delete": "delete_{}",
            "delete_by_pk": "delete_{}_by_pk",
        }
        return patterns[kind].format(self.name)


@dataclass(frozen=True)
class TrackedFunction:
    """A function that is a root field of its own."""

    name: str
    function: Function
    returns: QualifiedName
    is_mutation: bool
    session_argument: str | None
    roles: frozenset[str]


def is_graphql_name(name: str) -> bool:
    """Can a column, table or enum value be called so?"""
    return bool(_NAME.match(name)) and name not in ("true", "false", "null")


def qualified(table: Any) -> QualifiedName:
    """A table's or function's name as metadata writes it: text, or an object with `schema` and `name`."""
    if isinstance(table, str):
        return ("public", table)
    return (table.get("schema") or "public", table["name"])


def graphql_name(key: QualifiedName, custom: str | None = None) -> str:
    """`users`, `audit_users` for schema audit, or the custom name."""
    return custom or (key[1] if key[0] == "public" else f"{key[0]}_{key[1]}")


def read_source(
    catalog: Catalog, metadata: dict[str, Any]
) -> tuple[dict[QualifiedName, TrackedTable], list[TrackedFunction]]:
    """Join metadata and catalog; what does not fit together is left out, as in a schema with inconsistent metadata."""
    tables: dict[QualifiedName, TrackedTable] = {}
    for entry in metadata.get("tables") or []:
        key = qualified(entry["table"])
        table = catalog.tables.get(key)
        configuration = entry.get("configuration") or {}
        name = graphql_name(key, configuration.get("custom_name"))
        if table is None or not _NAME.match(name):
            log.warning('table "%s"."%s" is left out: it is missing or its name is no GraphQL name', *key)
            continue
        if entry.get("is_enum"):
            log.warning('enum table "%s"."%s": its values are served as text, not as a GraphQL enum', *key)
        tables[key] = TrackedTable(table, entry, name, _columns(table, configuration))
    for tracked in tables.values():
        tracked.relationships = _relationships(tracked, tables)
        for entry in tracked.metadata.get("computed_fields") or []:
            computed = _computed_field(entry, catalog)
            if computed and computed.name not in tracked.columns:
                tracked.computed_fields[computed.name] = computed
    functions = [_function(e, catalog) for e in metadata.get("functions") or []]
    return tables, [f for f in functions if f and f.returns in tables]


def _columns(table: Table, configuration: dict[str, Any]) -> dict[str, Column]:
    custom = dict(configuration.get("custom_column_names") or {})
    for name, config in (configuration.get("column_config") or {}).items():
        if (config or {}).get("custom_name"):
            custom[name] = config["custom_name"]
    named = {custom.get(c.name, c.name): c for c in table.columns.values()}
    return {name: column for name, column in named.items() if _NAME.match(name)}


def _relationships(
    tracked: TrackedTable, tables: dict[QualifiedName, TrackedTable]
) -> dict[str, Relationship]:
    found: dict[str, Relationship] = {}
    for kind in ("object_relationships", "array_relationships"):
        for entry in tracked.metadata.get(kind) or []:
            made = _relationship(tracked.table, entry, kind.startswith("array"), tables)
            if made is None:
                log.warning(
                    'relationship "%s" of "%s" is left out: inconsistent', entry["name"], tracked.name
                )
            elif made.name not in tracked.columns:
                found[made.name] = made
    return found


def _relationship(
    table: Table, entry: dict[str, Any], is_array: bool, tables: dict[QualifiedName, TrackedTable]
) -> Relationship | None:
    using = entry["using"]
    name = entry["name"]
    if manual := using.get("manual_configuration"):
        remote = qualified(manual["remote_table"])
        mapping = tuple((a, b) for a, b in manual["column_mapping"].items())
        if remote not in tables:
            return None
        after = manual.get("insertion_order") == "after_parent"
        return Relationship(name, is_array, remote, mapping, after)
    on = using["foreign_key_constraint_on"]
    if isinstance(on, dict):  # the other table refers to this one
        remote = qualified(on["table"])
        columns = on.get("columns") or [on["column"]]
        if remote not in tables:
            return None
        for key in tables[remote].table.foreign_keys:
            if set(key.columns) == set(columns) and key.referenced_table == (table.schema, table.name):
                pairs = tuple(zip(key.referenced_columns, key.columns, strict=True))
                return Relationship(name, is_array, remote, pairs, after_parent=True)
        return None
    columns = [on] if isinstance(on, str) else on
    for key in table.foreign_keys:
        if set(key.columns) == set(columns) and key.referenced_table in tables:
            pairs = tuple(zip(key.columns, key.referenced_columns, strict=True))
            nullable = any(table.columns[c].nullable for c in key.columns)
            return Relationship(name, is_array, key.referenced_table, pairs, nullable=nullable)
    return None


def _computed_field(entry: dict[str, Any], catalog: Catalog) -> ComputedField | None:
    definition = entry["definition"]
    function = catalog.functions.get(qualified(definition["function"]))
    if function is None:
        return None
    returns = function.returns_table if function.returns_set else None
    return ComputedField(
        entry["name"], function, definition.get("table_argument"), definition.get("session_argument"), returns
    )


def _function(entry: dict[str, Any], catalog: Catalog) -> TrackedFunction | None:
    key = qualified(entry["function"])
    function = catalog.functions.get(key)
    if function is None or function.returns_table is None:
        return None
    configuration = entry.get("configuration") or {}
    exposed = configuration.get("exposed_as") or ("mutation" if function.volatility == "v" else "query")
    return TrackedFunction(
        name=graphql_name(key, configuration.get("custom_name")),
        function=function,
        returns=function.returns_table,
        is_mutation=exposed == "mutation",
        session_argument=configuration.get("session_argument"),
        roles=frozenset(p["role"] for p in entry.get("permissions") or []),
    )
