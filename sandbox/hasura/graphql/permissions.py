"""What one role may do with one table: select grants, insert, update and delete permissions.

An inherited role's select permission is the union of its parents': rows that any parent may see, and in each
row only the cells that a parent who may see that row may see. Its mutations are its parents' where those agree.
Source: Hasura docs, "Inherited Roles"; graphql-engine `Hasura.RQL.Types.Roles.Internal`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .source import TrackedTable

ADMIN = "admin"


@dataclass(frozen=True)
class Grant:
    """One select permission: these columns of the rows that pass `filter`."""

    columns: frozenset[str]
    computed_fields: frozenset[str]
    filter: dict[str, Any]
    limit: int | None
    aggregations: bool


@dataclass(frozen=True)
class WritePermission:
    """An insert, update or delete permission; `columns` holds Postgres names without those in `presets`."""

    columns: frozenset[str] = frozenset()
    filter: dict[str, Any] = field(default_factory=dict)
    check: dict[str, Any] | None = None
    presets: dict[str, Any] = field(default_factory=dict)
    backend_only: bool = False


class Permissions:
    """Permissions of one role over the tracked tables of a source."""

    def __init__(self, role: str, parents: dict[str, list[str]]) -> None:
        self.role, self._parents = role, parents

    def select(self, tracked: TrackedTable) -> list[Grant]:
        """The role's grants; empty when it may not select."""
        if self.role == ADMIN:
            return [
                Grant(frozenset(tracked.table.columns), frozenset(tracked.computed_fields), {}, None, True)
            ]
        return self._select(tracked, self.role, frozenset())

    def _select(self, tracked: TrackedTable, role: str, seen: frozenset[str]) -> list[Grant]:
        own = _entry(tracked, "select_permissions", role)
        if own is not None:
            return [
                Grant(
                    _columns(own.get("columns"), tracked),
                    frozenset(own.get("computed_fields") or ()),
                    own.get("filter") or {},
                    own.get("limit"),
                    bool(own.get("allow_aggregations")),
                )
            ]
        if role in seen:
            return []
        grants: list[Grant] = []
        for parent in self._parents.get(role, []):
            for grant in self._select(tracked, parent, seen | {role}):
                if grant not in grants:
                    grants.append(grant)
        return grants

    def insert(self, tracked: TrackedTable) -> WritePermission | None:
        """The role's insert permission."""
        columns = frozenset(c.name for c in tracked.table.columns.values() if not c.is_generated)
        if not tracked.table.insertable:
            return None
        if self.role == ADMIN:
            return WritePermission(columns, check={})
        entry = self._write(tracked, "insert_permissions")
        if entry is None:
            return None
        presets = entry.get("set") or {}
        allowed = _columns(entry.get("columns", "*"), tracked) & columns
        return WritePermission(
            allowed - presets.keys(), {}, entry.get("check") or {}, presets, bool(entry.get("backend_only"))
        )

    def update(self, tracked: TrackedTable) -> WritePermission | None:
        """The role's update permission; `check` is None when it has none of its own."""
        columns = frozenset(c.name for c in tracked.table.columns.values() if not c.is_generated)
        if not tracked.table.updatable:
            return None
        if self.role == ADMIN:
            return WritePermission(columns)
        entry = self._write(tracked, "update_permissions")
        if entry is None:
            return None
        presets = entry.get("set") or {}
        return WritePermission(
            (_columns(entry.get("columns"), tracked) & columns) - presets.keys(),
            entry.get("filter") or {},
            entry.get("check"),
            presets,
            bool(entry.get("backend_only")),
        )

    def delete(self, tracked: TrackedTable) -> WritePermission | None:
        """The role's delete permission."""
        if not tracked.table.deletable:
            return None
        if self.role == ADMIN:
            return WritePermission()
        entry = self._write(tracked, "delete_permissions")
        if entry is None:
            return None
        return WritePermission(filter=entry.get("filter") or {}, backend_only=bool(entry.get("backend_only")))

    def _write(self, tracked: TrackedTable, kind: str) -> dict[str, Any] | None:
        found = self._all(tracked, kind, self.role, frozenset())
        return found[0] if found and all(entry == found[0] for entry in found) else None

    def _all(self, tracked: TrackedTable, kind: str, role: str, seen: frozenset[str]) -> list[dict[str, Any]]:
        own = _entry(tracked, kind, role)
        if own is not None:
            return [own]
        if role in seen:
            return []
        parents = self._parents.get(role, [])
        return [e for p in parents for e in self._all(tracked, kind, p, seen | {role})]


def _entry(tracked: TrackedTable, kind: str, role: str) -> dict[str, Any] | None:
    for entry in tracked.metadata.get(kind) or []:
        if entry["role"] == role:
            permission: dict[str, Any] = entry["permission"]
            return permission
    return None


def _columns(columns: Any, tracked: TrackedTable) -> frozenset[str]:
    known = frozenset(tracked.table.columns)
    return known if columns == "*" else known & frozenset(columns or ())
