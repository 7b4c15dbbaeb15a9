"""Connections: `/api/v2/connections`, and which clients may use one.

A new client has no connection; one is enabled through `PATCH /connections/{id}/clients`. Options of an update
replace those that were there (only how one authenticates is kept); values of `configuration` are write-only.
"""

from __future__ import annotations

import base64
import secrets
from typing import Any

from sandbox.auth0.management import ids
from sandbox.auth0.management.connection_schema import CREATE, DATABASE, ENTERPRISE, SOCIAL_OR_OTHER, UPDATE
from sandbox.auth0.management.endpoints import Call, Endpoints, Reply
from sandbox.auth0.management.errors import ApiError, ValidationFailedError, bad_request, conflict, not_found
from sandbox.auth0.management.merge import deep_merge, merged
from sandbox.auth0.management.paging import CHECKPOINT, FIELDS, PAGE, checkpoint_page, page, pick
from sandbox.auth0.store import Document, Store, public

__all__ = ["DATABASE_OPTIONS", "endpoints", "existing", "new_connection"]

endpoints = Endpoints()

DATABASE_OPTIONS: Document = {
    "mfa": {"active": True, "return_enroll_settings": True},
    "strategy_version": 2,
    "authentication_methods": {
        "password": {"enabled": True, "api_behavior": "required"},
        "passkey": {"enabled": False},
    },
    "passkey_options": {
        "challenge_ui": "both",
        "progressive_enrollment_enabled": True,
        "local_enrollment_enabled": True,
    },
    "brute_force_protection": True,
}

_PASSWORD_OPTIONS: Document = {
    "complexity": {
        "character_type_rule": "all",
        "identical_characters": "allow",
        "sequential_characters": "allow",
        "max_length_exceeded": "error",
        "min_length": 15,
        "character_types": [],
    },
    "profile_data": {"active": False, "blocked_fields": []},
    "history": {"active": False, "size": 3},
    "dictionary": {"active": False, "custom": [], "default": "en_100k"},
}

# Answered even where `fields` does not ask for them (recorded).
_ALWAYS = ("id", "is_domain_connection", "authentication", "connected_accounts")
# Kept by an update of the options that does not name them (recorded).
_KEPT_OPTIONS = ("authentication_methods", "passkey_options")


def existing(store: Store, ident: str) -> Document:
    """The connection. Raises ApiError 404 where there is none."""
    connection = store.get("connection", ident)
    if connection is None:
        raise not_found("The connection does not exist", "inexistent_connection")
    return connection


def new_connection(body: Document) -> Document:
    """A connection as the API makes it from the body of a creation."""
    strategy = body["strategy"]
    options = dict(body.get("options") or {})
    connection: Document = {
        "id": ids.short_id("con"),
        "options": _database_options(options) if strategy == DATABASE else _other_options(strategy, options),
        "strategy": strategy,
        "name": body["name"],
        "is_domain_connection": body.get("is_domain_connection") or False,
        "authentication": {"active": True},
        "connected_accounts": {"active": False},
        "realms": body.get("realms") or [body["name"]],
        "_enabled_clients": list(body.get("enabled_clients") or []),
    }
    if strategy in ENTERPRISE:
        connection["show_as_button"] = False
    for name, value in body.items():
        if name not in ("options", "enabled_clients", "realms") and value is not None:
            connection[name] = value
    return connection


def _shown(connection: Document) -> Document:
    answer: Document = public(connection)
    answer["enabled_clients"] = connection.get("_enabled_clients", [])
    return answer


@endpoints(
    "GET",
    "/connections",
    ("read:connections",),
    (*PAGE, *CHECKPOINT, *FIELDS, "name", "strategy", "domain_alias"),
)
def list_connections(call: Call) -> Any:
    """The connections that fit the filters."""
    connections = [_shown(connection) for connection in call.store.all("connection")]
    if "name" in call.query:
        connections = [item for item in connections if item["name"] == call.query["name"]]
    if "strategy" in call.query:
        strategies = call.query["strategy"].split(",")
        connections = [item for item in connections if item["strategy"] in strategies]
    if "domain_alias" in call.query:
        alias = call.query["domain_alias"]
        connections = [item for item in connections if alias in item["options"].get("domain_aliases", [])]
    connections = [pick(call.query, item) for item in connections]
    if "take" in call.query or "from" in call.query:
        return checkpoint_page(call.query, connections, "connections")
    return page(call.query, connections, "connections")


@endpoints("POST", "/connections", ("create:connections",))
def create_connection(call: Call) -> Reply:
    """A new connection; its name is unique."""
    body = call.checked(CREATE)
    if body["strategy"] not in (DATABASE, *ENTERPRISE, *SOCIAL_OR_OTHER):
        raise ValidationFailedError(
            f"No enum match for: {body['strategy']}",
            "strategy",
            "The identity provider identifier for the connection",
        )
    _check_options(body.get("options") or {}, {})
    if body["strategy"] == DATABASE and (body.get("cross_app_access_requesting_app") or {}).get("active"):
        raise bad_request(
            "Cross App Access Requesting App is not supported for this connection.", "operation_not_supported"
        )
    with call.store.lock:
        if call.store.find("connection", name=body["name"]):
            raise conflict("A connection with the same name already exists", "connection_conflict")
        connection = new_connection(body)
        call.store.put("connection", connection["id"], connection)
    return Reply(201, _shown(connection))


@endpoints("GET", "/connections/{id}", ("read:connections",), FIELDS)
def get_connection(call: Call) -> Document:
    """One connection, or some of its fields."""
    return pick(call.query, _shown(existing(call.store, call.params["id"])), _ALWAYS)


@endpoints("PATCH", "/connections/{id}", ("update:connections",))
def update_connection(call: Call) -> Document:
    """Change what is named; `options` replaces what was there."""
    with call.store.lock:
        connection = existing(call.store, call.params["id"])
        if isinstance(call.body, dict) and "enabled_clients" in call.body:
            raise ValidationFailedError("Additional properties not allowed: enabled_clients")
        body = call.checked(UPDATE, partial=True)
        changed = merged(connection, body)
        if body.get("options") is not None:
            _check_options(body["options"], connection["options"])
            kept = {key: connection["options"][key] for key in _KEPT_OPTIONS if key in connection["options"]}
            changed["options"] = _encrypted({**kept, **body["options"]})
        call.store.put("connection", connection["id"], changed)
    return _shown(changed)


@endpoints("DELETE", "/connections/{id}", ("delete:connections",))
def delete_connection(call: Call) -> Reply:
    """Remove a connection with all of its users."""
    store = call.store
    with store.lock:
        connection = existing(store, call.params["id"])
        for user in store.find("user", _connection=connection["name"]):
            store.delete("user", user["user_id"])
            for kind in ("user_role", "user_permission"):
                for link in store.find(kind, user_id=user["user_id"]):
                    store.delete(kind, link["id"])
        store.delete("connection", connection["id"])
    return Reply(202, {"deleted_at": ids.millis()})


@endpoints("GET", "/connections/{id}/clients", ("read:connections",), CHECKPOINT)
def list_connection_clients(call: Call) -> Document:
    """The clients that may use the connection."""
    connection = existing(call.store, call.params["id"])
    enabled = [{"client_id": ident} for ident in connection.get("_enabled_clients", [])]
    return checkpoint_page({"take": "100", **call.query}, enabled, "clients")


@endpoints("PATCH", "/connections/{id}/clients", ("update:connections",))
def update_connection_clients(call: Call) -> Reply:
    """Enable or disable the connection for the clients named; the others stay as they are."""
    changes = call.body
    if not isinstance(changes, list):
        raise ValidationFailedError("Expected type array but found type object")
    if not 1 <= len(changes) <= 50:
        size = len(changes)
        raise ValidationFailedError(
            f"Array is too short ({size}), minimum 1"
            if size < 1
            else f"Array is too long ({size}), maximum 50"
        )
    with call.store.lock:
        connection = existing(call.store, call.params["id"])
        enabled: list[str] = connection.setdefault("_enabled_clients", [])
        for index, change in enumerate(changes):
            if not isinstance(change, dict) or set(change) != {"client_id", "status"}:
                raise ValidationFailedError("Missing required property: client_id", f"[{index}]")
            if not isinstance(change["status"], bool):
                raise ValidationFailedError(
                    "Expected type boolean but found type string", f"[{index}].status"
                )
            ident = change["client_id"]
            if change["status"] and call.store.get("client", ident) is None:
                raise ApiError(404, "The client does not exist", "inexistent_client")
            if change["status"] and ident not in enabled:
                enabled.append(ident)
            elif not change["status"] and ident in enabled:
                enabled.remove(ident)
        call.store.put("connection", connection["id"], connection)
    return Reply(204)


def _database_options(given: Document) -> Document:
    options = {**DATABASE_OPTIONS, **given}
    if "password_options" in given:
        options["password_options"] = deep_merge(_PASSWORD_OPTIONS, given["password_options"])
    elif "passwordPolicy" not in given:
        options["passwordPolicy"] = "good"
    if "authentication_methods" in given:
        options["authentication_methods"] = deep_merge(
            {
                "password": {"enabled": True, "api_behavior": "required", "signup_behavior": "allow"},
                "passkey": {"enabled": False},
                "email_otp": {"enabled": False},
                "phone_otp": {"enabled": False},
            },
            given["authentication_methods"],
        )
    email = (given.get("attributes") or {}).get("email")
    if email is not None:
        options["attributes"] = {**given["attributes"], "email": {"unique": True, **email}}
    return _encrypted(options)


def _other_options(strategy: str, given: Document) -> Document:
    if strategy == "okta":
        return {
            "schema_version": "oidc-V4",
            "type": "back_channel",
            "attribute_map": {"mapping_mode": "basic_profile"},
            "connection_settings": {"pkce": "auto"},
            **given,
        }
    return given


def _encrypted(options: Document) -> Document:
    """Configuration of custom scripts is encrypted at once: what comes back is no longer what was sent."""
    configuration = options.get("configuration")
    if not configuration:
        return options
    opaque = {key: base64.b64encode(secrets.token_bytes(125)).decode() for key in configuration}
    return {**options, "configuration": opaque, "_configuration": configuration}


def _check_options(options: Document, before: Document) -> None:
    """Rules for flexible identifiers. Raises ApiError 400 in the API's words."""
    attributes = options.get("attributes")
    if not attributes:
        return
    if options.get("validation"):
        raise bad_request("Cannot set both options.attributes and options.validation")
    if options.get("requires_username"):
        raise bad_request("Cannot set both options.attributes and options.requires_username")
    items = {name: item for name, item in attributes.items() if isinstance(item, dict)}
    if not any((item.get("identifier") or {}).get("active") for item in items.values()):
        raise bad_request("attributes must contain one active identifier")
    for name, item in items.items():
        if item.get("profile_required") and (item.get("signup") or {}).get("status") == "inactive":
            raise bad_request(f"attribute {name} must also be required on signup")
    unique = (attributes.get("email") or {}).get("unique", True)
    was_unique = ((before.get("attributes") or {}).get("email") or {}).get("unique", True)
    if before and not unique and was_unique:
        raise bad_request("cannot add non-unique email attribute")
