"""A provider plugin as its own process, spoken to over gRPC as the engine does, with plain values in and out.

Tests of every provider use it: `with Plugin(FOLDER) as plugin: plugin.configure({...}); plugin.create(...)`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from providers.kit.codec import decode, encode
from providers.kit.values import Props

ROOT = Path(__file__).resolve().parents[1]


class PluginError(Exception):
    """The sentence with which a call failed, and for a half-done create or update what goes into the state."""

    def __init__(self, sentence: str, id: str = "", properties: Props | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.id = id
        self.properties = properties

    @property
    def partial(self) -> bool:
        """Whether the engine would keep the object in the state."""
        return self.properties is not None


@dataclass(frozen=True)
class Checked:
    """Normalised inputs and, by property, what is wrong with them."""

    inputs: Props
    failures: dict[str, str]


@dataclass(frozen=True)
class Object:
    """A resource as the engine keeps it: id, inputs, outputs (secrets wrapped)."""

    id: str
    inputs: Props
    state: Props


@dataclass(frozen=True)
class Differences:
    """The answer to Diff: kind of change ("ADD", "UPDATE_REPLACE" …) by property path."""

    changes: dict[str, str] = field(default_factory=dict)
    replaces: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.changes)


class Plugin(AbstractContextManager["Plugin"]):
    """The plugin in `folder`, started the way the engine starts it, and ended with the `with` block."""

    def __init__(self, folder: Path | str, *, environment: Mapping[str, str] | None = None) -> None:
        self.folder = ROOT / folder
        self.name = self.folder.name
        command = [sys.executable, str(self.folder / "__main__.py")]
        env = None if environment is None else dict(environment)
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._stub: Any = provider_pb2_grpc.ResourceProviderStub(self._channel)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def pid(self) -> int:
        """Process id of the plugin."""
        return self._process.pid

    def urn(self, kind: str, name: str = "it") -> str:
        """A URN for a resource of this plugin, below a component as in real programs."""
        return f"urn:pulumi:dev::project::test:index:Parent${self.name}:index:{kind}::{name}"

    def schema(self) -> str:
        """The package schema, a JSON text."""
        return str(self._stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)

    def check_config(self, config: Props) -> Checked:
        """CheckConfig."""
        urn = f"urn:pulumi:dev::project::pulumi:providers:{self.name}::default"
        response = self._call("CheckConfig", provider_pb2.CheckRequest(urn=urn, news=encode(config)))
        return _checked(response)

    def configure(self, config: Props) -> None:
        """Configure, with the secrets wrapped as CheckConfig answers them."""
        checked = self.check_config(config)
        if checked.failures:
            raise PluginError(f"configuration refused: {checked.failures}")
        request = provider_pb2.ConfigureRequest(
            args=encode(checked.inputs), acceptSecrets=True, acceptResources=True
        )
        response = self._call("Configure", request)
        assert response.acceptSecrets and response.supportsPreview

    def check(self, kind: str, news: Props, olds: Props | None = None, name: str = "it") -> Checked:
        """Check."""
        request = provider_pb2.CheckRequest(
            urn=self.urn(kind, name),
            olds=encode(olds or {}),
            news=encode(news),
            type=self._type(kind),
            name=name,
        )
        return _checked(self._call("Check", request))

    def diff(self, kind: str, old: Object, news: Props) -> Differences:
        """Diff of checked inputs against an object in the state."""
        request = provider_pb2.DiffRequest(
            id=old.id,
            urn=self.urn(kind),
            olds=encode(old.state),
            old_inputs=encode(old.inputs),
            news=encode(news),
            type=self._type(kind),
        )
        response = self._call("Diff", request)
        names = provider_pb2.PropertyDiff.Kind.Name
        changes = {path: names(item.kind) for path, item in response.detailedDiff.items()}
        assert bool(changes) == (response.changes == provider_pb2.DiffResponse.DIFF_SOME)
        return Differences(changes, list(response.replaces))

    def create(
        self, kind: str, inputs: Props, *, name: str = "it", preview: bool = False, timeout: float = 0
    ) -> Object:
        """Check, then Create. Raises `PluginError` where either refuses."""
        checked = self._valid(kind, inputs, name)
        request = provider_pb2.CreateRequest(
            urn=self.urn(kind, name),
            properties=encode(checked),
            timeout=timeout,
            preview=preview,
            name=name,
            type=self._type(kind),
        )
        response = self._call("Create", request)
        return Object(response.id, checked, decode(response.properties))

    def read(self, kind: str, id: str, known: Object | None = None, name: str = "it") -> Object | None:
        """Read: a refresh of `known`, or without it an import. None where the object is gone."""
        request = provider_pb2.ReadRequest(
            id=id,
            urn=self.urn(kind, name),
            properties=encode(known.state if known else {}),
            inputs=encode(known.inputs if known else {}),
            name=name,
            type=self._type(kind),
        )
        response = self._call("Read", request)
        if not response.id:
            return None
        return Object(response.id, decode(response.inputs), decode(response.properties))

    def update(
        self,
        kind: str,
        old: Object,
        inputs: Props,
        *,
        preview: bool = False,
        timeout: float = 0,
        name: str = "it",
    ) -> Object:
        """Check, then Update of `old`."""
        checked = self._valid(kind, inputs, name)
        request = provider_pb2.UpdateRequest(
            id=old.id,
            urn=self.urn(kind, name),
            olds=encode(old.state),
            old_inputs=encode(old.inputs),
            news=encode(checked),
            timeout=timeout,
            preview=preview,
            name=name,
            type=self._type(kind),
        )
        response = self._call("Update", request)
        return Object(old.id, checked, decode(response.properties))

    def delete(self, kind: str, old: Object, *, timeout: float = 0, name: str = "it") -> None:
        """Delete."""
        request = provider_pb2.DeleteRequest(
            id=old.id,
            urn=self.urn(kind, name),
            properties=encode(old.state),
            old_inputs=encode(old.inputs),
            timeout=timeout,
            name=name,
            type=self._type(kind),
        )
        self._call("Delete", request)

    def cancel(self) -> None:
        """Cancel: what the engine sends on Ctrl-C."""
        self._stub.Cancel(empty_pb2.Empty())

    def _type(self, kind: str) -> str:
        return f"{self.name}:index:{kind}"

    def _valid(self, kind: str, inputs: Props, name: str) -> Props:
        checked = self.check(kind, inputs, name=name)
        if checked.failures:
            raise PluginError(f"check failed: {checked.failures}")
        return checked.inputs

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self._stub, method)(request, timeout=60)
        except grpc.RpcError as error:
            raise _failure(error) from None


def _checked(response: Any) -> Checked:
    return Checked(decode(response.inputs), {item.property: item.reason for item in response.failures})


def _failure(error: Any) -> PluginError:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            detail = provider_pb2.ErrorResourceInitFailed()
            if status.details and status.details[0].Unpack(detail):
                return PluginError(error.details(), detail.id, decode(detail.properties))
    return PluginError(error.details())
