"""Which objects of the metadata the databases can back, and the metadata without those that they cannot.

Rule (Hasura's schema cache): an inconsistent object stays in the metadata, is listed with its reason, and is left
out of what is served, together with whatever rests on it. Texts follow `RQL/DDL/Schema/Cache` and `RQL/DDL/*`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.hasura.catalog import Catalog
from sandbox.hasura.metadata import objects as ids
from sandbox.hasura.metadata.expressions import Fields, Unfit
from sandbox.hasura.metadata.faults import Fault
from sandbox.hasura.metadata.fit_fields import check_computed_field, check_relationship
from sandbox.hasura.metadata.fit_permissions import check_permission
from sandbox.hasura.metadata.names import Key, as_key, display
from sandbox.hasura.metadata.objects import Inconsistency
from sandbox.hasura.metadata.sources import Source

__all__ = ["Checked", "check"]

_RELATIONSHIPS = {"object_relationships": "object_relation", "array_relationships": "array_relation"}


@dataclass
class Checked:
    """The outcome: what is wrong, and what can be served."""

    inconsistencies: list[Inconsistency] = field(default_factory=list)
    sources: list[dict[str, Any]] = field(default_factory=list)
    """Consistent part of the sources, in exported form."""
    inherited_roles: list[dict[str, Any]] = field(default_factory=list)
    fields: dict[str, dict[Key, Fields]] = field(default_factory=dict)
    """Source -> tracked table -> what it offers."""

    def add(self, object_id: ids.ObjectId, reason: str) -> None:
        """Record an object that cannot be served."""
        self.inconsistencies.append(Inconsistency(object_id, reason))


def check(metadata: Mapping[str, Any], sources: Mapping[str, Source]) -> Checked:
    """Compare exported-form `metadata` with the databases. Never raises for what is wrong in it."""
    checked = Checked()
    for source in metadata["sources"]:
        state = sources[source["name"]]
        if state.catalog is None:
            fault = state.fault or Fault("connection error", "postgres-error")
            message = fault.internal if isinstance(fault.internal, str) else None
            checked.inconsistencies.append(Inconsistency(ids.source_id(source["name"]), str(fault), message))
            continue
        checked.sources.append(_SourceCheck(checked, source, state.catalog).run())
    checked.inherited_roles = _check_inherited_roles(checked, metadata.get("inherited_roles") or [])
    return checked


class _SourceCheck:
    """The check of one source; `fields` grows as tables, relationships and computed fields are found good."""

    def __init__(self, checked: Checked, source: dict[str, Any], catalog: Catalog) -> None:
        self.checked, self.raw, self.catalog = checked, source, catalog
        self.name: str = source["name"]
        self.fields: dict[Key, Fields] = {}
        checked.fields[self.name] = self.fields

    def run(self) -> dict[str, Any]:
        good: list[dict[str, Any]] = []
        for entry in self.raw["tables"]:
            table = self.catalog.tables.get(as_key(entry["table"]))
            if table is None:
                reason = f'no such table/view exists in source: "{display(entry["table"])}"'
                self.checked.add(ids.table_id(self.name, entry["table"]), reason)
            else:
                good.append(dict(entry))
                self.fields[as_key(entry["table"])] = Fields(table)
        for entry in good:
            self._relationships(entry)
            self._computed_fields(entry)
        for entry in good:
            self._permissions(entry)
        source = {**self.raw, "tables": good}
        if "functions" in self.raw:
            source["functions"] = self._functions()
        return source

    def _relationships(self, entry: dict[str, Any]) -> None:
        fields = self.fields[as_key(entry["table"])]
        for key, kind in _RELATIONSHIPS.items():
            kept = []
            for rel in entry.get(key, []):
                try:
                    target = check_relationship(rel, kind, as_key(entry["table"]), self.fields, self.name)
                except Unfit as unfit:
                    reason = str(unfit)
                    if unfit.in_context:
                        reason = (
                            f'in table "{display(entry["table"])}": in relationship "{rel["name"]}": {unfit}'
                        )
                    definition = {k: rel[k] for k in ("name", "using", "comment") if k in rel}
                    object_id = ids.table_object_id(self.name, entry["table"], kind, rel["name"], definition)
                    self.checked.add(object_id, reason)
                else:
                    fields.relationships[rel["name"]] = target
                    kept.append(rel)
            _put(entry, key, kept)

    def _computed_fields(self, entry: dict[str, Any]) -> None:
        fields, kept = self.fields[as_key(entry["table"])], []
        for item in entry.get("computed_fields", []):
            try:
                target = check_computed_field(item, fields, self.fields, self.catalog)
            except Unfit as unfit:
                reason = f'in table "{display(entry["table"])}": in computed field "{item["name"]}": {unfit}'
                object_id = ids.table_object_id(
                    self.name, entry["table"], "computed_field", item["name"], item
                )
                self.checked.add(object_id, reason)
            else:
                fields.computed[item["name"]] = target
                kept.append(item)
        _put(entry, "computed_fields", kept)

    def _permissions(self, entry: dict[str, Any]) -> None:
        for kind in ("insert", "select", "update", "delete"):
            key, kept = f"{kind}_permissions", []
            for item in entry.get(key, []):
                try:
                    if item["role"] == "admin":
                        raise Unfit("cannot define permission for admin role")
                    check_permission(kind, item["permission"], as_key(entry["table"]), self.fields)
                except (Unfit, Fault) as unfit:
                    reason = f'in table "{display(entry["table"])}": in permission for role "{item["role"]}": {unfit}'
                    object_id = ids.table_object_id(
                        self.name, entry["table"], f"{kind}_permission", item["role"], item
                    )
                    self.checked.add(object_id, reason)
                else:
                    kept.append(item)
            _put(entry, key, kept)

    def _functions(self) -> list[dict[str, Any]]:
        kept = []
        for item in self.raw["functions"]:
            name = item["function"]
            function = self.catalog.functions.get(as_key(name))
            reason = None
            if function is None:
                reason = f'no such function exists: "{display(name)}"'
            elif function.returns_table is None:
                reason = 'the function does not return a "COMPOSITE" type'
            elif function.returns_table not in self.fields:
                shown = display({"schema": function.returns_table[0], "name": function.returns_table[1]})
                reason = f'table "{shown}" is not tracked'
            if reason is None:
                kept.append(item)
            else:
                reason = f'in function "{display(name)}": {reason}'
                self.checked.add(ids.function_id(self.name, name, item), reason)
        return kept


def _put(entry: dict[str, Any], key: str, kept: list[dict[str, Any]]) -> None:
    if kept:
        entry[key] = kept
    else:
        entry.pop(key, None)


def _check_inherited_roles(checked: Checked, roles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_name = {role["role_name"]: role for role in roles}
    good = []
    for role in roles:
        if _reaches(role["role_name"], role, by_name, set()):
            checked.add(ids.inherited_role_id(role), f'found cycle(s) in roles: ["{role["role_name"]}"]')
        else:
            good.append(role)
    return good


def _reaches(goal: str, role: dict[str, Any], by_name: Mapping[str, dict[str, Any]], seen: set[str]) -> bool:
    for parent in role["role_set"]:
        if parent == goal:
            return True
        if parent in by_name and parent not in seen:
            seen.add(parent)
            if _reaches(goal, by_name[parent], by_name, seen):
                return True
    return False
