"""Hasura: its environment (database, JWT configuration) and the metadata that opens to each user their own row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.users_table import KEY_COLUMN
from providers.hasura.sdk import CloudEnvironment, Metadata

CLAIMS_NAMESPACE = "https://hasura.io/jwt/claims"
SYNC_ROLE = "auth0_sync"
"""The role of the credential that syncs. It may insert and update, and never read."""

_DATABASE_VARIABLE = "PG_DATABASE_URL"
_PROFILE_AGE = "X-Hasura-Profile-Updated-At"


@dataclass(frozen=True, kw_only=True)
class HasuraProjectArgs:
    """`roles`: those that people may have in the token; each reads and edits only its own row. `project_id`: None for an engine
    that somebody else runs. `after`: what must exist before Hasura looks at the table."""

    project_id: str | None
    source: str
    database_url: pulumi.Input[str]
    domain: str
    audience: str
    schema: str
    table: str
    columns: Sequence[str]
    synced_columns: Sequence[str]
    editable_columns: Sequence[str]
    roles: Sequence[str]
    after: Sequence[pulumi.Resource]
    hooks: pulumi.ResourceHookBinding | None = None


class HasuraProject(pulumi.ComponentResource):
    """The GraphQL side. `environment`: the variables that the engine needs, secret. `ready`: what a login rests on."""

    environment: pulumi.Output[dict[str, str]]
    fragment: dict[str, Any]
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: HasuraProjectArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("auth0-hasura:index:HasuraProject", name, None, opts)
        jwt_secret = json.dumps(jwt_configuration(args.domain, args.audience), separators=(",", ":"))
        self.environment = pulumi.Output.secret(
            pulumi.Output.from_input(args.database_url).apply(
                lambda url: {_DATABASE_VARIABLE: url, "HASURA_GRAPHQL_JWT_SECRET": jwt_secret}
            )
        )
        before: list[pulumi.Resource] = list(args.after)
        if args.project_id is not None:
            environment = CloudEnvironment(
                f"{name}-environment",
                project_id=args.project_id,
                variables={
                    _DATABASE_VARIABLE: pulumi.Output.secret(args.database_url),
                    "HASURA_GRAPHQL_JWT_SECRET": pulumi.Output.secret(jwt_secret),
                },
                opts=pulumi.ResourceOptions(parent=self, hooks=args.hooks),
            )
            before.append(environment)
        self.fragment = users_fragment(args)
        metadata = Metadata(
            f"{name}-metadata",
            fragment=self.fragment,
            opts=pulumi.ResourceOptions(parent=self, depends_on=before, hooks=args.hooks),
        )
        self.ready = [*before, metadata]
        self.register_outputs({})


def jwt_configuration(domain: str, audience: str) -> dict[str, str]:
    """Hasura's JWT configuration with everything pinned.

    Without `audience` any application's token of the tenant would be accepted. Auth0's issuer ends with a slash.
    https://hasura.io/docs/2.0/auth/authentication/jwt/
    """
    return {
        "type": "RS256",
        "jwk_url": f"https://{domain}/.well-known/jwks.json",
        "audience": audience,
        "issuer": f"https://{domain}/",
        "claims_namespace": CLAIMS_NAMESPACE,
    }


def users_fragment(args: HasuraProjectArgs) -> dict[str, Any]:
    """The part of Hasura's metadata (v3) that is this stack's."""
    own_row = {KEY_COLUMN: {"_eq": "X-Hasura-User-Id"}}
    # Only a row whose profile is not newer than the incoming one is updated. Hasura ANDs this filter into ON CONFLICT's WHERE, so
    # the sync role needs no right to read the column.
    not_newer = {
        "_or": [{"auth0_updated_at": {"_is_null": True}}, {"auth0_updated_at": {"_lte": _PROFILE_AGE}}]
    }
    synced = sorted(args.synced_columns)
    touch = {"updated_at": "now()"}
    updates = [_permission(SYNC_ROLE, columns=synced, filter=not_newer, check=None, set=touch)]
    if args.editable_columns:
        editable = sorted(args.editable_columns)
        updates += [
            _permission(role, columns=editable, filter=own_row, check=own_row, set=touch)
            for role in args.roles
        ]
    return {
        "sources": [
            {
                "name": args.source,
                "kind": "postgres",
                "configuration": {"connection_info": {"database_url": {"from_env": _DATABASE_VARIABLE}}},
                "tables": [
                    {
                        "table": {"schema": args.schema, "name": args.table},
                        "select_permissions": [
                            _permission(role, columns=list(args.columns), filter=own_row)
                            for role in args.roles
                        ],
                        "insert_permissions": [
                            _permission(SYNC_ROLE, columns=sorted([KEY_COLUMN, *synced]), check={})
                        ],
                        "update_permissions": updates,
                    }
                ],
            }
        ]
    }


def _permission(role: str, **permission: Any) -> dict[str, Any]:
    return {"role": role, "permission": permission}
