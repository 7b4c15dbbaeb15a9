"""The grants that give tokens of a person: each checks what it is given and answers with tokens.

Error texts as Auth0 words them; `invalid_grant` and `access_denied` come with 403, a wrong client with 401.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

from starlette.requests import Request

from sandbox.auth0.authentication import accounts, directory, refresh_tokens, sessions, tokens
from sandbox.auth0.authentication.client_authentication import is_public
from sandbox.auth0.authentication.errors import NotSimulatedError, OAuthError
from sandbox.auth0.authentication.events import request_part
from sandbox.auth0.authentication.login import Refusal, tenant_log, through_actions
from sandbox.auth0.authentication.scopes import (
    ScopeError,
    audience_server,
    granted_scopes,
    permissions,
    permitted,
)
from sandbox.auth0.store import Document
from sandbox.auth0.tenant import Tenant

__all__ = ["authorization_code", "password", "refresh_token"]


async def authorization_code(
    tenant: Tenant, request: Request, client: Document, body: dict[str, str]
) -> Document:
    """Exchange a code, once, for what the login has decided."""
    ident = sessions.digest(_required(body, "code"))
    with tenant.store.lock:
        code = tenant.store.get("authorization_code", ident)
        if code is None or code["client_id"] != client["client_id"] or code["expires"] < time.time():
            raise OAuthError(403, "invalid_grant", "Invalid authorization code")
        # Gone from here on, also where the exchange fails: a code is good for one attempt.
        tenant.store.delete("authorization_code", ident)
    if body.get("redirect_uri") != code["redirect_uri"]:
        sent = body.get("redirect_uri", "null")
        raise OAuthError(
            403,
            "unauthorized_client",
            f"The redirect URI is wrong. You sent {sent}, and we expected {code['redirect_uri']}",
        )
    _verify_challenge(code, body.get("code_verifier"), client)
    user = tenant.store.get("user", code["user_id"])
    if user is None:
        raise OAuthError(403, "invalid_grant", "Invalid authorization code")
    answer = _tokens(
        tenant,
        client,
        user,
        audience=code["audience"],
        scope=code["scope"],
        access_claims=code["access_token_claims"],
        id_claims=code["id_token_claims"],
        nonce=code["nonce"],
        session_id=code["session_id"],
        auth_time=code["auth_time"],
    )
    if "offline_access" in code["scope"]:
        answer["refresh_token"] = refresh_tokens.issue(
            tenant,
            request,
            client=client,
            user_id=user["user_id"],
            connection=code["connection"],
            audience=code["audience"],
            scope=code["scope"],
            session_id=code["session_id"],
        )
    tenant_log(tenant, request, "seacft", client, user, "Authorization Code exchanged for Access Token")
    return answer


async def refresh_token(tenant: Tenant, request: Request, client: Document, body: dict[str, str]) -> Document:
    """Exchange a refresh token; the post-login Actions run again."""
    token = _required(body, "refresh_token")
    try:
        document = refresh_tokens.find(tenant, client, token)
    except OAuthError as error:
        tenant_log(tenant, request, "fertft", client, None, error.description)
        raise
    if body.get("audience") not in (None, document["_audience"]):
        raise NotSimulatedError("a refresh token for several APIs")
    requested = body.get("scope", "").split()
    scope = [item for item in document["_scope"] if not requested or item in requested]
    connection = directory.connection_named(tenant, document["_connection"])
    if connection is None or tenant.store.get("user", document["user_id"]) is None:
        raise OAuthError(403, "invalid_grant", "Unknown or invalid refresh token.")
    session = tenant.store.get("session", document.get("session_id", ""))
    user, outcome = await _run(
        tenant,
        request,
        user_id=document["user_id"],
        client=client,
        connection=connection,
        request_part=request_part(tenant, request, {}, body),
        transaction={"protocol": "oauth2-refresh-token", "requested_scopes": requested or scope},
        audience=document["_audience"],
        session=session,
        refresh_token=document,
        counts=False,
    )
    answer = _tokens(
        tenant,
        client,
        user,
        audience=document["_audience"],
        scope=outcome.scopes(permitted(tenant, document["_audience"], user["user_id"], scope)),
        access_claims=outcome.access_token_claims,
        id_claims=outcome.id_token_claims,
        session_id=document.get("session_id"),
    )
    following = refresh_tokens.exchanged(tenant, request, client, document["id"], token)
    if following is not None:
        answer["refresh_token"] = following
    tenant_log(tenant, request, "sertft", client, user, "Refresh Token exchanged for Access Token")
    return answer


async def password(tenant: Tenant, request: Request, client: Document, body: dict[str, str]) -> Document:
    """Resource owner password, with the tenant's default directory or a named realm."""
    login, secret = _required(body, "username"), _required(body, "password")
    realm = body.get("realm") or directory.settings(tenant).get("default_directory")
    if not realm:
        raise OAuthError(500, "server_error", "Authorization server not configured with default connection.")
    enabled = directory.database_connections(tenant, client["client_id"])
    connection = next((item for item in enabled if item["name"] == realm), None)
    if connection is None:
        raise OAuthError(403, "unauthorized_client", "Client is not authorized to use the connection.")
    audience = body.get("audience") or directory.default_audience(tenant)
    requested = body.get("scope", "").split()
    scope = _scopes(tenant, client, audience, requested)
    known = await accounts.check_password(tenant, connection, login, secret)
    if known is None:
        tenant_log(tenant, request, "fp", client, None, "Wrong email or password.")
        raise OAuthError(403, "invalid_grant", "Wrong email or password.")
    user, outcome = await _run(
        tenant,
        request,
        user_id=known["user_id"],
        client=client,
        connection=connection,
        request_part=request_part(tenant, request, {}, body),
        transaction={"protocol": "oauth2-password", "requested_scopes": requested},
        audience=audience,
    )
    scope = outcome.scopes(permitted(tenant, audience, user["user_id"], scope))
    answer = _tokens(
        tenant,
        client,
        user,
        audience=audience,
        scope=scope,
        access_claims=outcome.access_token_claims,
        id_claims=outcome.id_token_claims,
        grant="password",
    )
    if "offline_access" in scope:
        answer["refresh_token"] = refresh_tokens.issue(
            tenant,
            request,
            client=client,
            user_id=user["user_id"],
            connection=connection["name"],
            audience=audience,
            scope=scope,
            session_id=None,
        )
    tenant_log(tenant, request, "sepft", client, user, "Password exchanged for Access Token")
    return answer


async def _run(tenant: Tenant, request: Request, **login: Any) -> tuple[Document, Any]:
    """The Actions of a grant without a browser: a refusal is a JSON error."""
    try:
        return await through_actions(tenant, request, **login)
    except Refusal as refusal:
        raise OAuthError(403, refusal.error, refusal.description) from refusal


def _scopes(tenant: Tenant, client: Document, audience: str | None, requested: list[str]) -> list[str]:
    try:
        return granted_scopes(tenant, client, audience, requested)
    except ScopeError as error:
        raise OAuthError(403, error.error, error.description) from error


def _tokens(
    tenant: Tenant,
    client: Document,
    user: Document,
    *,
    audience: str | None,
    scope: list[str],
    access_claims: Document,
    id_claims: Document,
    nonce: str | None = None,
    session_id: str | None = None,
    auth_time: int | None = None,
    grant: str | None = None,
) -> Document:
    """The body of a successful answer for a person, without a refresh token."""
    try:
        server = audience_server(tenant, audience)
    except ScopeError as error:  # the API was deleted since the login
        raise OAuthError(403, error.error, error.description) from error
    if server is None:
        access, lifetime = tokens.issue_opaque_token(
            tenant,
            client_id=client["client_id"],
            subject=user["user_id"],
            scope=scope,
            custom={"_userinfo": id_claims},
        )
    else:
        access, lifetime = tokens.issue_access_token(
            tenant,
            resource_server=server,
            client_id=client["client_id"],
            subject=user["user_id"],
            scope=scope,
            custom=access_claims,
            grant=grant,
            permissions=permissions(tenant, server["identifier"], user["user_id"]),
        )
    answer: Document = {"access_token": access, "expires_in": lifetime, "token_type": "Bearer"}
    if scope:
        answer["scope"] = " ".join(scope)
    if "openid" in scope:
        answer["id_token"] = tokens.issue_id_token(
            tenant,
            client=client,
            user=user,
            scope=scope,
            nonce=nonce,
            session_id=session_id,
            auth_time=auth_time,
            custom=id_claims,
        )
    return answer


def _required(body: dict[str, str], name: str) -> str:
    value = body.get(name)
    if not value:
        raise OAuthError(400, "invalid_request", f"Missing required parameter: {name}")
    return value


def _verify_challenge(code: Document, verifier: str | None, client: Document) -> None:
    """Check the verifier against the code's challenge (RFC 7636); a public client must have sent one."""
    challenge = code["code_challenge"]
    if challenge is None:
        if is_public(client):
            raise OAuthError(401, "access_denied", "Unauthorized")
        if verifier is not None:
            raise OAuthError(403, "invalid_grant", "Failed to verify code verifier")
        return
    if verifier is None:
        raise OAuthError(400, "invalid_request", "Parameter 'code_verifier' is required")
    computed = sessions.challenge_of(verifier) if code["code_challenge_method"] == "S256" else verifier
    if not secrets.compare_digest(computed.encode(), str(challenge).encode()):
        raise OAuthError(403, "invalid_grant", "Failed to verify code verifier")
