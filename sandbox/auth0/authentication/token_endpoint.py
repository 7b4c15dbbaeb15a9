"""`POST /oauth/token` and `POST /oauth/revoke`: reads the request, checks the client, hands over to the grant."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.auth0.authentication import refresh_tokens
from sandbox.auth0.authentication.client_authentication import authenticate_client
from sandbox.auth0.authentication.directory import grant_types
from sandbox.auth0.authentication.errors import NO_STORE, NotSimulatedError, OAuthError
from sandbox.auth0.authentication.grants import (
    authorization_code,
    password,
    refresh_token,
)
from sandbox.auth0.authentication.machine_grant import client_credentials
from sandbox.auth0.store import Document
from sandbox.auth0.tenant import Tenant

__all__ = ["body_of", "revoke", "token"]

Grant = Callable[[Tenant, Request, Document, dict[str, str]], Awaitable[Document]]

_CLIENT = {"client_id", "client_secret", "grant_type"}
PASSWORD_REALM = "http://auth0.com/oauth/grant-type/password-realm"  # noqa: S105 (a name, not a password)
_GRANTS: dict[str, tuple[Grant, set[str]]] = {
    "authorization_code": (authorization_code, {"code", "redirect_uri", "code_verifier", "scope"}),
    "refresh_token": (refresh_token, {"refresh_token", "scope", "audience", "redirect_uri"}),
    "client_credentials": (client_credentials, {"audience", "scope"}),
    "password": (password, {"username", "password", "audience", "scope"}),
    PASSWORD_REALM: (password, {"username", "password", "audience", "scope", "realm"}),
}
# Grants that Auth0 knows and this tenant does not.
_NOT_SIMULATED = (
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:openid:params:grant-type:ciba",
    "urn:okta:params:oauth:grant-type:webauthn",
    "http://auth0.com/oauth/grant-type/",
)


async def token(tenant: Tenant, request: Request) -> Response:
    """Exchange a grant for tokens."""
    body = await body_of(request)
    kind = body.get("grant_type")
    if not kind:
        raise OAuthError(400, "invalid_request", "Missing required parameter: grant_type")
    if kind not in _GRANTS:
        if kind.startswith(_NOT_SIMULATED):
            raise NotSimulatedError(f"the grant {kind}")
        raise OAuthError(403, "unsupported_grant_type", f"Unsupported grant type: {kind}")
    grant, known = _GRANTS[kind]
    for name in body:
        if name not in known | _CLIENT | {"client_assertion", "client_assertion_type"}:
            raise NotSimulatedError(f"the parameter {name} of the grant {kind}")
    client = authenticate_client(tenant, request, body)
    if kind not in grant_types(client):
        raise OAuthError(403, "unauthorized_client", f"Grant type '{kind}' not allowed for the client.")
    try:
        answer = await grant(tenant, request, client, body)
    except ValueError as error:
        raise NotSimulatedError(
            str(error).removeprefix("sandbox: ").removesuffix(" is not simulated")
        ) from error
    return JSONResponse(answer, headers=NO_STORE)


async def revoke(tenant: Tenant, request: Request) -> Response:
    """Revoke a refresh token (RFC 7009)."""
    body = await body_of(request)
    client = authenticate_client(tenant, request, body)
    if not body.get("token"):
        raise OAuthError(400, "invalid_request", "Missing required parameter: token")
    refresh_tokens.revoke(tenant, client, body["token"])
    return Response(status_code=200, headers=NO_STORE)


async def body_of(request: Request) -> dict[str, str]:
    """The parameters of a POST, form-encoded or JSON. Raises OAuthError where the body is neither."""
    if request.headers.get("content-type", "").split(";")[0].strip() == "application/json":
        try:
            parsed = json.loads(await request.body() or b"{}")
        except ValueError as error:
            raise OAuthError(400, "invalid_request", "The body is not valid JSON") from error
        if not isinstance(parsed, dict):
            raise OAuthError(400, "invalid_request", "The body is not a JSON object")
        return {key: value for key, value in parsed.items() if isinstance(value, str)}
    form = await request.form()
    return {key: value for key, value in form.multi_items() if isinstance(value, str)}
