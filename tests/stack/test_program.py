"""Rules that every deployment keeps, whatever the configuration says. Source: the promises in the project's design."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.kit.values import Secret, reveal
from tests.stack.program import (
    APPLICATION_SECRET,
    CLOUD_TOKEN,
    DATABASE_URL,
    MANAGEMENT_SECRET,
    SELF_HOSTED,
    Deployment,
    deploy,
    leaks,
    redeploy,
)

ACTION = "auth0:index/action:Action"
BINDING = "auth0:index/triggerAction:TriggerAction"
CLIENT = "auth0:index/client:Client"
CREDENTIALS = "auth0:index/clientCredentials:ClientCredentials"
GRANT = "postgresql:index/grant:Grant"
ROLE = "postgresql:index/role:Role"
SCHEMA = "postgresql:index/schema:Schema"
TABLE = "pgschema:index:Table"
METADATA = "hasura:index:Metadata"
ENVIRONMENT = "hasura:index:CloudEnvironment"
STASH = "pulumi:index:Stash"

VARIANTS: dict[str, dict[str, Any]] = {
    "nextjs on Hasura Cloud": {},
    "single page, self-hosted": {"framework": "spa", "hasura": SELF_HOSTED},
    "schema of its own, dropped": {"usersTable": {"schema": "app", "name": "people", "onDestroy": "drop"}},
    "many roles, connections and columns": {
        "roles": {"default": "user", "allowed": ["user", "reader"], "mapping": {"Editors": "editor"}},
        "connections": ["con_0123456789abcdef", "Username-Password-Authentication"],
        "claims": {"x-hasura-org-id": "organization.id"},
        "usersTable": {"columns": [{"name": "motto", "type": "text", "editable": True}]},
        "sync": {"columns": {"auth0_updated_at": "user.updated_at", "city": "user.user_metadata.city"}},
    },
    "no role of its own": {
        "hasura": {**SELF_HOSTED, "databaseRole": "none"},
        "usersTable": {"columns": []},
    },
}


@pytest.fixture(scope="module", params=VARIANTS)
def deployed(request: pytest.FixtureRequest) -> Deployment:
    """Every variant: the rules below hold for each."""
    return deploy(**VARIANTS[request.param])


@pytest.fixture(scope="module")
def plain() -> Deployment:
    """The configuration that has nothing but what is required."""
    return deploy()


def table_metadata(deployment: Deployment) -> dict[str, Any]:
    (source,) = deployment.one(METADATA).plain("fragment")["sources"]
    (table,) = source["tables"]
    assert isinstance(table, dict)
    return table


def permissions(deployment: Deployment, kind: str) -> dict[str, dict[str, Any]]:
    return {
        item["role"]: item["permission"] for item in table_metadata(deployment).get(f"{kind}_permissions", [])
    }


def test_every_resource_and_every_call_names_its_provider(deployed):
    """None runs with a default provider, which would take its settings from somebody's environment."""
    for resource in deployed.resources:
        package = resource.type.split(":")[0]
        if resource.custom and package != "pulumi":
            assert f"pulumi:providers:{package}::{package}::" in resource.provider, resource.urn
    for token, provider in deployed.invokes:
        assert f"::{token.split(':')[0]}::" in provider, token


def test_secrets_leave_the_program_as_secrets_only(deployed):
    """No credential stands in an input or an output outside a secret, be it as a part of a longer text."""
    for place, tree in deployed.everything():
        assert leaks(tree) == [], place


def test_the_password_of_hasuras_role_is_secret_wherever_it_is_used(plain):
    """It is made by the program, once: in the role, the connection URL, and what the proof and the exports know."""
    password = plain.one(STASH, "users-hasura-password").plain("input")
    assert len(password) >= 32
    assert isinstance(plain.one(ROLE).inputs["password"], Secret)
    assert password in plain.one(ENVIRONMENT).plain("variables")["PG_DATABASE_URL"]
    for place, tree in plain.everything():
        assert leaks(tree, (password,)) == [], place


def test_an_actions_secrets_are_secrets_all_of_them(deployed):
    """Even the harmless ones: Auth0 hides them, and the preview does, too."""
    for action in deployed.of(ACTION):
        secrets = action.inputs["secrets"]
        values = secrets.value if isinstance(secrets, Secret) else secrets
        hidden = [isinstance(secrets, Secret) or isinstance(item["value"], Secret) for item in values]
        assert hidden and all(hidden), action.name


def test_providers_get_their_credentials_as_secrets(plain):
    """Each plugin has what it needs, marked."""
    for package, key in (
        ("auth0", "clientSecret"),
        ("postgresql", "password"),
        ("pgschema", "url"),
        ("hasura", "adminSecret"),
        ("hasura", "cloudToken"),
    ):
        assert isinstance(plain.one(f"pulumi:providers:{package}").inputs[key], Secret), (package, key)


def test_the_application_is_as_strict_as_auth0_allows(deployed):
    """Conformant, signed with RS256, and no grant but the two of a login: not the implicit flow, no password grant."""
    client = deployed.one(CLIENT)
    assert client.plain("oidcConformant") is True
    assert client.plain("jwtConfiguration")["alg"] == "RS256"
    assert sorted(client.plain("grantTypes")) == ["authorization_code", "refresh_token"]


def test_a_browser_application_has_no_secret_and_a_server_has():
    """A single-page application authenticates with PKCE alone, and is of Auth0's type spa."""
    browser, server = deploy(framework="spa"), deploy()
    assert browser.one(CREDENTIALS).plain("authenticationMethod") == "none"
    assert browser.one(CLIENT).plain("appType") == "spa"
    assert server.one(CREDENTIALS).plain("authenticationMethod") == "client_secret_post"
    assert server.one(CLIENT).plain("appType") == "regular_web"
    assert server.outputs["clientSecret"] == Secret(APPLICATION_SECRET)


@pytest.mark.parametrize(
    ("changes", "callbacks", "logout", "origins"),
    [
        (
            {"framework": "nextjs"},
            ["https://app.example.com/auth/callback", "http://localhost:3000/auth/callback"],
            ["https://app.example.com", "http://localhost:3000"],
            ["https://app.example.com", "http://localhost:3000"],
        ),
        (
            {"framework": "nextjs-v3", "appUrls": ["https://a.example.com/"]},
            ["https://a.example.com/api/auth/callback"],
            ["https://a.example.com/"],
            ["https://a.example.com"],
        ),
        (
            {"framework": "spa", "appUrls": ["https://a.example.com"]},
            ["https://a.example.com"],
            ["https://a.example.com"],
            ["https://a.example.com"],
        ),
        (
            {
                "framework": "custom",
                "callbacks": ["https://a.example.com/login/done"],
                "logoutUrls": ["https://a.example.com/bye"],
                "webOrigins": ["https://a.example.com"],
            },
            ["https://a.example.com/login/done"],
            ["https://a.example.com/bye"],
            ["https://a.example.com"],
        ),
        (
            {"framework": "custom", "callbacks": ["https://a.example.com/login/done"]},
            ["https://a.example.com/login/done"],
            [],
            [],
        ),
    ],
    ids=["nextjs", "nextjs-v3", "spa", "custom", "custom with callbacks alone"],
)
def test_callback_paths_are_those_of_the_framework(changes, callbacks, logout, origins):
    """The URLs that Auth0 accepts are the ones the SDK of the framework sends, and those alone."""
    client = deploy(**changes).one(CLIENT)
    assert client.plain("callbacks") == callbacks
    assert client.plain("allowedLogoutUrls") == logout
    assert client.plain("webOrigins") == origins


def test_bindings_are_single_and_in_order_after_everything_they_need(deployed):
    """The plural binding would take over the tenant's list; the sync runs first; nothing is bound before the rest is ready."""
    assert not deployed.of("auth0:index/triggerActions:TriggerActions")
    sync, claims = (deployed.one(BINDING, name) for name in ("login-sync-user", "login-hasura-claims"))
    assert deployed.depends(claims, sync) and not deployed.depends(sync, claims)
    for type in (METADATA, TABLE, ENVIRONMENT, CREDENTIALS, "auth0:index/connectionClient:ConnectionClient"):
        for resource in deployed.of(type):
            assert deployed.depends(sync, resource), type
    proof = deployed.one(STASH, "proof")
    assert all(deployed.depends(proof, earlier) for earlier in deployed.of(BINDING))


def test_the_first_deployment_goes_from_the_database_outwards(deployed):
    """Table, then grants, then environment and metadata, then Actions; a destroy takes the reverse."""
    table, metadata = deployed.one(TABLE), deployed.one(METADATA)
    assert deployed.depends(metadata, table)
    for earlier in (*deployed.of(GRANT), *deployed.of(ENVIRONMENT)):
        assert deployed.depends(metadata, earlier), earlier.name
    for action in deployed.of(ACTION):
        assert deployed.depends(action, metadata), action.name


def test_both_actions_are_deployed_for_the_runtime_they_are_tested_with(deployed):
    """A saved Action that is not deployed does nothing."""
    actions = deployed.of(ACTION)
    assert len(actions) == 2
    for action in actions:
        assert action.plain("deploy") is True and action.plain("runtime") == "node22"
        assert action.plain("supportedTriggers") == {"id": "post-login", "version": "v3"}


def test_the_application_that_the_actions_serve_is_ours_alone(deployed):
    """Auth0 runs a bound Action for every application of the tenant: the allow-list holds the one client of the stack."""
    for action in deployed.of(ACTION):
        values = {item["name"]: item["value"] for item in action.plain("secrets")}
        assert values["CLIENT_IDS"] == "login-client-id"


def test_the_sync_action_has_its_settings_and_the_claims_action_no_credential(plain):
    """What the sync Action gets names table, constraint, guard and role as they are declared elsewhere."""
    sync, claims = (
        {item["name"]: item["value"] for item in plain.one(ACTION, f"login-{name}").plain("secrets")}
        for name in ("sync-user", "hasura-claims")
    )
    settings = json.loads(sync["SYNC"])
    (constraint,) = plain.one(TABLE).plain("uniqueConstraints")
    assert settings["constraint"] == constraint["name"]
    assert constraint["columns"] == [settings["key"]] == ["federated_id"]
    assert settings["role"] in permissions(plain, "insert")
    assert set(settings["columns"]) == set(permissions(plain, "update")[settings["role"]]["columns"])
    assert sync["HASURA_GRAPHQL_URL"] == "https://project.hasura.app/v1/graphql"
    assert sorted(claims) == ["CLAIMS", "CLIENT_IDS", "REVISION"]


def test_hasuras_database_role_gets_privileges_by_name(deployed):
    """Never ALL, never DELETE, on the one table and its schema."""
    for grant in deployed.of(GRANT):
        assert set(grant.plain("privileges")) <= {"USAGE", "INSERT", "SELECT", "UPDATE"}, grant.name
        assert grant.plain("objectType") in ("schema", "table")
        assert grant.plain("objectType") == "schema" or grant.plain("objects") == [
            deployed.one(TABLE).plain("name")
        ]


def test_only_the_sync_role_inserts_and_nobody_deletes(deployed):
    """People's rows come from their logins alone."""
    assert set(permissions(deployed, "insert")) == {"auth0_sync"}
    assert permissions(deployed, "delete") == {}


def test_people_see_and_change_their_own_row_alone(deployed):
    """Every permission of a role that a token may carry is filtered by the user id in the token."""
    own = {"federated_id": {"_eq": "X-Hasura-User-Id"}}
    claims = json.loads(
        next(
            item["value"]
            for item in deployed.one(ACTION, "login-hasura-claims").plain("secrets")
            if item["name"] == "CLAIMS"
        )
    )
    people = {claims["defaultRole"], *claims["allowedRoles"], *claims["roleMap"].values()}
    assert set(permissions(deployed, "select")) == people
    for role, permission in permissions(deployed, "select").items():
        assert permission["filter"] == own, role
    for role, permission in permissions(deployed, "update").items():
        if role != "auth0_sync":
            assert role in people
            assert permission["filter"] == own and permission["check"] == own, role


def test_the_row_that_holds_the_identity_cannot_be_changed_by_anybody(deployed):
    """Whoever could change the key could become somebody else."""
    protected = {"federated_id", "id", "created_at", "updated_at"}
    for role, permission in permissions(deployed, "update").items():
        assert not protected & set(permission["columns"]), role


def test_the_sync_role_reads_nothing_and_never_overwrites_newer_data(deployed):
    """No select permission; its update filter compares the stored profile's age with that of the incoming one."""
    assert "auth0_sync" not in permissions(deployed, "select")
    update = permissions(deployed, "update")["auth0_sync"]
    assert update["filter"] == {
        "_or": [
            {"auth0_updated_at": {"_is_null": True}},
            {"auth0_updated_at": {"_lte": "X-Hasura-Profile-Updated-At"}},
        ]
    }
    assert "auth0_updated_at" in update["columns"]


def test_permissions_name_columns_that_the_table_has(deployed):
    """And the constraint that the upsert names lies on one of them."""
    columns = {column["name"] for column in deployed.one(TABLE).plain("columns")}
    for kind in ("select", "insert", "update"):
        for role, permission in permissions(deployed, kind).items():
            assert set(permission["columns"]) <= columns, (kind, role)


def test_hasura_accepts_tokens_of_this_tenant_for_this_api_only(deployed):
    """Algorithm, keys, audience and issuer are pinned; Auth0's issuer ends with a slash."""
    pinned = json.loads(reveal(deployed.outputs["hasuraEnv"])["HASURA_GRAPHQL_JWT_SECRET"])
    assert pinned == {
        "type": "RS256",
        "jwk_url": "https://tenant.eu.auth0.com/.well-known/jwks.json",
        "audience": "https://api.example.com",
        "issuer": "https://tenant.eu.auth0.com/",
        "claims_namespace": "https://hasura.io/jwt/claims",
    }
    api = deployed.one("auth0:index/resourceServer:ResourceServer")
    assert api.plain("identifier") == pinned["audience"] and api.plain("signingAlg") == "RS256"


def test_a_cloud_project_gets_the_variables_that_others_find_as_an_output():
    """On Hasura Cloud they are a resource; for an engine of one's own they are the secret output `hasuraEnv`."""
    cloud, own = deploy(), deploy(hasura=SELF_HOSTED)
    exported = {item.plain("variables")["HASURA_GRAPHQL_JWT_SECRET"] for item in cloud.of(ENVIRONMENT)}
    assert not own.of(ENVIRONMENT)
    for deployment in (cloud, own):
        assert isinstance(deployment.outputs["hasuraEnv"], Secret)
        assert reveal(deployment.outputs["hasuraEnv"])["HASURA_GRAPHQL_JWT_SECRET"] in exported
        assert set(reveal(deployment.outputs["hasuraEnv"])) == {
            "HASURA_GRAPHQL_JWT_SECRET",
            "PG_DATABASE_URL",
        }


def test_a_schema_is_made_unless_it_is_public():
    """And the table waits for it."""
    assert not deploy().of(SCHEMA)
    deployment = deploy(usersTable={"schema": "app"})
    assert deployment.depends(deployment.one(TABLE), deployment.one(SCHEMA))
    assert deployment.one(SCHEMA).plain("name") == deployment.one(TABLE).plain("schema") == "app"
    names = next(
        json.loads(item["value"])
        for item in deployment.one(ACTION, "login-sync-user").plain("secrets")
        if item["name"] == "SYNC"
    )
    assert names["table"] == "app_users"  # Hasura's root field of a table outside `public`


def test_rows_outlive_a_destroy_unless_the_configuration_says_drop():
    """`keep` is the default: table and schema stay, the credentials of the deployment go."""
    kept = deploy(usersTable={"schema": "app"})
    assert kept.one(TABLE).retained and kept.one(TABLE).plain("onDelete") == "keep"
    assert kept.one(SCHEMA).retained
    assert not any(item.retained for item in (*kept.of(ROLE), *kept.of(GRANT), *kept.of(METADATA)))
    dropped = deploy(usersTable={"schema": "app", "onDestroy": "drop"})
    assert not any(item.retained for item in dropped.resources)
    assert dropped.one(TABLE).plain("onDelete") == "drop"


def test_without_a_role_of_its_own_hasura_connects_as_the_owner():
    """`databaseRole: none` is for servers that let nobody make a role."""
    deployment = deploy(hasura={**SELF_HOSTED, "databaseRole": "none"})
    assert not deployment.of(ROLE) and not deployment.of(GRANT)
    assert reveal(deployment.outputs["hasuraEnv"])["PG_DATABASE_URL"] == DATABASE_URL
    assert deploy(hasura={**SELF_HOSTED, "databaseRole": "reader"}).one(ROLE).plain("name") == "reader"
    assert deploy().one(ROLE).plain("name") == "hasura_dev_1"  # by default named for the stack


def test_connections_given_by_id_need_no_call_to_the_tenant():
    """A preview of such a stack asks nobody."""
    assert deploy(connections=["con_0123456789abcdef"]).invokes == []


def test_the_proof_runs_before_its_value_is_stored(deployed):
    """So that a failed proof is tried again at the next `up`; what it knows of the way is a secret."""
    proof = deployed.one(STASH, "proof")
    assert proof.hooks == ("proof-proof", "proof-proof")
    assert isinstance(proof.inputs["input"], Secret)


def test_the_proof_is_repeated_when_something_on_the_way_changes():
    """An `up` that changes only the application's URL proves nothing; one that changes the way does."""

    def way(**changes: Any) -> Any:
        return redeploy(**changes).one(STASH, "proof").plain("input")

    first = way()
    assert way() == first
    assert way(appUrls=["https://b.example.com"]) == first
    for change in (
        {"audience": "https://other.example.com"},
        {"sync": {"onFailure": "allow"}},
        {"usersTable": {"name": "people"}},
        {"claims": {"x-hasura-org-id": "organization.id"}},
        {"databaseUrl": DATABASE_URL.replace("db.example.com", "db2.example.com")},
    ):
        assert way(**change) != first, change


def test_the_proof_is_repeated_when_a_deployment_changes_anything_on_the_way(deployed):
    """A repair of drift changes resources and no word of the configuration: each of them reports that it was made or changed."""
    (revision,) = [item for item in deployed.of(STASH) if item.name == "proof-revision"]
    on_the_way = [item for item in deployed.resources if item.custom and not item.type.startswith("pulumi:")]
    assert len(on_the_way) >= 10
    for resource in on_the_way:
        assert resource.reports == ("login-changes", "login-changes"), resource.urn
        assert deployed.depends(revision, resource), resource.urn
    assert deployed.depends(deployed.one(STASH, "proof"), revision)


def test_outputs_tell_an_application_what_it_needs(plain):
    """Client id, audience and issuer in the open; the client's secret and the environment as secrets."""
    assert plain.outputs["clientId"] == "login-client-id"
    assert plain.outputs["issuer"] == "https://tenant.eu.auth0.com/"
    assert plain.outputs["audience"] == "https://api.example.com"
    assert plain.outputs["usersTable"] == "public.users"
    for name in ("clientSecret", "hasuraEnv"):
        assert isinstance(plain.outputs[name], Secret), name
    assert CLOUD_TOKEN not in str(reveal(plain.outputs))  # nobody but the provider needs it
    assert MANAGEMENT_SECRET not in str(reveal(plain.outputs))


def test_what_a_proof_needs_to_know_is_kept_as_a_secret_that_no_failure_takes_away(plain):
    """It is a resource of its own: outputs that wait for the last resource are lost when one fails."""
    chain = plain.one(STASH, "proof-chain")
    assert isinstance(chain.inputs["input"], Secret)
    assert MANAGEMENT_SECRET in str(reveal(chain.inputs["input"]))
