"""Pulumi's provider protocol over a `Provider`: one method a call, decode, ask the resource, encode.

Source of the protocol: `proto/pulumi/provider.proto` of pulumi/pulumi; its documentation comments are the contract.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from threading import Event, Lock
from typing import Any, TypeVar, cast

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from providers.kit.codec import decode, encode
from providers.kit.diffing import Change, Diff, structural
from providers.kit.engine import Engine
from providers.kit.errors import PartialError, ProviderError
from providers.kit.failures import abort, abort_partial, redact
from providers.kit.inputs import CheckFailure, parse, secret_fields, validate
from providers.kit.provider import Provider
from providers.kit.resource import Context, Resource
from providers.kit.schema import package_schema
from providers.kit.values import (
    UNKNOWN,
    Props,
    Secret,
    has_unknown,
    mark_secret_texts,
    mark_secrets,
    reveal,
    secret_paths,
    secret_texts,
)

CallT = TypeVar("CallT", bound=Callable[..., Any])

# What the SDKs put among a provider's own settings.
_SDK_SETTINGS = frozenset({"version", "pluginDownloadURL", "__internal"})
CHANGED_AT = "changedAt"
_KINDS = provider_pb2.PropertyDiff


def _call(method: CallT) -> CallT:
    """Turn whatever a call raises into one clear sentence without secrets."""

    @wraps(method)
    def wrapper(self: Servicer, request: Any, context: grpc.ServicerContext) -> Any:
        secrets = set(self.secrets)
        try:
            secrets |= _request_secrets(request)
            return method(self, request, context)
        except PartialError as failure:
            properties = encode(self.remembering(request, failure.outputs))
            abort_partial(context, failure, properties, secrets)
        except ProviderError as failure:
            abort(context, str(failure), secrets)
        except Exception as bug:  # the last line of defence: every bug must leave as a sentence, too
            abort(context, self.engine.describe_bug(bug, method.__name__), secrets)

    return cast(CallT, wrapper)


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one `Provider`. The engine calls it from several threads at once."""

    def __init__(self, provider: Provider[Any], engine: Engine) -> None:
        self.provider = provider
        self.engine = engine
        self.secrets: set[str] = set()
        self._config: Props = {}
        self._client: Any = None
        self._connecting = Lock()
        self._cancelled = Event()

    # The plugin and its configuration

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=self.provider.version)

    def Attach(self, request: Any, context: Any) -> Any:
        self.engine.attach(request.address)
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        self._cancelled.set()
        return empty_pb2.Empty()

    def GetSchema(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema=json.dumps(package_schema(self.provider)))

    @_call
    def CheckConfig(self, request: Any, context: Any) -> Any:
        news = self._settings(decode(request.news))
        failures = validate(self.provider.config, news)
        marked = mark_secrets(news, secret_fields(self.provider.config) & {(key,) for key in news})
        return _checked(marked, failures)

    @_call
    def DiffConfig(self, request: Any, context: Any) -> Any:
        olds = decode(request.old_inputs) or decode(request.olds)
        return _diffed(structural(self._settings(olds), self._settings(decode(request.news))))

    @_call
    def Configure(self, request: Any, context: Any) -> Any:
        self._config = self._settings(decode(request.args))
        for path in secret_fields(self.provider.config):
            value = self._config.get(str(path[0]))
            self.secrets |= secret_texts(value if isinstance(value, Secret) else Secret(value))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @_call
    def Invoke(self, request: Any, context: Any) -> Any:
        function = self.provider.functions.get(request.tok)
        if function is None:
            raise ProviderError(f"The plugin {self.provider.name} has no function {request.tok!r}.")
        result = function(self._connected(), reveal(decode(request.args)))
        return provider_pb2.InvokeResponse(**{"return": encode(result)})

    def _settings(self, props: Props) -> Props:
        return {key: value for key, value in props.items() if key not in _SDK_SETTINGS and value is not None}

    # Resources

    @_call
    def Check(self, request: Any, context: Any) -> Any:
        kind = self._kind(request)
        news = {key: value for key, value in decode(request.news).items() if value is not None}
        resource = kind(None)
        failures = validate(kind.inputs, news) or resource.check(news)
        if failures:
            return _checked(news, failures)
        marked = mark_secrets(news, secret_fields(kind.inputs) & {(key,) for key in news})
        return _checked(resource.normalise(marked), [])

    @_call
    def Diff(self, request: Any, context: Any) -> Any:
        kind = self._kind(request)
        olds = decode(request.old_inputs) if request.HasField("old_inputs") else decode(request.olds)
        news = decode(request.news)
        for name in request.ignoreChanges:
            if name in olds:
                news[name] = olds[name]
        return _diffed(kind(None).diff(olds, news))

    @_call
    def Create(self, request: Any, context: Any) -> Any:
        kind, props = self._kind(request), decode(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=encode(self._previewed(kind, None, props, request)))
        resource, inputs = kind(self._connected()), parse(kind.inputs, props)
        id, extra = resource.create(inputs, self._context(request))
        extra = {**extra, **_changed_now(kind)}
        return provider_pb2.CreateResponse(id=id, properties=encode(_state(resource, props, inputs, extra)))

    @_call
    def Read(self, request: Any, context: Any) -> Any:
        kind, known = self._kind(request), decode(request.inputs)
        resource = kind(self._connected())
        inputs = parse(kind.inputs, known) if known else None
        live = resource.read(request.id, inputs, self._context(request))
        if live is None:
            return provider_pb2.ReadResponse()
        paths = secret_paths(known) | secret_fields(kind.inputs) & {(key,) for key in live.inputs}
        marked = mark_secret_texts(mark_secrets(live.inputs, paths), secret_texts(known))
        props = resource.normalise(marked)
        kept = {key: value for key, value in decode(request.properties).items() if key == CHANGED_AT}
        state = _state(resource, props, parse(kind.inputs, props), {**live.outputs, **kept})
        return provider_pb2.ReadResponse(id=request.id, inputs=encode(props), properties=encode(state))

    @_call
    def Update(self, request: Any, context: Any) -> Any:
        kind, props = self._kind(request), decode(request.news)
        olds = decode(request.old_inputs)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=encode(self._previewed(kind, olds, props, request)))
        resource, inputs = kind(self._connected()), parse(kind.inputs, props)
        extra = resource.update(request.id, parse(kind.inputs, olds), inputs, self._context(request))
        extra = {**extra, **_changed_now(kind)}
        return provider_pb2.UpdateResponse(properties=encode(_state(resource, props, inputs, extra)))

    @_call
    def Delete(self, request: Any, context: Any) -> Any:
        kind = self._kind(request)
        inputs = parse(kind.inputs, decode(request.old_inputs))
        kind(self._connected()).delete(request.id, inputs, self._context(request))
        return empty_pb2.Empty()

    # Helpers

    def remembering(self, request: Any, outputs: Props) -> Props:
        """Outputs of a half-done object, with the secrets of the request's inputs marked."""
        known = decode(
            request.properties if "properties" in request.DESCRIPTOR.fields_by_name else request.news
        )
        return cast(Props, mark_secrets(outputs, secret_paths(known)))

    def _kind(self, request: Any) -> type[Resource[Any, Any]]:
        token = request.type or request.urn.split("::")[2]
        kind = self.provider.kind(token)
        if kind is None:
            raise ProviderError(f"The plugin {self.provider.name} has no resource {token!r}.")
        return kind

    def _connected(self) -> Any:
        with self._connecting:
            if self._client is None:
                self._client = self.provider.connect(parse(self.provider.config, self._config))
            return self._client

    def _context(self, request: Any) -> Context:
        urn, secrets = request.urn, self.secrets | _request_secrets(request)
        updating = isinstance(request, provider_pb2.UpdateRequest)
        creating = isinstance(request, provider_pb2.CreateRequest)  # its properties are inputs, no state
        state = {} if creating else decode(request.olds if updating else request.properties)
        return Context(
            urn=urn,
            info=lambda text: self.engine.log("info", text, urn, secrets),
            warn=lambda text: self.engine.log("warning", text, urn, secrets),
            cancelled=self._cancelled,
            timeout=getattr(request, "timeout", 0.0),
            state=reveal(state),
        )

    def _previewed(
        self, kind: type[Resource[Any, Any]], olds: Props | None, props: Props, request: Any
    ) -> Props:
        if has_unknown(props):
            return props
        resource, inputs = kind(None), parse(kind.inputs, props)
        resource.preview(parse(kind.inputs, olds) if olds else None, inputs, self._context(request))
        return _state(resource, props, inputs, {CHANGED_AT: UNKNOWN} if kind.changed_at else {})


def _request_secrets(request: Any) -> set[str]:
    fields = ("properties", "inputs", "olds", "news", "old_inputs", "args")
    present = [name for name in fields if name in request.DESCRIPTOR.fields_by_name]
    return {text for name in present for text in secret_texts(decode(getattr(request, name)))}


def _changed_now(kind: type[Resource[Any, Any]]) -> Props:
    return {CHANGED_AT: datetime.now(UTC).isoformat()} if kind.changed_at else {}


def _state(resource: Resource[Any, Any], props: Props, inputs: Any, extra: Props) -> Props:
    outputs = {**resource.outputs(inputs), **extra}
    return {**props, **mark_secrets(outputs, {(name,) for name in resource.secret_outputs & outputs.keys()})}


def _checked(props: Props, failures: list[CheckFailure]) -> provider_pb2.CheckResponse:
    secrets = secret_texts(props)
    return provider_pb2.CheckResponse(
        inputs=encode(props),
        failures=[
            provider_pb2.CheckFailure(property=item.property, reason=redact(item.reason, secrets))
            for item in failures
        ],
    )


def _diffed(diff: Diff) -> provider_pb2.DiffResponse:
    kinds = {
        Change.ADD: (_KINDS.ADD, _KINDS.ADD_REPLACE),
        Change.DELETE: (_KINDS.DELETE, _KINDS.DELETE_REPLACE),
        Change.UPDATE: (_KINDS.UPDATE, _KINDS.UPDATE_REPLACE),
    }
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if diff else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=sorted({path.split(".")[0].split("[")[0] for path in diff.changes}),
        replaces=sorted(diff.replaces),
        deleteBeforeReplace=diff.delete_before_replace,
        hasDetailedDiff=True,
        detailedDiff={
            path: provider_pb2.PropertyDiff(kind=kinds[change][path in diff.replaces], inputDiff=True)
            for path, change in diff.changes.items()
        },
    )
