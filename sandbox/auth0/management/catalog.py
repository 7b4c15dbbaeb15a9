"""All routes of the Management API, and the scopes that there are for them."""

from __future__ import annotations

from sandbox.auth0.management import (
    action_versions,
    actions,
    client_credentials,
    client_grants,
    clients,
    connections,
    jobs,
    logs,
    resource_servers,
    roles,
    triggers,
    users,
)

__all__ = ["ENDPOINTS", "SCOPES"]

_MODULES = (
    clients,
    client_credentials,
    client_grants,
    resource_servers,
    connections,
    users,
    roles,
    actions,
    action_versions,
    triggers,
    jobs,
    logs,
)

ENDPOINTS = [endpoint for module in _MODULES for endpoint in module.endpoints.routes]

SCOPES = sorted({scope for endpoint in ENDPOINTS for scope in endpoint.scopes} - {"read:current_user"})
