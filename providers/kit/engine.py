"""The engine as a plugin sees it: a place to send log lines to."""

from __future__ import annotations

import contextlib
import traceback
from pathlib import Path
from typing import Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from providers.kit.failures import redact

_SEVERITIES = {
    "debug": engine_pb2.DEBUG,
    "info": engine_pb2.INFO,
    "warning": engine_pb2.WARNING,
    "error": engine_pb2.ERROR,
}


class Engine:
    """Sends log lines to the engine; drops them where there is none (a plugin started by hand or by a test)."""

    def __init__(self, address: str | None = None) -> None:
        self._stub: Any = None
        if address:
            self.attach(address)

    def attach(self, address: str) -> None:
        """Talk to the engine at `address` (host:port) from now on."""
        self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))

    def log(self, severity: str, text: str, urn: str, secrets: set[str]) -> None:
        """Show a line beside the resource `urn`. A lost line must not fail a deployment."""
        if self._stub is not None:
            request = engine_pb2.LogRequest(
                severity=_SEVERITIES[severity], message=redact(text, secrets), urn=urn
            )
            with contextlib.suppress(grpc.RpcError):
                self._stub.Log(request, timeout=5)

    def describe_bug(self, bug: Exception, call: str) -> str:
        """One sentence about an unexpected exception: its kind and place, not its message, which may hold values."""
        frames = traceback.extract_tb(bug.__traceback__)
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown place"
        return f"Internal error in {call} ({type(bug).__name__} at {place}); please report it."
