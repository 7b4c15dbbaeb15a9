"""The links of the chain in the order of a login. Each check returns what it found, or raises `BrokenLinkError`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

import psycopg

from proof.chain import Chain
from proof.errors import BrokenLinkError
from proof.http import Hasura, management_of
from proof.order import bound_actions
from proof.sync import ANEW, sync_run
from proof.tokens import verification

_REFRESH = "run `pulumi up --refresh` to put it back"


@dataclass(frozen=True)
class Link:
    """A link by name, and its check."""

    name: str
    check: Callable[[Chain], str]


def application(chain: Chain) -> str:
    """The application exists, and people can log in to it through every connection that is configured."""
    link, management = "application", management_of(chain)
    client = management.call(
        link, "GET", f"clients/{quote(chain.client_id)}?fields=client_id,name&include_fields=true"
    )
    if client is None:
        raise BrokenLinkError(link, f"Auth0 has no application {chain.client_id}", _REFRESH)
    listed = management.call(link, "GET", "connections?per_page=100&fields=id,name&include_fields=true")
    connections = listed if isinstance(listed, list) else listed["connections"]
    for wanted in chain.connections:
        found = next((item for item in connections if wanted in (item["id"], item["name"])), None)
        if found is None:
            raise BrokenLinkError(
                link, f"Auth0 has no connection {wanted}", "correct `connections` in the configuration"
            )
        enabled = management.call(link, "GET", f"connections/{found['id']}/clients?take=100")
        if chain.client_id not in [item["client_id"] for item in enabled["clients"]]:
            raise BrokenLinkError(
                link, f"the connection {wanted} is not enabled for the application", _REFRESH
            )
    return f"“{client['name']}” with {', '.join(chain.connections)}"


def audience(chain: Chain) -> str:
    """The API exists under the audience that Hasura expects, and signs as Hasura verifies."""
    link, management = "audience", management_of(chain)
    api = management.call(link, "GET", f"resource-servers/{quote(chain.audience, safe='')}")
    if api is None:
        raise BrokenLinkError(link, f"Auth0 has no API with the identifier {chain.audience}", _REFRESH)
    if api.get("signing_alg") != "RS256":
        raise BrokenLinkError(
            link,
            f"the API {chain.audience} signs with {api.get('signing_alg')}, Hasura expects RS256",
            _REFRESH,
        )
    return chain.audience


def actions(chain: Chain) -> str:
    """Both Actions exist, and what is deployed is what was last saved."""
    link, management, names = "Actions", management_of(chain), []
    for action_id in (chain.sync_action_id, chain.claims_action_id):
        action = management.call(link, "GET", f"actions/actions/{action_id}")
        if action is None:
            raise BrokenLinkError(link, f"Auth0 has no Action {action_id}", _REFRESH)
        if not action.get("all_changes_deployed"):
            found = f"the Action “{action['name']}” has changes that are not deployed"
            raise BrokenLinkError(link, found, "deploy it in Auth0, or run `pulumi up --refresh`")
        names.append(action["name"])
    return " and ".join(f"“{name}”" for name in names)


def login_flow(chain: Chain) -> str:
    """Both Actions are bound to the login, the sync before the claims."""
    link = "login flow"
    order = [binding["action"]["id"] for binding in bound_actions(management_of(chain))]
    for title, action_id in (("sync", chain.sync_action_id), ("claims", chain.claims_action_id)):
        if action_id not in order:
            raise BrokenLinkError(
                link,
                f"the {title} Action is not bound to post-login, so it does not run at a login",
                _REFRESH,
            )
    if order.index(chain.sync_action_id) > order.index(chain.claims_action_id):
        raise BrokenLinkError(
            link,
            "the claims Action runs before the sync Action",
            f"swap them in Auth0's login flow, or {ANEW}",
        )
    return "sync, then claims, bound to post-login"


def engine(chain: Chain) -> str:
    """Hasura answers, and takes the admin secret."""
    link, hasura = "Hasura", Hasura(chain)
    if hasura.call(link, "GET", "/healthz").status_code != 200:
        found = f"{chain.hasura_endpoint}/healthz reports an unhealthy engine"
        raise BrokenLinkError(link, found, "look into the engine's log")
    answer = hasura.call(link, "GET", "/v1alpha1/config")
    if answer.status_code != 200:
        raise BrokenLinkError(
            link, f"{chain.hasura_endpoint} refuses the admin secret", "correct hasura.adminSecret"
        )
    return chain.hasura_endpoint


def metadata(chain: Chain) -> str:
    """The table is tracked and consistent; people read their own row, the sync role may write."""
    link = "Hasura metadata"
    answer = Hasura(chain).call(
        link, "POST", "/v1/metadata", {"type": "export_metadata", "version": 2, "args": {}}
    )
    sources = answer.json()["metadata"]["sources"]
    tables = next((source["tables"] for source in sources if source["name"] == chain.source), None)
    if tables is None:
        raise BrokenLinkError(link, f"Hasura has no source {chain.source}", _REFRESH)
    name = {"schema": chain.schema, "name": chain.table}
    table = next((item for item in tables if item["table"] == name), None)
    if table is None:
        raise BrokenLinkError(
            link, f"the table {chain.schema}.{chain.table} is not tracked by Hasura", _REFRESH
        )
    for kind, role in (("select", chain.role), ("insert", chain.sync_role), ("update", chain.sync_role)):
        if role not in [item["role"] for item in table.get(f"{kind}_permissions", [])]:
            raise BrokenLinkError(
                link, f"the role {role} has no {kind} permission on {chain.schema}.{chain.table}", _REFRESH
            )
    inconsistent = (
        Hasura(chain)
        .call(link, "POST", "/v1/metadata", {"type": "get_inconsistent_metadata", "args": {}})
        .json()
    )
    ours = [
        item for item in inconsistent["inconsistent_objects"] if chain.table in str(item.get("name", item))
    ]
    if ours:
        reason = ours[0].get("reason", "no reason given")
        raise BrokenLinkError(link, f"Hasura calls the users table inconsistent, “{reason}”", _REFRESH)
    return f"{chain.schema}.{chain.table} tracked, roles {chain.role} and {chain.sync_role}"


def table(chain: Chain) -> str:
    """The table has the unique constraint that the upsert names."""
    link = "users table"
    query = (
        "SELECT to_regclass(format('%%I.%%I', %(schema)s::text, %(table)s::text)) IS NOT NULL, EXISTS ("
        "SELECT 1 FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace "
        "WHERE n.nspname = %(schema)s AND t.relname = %(table)s AND c.conname = %(constraint)s AND c.contype IN ('u', 'p'))"
    )
    values = {"schema": chain.schema, "table": chain.table, "constraint": chain.constraint}
    try:
        with psycopg.connect(chain.database_url, connect_timeout=10) as connection:
            row = connection.execute(query, values).fetchone()
    except psycopg.OperationalError:
        raise BrokenLinkError(
            link, "the database cannot be reached", "check that it runs and that databaseUrl is right"
        ) from None
    exists, unique = row or (False, False)
    if not exists:
        raise BrokenLinkError(link, f"Postgres has no table {chain.schema}.{chain.table}", _REFRESH)
    if not unique:
        found = f"{chain.schema}.{chain.table} lacks the unique constraint {chain.constraint}, so every login's upsert fails"
        raise BrokenLinkError(link, found, _REFRESH)
    return f"{chain.schema}.{chain.table} with {chain.constraint}"


LINKS = (
    Link("application", application),
    Link("audience", audience),
    Link("Actions", actions),
    Link("login flow", login_flow),
    Link("Hasura", engine),
    Link("token verification", verification),
    Link("users table", table),
    Link("Hasura metadata", metadata),
    Link("sync", sync_run),
)
