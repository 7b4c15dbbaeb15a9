"""Applications: `/api/v2/clients`.

Defaults and merges follow recorded answers: an object that is patched is merged where the API merges it
(`jwt_configuration`, `client_metadata`, `mobile` …), replaced elsewhere; `null` removes a property.
"""

from __future__ import annotations

from typing import Any

from sandbox.auth0.management import ids
from sandbox.auth0.management.client_schema import ADDED_DEFAULTS, CREATE, MERGED, UPDATE
from sandbox.auth0.management.endpoints import Call, Endpoints, Reply
from sandbox.auth0.management.errors import ApiError, bad_request, not_found
from sandbox.auth0.management.merge import merged
from sandbox.auth0.management.paging import (
    CHECKPOINT,
    FIELDS,
    PAGE,
    checkpoint_page,
    flag_argument,
    page,
    pick,
)
from sandbox.auth0.store import Document, Store, public
from sandbox.auth0.tenant import Tenant

__all__ = ["endpoints", "existing", "management_client", "named_credentials", "shown"]

endpoints = Endpoints()

_READ = ("read:clients", "read:client_keys")
_CONFIDENTIAL = ("client_secret_post", "client_secret_basic")
_ALL_GRANTS = ["authorization_code", "implicit", "refresh_token", "client_credentials"]


def existing(store: Store, client_id: str) -> Document:
    """The client. Raises ApiError 404 where there is none."""
    client = store.get("client", client_id)
    if client is None:
        raise not_found("The client does not exist", "inexistent_client")
    return client


def shown(client: Document, scopes: set[str]) -> Document:
    """The client as this token may see it: keys need `read:client_keys`; a client that proves itself with
    a key or a certificate has no secret to show."""
    answer: Document = public(client)
    if "read:client_keys" not in scopes or "client_authentication_methods" in client:
        answer.pop("client_secret", None)
    return answer


@endpoints("GET", "/clients", _READ, (*PAGE, *CHECKPOINT, *FIELDS, "is_global", "is_first_party", "app_type"))
def list_clients(call: Call) -> Any:
    """All clients that fit the filters."""
    clients = [shown(client, call.scopes) for client in call.store.all("client")]
    for name in ("is_global", "is_first_party"):
        if name in call.query:
            wanted = flag_argument(call.query, name)
            clients = [client for client in clients if client.get(name, False) == wanted]
    if "app_type" in call.query:
        kinds = call.query["app_type"].split(",")
        clients = [client for client in clients if client.get("app_type") in kinds]
    clients = [pick(call.query, client) for client in clients]
    if "take" in call.query or "from" in call.query:
        return checkpoint_page(call.query, clients, "clients")
    return page(call.query, clients, "clients")


@endpoints("POST", "/clients", ("create:clients",))
def create_client(call: Call) -> Reply:
    """A new client, with the defaults of the API."""
    body = call.checked(CREATE)
    given = {key: value for key, value in body.items() if value is not None and key != "client_secret"}
    strict = given.get("is_first_party") is False and given.get("third_party_security_mode") == "strict"
    client_id = ids.short_id("tpc", 22) if strict else ids.client_id()
    client = {
        **_defaults(given),
        **given,
        "client_id": client_id,
        "client_secret": body.get("client_secret") or ids.client_secret(),
    }
    for name, defaults in ADDED_DEFAULTS.items():
        if name in given:
            client[name] = {**defaults, **given[name]}
    if "refresh_token" in given:
        client["refresh_token"] = {**_refresh_token(given), **given["refresh_token"]}
    _check_references(call.store, client)
    _tidy(client)
    call.store.put("client", client_id, client)
    _link_resource_server(call.store, client)
    return Reply(201, shown(client, {*call.scopes, "read:client_keys"}))


@endpoints("GET", "/clients/{id}", _READ, FIELDS)
def get_client(call: Call) -> Document:
    """One client, or some of its fields."""
    return pick(call.query, shown(existing(call.store, call.params["id"]), call.scopes))


@endpoints("PATCH", "/clients/{id}", ("update:clients", "update:client_keys"))
def update_client(call: Call) -> Document:
    """Change what is named, keep the rest."""
    with call.store.lock:
        client = existing(call.store, call.params["id"])
        body = call.checked(UPDATE, partial=True)
        if "oidc_backchannel_logout" in body and body["oidc_backchannel_logout"] is None:
            body = {**body, "oidc_logout": None}
        if isinstance(body.get("session_transfer"), dict) and "session_transfer" not in client:
            client["session_transfer"] = ADDED_DEFAULTS["session_transfer"]
        changed = merged(client, body, deep=MERGED)
        _check_references(call.store, changed)
        _tidy(changed)
        if "client_authentication_methods" in body or "signed_request_object" in body:
            _check_credentials(call.store, changed)
        call.store.put("client", client["client_id"], changed)
    return shown(changed, call.scopes)


@endpoints("DELETE", "/clients/{id}", ("delete:clients",))
def delete_client(call: Call) -> Reply:
    """Remove a client with its grants, credentials and its place in connections; 204 where it is gone already."""
    client_id = call.params["id"]
    if client_id == call.tenant.management_client_id:
        raise ApiError(
            403, "The sandbox's own management client cannot be deleted", "operation_not_supported"
        )
    store = call.store
    with store.lock:
        store.delete("client", client_id)
        for kind in ("client_grant", "client_credential"):
            field = "client_id" if kind == "client_grant" else "_client_id"
            for document in store.find(kind, **{field: client_id}):
                store.delete(kind, document["id"])
        for connection in store.all("connection"):
            if client_id in connection.get("_enabled_clients", []):
                connection["_enabled_clients"].remove(client_id)
                store.put("connection", connection["id"], connection)
        for server in store.find("resource_server", client_id=client_id):
            del server["client_id"]
            store.put("resource_server", server["id"], server)
    return Reply(204)


@endpoints("POST", "/clients/{id}/rotate-secret", ("update:client_keys",))
def rotate_secret(call: Call) -> Document:
    """A new secret; the old one stops at once."""
    with call.store.lock:
        client = existing(call.store, call.params["id"])
        client["client_secret"] = ids.client_secret()
        call.store.put("client", client["client_id"], client)
    return shown(client, {*call.scopes, "read:client_keys"})


def _defaults(given: Document) -> Document:
    kind = given.get("app_type")
    third_party = given.get("is_first_party") is False
    conformant = third_party or kind in ("resource_server", "express_configuration")
    jwt: Document = {"secret_encoded": False}
    if conformant and not third_party:
        jwt["alg"] = "RS256"
    elif third_party and given.get("third_party_security_mode") == "strict":
        jwt.update(alg="RS256", lifetime_in_seconds=3600)
    elif "jwt_configuration" not in given:
        jwt["lifetime_in_seconds"] = 36000
    defaults: Document = {
        "is_first_party": True,
        "is_token_endpoint_ip_header_trusted": False,
        "oidc_conformant": conformant,
        "jwt_configuration": jwt,
        "sso_disabled": False,
        "cross_origin_authentication": False,
        "grant_types": _grants(given),
        "custom_login_page_on": True,
        "refresh_token": _refresh_token(given),
    }
    if third_party:
        defaults["third_party_security_mode"] = "permissive"
    if kind == "express_configuration":
        defaults |= {
            "callbacks": ["https://system-admin.okta.com/admin/app/generic/oauth20redirect"],
            "organization_usage": "require",
            "organization_require_behavior": "pre_login_prompt",
            "client_authentication_methods": {"private_key_jwt": {"credentials": []}},
        }
    return defaults


def _grants(given: Document) -> list[str]:
    kind, method = given.get("app_type"), given.get("token_endpoint_auth_method")
    if kind == "resource_server":
        return []
    if kind == "express_configuration":
        return ["authorization_code", "client_credentials"]
    if given.get("third_party_security_mode") == "strict":
        return ["authorization_code"]
    is_public = method == "none" or (method is None and kind in ("native", "spa"))
    return _ALL_GRANTS[:3] if is_public else list(_ALL_GRANTS)


def _refresh_token(given: Document) -> Document:
    """Defaults: a confidential client's refresh tokens live a year, others' a month; a third party's rotate."""
    confidential = given.get("token_endpoint_auth_method") in _CONFIDENTIAL
    lifetime, idle = (31557600, 2592000) if confidential else (2592000, 1296000)
    third_party = given.get("is_first_party") is False
    strict = third_party and given.get("third_party_security_mode") == "strict"
    rotating = third_party and not confidential
    return {
        "rotation_type": "rotating" if rotating else "non-rotating",
        "expiration_type": "expiring" if rotating or strict else "non-expiring",
        "leeway": 0,
        "token_lifetime": lifetime,
        "infinite_token_lifetime": not rotating,
        "infinite_idle_token_lifetime": not (rotating or strict),
        "idle_token_lifetime": idle,
    }


def _tidy(client: Document) -> None:
    """What the API derives: an empty login URI is none, back-channel logout is shown under its old name too."""
    if client.get("initiate_login_uri") == "":
        del client["initiate_login_uri"]
    urls = (client.get("oidc_logout") or {}).get("backchannel_logout_urls")
    if urls is not None:
        client["oidc_backchannel_logout"] = {"backchannel_logout_urls": urls}
    else:
        client.pop("oidc_backchannel_logout", None)


def _check_references(store: Store, client: Document) -> None:
    identifier = client.get("resource_server_identifier")
    if identifier is not None and not store.find("resource_server", identifier=identifier):
        raise bad_request("The resource server does not exist", "inexistent_resource_server")


def _check_credentials(store: Store, client: Document) -> None:
    """Every credential that a client names must be its own."""
    for ident in named_credentials(client):
        credential = store.get("client_credential", ident)
        if credential is None or credential["_client_id"] != client["client_id"]:
            raise bad_request(f"The credential {ident} does not exist", "inexistent_credential")


def named_credentials(client: Document) -> list[str]:
    """Identifiers of the credentials that a client proves itself or signs its requests with."""
    holders = [
        *(client.get("client_authentication_methods") or {}).values(),
        client.get("signed_request_object"),
    ]
    return [item["id"] for holder in holders for item in (holder or {}).get("credentials") or []]


def _link_resource_server(store: Store, client: Document) -> None:
    """The API that a client stands for shows that client."""
    if client.get("app_type") != "resource_server":
        return
    for server in store.find("resource_server", identifier=client.get("resource_server_identifier")):
        server["client_id"] = client["client_id"]
        store.put("resource_server", server["id"], server)


def management_client(tenant: Tenant) -> Document:
    """The seeded machine client that opens the Management API."""
    given: Document = {
        "name": "Sandbox Management",
        "app_type": "non_interactive",
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["client_credentials"],
        "oidc_conformant": True,
        "jwt_configuration": {"secret_encoded": False, "alg": "RS256", "lifetime_in_seconds": 36000},
    }
    return {
        **_defaults(given),
        **given,
        "client_id": tenant.management_client_id,
        "client_secret": tenant.management_client_secret,
    }
