"""The engine's HTTP interface.

Rules (facts: Hasura's `Server/App.hs`): `/v1/graphql` answers 200 for every handled error, `/v1alpha1/graphql` 400;
`/v1/metadata` and `/v2/query` are for admins and answer with the fault's own status; every other route is the 404 of
the real engine. One log line a request: method, path, status, milliseconds; never a body, a header or a query string.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.hasura.engine import HasuraEngine
from sandbox.hasura.graphql.errors import GraphQLFault
from sandbox.hasura.metadata.faults import Fault, not_simulated
from sandbox.hasura.run_sql import query_request
from sandbox.serving import RequestLog

__all__ = ["VERSION", "engine_app"]

VERSION = "v2.48.16"
_log = logging.getLogger("sandbox.hasura")
_THREADS = 16
_EVERY = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
_NOT_SIMULATED = (
    "/v1/query",
    "/v1/graphql/explain",
    "/v1alpha1/pg_dump",
    "/v1beta1/relay",
    "/v1/relay",
    "/api/rest/{rest:path}",
    "/api/swagger/json",
)
_NOT_FOUND = {"path": "$", "error": "resource does not exist", "code": "not-found"}
_SECRET_FAULTS = ('invalid "x-hasura-admin-secret"', '"x-hasura-admin-secret"')


class _Handlers:
    """The routes; blocking work runs on a bounded number of threads."""

    def __init__(self, engine: HasuraEngine) -> None:
        self._engine = engine
        self._threads: anyio.CapacityLimiter | None = None

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(_THREADS)
        return await anyio.to_thread.run_sync(work, limiter=self._threads)

    async def graphql(self, request: Request) -> Response:
        """`/v1/graphql`: errors come as 200."""
        return await self._graphql(request, error_status=200)

    async def graphql_alpha(self, request: Request) -> Response:
        """`/v1alpha1/graphql`: errors come as 400."""
        return await self._graphql(request, error_status=400)

    async def _graphql(self, request: Request, *, error_status: int) -> Response:
        body = await request.body()

        def work() -> Any:
            try:
                session = self._engine.authenticate(request.headers)
                return self._engine.graphql_request(session, _parse(body))
            except GraphQLFault as fault:
                return fault.as_answer()
            except Fault as fault:
                return GraphQLFault(fault.message, fault.code, fault.path).as_answer()

        answer = await self._in_thread(work)
        failed = isinstance(answer, dict) and "errors" in answer
        return JSONResponse(answer, status_code=error_status if failed else 200)

    async def metadata(self, request: Request) -> Response:
        """`/v1/metadata`."""
        return await self._admin(request, self._engine.metadata_request)

    async def query(self, request: Request) -> Response:
        """`/v2/query`."""
        return await self._admin(request, lambda body: query_request(self._engine, body))

    async def _admin(self, request: Request, answer: Callable[[Any], Any]) -> Response:
        body = await request.body()

        def work() -> Response:
            try:
                session = self._engine.authenticate(request.headers)
                parsed = _parse(body)
                if not session.is_admin:
                    raise Fault("restricted access : admin only", "access-denied")
                return JSONResponse(answer(parsed))
            except GraphQLFault as fault:
                status = 401 if fault.message.startswith(_SECRET_FAULTS) else 400
                return JSONResponse(
                    {"path": fault.path, "error": fault.message, "code": fault.code}, status_code=status
                )
            except Fault as fault:
                return JSONResponse(fault.body(), status_code=fault.status)

        response: Response = await self._in_thread(work)
        return response

    async def config(self, request: Request) -> Response:
        """`/v1alpha1/config`."""
        response: Response = await self._in_thread(lambda: self._config(request))
        return response

    def _config(self, request: Request) -> Response:
        try:
            session = self._engine.authenticate(request.headers)
        except GraphQLFault as fault:
            status = 401 if fault.message.startswith(_SECRET_FAULTS) else 400
            return JSONResponse(
                {"path": fault.path, "error": fault.message, "code": fault.code}, status_code=status
            )
        if not session.is_admin:
            return JSONResponse(
                Fault("restricted access : admin only", "access-denied", path="$").body(), status_code=400
            )
        return JSONResponse(self._engine.configuration(VERSION))

    async def health(self, request: Request) -> Response:
        """`/healthz`."""
        if not await self._in_thread(self._engine.storage_reachable):
            return PlainTextResponse("ERROR: the metadata database does not answer", status_code=500)
        if not self._engine.snapshot.inconsistent:
            return PlainTextResponse("OK")
        if request.query_params.get("strict") in ("true", ""):
            return PlainTextResponse("ERROR: inconsistent objects in schema", status_code=500)
        return PlainTextResponse("WARN: inconsistent objects in schema")

    async def version(self, _request: Request) -> Response:
        """`/v1/version`."""
        return JSONResponse({"server_type": "ce", "version": VERSION})

    async def console(self, _request: Request) -> Response:
        """`/console`: the real engine has a web page here."""
        return PlainTextResponse(
            "sandbox: the Hasura console is not simulated. Use /v1/graphql, /v1/metadata and /v2/query,"
            " or start the sandbox with --hasura docker for the real engine.\n",
            status_code=501,
        )

    async def not_simulated(self, request: Request) -> Response:
        """A route of the real engine that this one lacks."""
        path = request.url.path
        _log.warning("route %s %s is not simulated", request.method, path)
        fault = not_simulated(f"{request.method} {path}")
        return JSONResponse(fault.body(), status_code=fault.status)

    async def unknown(self, _request: Request) -> Response:
        """Every other route."""
        return JSONResponse(_NOT_FOUND, status_code=404)


def _parse(body: bytes) -> Any:
    if not body.strip():
        raise Fault("Error in $: not enough input", "invalid-json", path="$")
    try:
        return json.loads(body)
    except ValueError:
        raise Fault("Error in $: Failed reading: not a valid json value", "invalid-json", path="$") from None


def _route(
    path: str, handler: Callable[[Request], Awaitable[Response]], otherwise: Any, *methods: str
) -> list[Route]:
    return [
        Route(path, handler, methods=list(methods)),
        Route(path, otherwise, methods=[m for m in _EVERY if m not in methods]),
    ]


def engine_app(engine: HasuraEngine) -> ASGIApp:
    """The ASGI application of the engine."""
    on = _Handlers(engine)
    routes = [
        *_route("/v1/graphql", on.graphql, on.unknown, "POST"),
        *_route("/v1alpha1/graphql", on.graphql_alpha, on.unknown, "POST"),
        *_route("/v1/metadata", on.metadata, on.unknown, "POST"),
        *_route("/v2/query", on.query, on.unknown, "POST"),
        *_route("/v1alpha1/config", on.config, on.unknown, "GET"),
        *_route("/healthz", on.health, on.unknown, "GET"),
        *_route("/hasura/healthz", on.health, on.unknown, "GET"),
        *_route("/v1/version", on.version, on.unknown, "GET"),
        *(Route(path, on.not_simulated, methods=_EVERY) for path in _NOT_SIMULATED),
        Route("/console", on.console),
        Route("/console/{rest:path}", on.console),
        Route("/", on.console),
        Route("/{rest:path}", on.unknown, methods=_EVERY),
    ]
    app: ASGIApp = Starlette(routes=routes, exception_handlers={Exception: _crash})
    # as HASURA_GRAPHQL_CORS_DOMAIN=*, the real engine's default
    app = CORSMiddleware(
        app,
        allow_origin_regex=".*",
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        allow_headers=["*"],
        allow_credentials=True,
        max_age=1728000,
    )
    return RequestLog(app, "engine")


async def _crash(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__, exc_info=error)
    return JSONResponse({"path": "$", "error": "internal error", "code": "unexpected"}, status_code=500)
