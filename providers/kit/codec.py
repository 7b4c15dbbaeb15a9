"""Plain Python <-> the protobuf `Struct` in which the engine sends properties.

Source of the signatures: `sdk/go/common/resource/plugin/rpc.go` and `sdk/python/lib/pulumi/runtime/rpc.py` of pulumi/pulumi.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import struct_pb2

from providers.kit.errors import ProviderError
from providers.kit.values import UNKNOWN, Props, Secret

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 — a marker of the protocol, no secret
UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def decode(struct: struct_pb2.Struct) -> Props:
    """The properties in a `Struct`. Whole numbers become `int`: protobuf knows doubles only."""
    return {key: _decode_value(value) for key, value in struct.fields.items()}


def _decode_value(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE not in fields:
            return decode(value.struct_value)
        if fields[SIGNATURE].string_value == SECRET_SIGNATURE:
            inner = _decode_value(fields["value"])
            return inner if inner is UNKNOWN else Secret(inner)
        raise ProviderError("Assets, archives and resource references are not accepted as properties here.")
    if kind == "list_value":
        return [_decode_value(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "string_value":
        return UNKNOWN if value.string_value == UNKNOWN_TEXT else value.string_value
    if kind == "bool_value":
        return value.bool_value
    return None


def encode(props: Props) -> struct_pb2.Struct:
    """Properties as a `Struct`. Raises `TypeError` for what is no JSON value."""
    return struct_pb2.Struct(fields={key: _encode_value(value) for key, value in props.items()})


def _encode_value(value: Any) -> struct_pb2.Value:
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if value is UNKNOWN:
        return struct_pb2.Value(string_value=UNKNOWN_TEXT)
    if isinstance(value, Secret):
        return _encode_value({SIGNATURE: SECRET_SIGNATURE, "value": value.value})
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, list | tuple):
        return struct_pb2.Value(
            list_value=struct_pb2.ListValue(values=[_encode_value(item) for item in value])
        )
    if isinstance(value, dict):
        return struct_pb2.Value(struct_value=encode(value))
    raise TypeError(f"A property of type {type(value).__name__} cannot be sent to the engine.")
