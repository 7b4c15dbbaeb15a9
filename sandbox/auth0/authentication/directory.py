"""Look-ups in the tenant's documents that the Authentication API needs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.auth0.store import Document
from sandbox.auth0.tenant import Tenant

__all__ = [
    "allowed_url",
    "connection_named",
    "database_connections",
    "default_audience",
    "enabled_connections",
    "find_client",
    "find_resource_server",
    "grant_types",
    "roles_of",
    "update_user",
    "user_in_connection",
]

# What a client made through the Management API may do where it says nothing (facts: API defaults).
DEFAULT_GRANTS = ["authorization_code", "implicit", "refresh_token", "client_credentials"]
DATABASE_STRATEGY = "auth0"


def find_client(tenant: Tenant, client_id: str) -> Document | None:
    """The application with this client id."""
    return tenant.store.get("client", client_id)


def grant_types(client: Document) -> list[str]:
    """The grants that a client may use."""
    grants = client.get("grant_types")
    return DEFAULT_GRANTS if grants is None else list(grants)


def find_resource_server(tenant: Tenant, identifier: str) -> Document | None:
    """The API with this identifier (the audience)."""
    return next(iter(tenant.store.find("resource_server", identifier=identifier)), None)


def settings(tenant: Tenant) -> Document:
    """The tenant's settings, as far as somebody has set any."""
    return tenant.store.get_value("tenant_settings") or {}


def default_audience(tenant: Tenant) -> str | None:
    """Audience of requests that name none."""
    return settings(tenant).get("default_audience") or None


def enabled_connections(tenant: Tenant, client_id: str) -> list[Document]:
    """Connections that the application may log in with, in order of creation."""
    return [
        connection
        for connection in tenant.store.all("connection")
        if client_id in (connection.get("_enabled_clients") or [])
    ]


def database_connections(tenant: Tenant, client_id: str) -> list[Document]:
    """Those of them that hold users with passwords."""
    return [
        connection
        for connection in enabled_connections(tenant, client_id)
        if connection.get("strategy") == DATABASE_STRATEGY
    ]


def connection_named(tenant: Tenant, name: str) -> Document | None:
    """The connection of that name."""
    return next(iter(tenant.store.find("connection", name=name)), None)


def user_in_connection(tenant: Tenant, login: str, connection: str) -> Document | None:
    """The user with that e-mail address (or user name) in a database connection."""
    for field, value in (("email", login.strip().lower()), ("username", login.strip())):
        for user in tenant.store.find("user", **{field: value}, _connection=connection):
            return user
    return None


def update_user(tenant: Tenant, user_id: str, change: Callable[[Document], None]) -> Document | None:
    """Read, change and write a user as one step; None where the user is gone."""
    with tenant.store.lock:
        user = tenant.store.get("user", user_id)
        if user is None:
            return None
        change(user)
        tenant.store.put("user", user_id, user)
        return user


def roles_of(tenant: Tenant, user_id: str) -> list[str]:
    """Names of the roles assigned to a user."""
    names: list[str] = []
    for assignment in tenant.store.find("user_role", user_id=user_id):
        role = tenant.store.get("role", str(assignment.get("role_id")))
        if role is not None:
            names.append(str(role["name"]))
    return names


def allowed_url(url: str, allowed: Any) -> bool:
    """True where a URL is listed; `*` in a listed host stands for one subdomain, as at Auth0."""
    for entry in allowed or []:
        if url == entry:
            return True
        if "://*." in entry:
            pattern = re.escape(entry).replace(r"\*", r"[A-Za-z0-9-]+", 1)
            if re.fullmatch(pattern, url):
                return True
    return False
