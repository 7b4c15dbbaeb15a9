"""A plugin by its executable, started as the engine starts it, with an engine to log to."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from concurrent import futures
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from providers.kit.codec import decode, encode
from providers.kit.values import Props, reveal
from tests.plugin import ROOT, Object, Plugin, PluginError

STAND_INS = ROOT / "sandbox" / "plugins" / "bin"
UNDER_TEST = Path(os.environ.get("PLUGINS_UNDER_TEST") or STAND_INS)
stand_in_only = pytest.mark.skipif(UNDER_TEST != STAND_INS, reason="a promise of the stand-in's own")


class Engine(engine_pb2_grpc.EngineServicer):
    """Keeps what plugins log."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
        engine_pb2_grpc.add_EngineServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802 — the protocol names it
        """One line beside a resource."""
        self.lines.append(request.message)
        return empty_pb2.Empty()

    def close(self) -> None:
        """End."""
        self._server.stop(None).wait()


class Executable(Plugin):
    """The plugin `pulumi-resource-NAME`, configured, ended with the `with` block. `environment` is added to the test's own."""

    def __init__(self, name: str, config: Props, environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.flags: Any = None
        self.engine = Engine()
        command = [str(UNDER_TEST / f"pulumi-resource-{name}"), self.engine.address]
        env = {**os.environ, **(environment or {})}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._stub: Any = provider_pb2_grpc.ResourceProviderStub(self._channel)
        try:
            self.configure(config)
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __enter__(self) -> Executable:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, value, trace)
        self.engine.close()

    def configure(self, config: Props) -> None:
        """CheckConfig and Configure, with the settings as SDKs send them: texts."""
        texts = {
            key: value if isinstance(value, str) else repr(value).lower() for key, value in config.items()
        }
        checked = self.check_config(texts)
        if checked.failures:
            raise PluginError(f"configuration refused: {checked.failures}")
        request = provider_pb2.ConfigureRequest(
            args=encode(checked.inputs), acceptSecrets=True, acceptResources=True
        )
        self.flags = self._call("Configure", request)

    def invoke(self, function: str, arguments: Props) -> Props:
        """The answer of a data source such as `getConnection`."""
        token = f"{self.name}:index/{function}:{function}"
        response = self._call("Invoke", provider_pb2.InvokeRequest(tok=token, args=encode(arguments)))
        assert not response.failures, response.failures
        return decode(getattr(response, "return"))

    def urn(self, kind: str, name: str = "it") -> str:
        """A URN below a component."""
        return f"urn:pulumi:dev::project::test:index:Parent${self._type(kind)}::{name}"

    def _call(self, method: str, request: Any) -> Any:
        if self.flags is not None and not self.flags.acceptSecrets:
            # As the engine does it with plugins that take no secrets.
            for field, value in request.ListFields():
                if isinstance(value, struct_pb2.Struct):
                    getattr(request, field.name).CopyFrom(encode(reveal(decode(value))))
        return super()._call(method, request)

    def _type(self, kind: str) -> str:
        return f"{self.name}:index/{kind[0].lower()}{kind[1:]}:{kind}"


def shown(known: Object | None, *names: str) -> Props:
    """Some of an object's outputs, secrets in plain text."""
    assert known is not None
    return {name: reveal(known.state).get(name) for name in names}


def settled(plugin: Plugin, kind: str, made: Object) -> Object:
    """What a refresh makes of an object. Its inputs must be those that it was made with, its diff empty."""
    found = plugin.read(kind, made.id, made)
    assert found is not None
    checked = plugin.check(kind, _declared(made.inputs), olds=found.inputs)
    assert not checked.failures
    assert not plugin.diff(kind, found, checked.inputs).changes
    return found


def _declared(inputs: Props) -> Props:
    return {key: value for key, value in inputs.items() if not key.startswith("__")}
