"""Ways to break a login behind the stack's back, one for each thing that can be wrong with a link; each mends what it broke."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.life.tenants import sql

if TYPE_CHECKING:
    from tests.life.story import Story

Way = Callable[[], AbstractContextManager[dict[str, Any]]]
"""Breaks a link as it is entered and mends it as it is left; gives what the proof is to believe of the chain."""

EXPECTED = {
    "the Management API client's secret is wrong": ("tenant", "gives no token for"),
    "the connection is disabled for the application": ("application", "is not enabled for the application"),
    "a connection is configured that is gone": ("application", "has no connection nowhere"),
    "the application is another one": ("application", "has no application nobody"),
    "the API signs with another algorithm": ("audience", "signs with HS256"),
    "the API has another identifier": ("audience", "has no API with the identifier https://no.example"),
    "the Action is saved and not deployed": ("Actions", "has changes that are not deployed"),
    "the sync binding is removed": ("login flow", "the sync Action is not bound"),
    "the claims binding is removed": ("login flow", "the claims Action is not bound"),
    "the bindings are swapped": ("login flow", "the claims Action runs before the sync Action"),
    "the admin secret is wrong": ("Hasura", "refuses the admin secret"),
    "Hasura is elsewhere": ("Hasura", "cannot be reached"),
    "Hasura expects another audience": ("token verification", "JWTNotInAudience"),
    "the database is elsewhere": ("users table", "the database cannot be reached"),
    "the unique constraint is dropped": ("users table", "lacks the unique constraint users_federated_id_key"),
    "the table is renamed": ("users table", "has no table public.users"),
    "the table is untracked": ("Hasura metadata", "is not tracked by Hasura"),
    "a permission is dropped": ("Hasura metadata", "auth0_sync has no insert permission"),
    "the Action has another admin secret": ("sync", "no row came to public.users"),
    "the Action's code is another": ("sync", "no row came to public.users"),
    "Hasura's role may not write": ("sync", "no row came to public.users"),
    "people see each other's rows": ("sync", "where it must see exactly its own"),
}
"""Broken link, and what its sentence says was found."""


def ways(story: Story) -> dict[str, Way]:
    """All ways, by what is wrong."""
    chain, tenant, hasura = story.chain, story.tenant, story.hasura
    sync, claims = chain["sync_action_id"], chain["claims_action_id"]
    users = {"source": "default", "table": {"schema": "public", "name": "users"}}

    def believing(**differently: Any) -> Way:
        @contextmanager
        def way() -> Iterator[dict[str, Any]]:
            yield differently

        return way

    def doing(break_it: Callable[[], Any], mend_it: Callable[[], Any]) -> Way:
        @contextmanager
        def way() -> Iterator[dict[str, Any]]:
            break_it()
            try:
                yield {}
            finally:
                mend_it()

        return way

    connection = tenant.call("GET", "connections?name=Username-Password-Authentication")[0]["id"]

    def enable(status: bool) -> None:
        body = [{"client_id": chain["client_id"], "status": status}]
        tenant.call("PATCH", f"connections/{connection}/clients", body)

    api = f"resource-servers/{quote(chain['audience'], safe='')}"
    code = tenant.call("GET", f"actions/actions/{sync}")["code"]
    bound = tenant.bound()
    secrets = story.action_secrets("login-sync-user")
    wrong = [
        {**item, "value": "wrong"} if item["name"] == "HASURA_GRAPHQL_ADMIN_SECRET" else item
        for item in secrets
    ]
    metadata = hasura.export()
    permission = {"columns": ["federated_id"], "filter": {}}

    def put_back() -> None:
        hasura.metadata("replace_metadata", {"metadata": metadata})

    def select(permission: dict[str, Any]) -> None:
        hasura.metadata("pg_drop_select_permission", {**users, "role": "user"})
        hasura.metadata("pg_create_select_permission", {**users, "role": "user", "permission": permission})

    def statement(text: str) -> Callable[[], Any]:
        return lambda: sql(story.database, text)

    return {
        "the Management API client's secret is wrong": believing(management_client_secret="wrong"),
        "the connection is disabled for the application": doing(lambda: enable(False), lambda: enable(True)),
        "a connection is configured that is gone": believing(connections=["nowhere"]),
        "the application is another one": believing(client_id="nobody"),
        "the API signs with another algorithm": doing(
            lambda: tenant.call("PATCH", api, {"signing_alg": "HS256"}),
            lambda: tenant.call("PATCH", api, {"signing_alg": "RS256"}),
        ),
        "the API has another identifier": believing(audience="https://no.example"),
        "the Action is saved and not deployed": doing(
            lambda: tenant.call("PATCH", f"actions/actions/{sync}", {"code": f"{code}\n// x"}),
            lambda: tenant.change_action(sync, code=code),
        ),
        "the sync binding is removed": doing(
            lambda: tenant.bind([item for item in bound if item[0] != sync]), lambda: tenant.bind(bound)
        ),
        "the claims binding is removed": doing(
            lambda: tenant.bind([item for item in bound if item[0] != claims]), lambda: tenant.bind(bound)
        ),
        "the bindings are swapped": doing(lambda: tenant.bind(bound[::-1]), lambda: tenant.bind(bound)),
        "the admin secret is wrong": believing(hasura_admin_secret="wrong"),
        "Hasura is elsewhere": believing(hasura_endpoint="http://127.0.0.1:1"),
        "Hasura expects another audience": doing(
            lambda: story.expect_audience("https://elsewhere.example"),
            lambda: story.expect_audience(chain["audience"]),
        ),
        "the database is elsewhere": believing(database_url="postgres://me:pw@127.0.0.1:1/app"),
        "the unique constraint is dropped": doing(
            statement("ALTER TABLE users DROP CONSTRAINT users_federated_id_key"),
            statement("ALTER TABLE users ADD CONSTRAINT users_federated_id_key UNIQUE (federated_id)"),
        ),
        "the table is renamed": doing(
            statement("ALTER TABLE users RENAME TO people"), statement("ALTER TABLE people RENAME TO users")
        ),
        "the table is untracked": doing(
            lambda: hasura.metadata("pg_untrack_table", {**users, "cascade": True}), put_back
        ),
        "a permission is dropped": doing(
            lambda: hasura.metadata("pg_drop_insert_permission", {**users, "role": "auth0_sync"}), put_back
        ),
        "the Action has another admin secret": doing(
            lambda: tenant.change_action(sync, secrets=wrong),
            lambda: tenant.change_action(sync, secrets=secrets),
        ),
        "the Action's code is another": doing(
            lambda: tenant.change_action(sync, code="exports.onExecutePostLogin = async () => {};"),
            lambda: tenant.change_action(sync, code=code),
        ),
        "Hasura's role may not write": doing(
            statement(f"REVOKE UPDATE ON users FROM {story.role}"),
            statement(f"GRANT UPDATE ON users TO {story.role}"),
        ),
        "people see each other's rows": doing(lambda: select(permission), put_back),
    }
