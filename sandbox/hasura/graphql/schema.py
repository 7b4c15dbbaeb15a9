"""What one role sees of a source: views of tables, root fields, and the compiled SQL's context.

A `RoleSchema` is built once for a role and kept until metadata changes. Whether a root field exists for a role:
graphql-engine `Hasura.GraphQL.Schema.Select`, `…Schema.Mutation`, `…Schema.Update`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from psycopg import sql

from ..catalog import Column, QualifiedName
from .permissions import Grant, Permissions, WritePermission
from .scalars import BIG_NUMBERS
from .source import ComputedField, Relationship, TrackedFunction, TrackedTable

if TYPE_CHECKING:
    from ..authentication import Session


@lru_cache(maxsize=8192)
def ident(*names: str) -> str:
    """Quoted SQL identifier; several names are joined by dots."""
    return sql.Identifier(*names).as_string(None)


class Context:
    """Parameters and aliases of one SQL statement; values travel as `$n`, never in the text."""

    def __init__(self, session: Session, stringify: bool) -> None:
        self.session, self.stringify = session, stringify
        self.params: list[str | None] = []
        self.cells: dict[tuple[str, str], str] = {}
        """Redacted cells by (alias, plain expression): DISTINCT ON and ORDER BY must name the same expression."""
        self._aliases = 0

    def param(self, value: str | None, cast: str) -> str:
        """Add a parameter and answer its place in the text."""
        self.params.append(value)
        return f"${len(self.params)}::{cast}"

    def alias(self) -> str:
        """A table alias that is new in this statement."""
        self._aliases += 1
        return f"_t{self._aliases}"


class TableView:
    """A tracked table as one role sees it."""

    def __init__(self, tracked: TrackedTable, permissions: Permissions, backend: bool) -> None:
        self.tracked, self.table, self.name = tracked, tracked.table, tracked.name
        self.key = tracked.key
        self.grants: list[Grant] = permissions.select(tracked)
        granted = frozenset().union(*(g.columns for g in self.grants)) if self.grants else frozenset()
        self.columns: dict[str, Column] = {n: c for n, c in tracked.columns.items() if c.name in granted}
        self._insert, self._update = permissions.insert(tracked), permissions.update(tracked)
        self._delete, self._backend = permissions.delete(tracked), backend

    @property
    def selectable(self) -> bool:
        """May the role select at all?"""
        return bool(self.grants)

    @property
    def aggregations(self) -> bool:
        """May the role aggregate?"""
        return any(g.aggregations for g in self.grants)

    @property
    def limit(self) -> int | None:
        """The most rows that one select answers; the most generous parent of an inherited role counts."""
        limits = [g.limit for g in self.grants]
        return None if not limits or None in limits else max(x for x in limits if x is not None)

    @property
    def insert(self) -> WritePermission | None:
        """Insert permission, if usable in this kind of request."""
        return self._usable(self._insert)

    @property
    def update(self) -> WritePermission | None:
        """Update permission, if usable in this kind of request."""
        return self._usable(self._update)

    @property
    def conflict_update(self) -> WritePermission | None:
        """Update permission as `on_conflict` applies it."""
        return self._update

    @property
    def delete(self) -> WritePermission | None:
        """Delete permission, if usable in this kind of request."""
        return self._usable(self._delete)

    def _usable(self, permission: WritePermission | None) -> WritePermission | None:
        return None if permission is None or (permission.backend_only and not self._backend) else permission

    def gql_columns(self, names: frozenset[str]) -> dict[str, Column]:
        """GraphQL name → column, of the Postgres names given."""
        return {n: c for n, c in self.tracked.columns.items() if c.name in names}

    @property
    def pk_columns(self) -> dict[str, Column] | None:
        """The primary key, if the role may select all of it."""
        if self.table.primary_key is None:
            return None
        key = self.gql_columns(frozenset(self.table.primary_key.columns))
        whole = len(key) == len(self.table.primary_key.columns)
        return key if whole and all(n in self.columns for n in key) else None

    @property
    def from_sql(self) -> str:
        """The table's SQL name."""
        return ident(self.table.schema, self.table.name)


@dataclass(frozen=True)
class RootField:
    """`kind` says which compiler makes it: select, select_by_pk, insert, function …"""

    name: str
    kind: str
    view: TableView
    function: TrackedFunction | None = None


@dataclass
class RoleSchema:
    """All that one role can name in a request."""

    role: str
    tables: dict[QualifiedName, TrackedTable]
    functions: list[TrackedFunction]
    permissions: Permissions
    backend: bool
    _views: dict[QualifiedName, TableView] = field(default_factory=dict)

    def view(self, key: QualifiedName) -> TableView:
        """The role's view of a tracked table."""
        found = self._views.get(key)
        if found is None:
            found = self._views[key] = TableView(self.tables[key], self.permissions, self.backend)
        return found

    def relationships(self, view: TableView) -> dict[str, Relationship]:
        """Relationships to tables that the role may select."""
        found = view.tracked.relationships.items()
        return {n: r for n, r in found if self.view(r.remote).selectable}

    def computed_fields(self, view: TableView) -> dict[str, ComputedField]:
        """Scalar ones that are granted, table ones whose table the role may select."""
        granted = frozenset().union(*(g.computed_fields for g in view.grants)) if view.grants else frozenset()
        return {
            n: c
            for n, c in view.tracked.computed_fields.items()
            if (c.returns_table is None and n in granted)
            or (c.returns_table in self.tables and self.view(c.returns_table).selectable)
        }

    @cached_property
    def query_fields(self) -> dict[str, RootField]:
        """Root fields of query_root."""
        found: dict[str, RootField] = {}
        for key, tracked in self.tables.items():
            view = self.view(key)
            if not view.selectable:
                continue
            self._add(found, tracked, "select", view)
            if view.pk_columns:
                self._add(found, tracked, "select_by_pk", view)
            if view.aggregations:
                self._add(found, tracked, "select_aggregate", view)
        for function in self.functions:
            view = self.view(function.returns)
            if not function.is_mutation and view.selectable:
                found[function.name] = RootField(function.name, "function", view, function)
                if view.aggregations:
                    name = f"{function.name}_aggregate"
                    found[name] = RootField(name, "function_aggregate", view, function)
        return found

    @cached_property
    def mutation_fields(self) -> dict[str, RootField]:
        """Root fields of mutation_root; empty when the role may change nothing."""
        found: dict[str, RootField] = {}
        for key, tracked in self.tables.items():
            view = self.view(key)
            if view.insert:
                self._add(found, tracked, "insert", view)
                if view.selectable:
                    self._add(found, tracked, "insert_one", view)
            if view.update and (view.update.columns or view.update.presets):
                self._add(found, tracked, "update", view)
                if view.pk_columns:
                    self._add(found, tracked, "update_by_pk", view)
                self._add(found, tracked, "update_many", view)
            if view.delete:
                self._add(found, tracked, "delete", view)
                if view.pk_columns:
                    self._add(found, tracked, "delete_by_pk", view)
        for function in self.functions:
            view = self.view(function.returns)
            allowed = self.role == "admin" or self.role in function.roles
            if function.is_mutation and view.selectable and allowed:
                found[function.name] = RootField(function.name, "function", view, function)
        return found

    @staticmethod
    def _add(found: dict[str, RootField], tracked: TrackedTable, kind: str, view: TableView) -> None:
        name = tracked.root_field(kind)
        found[name] = RootField(name, kind, view)


def stringifies(column: Column, context: Context) -> bool:
    """Is the column's number answered as text (HASURA_GRAPHQL_STRINGIFY_NUMERIC_TYPES)?"""
    return context.stringify and column.type in BIG_NUMBERS


def session_json(session: Session) -> dict[str, Any]:
    """The session as a function's session argument receives it."""
    return {**session.variables, "x-hasura-role": session.role}
