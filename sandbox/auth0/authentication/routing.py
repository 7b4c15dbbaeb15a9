"""Routes of the Authentication API, and the origins that browsers may call it from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.auth0.authentication import (
    authorize,
    discovery,
    pages,
    token_endpoint,
    universal_login,
    userinfo,
)
from sandbox.auth0.authentication.errors import NotSimulatedError, answered
from sandbox.auth0.tenant import Tenant

__all__ = ["routes"]

Handler = Callable[[Tenant, Request], Awaitable[Response]]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def routes(tenant: Tenant) -> list[Route]:
    """All routes of the Authentication API of a tenant."""
    page = partial(_route, tenant)
    call = partial(_route, tenant, cross_origin=True)
    return [
        call("/.well-known/openid-configuration", GET=discovery.openid_configuration),
        call("/.well-known/jwks.json", GET=discovery.jwks),
        page("/authorize", GET=authorize.authorize, POST=authorize.authorize),
        page("/u/login", GET=universal_login.login_form, POST=universal_login.login_post),
        page("/u/signup", GET=universal_login.signup_form, POST=universal_login.signup_post),
        page("/u/style.css", GET=_stylesheet),
        call("/oauth/token", POST=token_endpoint.token),
        call("/oauth/revoke", POST=token_endpoint.revoke),
        call("/userinfo", GET=userinfo.userinfo, POST=userinfo.userinfo),
        page("/v2/logout", GET=userinfo.logout),
        page("/oidc/logout", GET=userinfo.oidc_logout, POST=userinfo.oidc_logout),
        call("/dbconnections/signup", POST=userinfo.database_signup),
    ]


def _route(tenant: Tenant, path: str, *, cross_origin: bool = False, **handlers: Handler) -> Route:
    """One path: a handler per method, 501 for the others, CORS where pages of applications call it."""

    @answered
    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        if cross_origin and method == "OPTIONS":
            return Response(status_code=204)
        handler = handlers.get(method)
        if handler is None:
            raise NotSimulatedError(f"{request.method} {path}")
        return await handler(tenant, request)

    async def with_cors(request: Request) -> Response:
        response = await endpoint(request)
        origin = request.headers.get("origin")
        if cross_origin and origin:
            response.headers["Vary"] = "Origin"
            if _known_origin(tenant, origin):
                response.headers["Access-Control-Allow-Origin"] = origin
                response.headers["Access-Control-Allow-Credentials"] = "true"
                if request.method == "OPTIONS":
                    response.headers["Access-Control-Allow-Methods"] = ", ".join(handlers)
                    response.headers["Access-Control-Allow-Headers"] = (
                        "authorization, content-type, auth0-client"
                    )
                    response.headers["Access-Control-Max-Age"] = "600"
        return response

    return Route(path, with_cors, methods=METHODS)


def _known_origin(tenant: Tenant, origin: str) -> bool:
    """True for the origin of an application: listed for it, or that of one of its callbacks."""
    for client in tenant.store.all("client"):
        listed = [*(client.get("web_origins") or []), *(client.get("allowed_origins") or [])]
        if origin in listed:
            return True
        for callback in client.get("callbacks") or []:
            parts = urlsplit(callback)
            if origin == f"{parts.scheme}://{parts.netloc}":
                return True
    return False


async def _stylesheet(tenant: Tenant, request: Request) -> Response:
    return pages.stylesheet()
