"""Commands about the metadata as a whole, and inherited roles."""

from __future__ import annotations

from typing import Any

from sandbox.hasura.metadata import objects as ids
from sandbox.hasura.metadata.canonical import canonical_metadata, inherited_role
from sandbox.hasura.metadata.dependencies import Dependent, remove
from sandbox.hasura.metadata.draft import Draft
from sandbox.hasura.metadata.faults import Fault, already_exists, not_exists
from sandbox.hasura.metadata.names import require, require_text
from sandbox.hasura.metadata.registry import SUCCESS, command
from sandbox.hasura.metadata.storage import empty_metadata

__all__ = ["export_metadata_v2", "replace_metadata_v2"]


@command("export_metadata", changes=False)
def export_metadata(draft: Draft, args: Any) -> Any:
    """The metadata alone (version 1 of the command)."""
    return draft.metadata


def export_metadata_v2(draft: Draft, args: Any) -> Any:
    """The metadata with its resource version."""
    return {"resource_version": draft.resource_version, "metadata": draft.metadata}


def _replace(draft: Draft, raw: object, *, path: str, allow_inconsistent: bool) -> Any:
    draft.metadata = canonical_metadata(raw, path=path)
    draft.refresh()
    found = ids.as_json(draft.checked.inconsistencies)
    if found and not allow_inconsistent:
        raise Fault("cannot continue due to inconsistent metadata", "unexpected", internal=found)
    return found


@command("replace_metadata")
def replace_metadata(draft: Draft, args: Any) -> Any:
    """Replace everything (version 1): the arguments are the metadata, or hold it under `metadata`."""
    if isinstance(args, dict) and "metadata" in args:
        return replace_metadata_v2(draft, args)
    _replace(draft, args, path="$.args", allow_inconsistent=False)
    return SUCCESS


def replace_metadata_v2(draft: Draft, args: Any) -> Any:
    """Replace everything; with `allow_inconsistent_metadata` also what cannot be served now."""
    allow = require(args, "allow_inconsistent_metadata") if "allow_inconsistent_metadata" in args else False
    found = _replace(
        draft,
        require(args, "metadata"),
        path="$.args.metadata",
        allow_inconsistent=allow is True,
    )
    return {"is_consistent": not found, "inconsistent_objects": found}


@command("clear_metadata")
def clear_metadata(draft: Draft, args: Any) -> Any:
    """Forget everything but the connection of source `default`."""
    kept = [
        {"name": s["name"], "kind": s["kind"], "tables": [], "configuration": s["configuration"]}
        for s in draft.metadata["sources"]
        if s["name"] == "default"
    ]
    draft.metadata = {**empty_metadata(), "sources": kept}
    draft.refresh()
    return SUCCESS


@command("reload_metadata")
def reload_metadata(draft: Draft, args: Any) -> Any:
    """Read the databases again; tables and columns that came or went since are seen."""
    wanted = args.get("reload_sources", True) if isinstance(args, dict) else True
    names = [s["name"] for s in draft.metadata["sources"]] if isinstance(wanted, bool) else wanted
    for name in names:
        if name not in draft.sources:
            raise not_exists(f'source with name "{name}" does not exist', path="$.args.reload_sources")
        draft.reread(name)
    draft.refresh()
    found = ids.as_json(draft.checked.inconsistencies)
    answer = {**SUCCESS, "is_consistent": not found}
    return {**answer, "inconsistent_objects": found} if found else answer


@command("get_inconsistent_metadata", changes=False)
def get_inconsistent_metadata(draft: Draft, args: Any) -> Any:
    """What is in the metadata and cannot be served."""
    found = ids.as_json(draft.checked.inconsistencies)
    return {"is_consistent": not found, "inconsistent_objects": found}


@command("drop_inconsistent_metadata")
def drop_inconsistent_metadata(draft: Draft, args: Any) -> Any:
    """Forget what cannot be served, until nothing is inconsistent."""
    while draft.checked.inconsistencies:
        for item in draft.checked.inconsistencies:
            _forget(draft, item.object)
        draft.refresh()
    return SUCCESS


_LISTS = {
    "object_relation": "object_relationships",
    "array_relation": "array_relationships",
    "computed_field": "computed_fields",
}


def _forget(draft: Draft, item: ids.ObjectId) -> None:
    if item.kind == "inherited_role":
        roles = draft.metadata["inherited_roles"]
        draft.metadata["inherited_roles"] = [r for r in roles if r["role_name"] != item.place[0]]
        return
    sources = draft.metadata["sources"]
    if item.kind == "source":
        draft.metadata["sources"] = [s for s in sources if s["name"] != item.place[0]]
        return
    source = next(s for s in sources if s["name"] == item.place[0])
    if item.kind == "table":
        name = {"schema": item.place[1], "name": item.place[2]}
        source["tables"] = [t for t in source["tables"] if t["table"] != name]
    elif item.kind == "function":
        name = {"schema": item.place[1], "name": item.place[2]}
        source["functions"] = [f for f in source["functions"] if f["function"] != name]
    else:
        key = _LISTS.get(item.kind, f"{item.kind}s")
        remove(source, Dependent((item.place[1], item.place[2]), key, item.place[3]))


@command("add_inherited_role")
def add_inherited_role(draft: Draft, args: Any) -> Any:
    """Let a role have the permissions of several others."""
    role = inherited_role(args, path="$.args")
    name = role["role_name"]
    if not role["role_set"]:
        raise Fault("the role set of an inherited role must not be empty", "invalid-params")
    if name in role["role_set"]:
        raise Fault("an inherited role name cannot be in the role combination", "invalid-params")
    present = draft.metadata.setdefault("inherited_roles", [])
    if any(item["role_name"] == name for item in present):
        raise already_exists(f'inherited role "{name}" already exists')
    present.append(role)
    draft.rebuild(ids.inherited_role_id(role))
    return SUCCESS


@command("drop_inherited_role")
def drop_inherited_role(draft: Draft, args: Any) -> Any:
    """Take an inherited role away."""
    name = require_text(args, "role_name")
    present = draft.metadata.get("inherited_roles", [])
    kept = [item for item in present if item["role_name"] != name]
    if len(kept) == len(present):
        raise not_exists(f'inherited role "{name}" doesn\'t exist')
    draft.metadata["inherited_roles"] = kept
    draft.rebuild()
    return SUCCESS
