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
    tenant_settings,
    triggers,
    users,
)

__all__ = ["ENDPOINTS", "SCOPES", "support_table"]

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
    tenant_settings,
)

ENDPOINTS = [endpoint for module in _MODULES for endpoint in module.endpoints.routes]

SCOPES = sorted({scope for endpoint in ENDPOINTS for scope in endpoint.scopes} - {"read:current_user"})


def support_table() -> str:
    """What is simulated, as a Markdown table made from the routes themselves."""
    rows = ["| route | scopes (any of) | arguments |", "|---|---|---|"]
    for endpoint in sorted(ENDPOINTS, key=lambda item: (item.segments, item.method)):
        route = f"`{endpoint.method} /api/v2/{'/'.join(endpoint.segments)}`"
        rows.append(f"| {route} | {', '.join(endpoint.scopes)} | {', '.join(sorted(endpoint.query))} |")
    return "\n".join(rows) + "\n"
