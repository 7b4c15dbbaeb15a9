"""Which scopes a request gets.

A first-party application gets what it asks for of the OpenID scopes and of the API's own; unknown scopes are
dropped silently. Where the API enforces policies (RBAC), only those of its scopes that the person has permission
for. `offline_access` needs an API that allows it and the refresh_token grant.
"""

from __future__ import annotations

from sandbox.auth0.authentication.directory import find_resource_server, grant_types
from sandbox.auth0.authentication.errors import NotSimulatedError
from sandbox.auth0.management.roles import permissions_of
from sandbox.auth0.store import Document
from sandbox.auth0.tenant import Tenant

__all__ = ["ScopeError", "audience_server", "granted_scopes", "permissions", "permitted", "scope_values"]

_OPENID = ("openid", "profile", "email", "address", "phone", "offline_access")


class ScopeError(Exception):
    """The audience is none of this tenant's, or not for people: `error` and `description` for the client."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error, self.description = error, description


def scope_values(resource_server: Document) -> list[str]:
    """Names of the scopes that an API defines."""
    return [str(item["value"]) for item in resource_server.get("scopes") or []]


def permissions(tenant: Tenant, audience: str, user_id: str) -> list[str]:
    """What a person may do with an API, directly or through a role."""
    return [
        str(item["permission_name"])
        for item in permissions_of(tenant.store, user_id)
        if item["resource_server_identifier"] == audience
    ]


def permitted(tenant: Tenant, audience: str | None, user_id: str, scope: list[str]) -> list[str]:
    """The granted scopes without those of the API that its policies keep from this person."""
    server = find_resource_server(tenant, audience) if audience else None
    if audience is None or server is None or not server.get("enforce_policies"):
        return scope
    held = permissions(tenant, audience, user_id)
    return [item for item in scope if item in held or item in _OPENID]


def audience_server(tenant: Tenant, audience: str | None) -> Document | None:
    """The API of an audience; None for the userinfo endpoint and for no audience. Raises ScopeError."""
    if not audience or audience == f"{tenant.issuer}userinfo":
        return None
    server = find_resource_server(tenant, audience)
    if server is None:
        raise ScopeError("access_denied", f"Service not found: {audience}")
    return server


def granted_scopes(tenant: Tenant, client: Document, audience: str | None, requested: list[str]) -> list[str]:
    """The part of the requested scopes that a person's token for `audience` carries. Raises ScopeError."""
    server = audience_server(tenant, audience)
    if server is not None and audience == tenant.management_audience:
        raise NotSimulatedError("a Management API token for a person")
    possible = {*_OPENID, *(scope_values(server) if server else [])}
    granted = [scope for scope in dict.fromkeys(requested) if scope in possible]
    offline = "refresh_token" in grant_types(client) and (
        server is None or bool(server.get("allow_offline_access"))
    )
    return [scope for scope in granted if scope != "offline_access" or offline]
