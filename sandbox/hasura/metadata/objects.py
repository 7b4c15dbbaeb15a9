"""Which object of the metadata an inconsistency speaks of, in the words of `get_inconsistent_metadata`.

Rule (Hasura's `MetadataObject`): `type`, `name` ("select_permission user in table users in source default") and
`definition` (the arguments that would create the object).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.hasura.metadata.names import display

__all__ = [
    "Inconsistency",
    "ObjectId",
    "function_id",
    "inherited_role_id",
    "source_id",
    "table_id",
    "table_object_id",
]


@dataclass(frozen=True)
class ObjectId:
    """An object of the metadata: `kind` is Hasura's type name, `place` what tells it from others of its kind."""

    kind: str
    place: tuple[str, ...]
    name: str
    definition: Any = field(compare=False, hash=False)


@dataclass(frozen=True)
class Inconsistency:
    """An object that cannot be served, and why."""

    object: ObjectId
    reason: str
    message: str | None = None
    """What the database said."""

    @property
    def full_reason(self) -> str:
        """The reason as Hasura prints it."""
        return f"Inconsistent object: {self.reason}"

    def as_json(self) -> dict[str, Any]:
        """One element of `inconsistent_objects`."""
        body = {
            "definition": self.object.definition,
            "name": f"{self.object.kind} {self.object.name}",
            "reason": self.full_reason,
            "type": self.object.kind,
        }
        return body if self.message is None else {**body, "message": self.message}


def source_id(source: str) -> ObjectId:
    """A source."""
    return ObjectId("source", (source,), source, source)


def table_id(source: str, table: dict[str, str]) -> ObjectId:
    """A tracked table."""
    return ObjectId(
        "table", (source, table["schema"], table["name"]), f"{display(table)} in source {source}", table
    )


def table_object_id(
    source: str, table: dict[str, str], kind: str, name: str, definition: dict[str, Any] | None = None
) -> ObjectId:
    """A relationship (`object_relation`), computed field or permission (`select_permission`) of a table."""
    return ObjectId(
        kind,
        (source, table["schema"], table["name"], name),
        f"{name} in table {display(table)} in source {source}",
        {"source": source, "table": table, "comment": None, **(definition or {})},
    )


def function_id(source: str, function: dict[str, str], definition: dict[str, Any] | None = None) -> ObjectId:
    """A tracked function."""
    return ObjectId(
        "function",
        (source, function["schema"], function["name"]),
        f"{display(function)} in source {source}",
        {"source": source, "configuration": {}, **(definition or {"function": function})},
    )


def inherited_role_id(role: dict[str, Any]) -> ObjectId:
    """An inherited role."""
    return ObjectId("inherited_role", (role["role_name"],), role["role_name"], role)


def as_json(inconsistencies: Iterable[Inconsistency]) -> list[dict[str, Any]]:
    """`inconsistent_objects` of an answer."""
    return [item.as_json() for item in inconsistencies]
