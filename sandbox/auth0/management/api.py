"""The one door of the Management API: token, route, scope, arguments, body, handler, answer.

Paths are matched on the raw path, segment by segment, since identifiers may hold an encoded slash
(`/resource-servers/https:%2F%2Fapi.example`).
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from inspect import isawaitable
from typing import Any
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.auth0.management.endpoints import Call, Endpoint, Reply
from sandbox.auth0.management.errors import (
    ApiError,
    InsufficientScopeError,
    NotSimulatedError,
    TooManyRequestsError,
    UnauthorizedError,
    bad_request,
)
from sandbox.auth0.tenant import Tenant

__all__ = ["ManagementApi", "Verify"]

log = logging.getLogger("sandbox.auth0.management")

Verify = Callable[[Tenant, str], set[str]]

_ROOT = "/api/v2"


class RateLimit:
    """So many requests a second (a bucket that refills); 0 is no limit.

    Answers the headers that the real API sends, so that a client's back-off can be tried.
    """

    def __init__(self, per_second: int) -> None:
        self.per_second = per_second
        self._tokens = float(per_second)
        self._at = time.monotonic()

    def take(self) -> None:
        """Count one request. Raises TooManyRequestsError where the bucket is empty."""
        if self.per_second <= 0:
            return
        now = time.monotonic()
        self._tokens = min(float(self.per_second), self._tokens + (now - self._at) * self.per_second)
        self._at = now
        if self._tokens < 1:
            raise TooManyRequestsError(
                {
                    "X-RateLimit-Limit": str(self.per_second),
                    "X-RateLimit-Remaining": "0",
                    "X-RateLimit-Reset": str(int(time.time()) + 1),
                }
            )
        self._tokens -= 1


class ManagementApi:
    """`/api/v2/…` of one tenant.

    `verify` turns a bearer token into its scopes and raises for a bad one; without it the authentication
    half's is used.
    """

    def __init__(
        self,
        tenant: Tenant,
        endpoints: Iterable[Endpoint],
        verify: Verify | None = None,
        rate_limit: int = 0,
    ) -> None:
        self._tenant = tenant
        self._verify = verify or _default_verify
        self._limit = RateLimit(rate_limit)
        self._endpoints: dict[tuple[str, int], list[Endpoint]] = {}
        # Literal segments win over parameters: `/actions/triggers` before `/actions/{id}`.
        for endpoint in sorted(endpoints, key=lambda item: [part.startswith("{") for part in item.segments]):
            self._endpoints.setdefault((endpoint.method, len(endpoint.segments)), []).append(endpoint)

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        try:
            reply = await self._answer(request)
        except ApiError as error:
            if isinstance(error, NotSimulatedError):
                log.warning("%s", error.message)
            return error.response()
        if reply.body is None:
            return Response(status_code=reply.status)
        return JSONResponse(reply.body, reply.status)

    async def _answer(self, request: Request) -> Reply:
        self._limit.take()
        scopes = self._authenticate(request)
        path, segments = _path_of(request)
        endpoint, params = self._find(request.method, path, segments)
        if not scopes.intersection(endpoint.scopes):
            raise InsufficientScopeError(endpoint.scopes)
        # An argument that is given more than once is a list.
        arguments = request.query_params
        query = {name: ",".join(arguments.getlist(name)) for name in arguments}
        for name in query:
            if name not in endpoint.query:
                raise NotSimulatedError(f"argument {name} of {request.method} {path}")
        body = _json_of(await request.body())
        call = Call(self._tenant, request.method, path, params, query, body, scopes)
        if endpoint.blocking:
            result = await run_in_threadpool(endpoint.handler, call)
        else:
            result = endpoint.handler(call)
        if isawaitable(result):
            result = await result
        return result if isinstance(result, Reply) else Reply(200, result)

    def _authenticate(self, request: Request) -> set[str]:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise UnauthorizedError("Missing authentication")
        try:
            return self._verify(self._tenant, token.strip())
        except ApiError:
            raise
        except Exception as error:  # whatever the token library raises, the caller learns the same
            raise UnauthorizedError from error

    def _find(self, method: str, path: str, segments: list[str]) -> tuple[Endpoint, dict[str, str]]:
        for endpoint in self._endpoints.get((method, len(segments)), ()):
            params = endpoint.match(segments)
            if params is not None:
                return endpoint, params
        raise NotSimulatedError(f"{method} {path}")


def _default_verify(tenant: Tenant, bearer: str) -> set[str]:
    # Imported late: the authentication half imports this one (users, connections).
    tokens = import_module("sandbox.auth0.authentication.tokens")
    try:
        scopes: set[str] = tokens.verify_management_token(tenant, bearer)
    except tokens.InvalidTokenError as error:
        raise UnauthorizedError(str(error)) from error
    return scopes


def _path_of(request: Request) -> tuple[str, list[str]]:
    raw = request.scope.get("raw_path") or request.scope["path"].encode()
    path = raw.decode("latin-1").partition("?")[0]
    inner = path[path.index(_ROOT) + len(_ROOT) :] if _ROOT in path else path
    return path, [unquote(segment) for segment in inner.strip("/").split("/")]


def _json_of(raw: bytes) -> Any:
    if not raw.strip():
        return None
    try:
        return json.loads(raw)
    except ValueError as error:
        raise bad_request("Invalid request payload JSON format", None) from error
