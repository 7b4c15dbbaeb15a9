"""The package schema of a provider (`pulumi package get-schema`), derived from its pydantic models.

Source of the format: https://www.pulumi.com/docs/iac/extending-pulumi/schema/
"""

from __future__ import annotations

from typing import Any

from providers.kit.inputs import Inputs
from providers.kit.provider import Provider
from providers.kit.resource import Resource

Json = dict[str, Any]


def package_schema(provider: Provider[Any]) -> Json:
    """The schema of `provider` as JSON values."""
    types: Json = {}
    return {
        "name": provider.name,
        "version": provider.version,
        "description": provider.description,
        "config": {"variables": _properties(provider, provider.config, types)["properties"]},
        "provider": _inputs(_properties(provider, provider.config, types)),
        "resources": {kind.token: _resource(provider, kind, types) for kind in provider.resources},
        "types": types,
        "language": {},
    }


def _inputs(declared: Json) -> Json:
    return {"inputProperties": declared["properties"], "requiredInputs": declared["required"]}


def _resource(provider: Provider[Any], kind: type[Resource[Any, Any]], types: Json) -> Json:
    declared = _properties(provider, kind.inputs, types)
    outputs: Json = {}
    stamped = {"changedAt": "string"} if kind.changed_at else {}
    for name, json_type in {**kind.output_types, **stamped}.items():
        outputs[name] = {"type": json_type} | ({"items": {"type": "string"}} if json_type == "array" else {})
        if name in kind.secret_outputs:
            outputs[name]["secret"] = True
    return {
        "description": (kind.__doc__ or "").strip().split("\n\n", 1)[0],
        **_inputs(declared),
        "properties": {**declared["properties"], **outputs},
        "required": sorted({*declared["required"], *outputs}),
    }


def _properties(provider: Provider[Any], model: type[Inputs], types: Json) -> Json:
    schema = model.model_json_schema(by_alias=True)
    for name, definition in schema.get("$defs", {}).items():
        types[f"{provider.name}:index:{name}"] = _type_definition(provider, definition)
    return {
        "properties": {key: _property(provider, item) for key, item in schema.get("properties", {}).items()},
        "required": schema.get("required", []),
    }


def _type_definition(provider: Provider[Any], definition: Json) -> Json:
    if "enum" in definition:
        return {"type": "string", "enum": [{"value": value} for value in definition["enum"]]}
    properties = definition.get("properties", {})
    return {
        "type": "object",
        "properties": {key: _property(provider, item) for key, item in properties.items()},
        "required": definition.get("required", []),
    }


def _property(provider: Provider[Any], schema: Json) -> Json:
    prop = _type(provider, schema)
    if "description" in schema:
        prop["description"] = schema["description"]
    if schema.get("secret"):
        prop["secret"] = True
    if isinstance(schema.get("default"), str | int | float | bool):
        prop["default"] = schema["default"]
    return prop


def _type(provider: Provider[Any], schema: Json) -> Json:
    if "$ref" in schema:
        return {"$ref": f"#/types/{provider.name}:index:{schema['$ref'].rsplit('/', 1)[-1]}"}
    if "anyOf" in schema:
        options = [_type(provider, option) for option in schema["anyOf"] if option.get("type") != "null"]
        return options[0] if len(options) == 1 else {"oneOf": options}
    kind = schema.get("type")
    if kind == "array":
        return {"type": "array", "items": _type(provider, schema.get("items", {}))}
    if kind == "object":
        extra = schema.get("additionalProperties")
        values = _type(provider, extra) if isinstance(extra, dict) else {"$ref": "pulumi.json#/Any"}
        return {"type": "object", "additionalProperties": values}
    if kind in ("string", "integer", "number", "boolean"):
        return {"type": kind}
    return {"$ref": "pulumi.json#/Any"}
