"""Which client may ask for which API's tokens, and with which scopes: `/api/v2/client-grants`."""

from __future__ import annotations

from typing import Any

from sandbox.auth0.management import ids, resource_servers
from sandbox.auth0.management.endpoints import Call, Endpoints, Reply
from sandbox.auth0.management.errors import ApiError, bad_request, conflict, not_found
from sandbox.auth0.management.paging import CHECKPOINT, PAGE, checkpoint_page, page
from sandbox.auth0.management.schema import Field, Table, flag, items, text
from sandbox.auth0.store import Document, Store, public

__all__ = ["endpoints"]

endpoints = Endpoints()

_COMMON: dict[str, Field] = {
    "scope": items(description="Scopes allowed for this client grant."),
    "organization_usage": text(enum=("deny", "allow", "require")),
    "allow_any_organization": flag(),
    "authorization_details_types": items(),
    "allow_all_scopes": flag(),
}
_CREATE: Table = {
    "client_id": text("ID of the client."),
    "audience": text(
        "The audience (API identifier) of this client grant", required=True, nullable=False, shortest=1
    ),
    "subject_type": text(enum=("client", "user")),
    "default_for": text(enum=("third_party_clients",)),
    **_COMMON,
}


def _existing(store: Store, ident: str) -> Document:
    grant = store.get("client_grant", ident)
    if grant is None:
        raise not_found("The client grant does not exist", "inexistent_client_grant")
    return grant


@endpoints(
    "GET",
    "/client-grants",
    ("read:client_grants",),
    (*PAGE, *CHECKPOINT, "audience", "client_id", "allow_any_organization", "subject_type", "default_for"),
)
def list_client_grants(call: Call) -> Any:
    """The grants that fit the filters."""
    grants: list[Document] = public(call.store.all("client_grant"))
    for name in ("audience", "client_id", "subject_type", "default_for"):
        if name in call.query:
            grants = [grant for grant in grants if grant.get(name) == call.query[name]]
    if "allow_any_organization" in call.query:
        wanted = call.query["allow_any_organization"] == "true"
        grants = [grant for grant in grants if grant.get("allow_any_organization", False) == wanted]
    if "take" in call.query or "from" in call.query:
        return checkpoint_page(call.query, grants, "client_grants")
    return page(call.query, grants, "client_grants", totals=("start", "limit", "total"))


@endpoints("POST", "/client-grants", ("create:client_grants",))
def create_client_grant(call: Call) -> Reply:
    """Let a client ask for tokens of an API."""
    body = call.checked(_CREATE)
    store = call.store
    with store.lock:
        if body.get("client_id") is not None:
            if store.get("client", body["client_id"]) is None:
                raise not_found("The client does not exist", "inexistent_client")
        elif body.get("default_for") is None:
            raise bad_request("Payload validation error: 'Missing required property: client_id'.")
        try:
            resource_servers.existing(store, body["audience"])
        except ApiError:
            raise bad_request(
                f"The resource server with identifier {body['audience']} does not exist",
                "inexistent_resource_server",
            ) from None
        grant = {
            "id": ids.short_id("cgr"),
            "subject_type": "client",
            **{key: value for key, value in body.items() if value is not None},
        }
        for other in store.find("client_grant", audience=grant["audience"]):
            if all(
                other.get(name) == grant.get(name) for name in ("client_id", "subject_type", "default_for")
            ):
                raise conflict(
                    "A client_grant for this client and audience already exists", "client_grant_conflict"
                )
        _tidy(grant)
        store.put("client_grant", grant["id"], grant)
    return Reply(201, grant)


@endpoints("GET", "/client-grants/{id}", ("read:client_grants",))
def get_client_grant(call: Call) -> Any:
    """One grant."""
    return public(_existing(call.store, call.params["id"]))


@endpoints("PATCH", "/client-grants/{id}", ("update:client_grants",))
def update_client_grant(call: Call) -> Any:
    """Other scopes for a grant; client and audience never change."""
    with call.store.lock:
        grant = _existing(call.store, call.params["id"])
        body = call.checked(_COMMON, partial=True)
        for name, value in body.items():
            if value is None:
                grant.pop(name, None)
            else:
                grant[name] = value
        _tidy(grant)
        call.store.put("client_grant", grant["id"], grant)
    return public(grant)


@endpoints("DELETE", "/client-grants/{id}", ("delete:client_grants",))
def delete_client_grant(call: Call) -> Reply:
    """Remove a grant; 204 where it is gone already."""
    call.store.delete("client_grant", call.params["id"])
    return Reply(204)


def _tidy(grant: Document) -> None:
    """All scopes and a list of scopes exclude each other."""
    if grant.get("allow_all_scopes"):
        grant.pop("scope", None)
