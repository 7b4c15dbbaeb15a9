"""The tenant's HTTP application: both halves, the sandbox's own control door, one log line a request.

Control door, apart from the imitated API and opened with the machine client's credentials (HTTP Basic):
`POST /_sandbox/reset` empties the tenant, `GET /_sandbox/state` counts what it holds. Keys stay over a reset,
so that tokens and cached key sets stay good.
"""

from __future__ import annotations

import base64
import binascii
import logging
import secrets
from importlib import import_module
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.auth0 import management
from sandbox.auth0.management.errors import NotSimulatedError
from sandbox.auth0.seed import seed
from sandbox.auth0.tenant import Tenant
from sandbox.serving import RequestLog

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from sandbox.auth0.management.api import Verify

__all__ = ["create_app"]

log = logging.getLogger("sandbox.auth0")

_KINDS = (
    *("client", "client_credential", "client_grant", "resource_server", "connection", "user", "role"),
    *("user_role", "action", "action_version", "execution", "job", "log", "session"),
)


def _loggable(path: str) -> str:
    """The address of an export is a secret in itself."""
    return "/_sandbox/exports/…" if path.startswith("/_sandbox/exports/") else path


def create_app(
    tenant: Tenant, *, verify: Verify | None = None, rate_limit: int = 0, authentication: bool = True
) -> ASGIApp:
    """The application of one tenant, seeded.

    `rate_limit` (requests a second, 0 for none) limits the Management API. Without `authentication` only the
    management half is served, and `verify` has to check tokens (in tests).
    """
    seed(tenant)
    routes: list[BaseRoute] = [*management.routes(tenant, verify, rate_limit), *_control(tenant)]
    if authentication:
        routes += import_module("sandbox.auth0.authentication").routes(tenant)
    app = Starlette(routes=routes, exception_handlers={404: _unknown, 405: _unknown, 500: _failed})
    return RequestLog(app, shown=_loggable)


async def _unknown(request: Request, _: Exception) -> Response:
    error = NotSimulatedError(f"{request.method} {request.url.path}")
    log.warning("%s", error.message)
    return error.response()


async def _failed(_: Request, error: Exception) -> Response:
    # The type alone: a message may quote what was sent.
    log.error("internal error: %s", type(error).__name__)
    body = {
        "statusCode": 500,
        "error": "Internal Server Error",
        "message": "sandbox: internal error, see the log",
    }
    return JSONResponse(body, 500)


def _control(tenant: Tenant) -> list[BaseRoute]:
    async def reset(request: Request) -> Response:
        if not _is_operator(tenant, request):
            return _refused()
        store = tenant.store
        with store.lock:
            store.reset(keep_values="_")
            seed(tenant)
        return Response(status_code=204)

    async def state(request: Request) -> Response:
        if not _is_operator(tenant, request):
            return _refused()
        counts: dict[str, Any] = {kind: tenant.store.count(kind) for kind in _KINDS}
        return JSONResponse({"domain": tenant.domain, "issuer": tenant.issuer, "documents": counts})

    return [
        Route("/_sandbox/reset", reset, methods=["POST"]),
        Route("/_sandbox/state", state, methods=["GET"]),
    ]


def _refused() -> Response:
    return Response("machine client required\n", 401, {"WWW-Authenticate": 'Basic realm="sandbox"'})


def _is_operator(tenant: Tenant, request: Request) -> bool:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return False
    wanted = f"{tenant.management_client_id}:{tenant.management_client_secret}"
    return secrets.compare_digest(given, wanted.encode())
