"""`/userinfo`, `/v2/logout`, `/oidc/logout` and `POST /dbconnections/signup`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from sandbox.auth0.authentication import accounts, directory, sessions, tokens
from sandbox.auth0.authentication.errors import (
    NO_STORE,
    NotSimulatedError,
    OAuthError,
    PageError,
    with_query,
)
from sandbox.auth0.authentication.login import refuse_unsimulated_triggers, tenant_log
from sandbox.auth0.authentication.token_endpoint import body_of
from sandbox.auth0.store import Document
from sandbox.auth0.tenant import Tenant

__all__ = ["database_signup", "logout", "oidc_logout", "userinfo"]


async def userinfo(tenant: Tenant, request: Request) -> Response:
    """The claims of the person whose access token is shown, as its scopes allow."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not bearer.strip():
        return _unauthorized()
    try:
        claims = tokens.read_user_token(tenant, bearer.strip())
    except tokens.InvalidTokenError:
        return _unauthorized()
    user = tenant.store.get("user", str(claims["sub"]))
    if user is None:
        return _unauthorized()
    own = tokens.profile_claims(user, str(claims.get("scope", "")).split())
    custom: Document = claims.get("_userinfo") or {}
    return JSONResponse({**custom, "sub": user["user_id"], **own}, headers=NO_STORE)


def _unauthorized() -> Response:
    return PlainTextResponse(
        "Unauthorized", status_code=401, headers={"WWW-Authenticate": 'Bearer realm="Users"', **NO_STORE}
    )


async def logout(tenant: Tenant, request: Request) -> Response:
    """End the session and return to the application, if the address is a listed one."""
    query = dict(request.query_params)
    for name in query:
        if name not in ("client_id", "returnTo", "federated", "auth0Client"):
            raise NotSimulatedError(f"the parameter {name} of /v2/logout")
    return _leave(tenant, request, query.get("client_id"), target=query.get("returnTo"), parameter="returnTo")


async def oidc_logout(tenant: Tenant, request: Request) -> Response:
    """OpenID Connect RP-initiated logout; the hint's signature is checked, its expiry is not."""
    query = dict(request.query_params) if request.method == "GET" else await body_of(request)
    for name in query:
        if name not in ("client_id", "post_logout_redirect_uri", "id_token_hint", "state", "logout_hint"):
            raise NotSimulatedError(f"the parameter {name} of /oidc/logout")
    client_id = query.get("client_id")
    if "id_token_hint" in query:
        audience = _audience_of(tenant, query["id_token_hint"])
        if audience is None or client_id not in (None, audience):
            raise PageError(400, "invalid_request", "Invalid id_token_hint")
        client_id = audience
    target = query.get("post_logout_redirect_uri")
    return _leave(
        tenant,
        request,
        client_id,
        target=target,
        parameter="post_logout_redirect_uri",
        state=query.get("state"),
    )


def _leave(
    tenant: Tenant,
    request: Request,
    client_id: str | None,
    *,
    target: str | None,
    parameter: str,
    state: str | None = None,
) -> Response:
    client = directory.find_client(tenant, client_id) if client_id else None
    if client_id and client is None:
        raise PageError(400, "invalid_request", f"Unknown client: {client_id}")
    allowed = list(
        (client if client is not None else directory.settings(tenant)).get("allowed_logout_urls") or []
    )
    if target is not None and not directory.allowed_url(target, allowed):
        raise PageError(
            400,
            "invalid_request",
            f'The "{parameter}" querystring parameter "{target}" is not defined as a valid URL in '
            '"Allowed Logout URLs"',
        )
    target = target or next(iter(allowed), None)
    response: Response
    if target is None:
        response = PlainTextResponse("OK", headers=NO_STORE)
    else:
        location = with_query(target, {"state": state}) if state is not None else target
        response = RedirectResponse(location, status_code=302, headers=NO_STORE)
    session = sessions.current(tenant, request)
    user = tenant.store.get("user", session["user_id"]) if session else None
    sessions.end(tenant, request, response)
    tenant_log(tenant, request, "slo", client, user, "User successfully logged out")
    return response


def _audience_of(tenant: Tenant, hint: str) -> str | None:
    """The client that an ID token was issued to; None where the tenant has not issued it."""
    try:
        claims = tokens.read_id_token(tenant, hint)
    except tokens.InvalidTokenError:
        return None
    return str(claims.get("aud"))


async def database_signup(tenant: Tenant, request: Request) -> Response:
    """Sign-up without a browser, as auth0.js and the SDKs do it."""
    body = await body_of(request)
    client = directory.find_client(tenant, body.get("client_id", ""))
    if client is None:
        raise OAuthError(400, "invalid_request", "Unknown client")
    for name in ("email", "password", "connection"):
        if not body.get(name):
            raise OAuthError(400, "invalid_request", f"Missing required parameter: {name}")
    enabled = directory.database_connections(tenant, client["client_id"])
    connection = next((item for item in enabled if item["name"] == body["connection"]), None)
    if connection is None:
        raise OAuthError(
            403, "access_denied", "Connection must be enabled for this client to perform this operation."
        )
    refuse_unsimulated_triggers(tenant, "pre-user-registration", "post-user-registration")
    profile = {
        name: body[name]
        for name in ("name", "given_name", "family_name", "nickname", "picture", "username")
        if name in body
    }
    try:
        user = await accounts.sign_up(tenant, connection, body["email"], body["password"], **profile)
    except accounts.SignUpError as error:
        tenant_log(tenant, request, "fs", client, None, error.text)
        known = {
            "name": "BadRequestError",
            "code": error.code,
            "description": "Invalid sign up",
            "statusCode": 400,
        }
        return JSONResponse(known, status_code=400, headers=NO_STORE)
    tenant_log(tenant, request, "ss", client, user)
    answer = {"_id": user["user_id"].partition("|")[2], "email": user["email"], "email_verified": False}
    answer |= {name: user[name] for name in profile}
    return JSONResponse(answer, headers=NO_STORE)
