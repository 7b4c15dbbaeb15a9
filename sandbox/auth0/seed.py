"""What a tenant has from its first day: its Management API, a machine client for it, a database connection."""

from __future__ import annotations

from sandbox.auth0.management import ids
from sandbox.auth0.management.catalog import SCOPES
from sandbox.auth0.management.clients import management_client
from sandbox.auth0.management.connections import new_connection
from sandbox.auth0.management.resource_servers import DEFAULTS
from sandbox.auth0.store import Document
from sandbox.auth0.tenant import DEFAULT_CONNECTION, Tenant

__all__ = ["seed"]


def seed(tenant: Tenant) -> None:
    """Write what is missing; what is there stays, but the machine client's secret is always the configured one."""
    store = tenant.store
    with store.lock:
        client = store.get("client", tenant.management_client_id) or management_client(tenant)
        client["client_secret"] = tenant.management_client_secret
        store.put("client", tenant.management_client_id, client)
        servers = [server for server in store.all("resource_server") if server.get("is_system")]
        server = servers[0] if servers else {"id": ids.hex_id(), **DEFAULTS}
        # The port of the sandbox is part of the audience: it follows the tenant when it moves.
        server |= {
            "name": "Auth0 Management API",
            "identifier": tenant.management_audience,
            "is_system": True,
            "scopes": [
                {"value": scope, "description": scope.replace(":", " ").capitalize()} for scope in SCOPES
            ],
        }
        store.put("resource_server", server["id"], server)
        grants = store.find("client_grant", client_id=tenant.management_client_id)
        grant: Document = (
            grants[0] if grants else {"id": ids.short_id("cgr"), "client_id": tenant.management_client_id}
        )
        grant |= {"audience": tenant.management_audience, "scope": SCOPES, "subject_type": "client"}
        store.put("client_grant", grant["id"], grant)
        if not store.find("connection", name=DEFAULT_CONNECTION):
            connection = new_connection({"name": DEFAULT_CONNECTION, "strategy": "auth0"})
            store.put("connection", connection["id"], connection)
