"""Which objects metadata consists of, and what identifies each: the grammar that ownership is expressed in.

Source: metadata format v3, https://hasura.io/docs/2.0/migrations-metadata-seeds/metadata-format/. A collection is a list whose
items have an identity (a table its name, a permission its role). An item of a collection that has further collections in it is a
container: its existence, each of its other properties, and each item inside it are objects of their own, so that a table can
be tracked by one owner and bear permissions of many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from providers.kit.values import reveal


@dataclass(frozen=True)
class Collection:
    """A list of objects: the property that identifies an item, what an item is called, which collections lie in it."""

    key: str
    noun: str
    inner: Mapping[str, Collection] = field(default_factory=dict)
    properties: frozenset[str] = frozenset()
    """Further properties of a container's items; empty for items that are one object as a whole."""
    required: frozenset[str] = frozenset()


def _permission(verb: str) -> Collection:
    return Collection("role", f"{verb} permission of role", required=frozenset({"permission"}))


_TABLE: Final = {
    "object_relationships": Collection("name", "object relationship", required=frozenset({"using"})),
    "array_relationships": Collection("name", "array relationship", required=frozenset({"using"})),
    "remote_relationships": Collection("name", "remote relationship", required=frozenset({"definition"})),
    "computed_fields": Collection("name", "computed field", required=frozenset({"definition"})),
    "event_triggers": Collection("name", "event trigger", required=frozenset({"definition"})),
    **{f"{verb}_permissions": _permission(verb) for verb in ("select", "insert", "update", "delete")},
}
_SOURCE: Final = {
    "tables": Collection(
        "table", "table", _TABLE, frozenset({"configuration", "is_enum", "apollo_federation_config"})
    ),
    "functions": Collection(
        "function",
        "function",
        {"permissions": Collection("role", "function permission of role")},
        frozenset({"configuration", "comment"}),
    ),
    "logical_models": Collection("name", "logical model", required=frozenset({"fields"})),
    "native_queries": Collection("root_field_name", "native query", required=frozenset({"code"})),
}
TREE: Final[Mapping[str, Collection]] = {
    "sources": Collection(
        "name", "source", _SOURCE, frozenset({"kind", "configuration", "customization", "health_check"})
    ),
    "inherited_roles": Collection("role_name", "inherited role", required=frozenset({"role_set"})),
}


def qualified(name: Any) -> Any:
    """The name of a table or function as an object: a bare string means the schema `public`."""
    return {"schema": "public", "name": name} if isinstance(name, str) else name


def identity(collection: Collection, item: Any) -> str | None:
    """What identifies `item` in its collection; None where that is missing or not yet known."""
    plain = reveal(item)
    name = plain.get(collection.key) if isinstance(plain, dict) else None
    if collection.key in ("table", "function"):
        name = qualified(name)
        if isinstance(name, dict):
            parts = [name.get("schema", "public"), name.get("name")]
            return None if any(not isinstance(part, str) for part in parts) else ".".join(map(_quoted, parts))
    return name if isinstance(name, str) else None


def _quoted(part: Any) -> str:
    return f'"{part}"' if "." in part or "/" in part else str(part)
