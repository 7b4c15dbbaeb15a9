"""Roles and permissions: `/api/v2/roles`, and those of users: `/api/v2/users/{id}/roles|permissions`.

Assignments are documents of their own (`user_role`, `user_permission`, `role_permission`), so that a change
never rewrites a user who is logging in. Lists are sorted by name (recorded).
"""

from __future__ import annotations

from typing import Any

from sandbox.auth0.management import ids, resource_servers, users
from sandbox.auth0.management.endpoints import Call, Endpoints, Reply
from sandbox.auth0.management.errors import ApiError, ValidationFailedError, bad_request, conflict, not_found
from sandbox.auth0.management.paging import CHECKPOINT, PAGE, checkpoint_page, page
from sandbox.auth0.management.schema import Table, items, json_object, text
from sandbox.auth0.store import Document, Store, public

__all__ = ["endpoints", "permissions_of", "roles_of"]

endpoints = Endpoints()

_TOTALS = ("start", "limit", "total")
_NAME = "Name of the role."
_CREATE: Table = {
    "name": text(_NAME, required=True, nullable=False, shortest=1, pattern="^[^<>]+$"),
    "description": text("Description of the role."),
    "type": text("Roles of organizations are not simulated.", enum=("tenant",)),
}
_UPDATE: Table = {
    "name": text(_NAME, nullable=False, shortest=1, pattern="^[^<>]+$"),
    "description": text("Description of the role."),
}
_PERMISSION: Table = {
    "resource_server_identifier": text(required=True, nullable=False, shortest=1),
    "permission_name": text(required=True, nullable=False, shortest=1),
}
_PERMISSIONS: Table = {
    "permissions": items(json_object(_PERMISSION, nullable=False), required=True, nullable=False, shortest=1)
}
_ROLES: Table = {"roles": items(required=True, nullable=False, shortest=1)}
_USERS: Table = {"users": items(required=True, nullable=False, shortest=1)}


def _existing(store: Store, ident: str) -> Document:
    role = store.get("role", ident)
    if role is None:
        raise not_found("The role does not exist.", "inexistent_role")
    return role


def _shown(role: Document) -> Document:
    answer: Document = public(role)
    answer["description"] = role.get("description") or ""
    return answer


def roles_of(store: Store, user_id: str) -> list[Document]:
    """The roles of a user, by name."""
    found = [store.get("role", link["role_id"]) for link in store.find("user_role", user_id=user_id)]
    return sorted((_shown(role) for role in found if role is not None), key=lambda role: str(role["name"]))


def permissions_of(store: Store, user_id: str) -> list[Document]:
    """What a user may do, with `sources`: assigned directly, or through a role."""
    merged: dict[tuple[str, str], Document] = {}
    direct = [
        (link, {"source_id": "", "source_name": "", "source_type": "DIRECT"})
        for link in store.find("user_permission", user_id=user_id)
    ]
    for role in roles_of(store, user_id):
        source = {"source_id": role["id"], "source_name": role["name"], "source_type": "ROLE"}
        direct += [(link, source) for link in store.find("role_permission", role_id=role["id"])]
    for link, source in direct:
        key = (link["resource_server_identifier"], link["permission_name"])
        merged.setdefault(key, {**_described(store, link), "sources": []})["sources"].append(source)
    return sorted(merged.values(), key=lambda item: str(item["permission_name"]))


def _described(store: Store, link: Document) -> Document:
    server = resource_servers.existing(store, link["resource_server_identifier"])
    scope: Document = next(
        (item for item in server.get("scopes", []) if item["value"] == link["permission_name"]), {}
    )
    return {
        "permission_name": link["permission_name"],
        "description": scope.get("description", ""),
        "resource_server_name": server.get("name", ""),
        "resource_server_identifier": server["identifier"],
    }


@endpoints("GET", "/roles", ("read:roles",), (*PAGE, "name_filter"))
def list_roles(call: Call) -> Any:
    """All roles whose name holds `name_filter`, whatever its case."""
    wanted = call.query.get("name_filter", "").lower()
    roles = [_shown(role) for role in call.store.all("role") if wanted in role["name"].lower()]
    return page(call.query, roles, "roles", totals=_TOTALS)


@endpoints("POST", "/roles", ("create:roles",))
def create_role(call: Call) -> Document:
    """A new role; its name is unique."""
    body = call.checked(_CREATE)
    with call.store.lock:
        if call.store.find("role", name=body["name"]):
            raise conflict("A role with this name already exists.", "role_conflict")
        role = {"id": ids.short_id("rol"), "name": body["name"], "description": body.get("description")}
        # Tenants without roles of organizations answer no `type` unless they are sent one.
        if body.get("type"):
            role["type"] = body["type"]
        call.store.put("role", role["id"], role)
    return role


@endpoints("GET", "/roles/{id}", ("read:roles",))
def get_role(call: Call) -> Document:
    """One role."""
    return _shown(_existing(call.store, call.params["id"]))


@endpoints("PATCH", "/roles/{id}", ("update:roles",))
def update_role(call: Call) -> Document:
    """Another name or description."""
    with call.store.lock:
        role = _existing(call.store, call.params["id"])
        role.update(call.checked(_UPDATE, partial=True))
        call.store.put("role", role["id"], role)
    return _shown(role)


@endpoints("DELETE", "/roles/{id}", ("delete:roles",))
def delete_role(call: Call) -> Reply:
    """Remove a role from the tenant and from its users."""
    store = call.store
    with store.lock:
        role = _existing(store, call.params["id"])
        for kind in ("user_role", "role_permission"):
            for link in store.find(kind, role_id=role["id"]):
                store.delete(kind, link["id"])
        store.delete("role", role["id"])
    return Reply(200, {})


@endpoints("GET", "/roles/{id}/users", ("read:users", "read:roles"), (*PAGE, *CHECKPOINT))
def list_role_users(call: Call) -> Any:
    """The users that have the role."""
    role = _existing(call.store, call.params["id"])
    found = [
        call.store.get("user", link["user_id"]) for link in call.store.find("user_role", role_id=role["id"])
    ]
    names = ("user_id", "email", "name", "picture")
    shown = [{name: user[name] for name in names if name in user} for user in found if user is not None]
    if "take" in call.query or "from" in call.query:
        return checkpoint_page(call.query, shown, "users")
    return page(call.query, shown, "users", totals=_TOTALS)


@endpoints("POST", "/roles/{id}/users", ("create:role_members", "update:roles"))
def add_role_users(call: Call) -> Reply:
    """Give the role to users."""
    role = _existing(call.store, call.params["id"])
    for user_id in call.checked(_USERS)["users"]:
        users.existing(call.store, user_id)
        _assign(call.store, user_id, role["id"])
    return Reply(200, {})


@endpoints("GET", "/roles/{id}/permissions", ("read:roles",), PAGE)
def list_role_permissions(call: Call) -> Any:
    """What the role allows."""
    role = _existing(call.store, call.params["id"])
    links = call.store.find("role_permission", role_id=role["id"])
    shown = sorted(
        (_described(call.store, link) for link in links), key=lambda item: str(item["permission_name"])
    )
    return page(call.query, shown, "permissions", totals=_TOTALS)


@endpoints("POST", "/roles/{id}/permissions", ("update:roles",))
def add_role_permissions(call: Call) -> Reply:
    """Let the role allow more."""
    return _grant(call, "role", _existing(call.store, call.params["id"])["id"])


@endpoints("DELETE", "/roles/{id}/permissions", ("update:roles",))
def remove_role_permissions(call: Call) -> Reply:
    """Let the role allow less."""
    return _revoke(call, "role", _existing(call.store, call.params["id"])["id"])


@endpoints("GET", "/users/{id}/roles", ("read:users", "read:roles", "read:role_members"), PAGE)
def list_user_roles(call: Call) -> Any:
    """The user's roles."""
    user = users.existing(call.store, call.params["id"])
    return page(call.query, roles_of(call.store, user["user_id"]), "roles", totals=_TOTALS)


@endpoints("POST", "/users/{id}/roles", ("update:users", "create:role_members"))
def add_user_roles(call: Call) -> Reply:
    """Give roles to the user."""
    user = users.existing(call.store, call.params["id"])
    wanted = call.checked(_ROLES)["roles"]
    for role_id in wanted:
        _existing(call.store, role_id)
    for role_id in wanted:
        _assign(call.store, user["user_id"], role_id)
    return Reply(204)


@endpoints("DELETE", "/users/{id}/roles", ("update:users", "delete:role_members"))
def remove_user_roles(call: Call) -> Reply:
    """Take roles from the user; roles that it does not have are passed over."""
    user = users.existing(call.store, call.params["id"])
    for role_id in call.checked(_ROLES)["roles"]:
        call.store.delete("user_role", f"{user['user_id']}/{role_id}")
    return Reply(204)


@endpoints("GET", "/users/{id}/permissions", ("read:users",), PAGE)
def list_user_permissions(call: Call) -> Any:
    """What the user may do, and whence."""
    user = users.existing(call.store, call.params["id"])
    return page(call.query, permissions_of(call.store, user["user_id"]), "permissions", totals=_TOTALS)


@endpoints("POST", "/users/{id}/permissions", ("update:users",))
def add_user_permissions(call: Call) -> Reply:
    """Allow the user more, directly."""
    return _grant(call, "user", users.existing(call.store, call.params["id"])["user_id"])


@endpoints("DELETE", "/users/{id}/permissions", ("update:users",))
def remove_user_permissions(call: Call) -> Reply:
    """Allow the user less; what comes through a role stays."""
    return _revoke(call, "user", users.existing(call.store, call.params["id"])["user_id"])


def _assign(store: Store, user_id: str, role_id: str) -> None:
    ident = f"{user_id}/{role_id}"
    store.put("user_role", ident, {"id": ident, "user_id": user_id, "role_id": role_id})


def _permission_id(owner: str, permission: Document) -> str:
    return f"{owner}/{permission['resource_server_identifier']}/{permission['permission_name']}"


def _grant(call: Call, kind: str, owner: str) -> Reply:
    wanted = call.checked(_PERMISSIONS)["permissions"]
    for permission in wanted:
        try:
            server = resource_servers.existing(call.store, permission["resource_server_identifier"])
        except ApiError:
            raise bad_request(
                f"The resource server with identifier {permission['resource_server_identifier']} does not exist",
                "inexistent_resource_server",
            ) from None
        if permission["permission_name"] not in [scope["value"] for scope in server.get("scopes", [])]:
            raise ValidationFailedError(
                f"Permission {permission['permission_name']} does not exist", "permissions"
            )
    for permission in wanted:
        ident = _permission_id(owner, permission)
        call.store.put(f"{kind}_permission", ident, {"id": ident, f"{kind}_id": owner, **permission})
    return Reply(201, {})


def _revoke(call: Call, kind: str, owner: str) -> Reply:
    for permission in call.checked(_PERMISSIONS)["permissions"]:
        call.store.delete(f"{kind}_permission", _permission_id(owner, permission))
    return Reply(204)
