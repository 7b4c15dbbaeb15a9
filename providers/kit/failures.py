"""How a failure leaves a plugin: one sentence as a gRPC status, secrets replaced."""

from __future__ import annotations

from typing import NoReturn

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2

from providers.kit.errors import PartialError


def redact(text: str, secrets: set[str]) -> str:
    """`text` with every secret in it replaced, the longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return text


def abort(context: grpc.ServicerContext, sentence: str, secrets: set[str]) -> NoReturn:
    """End the call with a sentence for the user."""
    context.abort(grpc.StatusCode.UNKNOWN, redact(sentence, secrets))
    raise AssertionError("abort raises")  # for type checkers: grpc's stub does not say so


def abort_partial(
    context: grpc.ServicerContext, failure: PartialError, properties: struct_pb2.Struct, secrets: set[str]
) -> NoReturn:
    """End the call with a sentence and with what exists already: the engine keeps that in the state.

    The engine looks for `ErrorResourceInitFailed` in the status' details (`sdk/go/common/resource/plugin/provider_plugin.go`).
    """
    sentence = redact(str(failure), secrets)
    detail = provider_pb2.ErrorResourceInitFailed(id=failure.id, properties=properties, reasons=[sentence])
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=sentence)
    status.details.add().Pack(detail)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    abort(context, sentence, secrets)
