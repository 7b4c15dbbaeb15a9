"""Names of tables and functions: how a request may write them, how metadata stores them, how messages print them.

Rule (Hasura's `QualifiedObject`): a plain string is a name in schema `public`; metadata always stores
`{"name", "schema"}`; a message leaves out the schema when it is `public`.
"""

from __future__ import annotations

from typing import Any

from sandbox.hasura.metadata.faults import key_error, parse_failed

__all__ = ["Key", "as_key", "display", "kind_of", "qualified", "require", "require_text"]

Key = tuple[str, str]
"""(schema, name), as `Catalog.tables` is keyed."""


def kind_of(value: object) -> str:
    """The name that Hasura's JSON parser gives to the kind of `value` in its messages."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, (int, float)):
        return "Number"
    if isinstance(value, str):
        return "String"
    return "Array" if isinstance(value, list) else "Object"


def require(args: object, key: str, *, path: str = "$.args") -> Any:
    """The value of `key` in the object `args`; a parse failure when either is not there."""
    if not isinstance(args, dict):
        raise parse_failed(f"expected Object, but encountered {kind_of(args)}", path=path)
    if key not in args:
        raise key_error(key, path=path)
    return args[key]


def require_text(args: object, key: str, *, path: str = "$.args") -> str:
    """As `require`, for a value that must be a string that is not empty."""
    value = require(args, key, path=path)
    if not isinstance(value, str):
        raise parse_failed(
            f"parsing Text failed, expected String, but encountered {kind_of(value)}", path=f"{path}.{key}"
        )
    if not value:
        raise parse_failed("empty string not allowed", path=f"{path}.{key}")
    return value


def qualified(value: object, *, path: str) -> dict[str, str]:
    """`value` (a string, or an object with `name` and perhaps `schema`) as metadata stores it."""
    if isinstance(value, str):
        return {"name": value, "schema": "public"}
    if not isinstance(value, dict):
        raise parse_failed("expecting a string/object for QualifiedObject", path=path)
    name = require_text(value, "name", path=path)
    schema = value.get("schema", "public")
    if not isinstance(schema, str):
        raise parse_failed(f"expected String, but encountered {kind_of(schema)}", path=f"{path}.schema")
    return {"name": name, "schema": schema}


def as_key(name: dict[str, str]) -> Key:
    """A stored name as the key of a catalog."""
    return name["schema"], name["name"]


def display(name: dict[str, str]) -> str:
    """A stored name as messages print it, without quotation marks."""
    return name["name"] if name["schema"] == "public" else f"{name['schema']}.{name['name']}"
