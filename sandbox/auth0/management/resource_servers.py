"""APIs: `/api/v2/resource-servers`, addressed by id or by identifier (URL-encoded)."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from sandbox.auth0.management import ids
from sandbox.auth0.management.endpoints import Call, Endpoints, Reply
from sandbox.auth0.management.errors import ApiError, bad_request, conflict, not_found
from sandbox.auth0.management.keys import read_pem
from sandbox.auth0.management.merge import merged
from sandbox.auth0.management.paging import CHECKPOINT, PAGE, checkpoint_page, flag_argument, page
from sandbox.auth0.management.schema import Field, Table, flag, integer, items, json_object, text
from sandbox.auth0.store import Document, Store, public

__all__ = ["DEFAULTS", "endpoints", "existing"]

endpoints = Endpoints()

_LIFETIME = "Expiration value (in seconds) for access tokens issued for this API from the token endpoint."

_SCOPE: Table = {
    "value": text("Value of this scope.", required=True, nullable=False, shortest=1, longest=280),
    "description": text("User-friendly description of this scope.", longest=500),
}

_COMMON: dict[str, Field] = {
    "name": text(
        "Friendly name for this resource server. Can not contain `<` or `>` characters.",
        longest=200,
        pattern="^[^<>]*$",
    ),
    "scopes": items(json_object(_SCOPE, nullable=False), "List of permissions (scopes) that this API uses."),
    "signing_alg": text("Algorithm used to sign JWTs.", enum=("HS256", "RS256", "RS512", "PS256")),
    "signing_secret": text(
        "Secret used to sign tokens when using symmetric algorithms (HS256).", shortest=16
    ),
    "allow_offline_access": flag("Whether refresh tokens can be issued for this API (true) or not (false)."),
    "allow_online_access": flag(),
    "allow_online_access_with_ephemeral_sessions": flag(),
    "token_lifetime": integer(_LIFETIME, smallest=0, largest=2592000),
    "token_lifetime_for_web": integer(smallest=0, largest=2592000),
    "skip_consent_for_verifiable_first_party_clients": flag(),
    "enforce_policies": flag("Whether to enforce authorization policies (true) or to ignore them (false)."),
    "token_dialect": text(
        enum=("access_token", "access_token_authz", "rfc9068_profile", "rfc9068_profile_authz")
    ),
    "token_encryption": json_object(
        {
            "format": text(required=True, enum=("compact-nested-jwe",)),
            "encryption_key": json_object(
                {
                    "name": text(),
                    "alg": text(required=True, enum=("RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512")),
                    "kid": text(),
                    "pem": text(required=True),
                    "thumbprint_sha256": text(),
                },
                required=True,
            ),
        }
    ),
    "consent_policy": text(
        enum=("transactional-authorization-with-mfa", "transactional-authorization-with-custom-ui")
    ),
    "authorization_details": items(Field("object", nullable=False)),
    "proof_of_possession": json_object(
        {
            "mechanism": text(required=True, enum=("mtls", "dpop")),
            "required": flag(required=True),
            "required_for": text(),
        }
    ),
    "subject_type_authorization": json_object(
        {
            "user": json_object({"policy": text(enum=("allow_all", "deny_all", "require_client_grant"))}),
            "client": json_object({"policy": text(enum=("deny_all", "require_client_grant"))}),
        }
    ),
    "authorization_policy": json_object(),
    "verificationLocation": text(),
}

_CREATE: Table = {
    "identifier": text(
        "Unique identifier for the API used as the audience parameter on authorization calls. Can not be changed once set.",
        required=True,
        nullable=False,
        shortest=1,
        longest=600,
    ),
    **_COMMON,
}

DEFAULTS: Document = {
    "allow_offline_access": False,
    "skip_consent_for_verifiable_first_party_clients": False,
    "subject_type_authorization": {
        "user": {"policy": "allow_all"},
        "client": {"policy": "require_client_grant"},
    },
    "token_lifetime": 86400,
    "token_lifetime_for_web": 7200,
    "signing_alg": "RS256",
}


def existing(store: Store, key: str) -> Document:
    """The API with this id or identifier. Raises ApiError 404 where there is none."""
    server = store.get("resource_server", key)
    if server is None:
        # A client that encodes twice is understood, too (recorded).
        found = store.find("resource_server", identifier=key)
        found = found or store.find("resource_server", identifier=unquote(key))
        server = found[0] if found else None
    if server is None:
        raise not_found("The resource server does not exist", "inexistent_resource_server")
    return server


@endpoints(
    "GET",
    "/resource-servers",
    ("read:resource_servers",),
    (*PAGE, *CHECKPOINT, "include_fields", "identifiers", "identifier"),
)
def list_resource_servers(call: Call) -> Any:
    """All APIs, the tenant's own Management API among them."""
    servers: list[Document] = public(call.store.all("resource_server"))
    if "identifiers" in call.query or "identifier" in call.query:
        wanted = {*call.query.get("identifiers", "").split(","), call.query.get("identifier", "")}
        servers = [server for server in servers if server["identifier"] in wanted]
    if not flag_argument(call.query, "include_fields", True):
        servers = [{"id": server["id"], "identifier": server["identifier"]} for server in servers]
    if "take" in call.query or "from" in call.query:
        return checkpoint_page(call.query, servers, "resource_servers")
    return page(call.query, servers, "resource_servers", totals=("start", "limit", "total"))


@endpoints("POST", "/resource-servers", ("create:resource_servers",))
def create_resource_server(call: Call) -> Reply:
    """A new API; its identifier is the audience that applications ask for."""
    body = call.checked(_CREATE)
    with call.store.lock:
        if call.store.find("resource_server", identifier=body["identifier"]):
            raise conflict(
                "A resource server with the same identifier already exists", "resource_server_conflict"
            )
        given = {key: value for key, value in body.items() if value is not None}
        server = {"id": ids.hex_id(), **DEFAULTS, **given}
        _tidy(server)
        call.store.put("resource_server", server["id"], server)
    return Reply(201, public(server))


@endpoints("GET", "/resource-servers/{id}", ("read:resource_servers",), ("include_fields",))
def get_resource_server(call: Call) -> Any:
    """One API."""
    return public(existing(call.store, call.params["id"]))


@endpoints("PATCH", "/resource-servers/{id}", ("update:resource_servers",))
def update_resource_server(call: Call) -> Any:
    """Change what is named; `scopes` replaces the whole list."""
    with call.store.lock:
        server = existing(call.store, call.params["id"])
        body = call.checked(_COMMON, partial=True)
        if server.get("is_system") and set(body) - {"token_lifetime", "token_lifetime_for_web"}:
            raise bad_request("Cannot update a system API", "operation_not_supported")
        # `null` brings back the default where there is one.
        changed = {**DEFAULTS, **merged(server, body)}
        if body.get("scopes", ()) is None:
            changed["scopes"] = []
        _tidy(changed)
        call.store.put("resource_server", server["id"], changed)
    return public(changed)


@endpoints("DELETE", "/resource-servers/{id}", ("delete:resource_servers",))
def delete_resource_server(call: Call) -> Reply:
    """Remove an API with its client grants; 204 where it is gone already."""
    store = call.store
    with store.lock:
        try:
            server = existing(store, call.params["id"])
        except ApiError:
            return Reply(204)
        if server.get("is_system"):
            raise bad_request("Cannot delete a system API", "operation_not_supported")
        for grant in store.find("client_grant", audience=server["identifier"]):
            store.delete("client_grant", grant["id"])
        for kind in ("role", "user"):
            _drop_permissions(store, kind, server["identifier"])
        store.delete("resource_server", server["id"])
    return Reply(204)


def _drop_permissions(store: Store, kind: str, identifier: str) -> None:
    for document in store.find(f"{kind}_permission", resource_server_identifier=identifier):
        store.delete(f"{kind}_permission", document["id"])


def _tidy(server: Document) -> None:
    """A symmetric API has a secret; of an encryption key only its thumbprint is kept to be shown."""
    if server["signing_alg"] == "HS256":
        server.setdefault("signing_secret", ids.client_secret())
    else:
        server.pop("signing_secret", None)
    key = (server.get("token_encryption") or {}).get("encryption_key", {})
    if "pem" in key:
        key["thumbprint_sha256"] = read_pem(key["pem"]).kid
        server["token_encryption"]["_pem"] = key.pop("pem")
