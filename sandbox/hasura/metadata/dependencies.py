"""What in a source's metadata rests on a table, a column, a relationship or a function.

Rule (Hasura's schema dependencies): dropping something that others rest on is refused with
`cannot drop due to the following dependent objects: …`, or takes them along when `cascade` is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.hasura.metadata.canonical_permissions import PERMISSION_KINDS
from sandbox.hasura.metadata.expressions import Fields
from sandbox.hasura.metadata.faults import Fault
from sandbox.hasura.metadata.fit_fields import foreign_key_of
from sandbox.hasura.metadata.names import Key, as_key, display

__all__ = ["Dependencies", "Dependent", "refuse_dependents", "remove"]

_RELATIONSHIP_KEYS = ("object_relationships", "array_relationships")


@dataclass(frozen=True)
class Dependent:
    """An element of a list (`key`) of a table's entry, or of the source's functions (`table` None)."""

    table: Key | None
    key: str
    name: str

    def __str__(self) -> str:
        if self.table is None:
            return f"function {self.name}"
        table = display({"schema": self.table[0], "name": self.table[1]})
        if self.key.endswith("_permissions"):
            return f"permission {table}.{self.name}.{self.key.removesuffix('_permissions')}"
        if self.key == "computed_fields":
            return f"computed field {table}.{self.name}"
        return f"relationship {table}.{self.name}"


def refuse_dependents(source: str, dependents: list[Dependent], *, path: str = "$.args") -> None:
    """Raise the fault that names `dependents`."""
    listed = ", ".join(f'{item} in source "{source}"' for item in dependents)
    raise Fault(
        f"cannot drop due to the following dependent objects: {listed}", "dependency-error", path=path
    )


def remove(source: dict[str, Any], dependent: Dependent) -> None:
    """Take `dependent` out of the source's metadata, if it is still there."""
    if dependent.table is None:
        source["functions"] = [f for f in source["functions"] if display(f["function"]) != dependent.name]
        return
    for entry in source["tables"]:
        if as_key(entry["table"]) == dependent.table and dependent.key in entry:
            name = "role" if dependent.key.endswith("_permissions") else "name"
            entry[dependent.key] = [item for item in entry[dependent.key] if item[name] != dependent.name]


class Dependencies:
    """The dependencies inside one source; `fields` are the good tables as the last check left them."""

    def __init__(self, source: Mapping[str, Any], fields: Mapping[Key, Fields]) -> None:
        self._source, self._fields = source, fields

    def of_table(self, key: Key) -> list[Dependent]:
        """What rests on the table `key`, apart from what is its own."""
        found: list[Dependent] = []
        for entry in self._source["tables"]:
            own = as_key(entry["table"])
            if own == key:
                continue
            for list_key in _RELATIONSHIP_KEYS:
                for rel in entry.get(list_key, []):
                    if self._target(own, rel["name"]) == key:
                        found += [Dependent(own, list_key, rel["name"]), *self.of_field(own, rel["name"])]
            for item in entry.get("computed_fields", []):
                fields = self._fields.get(own)
                if fields is not None and fields.computed.get(item["name"]) == key:
                    found += [
                        Dependent(own, "computed_fields", item["name"]),
                        *self.of_field(own, item["name"]),
                    ]
            found += self._permissions_where(entry, lambda at, _name: at == key)
        return _once(found)

    def of_column(self, key: Key, column: str) -> list[Dependent]:
        """What rests on a column: relationships that join on it, permissions that name it."""
        found: list[Dependent] = []
        for entry in self._source["tables"]:
            own = as_key(entry["table"])
            for list_key in _RELATIONSHIP_KEYS:
                for rel in entry.get(list_key, []):
                    if _joins_on(rel["using"], own, key, column):
                        found += [Dependent(own, list_key, rel["name"]), *self.of_field(own, rel["name"])]
            if own == key:
                for kind in PERMISSION_KINDS:
                    for item in entry.get(f"{kind}_permissions", []):
                        body = item["permission"]
                        listed = body.get("columns", "*")
                        if (listed != "*" and column in listed) or column in (body.get("set") or {}):
                            found.append(Dependent(own, f"{kind}_permissions", item["role"]))
        return _once(found + self.of_field(key, column))

    def of_field(self, key: Key, name: str) -> list[Dependent]:
        """Permissions whose expressions or lists name the field `name` of the table `key`."""
        found: list[Dependent] = []
        for entry in self._source["tables"]:
            found += self._permissions_where(entry, lambda at, field: at == key and field == name)
            if as_key(entry["table"]) == key:
                found += [
                    Dependent(key, "select_permissions", item["role"])
                    for item in entry.get("select_permissions", [])
                    if name in (item["permission"].get("computed_fields") or ())
                ]
        return _once(found)

    def of_function(self, key: Key) -> list[Dependent]:
        """Computed fields that call the function `key`, and what rests on them."""
        found: list[Dependent] = []
        for entry in self._source["tables"]:
            for item in entry.get("computed_fields", []):
                if as_key(item["definition"]["function"]) == key:
                    own = as_key(entry["table"])
                    found += [
                        Dependent(own, "computed_fields", item["name"]),
                        *self.of_field(own, item["name"]),
                    ]
        return _once(found)

    def _target(self, at: Key, name: str) -> Key | None:
        fields = self._fields.get(at)
        if fields is None:
            return None
        return fields.relationships.get(name) or fields.computed.get(name)

    def _permissions_where(
        self, entry: Mapping[str, Any], matches: Callable[[Key, str], bool]
    ) -> list[Dependent]:
        own = as_key(entry["table"])
        return [
            Dependent(own, f"{kind}_permissions", item["role"])
            for kind in PERMISSION_KINDS
            for item in entry.get(f"{kind}_permissions", [])
            if any(
                matches(at, name)
                for part in ("filter", "check")
                for at, name in self._named(own, item["permission"].get(part))
            )
        ]

    def _named(self, at: Key | None, expression: Any) -> Iterator[tuple[Key, str]]:
        """Every (table, field) that a boolean expression names."""
        if not isinstance(expression, dict) or at is None:
            return
        for name, operand in expression.items():
            logical = f"_{name[1:]}" if name.startswith("$") else name
            if logical in ("_and", "_or", "_not"):
                for item in operand if isinstance(operand, list) else [operand]:
                    yield from self._named(at, item)
            elif logical == "_exists":
                table = as_key(operand["_table"])
                yield table, ""
                yield from self._named(table, operand["_where"])
            else:
                yield at, name
                target = self._target(at, name)
                if target is not None:
                    yield target, ""
                yield from self._named(target, operand)


def _once(found: list[Dependent]) -> list[Dependent]:
    return list(dict.fromkeys(found))


def _joins_on(using: Mapping[str, Any], own: Key, key: Key, column: str) -> bool:
    manual = using.get("manual_configuration")
    if manual is not None:
        mapping = manual["column_mapping"]
        return (own == key and column in mapping) or (
            as_key(manual["remote_table"]) == key and column in mapping.values()
        )
    foreign = foreign_key_of(using)
    return foreign is not None and (foreign[0] or own) == key and column in foreign[1]
