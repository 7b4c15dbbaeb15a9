"""Commands about fields beside columns: relationships and computed fields."""

from __future__ import annotations

from typing import Any

from sandbox.hasura.metadata import objects as ids
from sandbox.hasura.metadata.canonical import computed_field, relationship
from sandbox.hasura.metadata.commands_tables import source_and_table
from sandbox.hasura.metadata.dependencies import refuse_dependents, remove
from sandbox.hasura.metadata.draft import Draft
from sandbox.hasura.metadata.faults import already_exists, not_exists
from sandbox.hasura.metadata.names import as_key, display, require_text
from sandbox.hasura.metadata.registry import SUCCESS, backend_command

__all__: list[str] = []

_LISTS = ("object_relationships", "array_relationships", "computed_fields")


def _refuse_duplicate(draft: Draft, source: str, entry: dict[str, Any], name: str) -> None:
    fields = draft.checked.fields[source].get(as_key(entry["table"]))
    columns = fields.table.columns if fields else {}
    if name in columns or any(item["name"] == name for key in _LISTS for item in entry.get(key, [])):
        raise already_exists(f'field with name "{name}" already exists in table "{display(entry["table"])}"')


def _create_relationship(kind: str, draft: Draft, args: Any) -> Any:
    source, table = source_and_table(args)
    rel = relationship(args, kind, path="$.args")
    entry = draft.table(source, table)
    _refuse_duplicate(draft, source, entry, rel["name"])
    entry.setdefault(f"{kind}_relationships", []).append(rel)
    draft.rebuild(ids.table_object_id(source, table, f"{kind}_relation", rel["name"]))
    return SUCCESS


@backend_command("create_object_relationship", atomic=True)
def create_object_relationship(draft: Draft, args: Any) -> Any:
    """Give a table a field that leads to one row of another."""
    return _create_relationship("object", draft, args)


@backend_command("create_array_relationship", atomic=True)
def create_array_relationship(draft: Draft, args: Any) -> Any:
    """Give a table a field that leads to rows of another."""
    return _create_relationship("array", draft, args)


@backend_command("drop_relationship", atomic=True)
def drop_relationship(draft: Draft, args: Any) -> Any:
    """Take a relationship away; permissions that go through it only with `cascade`."""
    source, table = source_and_table(args)
    name = require_text(args, "relationship")
    entry = draft.table(source, table)
    if not any(rel["name"] == name for key in _LISTS[:2] for rel in entry.get(key, [])):
        raise not_exists(f'relationship "{name}" does not exist')
    _drop_dependents(draft, source, as_key(table), name, bool(args.get("cascade")))
    for key in _LISTS[:2]:
        if key in entry:
            entry[key] = [rel for rel in entry[key] if rel["name"] != name]
    draft.rebuild()
    return SUCCESS


def _drop_dependents(draft: Draft, source: str, key: tuple[str, str], name: str, cascade: bool) -> None:
    dependents = draft.dependencies(source).of_field(key, name)
    if dependents and not cascade:
        refuse_dependents(source, dependents)
    for dependent in dependents:
        remove(draft.source(source), dependent)


@backend_command("add_computed_field")
def add_computed_field(draft: Draft, args: Any) -> Any:
    """Give a table a field that a function computes from its row."""
    source, table = source_and_table(args)
    item = computed_field(args, path="$.args")
    entry = draft.table(source, table)
    _refuse_duplicate(draft, source, entry, item["name"])
    entry.setdefault("computed_fields", []).append(item)
    draft.rebuild(ids.table_object_id(source, table, "computed_field", item["name"]))
    return SUCCESS


@backend_command("drop_computed_field")
def drop_computed_field(draft: Draft, args: Any) -> Any:
    """Take a computed field away; permissions that name it only with `cascade`."""
    source, table = source_and_table(args)
    name = require_text(args, "name")
    entry = draft.table(source, table)
    if not any(item["name"] == name for item in entry.get("computed_fields", [])):
        raise not_exists(f'computed field "{name}" does not exist')
    _drop_dependents(draft, source, as_key(table), name, bool(args.get("cascade")))
    entry["computed_fields"] = [item for item in entry["computed_fields"] if item["name"] != name]
    draft.rebuild()
    return SUCCESS
