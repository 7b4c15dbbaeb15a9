"""The `event` that Actions receive. Fields: typings of auth0/auth0-actions, post-login v3.

Absent here: organizations, risk assessment, custom domains, geoip beyond an empty object.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from sandbox.auth0.authentication.directory import roles_of
from sandbox.auth0.authentication.sessions import client_of
from sandbox.auth0.store import Document, public
from sandbox.auth0.tenant import Tenant

__all__ = ["credentials_exchange_event", "post_login_event", "request_part", "tenant_name"]

# Kept from an Action's sight although a client sends them.
_SECRET_PARAMETERS = frozenset(
    {"password", "client_secret", "refresh_token", "code", "code_verifier", "client_assertion"}
)
# Known to the Management API only.
_NOT_IN_EVENTS = frozenset({"last_ip", "logins_count", "blocked", "blocked_for"})


def tenant_name(tenant: Tenant) -> str:
    """`event.tenant.id`: the first label of the domain, without a port."""
    return tenant.domain.split(":")[0].split(".")[0]


def request_part(
    tenant: Tenant, request: Request, query: dict[str, Any], body: dict[str, Any] | None = None
) -> Document:
    """`event.request`; `query` are the parameters of the authorization request."""
    address, agent = client_of(request)
    part: Document = {
        "ip": address,
        "method": request.method,
        "hostname": tenant.domain,
        "user_agent": agent,
        "query": {key: value for key, value in query.items() if key not in _SECRET_PARAMETERS},
        "body": {key: value for key, value in (body or {}).items() if key not in _SECRET_PARAMETERS},
        "geoip": {},
    }
    language = request.headers.get("accept-language", "").split(",")[0].split(";")[0].strip()
    if language:
        part["language"] = language
    return part


def post_login_event(
    tenant: Tenant,
    *,
    user: Document,
    client: Document,
    connection: Document,
    request: Document,
    transaction: Document,
    audience: str | None,
    session: Document | None,
    refresh_token: Document | None,
) -> Document:
    """The event of a login, silent login or refresh. Secrets are added for each Action by the runtime."""
    event: Document = {
        "user": _user_part(user),
        "client": _client_part(client),
        "connection": {
            "id": connection["id"],
            "name": connection["name"],
            "strategy": connection["strategy"],
            "metadata": connection.get("metadata") or {},
        },
        "request": request,
        "transaction": {"metadata": {}, **transaction},
        "authorization": {"roles": roles_of(tenant, user["user_id"])},
        "stats": {"logins_count": int(user.get("logins_count") or 0)},
        "tenant": {"id": tenant_name(tenant)},
    }
    if session is not None:
        event["session"] = public(session)
        event["authentication"] = {"methods": [{"name": "pwd", "timestamp": session["authenticated_at"]}]}
    else:
        event["authentication"] = {"methods": [{"name": "pwd", "timestamp": user["updated_at"]}]}
    if refresh_token is not None:
        event["refresh_token"] = public(refresh_token)
    if audience is not None:
        event["resource_server"] = {"identifier": audience}
    return event


def credentials_exchange_event(
    tenant: Tenant,
    *,
    client: Document,
    request: Document,
    audience: str,
    requested: list[str],
    granted: list[str],
) -> Document:
    """The event of a machine client that asks for a token."""
    return {
        "accessToken": {"customClaims": {}, "scope": granted},
        "client": _client_part(client),
        "request": request,
        "resource_server": {"identifier": audience},
        "tenant": {"id": tenant_name(tenant)},
        "transaction": {"requested_scopes": requested},
    }


def _client_part(client: Document) -> Document:
    return {
        "client_id": client["client_id"],
        "name": client.get("name", ""),
        "metadata": client.get("client_metadata") or {},
    }


def _user_part(user: Document) -> Document:
    part: Document = {key: value for key, value in public(user).items() if key not in _NOT_IN_EVENTS}
    part["app_metadata"] = user.get("app_metadata") or {}
    part["user_metadata"] = user.get("user_metadata") or {}
    part["email_verified"] = bool(user.get("email_verified"))
    return part
