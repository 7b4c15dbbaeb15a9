"""Metadata in one canonical form, so that two ways of writing the same thing are equal.

Rule: the form that `export_metadata` answers, with everything left out that is a default there: lists sorted by identity, column
lists sorted, names of tables and functions as objects, absent and empty options dropped (Hasura's
`server/src-lib/Hasura/RQL/Types/Metadata/Serialization.hs`). Secrets and unknowns are passed through wherever they lie.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from providers.hasura.tree import TREE, Collection, identity, qualified
from providers.kit.values import Secret

__all__ = ["canonical"]

Json = dict[str, Any]

_FLAGS = frozenset({"is_enum", "backend_only", "allow_aggregations"})
_OPERATORS = {"$and": "_and", "$or": "_or", "$not": "_not", "$exists": "_exists"}
_RETRIES = {"num_retries": 0, "interval_sec": 10, "timeout_sec": 60}


def canonical(metadata: Any) -> Any:
    """A fragment, or whole exported metadata, in canonical form. Parts of metadata that no fragment can name are left out."""
    return _inside(metadata, lambda value: _container(value, TREE, {}))


def _inside(value: Any, change: Callable[[Json], Json]) -> Any:
    """`change` applied to an object, inside a secret, too; anything else as it is."""
    if isinstance(value, Secret):
        return Secret(_inside(value.value, change))
    return change(value) if isinstance(value, dict) else value


def _container(
    value: Json, inner: Mapping[str, Collection], rules: Mapping[str, Callable[[Any], Any]]
) -> Json:
    out: Json = {}
    for key, item in value.items():
        if key in inner:
            made = _items(item, inner[key], key)
        elif inner is TREE:
            continue
        else:
            made = rules.get(key, lambda same: same)(item)
        if made is not None and made not in ([], {}) and not (made is False and key in _FLAGS):
            out[key] = made
    return out


def _items(value: Any, collection: Collection, name: str) -> Any:
    if isinstance(value, Secret):
        return Secret(_items(value.value, collection, name))
    if not isinstance(value, list):
        return value
    items = [_inside(item, lambda item: _item(item, collection, name)) for item in value]
    return sorted(items, key=lambda item: identity(collection, item) or "\U0010ffff")


def _item(item: Json, collection: Collection, name: str) -> Json:
    rules: dict[str, Callable[[Any], Any]] = {collection.key: lambda same: same}
    if name == "sources":
        rules |= {"kind": _kind, "configuration": lambda value: _inside(value, _source_configuration)}
        rules["customization"] = lambda value: _inside(value, _without_empty)
    elif name in ("tables", "functions"):
        rules |= {collection.key: qualified, "configuration": lambda value: _inside(value, _configuration)}
    elif name.endswith("_permissions"):
        rules["permission"] = lambda value: _inside(value, _permission)
    elif name in ("object_relationships", "array_relationships"):
        rules["using"] = lambda value: _inside(value, _using)
    elif name == "computed_fields":
        rules["definition"] = lambda value: _inside(value, _computed_field)
    elif name == "inherited_roles":
        rules["role_set"] = _sorted_texts
    elif name == "event_triggers":
        item = {"retry_conf": _RETRIES, **item}
    made = _container(item, collection.inner, rules)
    if made.get("comment") == "":
        del made["comment"]
    return made


def _kind(value: Any) -> Any:
    return None if value in ("postgres", "pg") else value


def _source_configuration(value: Json) -> Json:
    return {
        key: _inside(item, _connection_info) if key == "connection_info" else item
        for key, item in _without_empty(value).items()
    }


def _connection_info(value: Json) -> Json:
    defaults = {"isolation_level": "read-committed", "use_prepared_statements": False}
    return {
        key: item
        for key, item in _without_empty(value).items()
        if key not in defaults or item != defaults[key]
    }


def _configuration(value: Json) -> Json:
    """A table's or function's configuration; `custom_column_names` is the old spelling of `column_config`."""
    out = _without_empty(value)
    names = out.pop("custom_column_names", None)
    if isinstance(names, dict):
        config = dict(out.get("column_config") or {})
        for column, name in names.items():
            config[column] = {"custom_name": name, **config.get(column, {})}
        out["column_config"] = config
    elif names is not None:
        out["custom_column_names"] = names
    roots = out.get("custom_root_fields")
    if isinstance(roots, dict):
        out["custom_root_fields"] = {key: _root_field(item) for key, item in _without_empty(roots).items()}
    if isinstance(out.get("column_config"), dict):
        columns = {key: _inside(item, _without_empty) for key, item in out["column_config"].items()}
        out["column_config"] = _without_empty(columns)
    return _without_empty(out)


def _root_field(value: Any) -> Any:
    if isinstance(value, dict) and value.get("comment") is None and set(value) <= {"name", "comment"}:
        return value.get("name")
    return value


def _permission(value: Json) -> Json:
    out: Json = {}
    for key, item in value.items():
        if item is None or (item is False and key in _FLAGS):
            continue
        if key in ("filter", "check"):
            out[key] = _expression(item)
        elif key in ("columns", "computed_fields"):
            out[key] = _sorted_texts(item)
        else:
            out[key] = item
    for key in ("set", "computed_fields"):
        if out.get(key) in ({}, []):
            del out[key]
    return out


def _expression(value: Any) -> Any:
    if isinstance(value, Secret):
        return Secret(_expression(value.value))
    if isinstance(value, list):
        return [_expression(item) for item in value]
    if not isinstance(value, dict):
        return value
    out = {_OPERATORS.get(key, key): _expression(item) for key, item in value.items()}
    return {key: qualified(item) if key == "_table" else item for key, item in out.items()}


def _using(value: Json) -> Json:
    out = dict(value)
    key = out.get("foreign_key_constraint_on")
    if isinstance(key, list) and len(key) == 1:
        out["foreign_key_constraint_on"] = key[0]
    elif isinstance(key, dict):
        remote = {name: qualified(item) if name == "table" else item for name, item in key.items()}
        columns = remote.get("columns")
        if isinstance(columns, list) and len(columns) == 1:
            remote["column"] = remote.pop("columns")[0]
        out["foreign_key_constraint_on"] = remote
    manual = out.get("manual_configuration")
    if isinstance(manual, dict):
        out["manual_configuration"] = {
            name: qualified(item) if name == "remote_table" else item
            for name, item in manual.items()
            if item is not None
        }
    return out


def _computed_field(value: Json) -> Json:
    return {
        key: qualified(item) if key == "function" else item for key, item in _without_empty(value).items()
    }


def _sorted_texts(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return sorted(set(value))
    return value


def _without_empty(value: Json) -> Json:
    return {key: item for key, item in value.items() if item is not None and item not in ({}, [])}
