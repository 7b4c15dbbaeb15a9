"""Permissions in the form in which Hasura exports them.

Rule (Hasura's `Metadata/Serialization.hs`): insert has `check` and, where given, `set`, `columns`; select always has
`columns` and `filter`; update always has `columns`, `filter` and `check` (null where none was given); delete has
`filter`. A boolean expression keeps its shape; the old operators `$and`, `$or`, `$not`, `$exists` become `_and` ….
"""

from __future__ import annotations

from typing import Any

from sandbox.hasura.metadata.faults import not_simulated, parse_failed
from sandbox.hasura.metadata.names import kind_of, qualified, require, require_text

__all__ = ["PERMISSION_KINDS", "permission_body", "permission_entry"]

PERMISSION_KINDS = ("insert", "select", "update", "delete")
_LOGICAL = {"$and": "_and", "$or": "_or", "$not": "_not", "$exists": "_exists"}


def permission_entry(raw: dict[str, Any], kind: str, *, path: str) -> dict[str, Any]:
    """One element of `<kind>_permissions`: role, permission, perhaps a comment."""
    entry: dict[str, Any] = {
        "role": require_text(raw, "role", path=path),
        "permission": permission_body(require(raw, "permission", path=path), kind, path=f"{path}.permission"),
    }
    if raw.get("comment"):
        entry["comment"] = raw["comment"]
    return entry


def permission_body(raw: object, kind: str, *, path: str) -> dict[str, Any]:
    """The `permission` object of kind insert, select, update or delete."""
    if not isinstance(raw, dict):
        raise parse_failed(f"expected Object, but encountered {kind_of(raw)}", path=path)
    if raw.get("validate_input"):
        raise not_simulated("validate_input of a permission", path=f"{path}.validate_input")
    return {"insert": _insert, "select": _select, "update": _update, "delete": _delete}[kind](raw, path)


def _insert(raw: dict[str, Any], path: str) -> dict[str, Any]:
    body: dict[str, Any] = {"check": _expression(require(raw, "check", path=path), path=f"{path}.check")}
    _add_presets(body, raw, path)
    if raw.get("columns") is not None:
        body["columns"] = _columns(raw["columns"], path=f"{path}.columns")
    return _add_backend_only(body, raw)


def _select(raw: dict[str, Any], path: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "columns": _columns(require(raw, "columns", path=path), path=f"{path}.columns"),
        "filter": _expression(require(raw, "filter", path=path), path=f"{path}.filter"),
    }
    if raw.get("computed_fields"):
        body["computed_fields"] = list(raw["computed_fields"])
    if raw.get("limit") is not None:
        limit = raw["limit"]
        if not isinstance(limit, int) or isinstance(limit, bool):
            raise parse_failed(f"expected Number, but encountered {kind_of(limit)}", path=f"{path}.limit")
        body["limit"] = limit
    if raw.get("allow_aggregations"):
        body["allow_aggregations"] = True
    for key in ("query_root_fields", "subscription_root_fields"):
        if raw.get(key) is not None:
            body[key] = list(raw[key])
    return body


def _update(raw: dict[str, Any], path: str) -> dict[str, Any]:
    check = raw.get("check")
    body: dict[str, Any] = {
        "columns": _columns(require(raw, "columns", path=path), path=f"{path}.columns"),
        "filter": _expression(require(raw, "filter", path=path), path=f"{path}.filter"),
        "check": None if check is None else _expression(check, path=f"{path}.check"),
    }
    _add_presets(body, raw, path)
    return _add_backend_only(body, raw)


def _delete(raw: dict[str, Any], path: str) -> dict[str, Any]:
    body = {"filter": _expression(require(raw, "filter", path=path), path=f"{path}.filter")}
    return _add_backend_only(body, raw)


def _add_presets(body: dict[str, Any], raw: dict[str, Any], path: str) -> None:
    presets = raw.get("set")
    if presets is not None and not isinstance(presets, dict):
        raise parse_failed(f"expected Object, but encountered {kind_of(presets)}", path=f"{path}.set")
    if presets:
        body["set"] = dict(presets)


def _add_backend_only(body: dict[str, Any], raw: dict[str, Any]) -> dict[str, Any]:
    if raw.get("backend_only"):
        body["backend_only"] = True
    return body


def _columns(value: object, *, path: str) -> str | list[str]:
    if value == "*":
        return "*"
    if isinstance(value, str):
        raise parse_failed(f'unexpected value for columns: "{value}"', path=path)
    if not isinstance(value, list):
        raise parse_failed(f"parsing [] failed, expected Array, but encountered {kind_of(value)}", path=path)
    for index, column in enumerate(value):
        if not isinstance(column, str):
            raise parse_failed(
                f"parsing Text failed, expected String, but encountered {kind_of(column)}",
                path=f"{path}[{index}]",
            )
    return list(value)


def _expression(value: object, *, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise parse_failed(
            f"parsing boolean expression failed, expected Object, but encountered {kind_of(value)}", path=path
        )
    out: dict[str, Any] = {}
    for raw_key, operand in value.items():
        key = str(_LOGICAL.get(raw_key, raw_key))
        here = f"{path}.{raw_key}"
        if key in ("_and", "_or"):
            if not isinstance(operand, list):
                raise parse_failed(
                    f"parsing [] failed, expected Array, but encountered {kind_of(operand)}", path=here
                )
            out[key] = [_expression(item, path=f"{here}[{i}]") for i, item in enumerate(operand)]
        elif key == "_not":
            out[key] = _expression(operand, path=here)
        elif key == "_exists":
            out[key] = {
                "_table": qualified(require(operand, "_table", path=here), path=f"{here}._table"),
                "_where": _expression(require(operand, "_where", path=here), path=f"{here}._where"),
            }
        else:
            out[key] = operand
    return out
