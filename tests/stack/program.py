"""The program run in this process against a recording monitor: what it asks of the engine, secrets and dependencies included.

`pulumi.runtime.Mocks` alone would not do: they see inputs without their secret marks and no dependencies.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import runpy
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf import empty_pb2
from pulumi.runtime import mocks, stack
from pulumi.runtime.proto import resource_pb2

from providers.kit.codec import decode, encode
from providers.kit.values import Secret, reveal, walk

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "auth0-hasura"

ADMIN_SECRET = "admin-secret-1f0c"
CLOUD_TOKEN = "cloud-token-9b1d"
MANAGEMENT_SECRET = "management-secret-77aa"
DATABASE_PASSWORD = "database-pw-5c3e"
APPLICATION_SECRET = "application-secret-0d4b"
SECRETS = (ADMIN_SECRET, CLOUD_TOKEN, MANAGEMENT_SECRET, DATABASE_PASSWORD, APPLICATION_SECRET)

DATABASE_URL = f"postgres://owner:{DATABASE_PASSWORD}@db.example.com:5432/app?sslmode=require"
HASURA = {
    "kind": "cloud",
    "endpoint": "https://project.hasura.app",
    "adminSecret": ADMIN_SECRET,
    "projectId": "11111111-2222-3333-4444-555555555555",
    "cloudToken": CLOUD_TOKEN,
}
SELF_HOSTED = {"kind": "self-hosted", "endpoint": "https://graphql.example.com", "adminSecret": ADMIN_SECRET}
SETTINGS: Mapping[str, Any] = {
    "auth0:domain": "tenant.eu.auth0.com",
    "auth0:clientId": "management-client",
    "auth0:clientSecret": MANAGEMENT_SECRET,
    "appUrls": ["https://app.example.com", "http://localhost:3000"],
    "audience": "https://api.example.com",
    "databaseUrl": DATABASE_URL,
    "hasura": HASURA,
}
SECRET_KEYS = ("auth0:clientSecret", "databaseUrl", "hasura")


@dataclass(frozen=True)
class Resource:
    """A resource as the engine is asked for it. `inputs`: secrets wrapped in `Secret`."""

    type: str
    name: str
    urn: str
    custom: bool
    inputs: dict[str, Any]
    provider: str
    parent: str
    dependencies: frozenset[str]
    retained: bool
    hooks: tuple[str, ...]
    """Before it is made or changed."""
    reports: tuple[str, ...]
    """After it was made or changed."""

    def plain(self, key: str) -> Any:
        """An input without its secret marks."""
        return reveal(self.inputs.get(key))


@dataclass
class Deployment:
    """All that a run asked for."""

    resources: list[Resource] = field(default_factory=list)
    invokes: list[tuple[str, str]] = field(default_factory=list)
    """Function token and provider."""
    outputs: dict[str, Any] = field(default_factory=dict)

    def of(self, type: str) -> list[Resource]:
        """Resources by type token."""
        return [resource for resource in self.resources if resource.type == type]

    def one(self, type: str, name: str | None = None) -> Resource:
        """The only resource of that type (and name)."""
        (found,) = [item for item in self.of(type) if name in (None, item.name)]
        return found

    def depends(self, later: Resource, earlier: Resource) -> bool:
        """Whether the engine would wait for `earlier` before `later`, through others or directly."""
        by_urn = {resource.urn: resource for resource in self.resources}
        seen: set[str] = set()
        ahead = set(later.dependencies)
        while ahead:
            urn = ahead.pop()
            if urn == earlier.urn:
                return True
            if urn not in seen and urn in by_urn:
                seen.add(urn)
                ahead |= by_urn[urn].dependencies
        return False

    def everything(self) -> Iterator[tuple[str, Any]]:
        """Every tree of values that leaves the program, with the name of its place."""
        for resource in self.resources:
            yield f"{resource.type} {resource.name}", resource.inputs
        yield "outputs", self.outputs


class _Monitor(mocks.MockMonitor):
    """Answers a registration with its inputs as outputs, and with ids that depend on the name alone."""

    def __init__(self, kept: Mapping[str, str]) -> None:
        super().__init__(_NoMocks())
        self.deployment = Deployment()
        self._kept = kept

    def RegisterResource(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        inputs = decode(request.object)
        self.deployment.resources.append(
            Resource(
                type=request.type,
                name=request.name,
                urn=urn,
                custom=request.custom,
                inputs=inputs,
                provider=request.provider,
                parent=request.parent,
                dependencies=frozenset(request.dependencies),
                retained=request.retainOnDelete,
                hooks=(*request.hooks.before_create, *request.hooks.before_update),
                reports=(*request.hooks.after_create, *request.hooks.after_update),
            )
        )
        outputs = {**inputs, **_computed(request.type, request.name, inputs)}
        if request.name in self._kept:
            outputs |= dict.fromkeys(("input", "output"), Secret(self._kept[request.name]))
        identity = f"{request.name}-id" if request.custom else ""
        return resource_pb2.RegisterResourceResponse(urn=urn, id=identity, object=encode(outputs))

    def Invoke(self, request: Any) -> Any:
        self.deployment.invokes.append((request.tok, request.provider))
        arguments = decode(request.args)
        answer = {**arguments, "id": f"con_{arguments.get('name')}"}
        return resource_pb2.ResourceInvokeResponse(**{"return": encode(answer)})

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if "::pulumi:pulumi:Stack::" in request.urn:
            self.deployment.outputs.update(decode(request.outputs))
        return empty_pb2.Empty()


def _computed(type: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    if type == "auth0:index/client:Client":
        return {"clientId": f"{name}-client-id"}
    if type == "auth0:index/clientCredentials:ClientCredentials":
        return {"clientSecret": Secret(APPLICATION_SECRET)}
    if type == "pulumi:index:Stash":
        return {"output": inputs["input"]}
    return {}


class _NoMocks(mocks.Mocks):
    def call(self, args: Any) -> Any:
        raise NotImplementedError

    def new_resource(self, args: Any) -> Any:
        raise NotImplementedError


def with_configuration(
    function: Callable[[], Any], changes: Mapping[str, Any], secret: tuple[str, ...] = SECRET_KEYS
) -> Any:
    """What `function` returns under the valid configuration with `changes` (None removes a key); `secret` keys are encrypted."""
    values = {key: value for key, value in {**SETTINGS, **changes}.items() if value is not None}
    config = {
        _full(key): value if isinstance(value, str) else json.dumps(value) for key, value in values.items()
    }

    def run() -> Any:
        pulumi.runtime.set_all_config(config, [_full(key) for key in secret])
        pulumi.runtime.settings._set_project(PROJECT)
        return function()

    return contextvars.copy_context().run(run)


def _full(key: str) -> str:
    return key if ":" in key else f"{PROJECT}:{key}"


def redeploy(**changes: Any) -> Deployment:
    """As `deploy`, after an `up`: what was random in it is in the state, and stays."""
    return _run(
        changes, {"users-hasura-password": "password-of-the-first-up", "proof-revision": "revision-1"}
    )


def deploy(**changes: Any) -> Deployment:
    """Run `__main__.py` with the valid configuration and `changes` of it."""
    return _run(changes, {})


def _run(changes: Mapping[str, Any], kept: Mapping[str, str]) -> Deployment:
    def program() -> None:
        pulumi.runtime.settings.ROOT.set(None)  # set_mocks has made one, and finished it
        root = stack.Stack()
        try:
            runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")
        finally:
            root._finish()

    async def run() -> Deployment:
        monitor = _Monitor(kept)
        mocks.set_mocks(_NoMocks(), project=PROJECT, stack="dev-1", preview=False, monitor=monitor)
        await stack.run_pulumi_func(program)
        return monitor.deployment

    # A thread of its own, for it has no event loop and a context of its own: that is where Pulumi keeps what it knows of a run.
    with ThreadPoolExecutor(1) as thread:
        deployment: Deployment = thread.submit(
            with_configuration, lambda: asyncio.run(run()), changes
        ).result()
    return deployment


def leaks(tree: Any, texts: tuple[str, ...] = SECRETS) -> list[str]:
    """Paths in a tree of values where one of `texts` stands outside a secret."""
    return [
        f"{path}: {text}"
        for path, value, secret in walk(tree)
        for text in texts
        if not secret and (text in str(value) or text in str(path))
    ]
