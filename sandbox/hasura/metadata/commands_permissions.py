"""Commands about permissions: `pg_create_<kind>_permission`, `pg_drop_<kind>_permission`."""

from __future__ import annotations

from typing import Any

from sandbox.hasura.metadata import objects as ids
from sandbox.hasura.metadata.canonical_permissions import PERMISSION_KINDS, permission_entry
from sandbox.hasura.metadata.commands_tables import source_and_table
from sandbox.hasura.metadata.draft import Draft
from sandbox.hasura.metadata.faults import Fault, already_exists
from sandbox.hasura.metadata.names import display, require_text
from sandbox.hasura.metadata.registry import SUCCESS, backend_command

__all__: list[str] = []


def _create(kind: str, draft: Draft, args: Any) -> Any:
    source, table = source_and_table(args)
    permission = permission_entry(args, kind, path="$.args")
    entry, role = draft.table(source, table), permission["role"]
    present = entry.setdefault(f"{kind}_permissions", [])
    if any(item["role"] == role for item in present):
        raise already_exists(
            f'{kind} permission already defined on table "{display(table)}" with role "{role}"'
        )
    present.append(permission)
    draft.rebuild(ids.table_object_id(source, table, f"{kind}_permission", role))
    return SUCCESS


def _drop(kind: str, draft: Draft, args: Any) -> Any:
    source, table = source_and_table(args)
    role = require_text(args, "role")
    entry, key = draft.table(source, table), f"{kind}_permissions"
    kept = [item for item in entry.get(key, []) if item["role"] != role]
    if len(kept) == len(entry.get(key, [])):
        raise Fault(
            f'{kind} permission on "{display(table)}" for role "{role}" does not exist', "permission-denied"
        )
    entry[key] = kept
    draft.rebuild()
    return SUCCESS


def _register(kind: str) -> None:
    @backend_command(f"create_{kind}_permission")
    def create(draft: Draft, args: Any) -> Any:
        return _create(kind, draft, args)

    @backend_command(f"drop_{kind}_permission")
    def drop(draft: Draft, args: Any) -> Any:
        return _drop(kind, draft, args)


for _kind in PERMISSION_KINDS:
    _register(_kind)
