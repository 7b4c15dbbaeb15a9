"""The stack: settings -> components -> outputs."""

from __future__ import annotations

from functools import partial
from typing import Any

import pulumi
import pulumi_auth0 as auth0
import pulumi_postgresql as postgresql

import configuration
from components.auth0_login import Auth0Login, Auth0LoginArgs
from components.hasura_project import CLAIMS_NAMESPACE, SYNC_ROLE, HasuraProject, HasuraProjectArgs
from components.login_proof import Changes, LoginProof, LoginProofArgs
from components.users_table import KEY_COLUMN, UsersTable, UsersTableArgs
from proof import prove_deployment
from providers.hasura.sdk import Provider as HasuraProvider
from providers.pgschema.sdk import Provider as PgschemaProvider
from settings import GUARD_COLUMN

configuration.end_quietly()
settings = configuration.load()
database, hasura, auth0_config = settings.database, settings.hasura, pulumi.Config("auth0")
domain = auth0_config.require("domain")
people_roles = sorted({*settings.roles.allowed, *settings.roles.mapping.values()})

changes = Changes("login")
providers = {
    "auth0": auth0.Provider(
        "auth0",
        domain=domain,
        client_id=auth0_config.require("clientId"),
        client_secret=auth0_config.require_secret("clientSecret"),
    ),
    "postgresql": postgresql.Provider(
        "postgresql",
        host=database.host,
        port=database.port,
        database=database.name,
        username=database.username,
        password=pulumi.Output.secret(database.password),
        sslmode=database.sslmode,
        superuser=False,
        connect_timeout=15,
    ),
    "pgschema": PgschemaProvider("pgschema", url=database.url),
    "hasura": HasuraProvider(
        "hasura",
        endpoint=hasura.endpoint,
        admin_secret=hasura.admin_secret,
        cloud_endpoint=hasura.cloud_endpoint,
        cloud_token=hasura.cloud_token,
    ),
}

users = UsersTable(
    "users",
    UsersTableArgs(
        settings=settings.users_table,
        database=database,
        synced_columns=list(settings.sync.columns),
        hasura_role=settings.hasura_role(pulumi.get_stack()),
        hooks=changes.hooks,
    ),
    pulumi.ResourceOptions(providers=providers),
)
graphql = HasuraProject(
    "hasura",
    HasuraProjectArgs(
        project_id=hasura.project_id if hasura.kind == "cloud" else None,
        source=hasura.source,
        database_url=users.hasura_database_url,
        domain=domain,
        audience=settings.audience,
        schema=users.schema,
        table=users.table_name,
        columns=users.column_names,
        synced_columns=list(settings.sync.columns),
        editable_columns=[column.name for column in settings.users_table.columns if column.editable],
        roles=people_roles,
        after=users.ready,
        hooks=changes.hooks,
    ),
    pulumi.ResourceOptions(providers=providers),
)
login = Auth0Login(
    "login",
    Auth0LoginArgs(
        app_name=settings.app_name,
        single_page=settings.framework == "spa",
        callbacks=settings.callback_urls(),
        logout_urls=settings.allowed_logout_urls(),
        web_origins=settings.allowed_web_origins(),
        audience=settings.audience,
        connections=settings.connections,
        graphql_url=f"{hasura.endpoint}/v1/graphql",
        admin_secret=pulumi.Output.secret(hasura.admin_secret),
        sync={
            "table": users.graphql_name,
            "constraint": users.constraint,
            "key": KEY_COLUMN,
            "columns": settings.sync.columns,
            "guard": GUARD_COLUMN,
            "role": SYNC_ROLE,
            "onFailure": settings.sync.on_failure,
            "timeoutMs": settings.sync.time_limit_ms,
            "onRefreshTokenExchange": settings.sync.on_refresh_token_exchange,
        },
        claims={
            "namespace": CLAIMS_NAMESPACE,
            "defaultRole": settings.roles.default,
            "allowedRoles": settings.roles.allowed,
            "roleMap": settings.roles.mapping,
            "claims": settings.claims,
        },
        revision=settings.actions_revision,
        after=graphql.ready,
        hooks=changes.hooks,
    ),
    pulumi.ResourceOptions(providers=providers),
)

chain: pulumi.Output[dict[str, Any]] = pulumi.Output.secret(
    pulumi.Output.all(
        domain=domain,
        management_client_id=auth0_config.require("clientId"),
        management_client_secret=auth0_config.require_secret("clientSecret"),
        client_id=login.client_id,
        audience=settings.audience,
        connections=list(settings.connections),
        sync_action_id=login.sync_action_id,
        claims_action_id=login.claims_action_id,
        hasura_endpoint=hasura.endpoint,
        hasura_admin_secret=hasura.admin_secret,
        source=hasura.source,
        database_url=database.url,
        schema=users.schema,
        table=users.table_name,
        graphql_name=users.graphql_name,
        key_column=KEY_COLUMN,
        constraint=users.constraint,
        role=settings.roles.default,
        sync_role=SYNC_ROLE,
    )
)
LoginProof(
    "proof",
    LoginProofArgs(
        way=[login.configuration, graphql.fragment, graphql.environment, settings.audience, users.constraint],
        changes=changes,
        chain=chain,
        prove=partial(prove_deployment, log=pulumi.log.info),
        after=[*login.ready, *graphql.ready],
    ),
)

pulumi.export("clientId", login.client_id)
pulumi.export("clientSecret", login.client_secret)
pulumi.export("audience", settings.audience)
pulumi.export("issuer", f"https://{domain}/")
pulumi.export("hasuraEndpoint", hasura.endpoint)
pulumi.export("hasuraEnv", graphql.environment)
pulumi.export("usersTable", f"{users.schema}.{users.table_name}")
