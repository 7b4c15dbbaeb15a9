"""Metadata in the form in which Hasura exports it.

Rule (Hasura's `Metadata/Serialization.hs`): sources, tables, relationships, computed fields, functions and inherited
roles sorted by name, permissions by role; empty lists, absent options and false flags left out; names of tables and
functions always `{"name", "schema"}`; keys in a fixed order. Reading is strict about shape (`parse-failed` with the
path) and refuses parts that this engine does not simulate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.hasura.metadata.canonical_fields import computed_field, relationship
from sandbox.hasura.metadata.canonical_permissions import PERMISSION_KINDS, permission_entry
from sandbox.hasura.metadata.canonical_source import source_configuration
from sandbox.hasura.metadata.faults import not_simulated, parse_failed
from sandbox.hasura.metadata.names import as_key, kind_of, qualified, require, require_text

__all__ = [
    "canonical_metadata",
    "computed_field",
    "function_entry",
    "inherited_role",
    "objects",
    "relationship",
    "sort_metadata",
    "table_configuration",
    "table_entry",
]

_METADATA_KEYS = {"version", "sources", "inherited_roles"}
_SOURCE_KEYS = {"name", "kind", "tables", "functions", "configuration", "customization"}
_TABLE_KEYS = {
    "table",
    "configuration",
    "object_relationships",
    "array_relationships",
    "computed_fields",
    *(f"{kind}_permissions" for kind in PERMISSION_KINDS),
}


def objects(value: object, *, path: str) -> list[tuple[dict[str, Any], str]]:
    """The objects of the list `value` (null counts as empty), each with its path."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise parse_failed(f"parsing [] failed, expected Array, but encountered {kind_of(value)}", path=path)
    out = []
    for index, item in enumerate(value):
        here = f"{path}[{index}]"
        if not isinstance(item, dict):
            raise parse_failed(f"expected Object, but encountered {kind_of(item)}", path=here)
        out.append((item, here))
    return out


def refuse_others(value: dict[str, Any], known: set[str], *, what: str, path: str) -> None:
    """Refuse a part of metadata that is there, has content, and is not simulated."""
    for key, content in value.items():
        if key not in known and content not in (None, False, [], {}):
            raise not_simulated(f"{what}.{key}", path=f"{path}.{key}")


def canonical_metadata(raw: object, *, path: str = "$.args") -> dict[str, Any]:
    """The metadata document `raw` (version 3) in exported form. Raises `Fault`."""
    if not isinstance(raw, dict):
        raise parse_failed(f"expected Object, but encountered {kind_of(raw)}", path=path)
    if raw.get("version", 3) != 3:
        raise not_simulated("metadata of a version before 3", path=f"{path}.version")
    refuse_others(raw, _METADATA_KEYS, what="metadata", path=path)
    require(raw, "sources", path=path)
    metadata: dict[str, Any] = {
        "version": 3,
        "sources": [_source(s, p) for s, p in objects(raw["sources"], path=f"{path}.sources")],
    }
    _distinct(metadata["sources"], lambda s: s["name"], "source", path=f"{path}.sources")
    roles = [
        inherited_role(r, path=p)
        for r, p in objects(raw.get("inherited_roles"), path=f"{path}.inherited_roles")
    ]
    _distinct(roles, lambda r: r["role_name"], "inherited role", path=f"{path}.inherited_roles")
    if roles:
        metadata["inherited_roles"] = roles
    return sort_metadata(metadata)


def _distinct(
    items: list[dict[str, Any]], name: Callable[[dict[str, Any]], Any], what: str, *, path: str
) -> None:
    seen: set[Any] = set()
    for item in items:
        if name(item) in seen:
            shown = ".".join(name(item)) if isinstance(name(item), tuple) else name(item)
            raise parse_failed(f"multiple declarations exist for the following {what}: {shown}", path=path)
        seen.add(name(item))


def _source(raw: dict[str, Any], path: str) -> dict[str, Any]:
    name = require_text(raw, "name", path=path)
    kind = raw.get("kind", "postgres")
    if kind not in ("postgres", "pg"):
        raise not_simulated(f"source kind {kind}", path=f"{path}.kind")
    refuse_others(raw, _SOURCE_KEYS, what="sources", path=path)
    tables = [table_entry(t, path=p) for t, p in objects(raw.get("tables"), path=f"{path}.tables")]
    _distinct(tables, lambda t: as_key(t["table"]), "table", path=f"{path}.tables")
    functions = [
        function_entry(f, path=p) for f, p in objects(raw.get("functions"), path=f"{path}.functions")
    ]
    _distinct(functions, lambda f: as_key(f["function"]), "function", path=f"{path}.functions")
    source: dict[str, Any] = {"name": name, "kind": "postgres", "tables": tables}
    if functions:
        source["functions"] = functions
    source["configuration"] = source_configuration(
        require(raw, "configuration", path=path), path=f"{path}.configuration"
    )
    _refuse_customization(raw.get("customization"), path=f"{path}.customization")
    return source


def _refuse_customization(value: object, *, path: str) -> None:
    if isinstance(value, dict) and any(v not in (None, {}, "hasura-default") for v in value.values()):
        raise not_simulated("source customization", path=path)


def table_entry(raw: dict[str, Any], *, path: str) -> dict[str, Any]:
    """One element of a source's `tables`."""
    refuse_others(raw, _TABLE_KEYS, what="tables", path=path)
    entry: dict[str, Any] = {
        "table": qualified(require(raw, "table", path=path), path=f"{path}.table"),
        "configuration": table_configuration(raw.get("configuration"), path=f"{path}.configuration"),
    }
    for kind in ("object", "array"):
        key = f"{kind}_relationships"
        entry[key] = [relationship(r, kind, path=p) for r, p in objects(raw.get(key), path=f"{path}.{key}")]
        _distinct(entry[key], lambda r: r["name"], "relationship", path=f"{path}.{key}")
    key = "computed_fields"
    entry[key] = [computed_field(c, path=p) for c, p in objects(raw.get(key), path=f"{path}.{key}")]
    for kind in PERMISSION_KINDS:
        key = f"{kind}_permissions"
        entry[key] = [
            permission_entry(p, kind, path=where) for p, where in objects(raw.get(key), path=f"{path}.{key}")
        ]
        _distinct(entry[key], lambda p: p["role"], f"{kind} permission", path=f"{path}.{key}")
    return {k: v for k, v in entry.items() if v}


def table_configuration(raw: object, *, path: str) -> dict[str, Any] | None:
    """A table's customization; None when it customizes nothing."""
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise parse_failed(f"expected Object, but encountered {kind_of(raw)}", path=path)
    columns: dict[str, dict[str, Any]] = {}
    for column, custom in (raw.get("custom_column_names") or {}).items():
        columns.setdefault(column, {})["custom_name"] = custom
    for column, config in (raw.get("column_config") or {}).items():
        columns.setdefault(column, {}).update({k: v for k, v in config.items() if v is not None})
    columns = {column: config for column, config in columns.items() if config}
    names = {c: config["custom_name"] for c, config in columns.items() if "custom_name" in config}
    roots = {k: v for k, v in (raw.get("custom_root_fields") or {}).items() if v is not None}
    extra = {k: raw[k] for k in ("custom_name", "comment") if raw.get(k)}
    if not (columns or roots or extra):
        return None
    out: dict[str, Any] = {"column_config": columns, "custom_column_names": names}
    if "comment" in extra:
        out["comment"] = extra["comment"]
    if "custom_name" in extra:
        out["custom_name"] = extra["custom_name"]
    out["custom_root_fields"] = roots
    return out


def function_entry(raw: dict[str, Any], *, path: str) -> dict[str, Any]:
    """One element of a source's `functions`."""
    entry: dict[str, Any] = {
        "function": qualified(require(raw, "function", path=path), path=f"{path}.function")
    }
    configuration = {k: v for k, v in (raw.get("configuration") or {}).items() if v not in (None, {})}
    if configuration:
        entry["configuration"] = configuration
    permissions = [
        {"role": require_text(p, "role", path=where)}
        for p, where in objects(raw.get("permissions"), path=f"{path}.permissions")
    ]
    if permissions:
        entry["permissions"] = sorted(permissions, key=lambda p: p["role"])
    if raw.get("comment"):
        entry["comment"] = raw["comment"]
    return entry


def inherited_role(raw: dict[str, Any], *, path: str) -> dict[str, Any]:
    """One element of `inherited_roles`."""
    name, roles = require_text(raw, "role_name", path=path), require(raw, "role_set", path=path)
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise parse_failed(f"expected Array, but encountered {kind_of(roles)}", path=f"{path}.role_set")
    return {"role_name": name, "role_set": sorted(set(roles))}


_METADATA_ORDER = ("version", "sources", "inherited_roles")
_SOURCE_ORDER = ("name", "kind", "tables", "functions", "configuration")
_TABLE_ORDER = (
    "table",
    "configuration",
    "object_relationships",
    "array_relationships",
    "computed_fields",
    *(f"{kind}_permissions" for kind in PERMISSION_KINDS),
)


def sort_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """`metadata` with lists and keys in exported order and empty lists left out (in place; returned as well)."""
    metadata["sources"].sort(key=lambda s: s["name"])
    for source in metadata["sources"]:
        source["tables"].sort(key=lambda t: as_key(t["table"]))
        for table in source["tables"]:
            for key, value in table.items():
                if key.endswith("_permissions"):
                    value.sort(key=lambda p: p["role"])
                elif key.endswith(("_relationships", "_fields")):
                    value.sort(key=lambda r: r["name"])
            _reorder(table, _TABLE_ORDER)
        if "functions" in source:
            source["functions"].sort(key=lambda f: as_key(f["function"]))
        _reorder(source, _SOURCE_ORDER, keep=("tables",))
    if "inherited_roles" in metadata:
        metadata["inherited_roles"].sort(key=lambda r: r["role_name"])
    _reorder(metadata, _METADATA_ORDER, keep=("sources",))
    return metadata


def _reorder(value: dict[str, Any], order: tuple[str, ...], keep: tuple[str, ...] = ()) -> None:
    """Put the keys of `value` in order; what is empty goes, apart from `keep`."""
    fresh = {key: value[key] for key in order if key in value and (value[key] or key in keep)}
    value.clear()
    value.update(fresh)
