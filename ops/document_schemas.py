"""Rows of the documents' tables that follow from models: the settings, and the inputs and outputs of the plugins' resources."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from providers.hasura.provider import PROVIDER as HASURA
from providers.kit.provider import Provider
from providers.kit.schema import package_schema
from providers.pgschema.provider import PROVIDER as PGSCHEMA
from settings import Settings, Tenant

_WORDS: dict[Any, str] = {str: "text", bool: "true or false", int: "whole number", float: "number"}
_PROVIDERS: dict[str, Provider[Any]] = {"hasura": HASURA, "pgschema": PGSCHEMA}
_SCHEMA_WORDS = {"string": "text", "boolean": "true or false", "integer": "whole number", "number": "number"}


def settings() -> list[list[str]]:
    """Key, type, default, nothing, example of every setting, nested ones included."""
    return [*_rows(Tenant, "auth0:"), *_rows(Settings, "")]


def _rows(model: type[BaseModel], prefix: str) -> Iterator[list[str]]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        items = _model_in(field.annotation)
        if items is not None and get_origin(field.annotation) is None:
            yield from _rows(items, f"{key}.")
            continue
        kind = "list of columns" if items else _kind(field.annotation)
        yield [f"`{key}`", kind if field.repr else f"secret {kind}", _default(field), "", _example(field)]
        if items is not None:
            yield from _rows(items, f"{key}[].")


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _kind(annotation: Any) -> str:
    """A type in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(one) for one in arguments if one is not type(None))
    if origin in (tuple, list):
        return f"list of {_kind(arguments[0])}s"
    if origin is dict:
        return f"mapping to {_kind(arguments[1])}"
    return _WORDS[annotation]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return ""
    return f"`{_json(value)}`"


def _example(field: FieldInfo) -> str:
    return f"`{_json(field.examples[0])}`" if field.examples and field.repr else ""


def _json(value: Any) -> str:
    def plain(one: Any) -> Any:
        return one.model_dump(by_alias=True, exclude_defaults=True) if isinstance(one, BaseModel) else one

    if isinstance(value, str):
        return value
    items = [plain(one) for one in value] if isinstance(value, tuple) else value
    return json.dumps(items, ensure_ascii=False)


def _resource(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    schema = package_schema(_PROVIDERS[token.split(":", maxsplit=1)[0]])
    return schema["resources"][token], schema["types"]


def resource_inputs(token: str) -> list[list[str]]:
    """Input, type, default, description of a resource; objects in lists with their own properties below."""
    resource, nested = _resource(token)
    return list(_inputs(resource["inputProperties"], resource["requiredInputs"], nested, ""))


def _inputs(
    properties: dict[str, Any], required: list[str], nested: dict[str, Any], prefix: str
) -> Iterator[list[str]]:
    for name, prop in properties.items():
        default = (
            "required" if name in required else f"`{_json(prop['default'])}`" if "default" in prop else ""
        )
        yield [f"`{prefix}{name}`", _schema_kind(prop), default, prop.get("description", "")]
        reference = prop.get("items", {}).get("$ref", "").removeprefix("#/types/")
        if reference in nested:
            inner = nested[reference]
            yield from _inputs(inner["properties"], inner["required"], nested, f"{prefix}{name}[].")


def resource_outputs(token: str) -> list[list[str]]:
    """Output, type, description of what a resource gives beside its inputs."""
    resource, _ = _resource(token)
    return [["`id`", "text", ""]] + [
        [f"`{name}`", _schema_kind(prop), prop.get("description", "")]
        for name, prop in resource["properties"].items()
        if name not in resource["inputProperties"]
    ]


def _schema_kind(prop: dict[str, Any]) -> str:
    kind = prop.get("type")
    if kind == "array":
        inner = prop["items"]
        text = "list of objects" if "$ref" in inner else f"list of {_schema_kind(inner)}s"
    elif kind == "object":
        inner = prop.get("additionalProperties", {})
        text = f"mapping to {_schema_kind(inner)}" if "type" in inner else "mapping"
    else:
        text = _SCHEMA_WORDS.get(str(kind), "any value")
    return f"secret {text}" if prop.get("secret") else text
