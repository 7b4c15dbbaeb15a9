"""Relationships and computed fields in the form in which Hasura exports them.

Rule (Hasura's `RQL/Types/Relationships/Local.hs`): one foreign key column is a string, several are a list; a manual
configuration always shows `insertion_order`.
"""

from __future__ import annotations

from typing import Any

from sandbox.hasura.metadata.faults import parse_failed
from sandbox.hasura.metadata.names import kind_of, qualified, require, require_text

__all__ = ["computed_field", "relationship"]


def relationship(raw: dict[str, Any], kind: str, *, path: str) -> dict[str, Any]:
    """One element of `object_relationships` or `array_relationships` (`kind`)."""
    using = require(raw, "using", path=path)
    entry: dict[str, Any] = {
        "name": require_text(raw, "name", path=path),
        "using": _using(using, kind, path=f"{path}.using"),
    }
    if raw.get("comment"):
        entry["comment"] = raw["comment"]
    return entry


def _using(raw: object, kind: str, *, path: str) -> dict[str, Any]:
    if not isinstance(raw, dict) or not raw.keys() & {"foreign_key_constraint_on", "manual_configuration"}:
        raise parse_failed(
            "one of foreign_key_constraint_on/manual_configuration should be present", path=path
        )
    if len(raw) > 1:
        raise parse_failed(
            "only one of foreign_key_constraint_on/manual_configuration should be present", path=path
        )
    if "foreign_key_constraint_on" in raw:
        target = raw["foreign_key_constraint_on"]
        here = f"{path}.foreign_key_constraint_on"
        if kind == "object" and isinstance(target, (str, list)):
            return {"foreign_key_constraint_on": target[0] if len(target) == 1 else target}
        columns = target.get("columns") if isinstance(target, dict) else None
        column = target.get("column") if isinstance(target, dict) else target
        if not columns and not column:
            raise parse_failed("expected column or columns", path=here)
        columns = columns or [column]
        remote = {"table": qualified(require(target, "table", path=here), path=f"{here}.table")}
        if len(columns) == 1:
            return {"foreign_key_constraint_on": {"column": columns[0], **remote}}
        return {"foreign_key_constraint_on": {"columns": columns, **remote}}
    manual, here = raw["manual_configuration"], f"{path}.manual_configuration"
    mapping = require(manual, "column_mapping", path=here)
    if not isinstance(mapping, dict):
        raise parse_failed(
            f"expected Object, but encountered {kind_of(mapping)}", path=f"{here}.column_mapping"
        )
    return {
        "manual_configuration": {
            "column_mapping": dict(mapping),
            "insertion_order": manual.get("insertion_order"),
            "remote_table": qualified(
                require(manual, "remote_table", path=here), path=f"{here}.remote_table"
            ),
        }
    }


def computed_field(raw: dict[str, Any], *, path: str) -> dict[str, Any]:
    """One element of `computed_fields`."""
    definition, here = require(raw, "definition", path=path), f"{path}.definition"
    entry: dict[str, Any] = {
        "name": require_text(raw, "name", path=path),
        "definition": {
            "function": qualified(require(definition, "function", path=here), path=f"{here}.function")
        },
    }
    for key in ("table_argument", "session_argument"):
        if definition.get(key):
            entry["definition"][key] = definition[key]
    if raw.get("comment"):
        entry["comment"] = raw["comment"]
    return entry
