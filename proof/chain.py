"""What a proof needs to know of a deployment."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, eq=False)
class Chain:
    """Names and credentials along the way of a login.

    `domain`: of the tenant, without scheme. `connections`: names or ids. `graphql_name`: the table's root field in Hasura. `role`:
    Hasura role of people, `sync_role` that of the sync Action. Compared by identity: a chain has one client of the Management API.
    """

    domain: str
    management_client_id: str
    management_client_secret: str = field(repr=False)
    client_id: str
    audience: str
    connections: list[str]
    sync_action_id: str
    claims_action_id: str
    hasura_endpoint: str
    hasura_admin_secret: str = field(repr=False)
    source: str
    database_url: str = field(repr=False)
    schema: str
    table: str
    graphql_name: str
    key_column: str
    constraint: str
    role: str
    sync_role: str
