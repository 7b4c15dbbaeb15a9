"""Field tables: what the body of a request may hold, and the API's own words where it does not.

Each resource kind declares a `Table` (property name -> `Field`). The real API validates against JSON schemas
and answers with the first problem; so does `check`. A property that no table names answers 501: whether the
real API knows it, this simulator cannot say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.auth0.management.errors import NotSimulatedError, ValidationFailedError

__all__ = ["Field", "Table", "check", "flag", "integer", "items", "json_object", "text"]


@dataclass(frozen=True)
class Field:
    """One property: its JSON type and limits. `required` counts at creation; `table` describes an object."""

    type: str
    required: bool = False
    nullable: bool = True
    enum: tuple[str, ...] = ()
    pattern: str = ""
    shortest: int | None = None
    longest: int | None = None
    smallest: int | None = None
    largest: int | None = None
    description: str = ""
    table: Mapping[str, Field] = field(default_factory=dict)
    item: Field | None = None


Table = Mapping[str, Field]


def text(description: str = "", **limits: Any) -> Field:
    """A string."""
    return Field("string", description=description, **limits)


def flag(description: str = "", **limits: Any) -> Field:
    """A boolean."""
    return Field("boolean", description=description, **limits)


def integer(description: str = "", **limits: Any) -> Field:
    """A whole number."""
    return Field("integer", description=description, **limits)


def items(item: Field | None = None, description: str = "", **limits: Any) -> Field:
    """A list, of strings unless told otherwise."""
    return Field("array", description=description, item=item or Field("string", nullable=False), **limits)


def json_object(table: Table | None = None, description: str = "", **limits: Any) -> Field:
    """An object: with a table strict, without one anything goes."""
    return Field("object", description=description, table=table or {}, **limits)


def check(body: Any, table: Table, *, method: str, path: str, partial: bool = False) -> dict[str, Any]:
    """The body, if it fits the table.

    `partial` is an update: nothing is required. `method` and `path` name the route in a 501.

    Raises ValidationFailedError for what the real API refuses, NotSimulatedError for a property that no table names.
    """
    if not isinstance(body, dict):
        raise ValidationFailedError(f"Expected type object but found type {_type_of(body)}")
    _check_object(body, table, "", f"{method} {path}", partial)
    return body


def _check_object(body: dict[str, Any], table: Table, where: str, route: str, partial: bool) -> None:
    prefix = f"{where}." if where else ""
    for name in body:
        if name not in table:
            raise NotSimulatedError(f"property {prefix}{name} of {route}")
    if not partial or where:
        for name, spec in table.items():
            if spec.required and name not in body:
                raise ValidationFailedError(f"Missing required property: {name}", where)
    for name, value in body.items():
        # What an object inside requires it requires in an update, too.
        _check_value(value, table[name], prefix + name, route, partial and not where)


def _check_value(value: Any, spec: Field, where: str, route: str, partial: bool) -> None:
    def fail(problem: str) -> ValidationFailedError:
        return ValidationFailedError(problem, where, spec.description)

    if value is None and spec.nullable and (partial or not spec.required):
        return
    found = _type_of(value)
    if found != spec.type and not (spec.type == "number" and found == "integer"):
        raise fail(f"Expected type {spec.type} but found type {found}")
    if isinstance(value, str):
        _check_text(value, spec, fail)
    elif isinstance(value, int) and not isinstance(value, bool):
        if spec.smallest is not None and value < spec.smallest:
            raise fail(f"Value {value} is less than minimum {spec.smallest}")
        if spec.largest is not None and value > spec.largest:
            raise fail(f"Value {value} is greater than maximum {spec.largest}")
    elif isinstance(value, list):
        if spec.shortest is not None and len(value) < spec.shortest:
            raise fail(f"Array is too short ({len(value)}), minimum {spec.shortest}")
        if spec.longest is not None and len(value) > spec.longest:
            raise fail(f"Array is too long ({len(value)}), maximum {spec.longest}")
        if spec.item is not None:
            for index, item in enumerate(value):
                _check_value(item, spec.item, f"{where}[{index}]", route, False)
    elif isinstance(value, dict) and spec.table:
        _check_object(value, spec.table, where, route, partial)


def _check_text(value: str, spec: Field, fail: Any) -> None:
    if spec.enum and value not in spec.enum:
        raise fail(f"No enum match for: {value}")
    if spec.shortest is not None and len(value) < spec.shortest:
        raise fail(f"String is too short ({len(value)} chars), minimum {spec.shortest}")
    if spec.longest is not None and len(value) > spec.longest:
        raise fail(f"String is too long ({len(value)} chars), maximum {spec.longest}")
    if spec.pattern and not re.search(spec.pattern, value):
        raise fail(f"String does not match pattern: {spec.pattern}")


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    for kind, name in (
        (bool, "boolean"),
        (int, "integer"),
        (float, "number"),
        (str, "string"),
        (list, "array"),
    ):
        if isinstance(value, kind):
            return name
    return "object"
