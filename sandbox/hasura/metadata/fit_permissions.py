"""Whether a permission fits its table: columns, computed fields, presets, filter and check.

Rule: Hasura's `RQL/DDL/Permission.hs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.hasura.metadata.expressions import Fields, Unfit, check_expression
from sandbox.hasura.metadata.names import Key

__all__ = ["check_permission"]

_VIEW_REFUSALS = {"insert": "insertable", "update": "updatable", "delete": "deletable"}


def check_permission(kind: str, body: Mapping[str, Any], key: Key, tables: Mapping[Key, Fields]) -> None:
    """Raise `Unfit` unless the permission `body` of `kind` (insert, select …) fits the tracked table `key`."""
    fields = tables[key]
    for part in ("filter", "check"):
        if body.get(part) is not None:
            check_expression(body[part], key, tables)
    columns = body.get("columns", "*")
    for column in columns if columns != "*" else ():
        if column not in fields.table.columns:
            raise Unfit(f'"{column}" does not exist')
    for column in body.get("set") or {}:
        if column not in fields.table.columns:
            raise Unfit(f'"{column}" does not exist')
    for name in body.get("computed_fields") or ():
        if name not in fields.computed:
            raise Unfit(f'"{name}" does not exist')
        if fields.computed[name] is not None:
            target = fields.computed[name]
            reason = (
                f'permissions on computed field "{name}" are auto-derived from the permissions on its'
                f' returning table "{target[1] if target else ""}" and cannot be specified manually'
            )
            raise Unfit(f"select {reason}")
    if isinstance(body.get("limit"), int) and body["limit"] < 0:
        raise Unfit("unexpected negative value")
    flag = _VIEW_REFUSALS.get(kind)
    if flag is not None and not getattr(fields.table, flag):
        raise Unfit(f'view "{key[1]}" is not {flag}')
