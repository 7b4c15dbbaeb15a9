"""Users: `/api/v2/users`, and `create_user`, which sign-up calls too.

Metadata is merged at its first level, `null` removes a key, an empty object empties it. A user name is taken
in any database connection, whether or not it asks for one.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import quote

from sandbox.auth0.management import ids
from sandbox.auth0.management.endpoints import Call, Endpoints, Reply
from sandbox.auth0.management.errors import ApiError, ValidationFailedError, bad_request, conflict, not_found
from sandbox.auth0.management.paging import FIELDS, PAGE, number_argument, page, pick
from sandbox.auth0.management.passwords import hash_password, strong_enough, verify_password
from sandbox.auth0.management.schema import Field, Table, flag, json_object, text
from sandbox.auth0.management.user_search import matcher, sort_users
from sandbox.auth0.store import Document, Store, public

__all__ = ["create_user", "endpoints", "existing", "hash_password", "verify_password"]

endpoints = Endpoints()

_READ = ("read:users", "read:user_idp_tokens")
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+$")

_PROFILE: dict[str, Field] = {
    "email": text("The user's email"),
    "phone_number": text(
        "The user's phone number (following the E.164 recommendation).", pattern=r"^\+[0-9]{1,15}$"
    ),
    "user_metadata": json_object(),
    "app_metadata": json_object(),
    "blocked": flag(),
    "email_verified": flag(),
    "phone_verified": flag(),
    "given_name": text(shortest=1, longest=150),
    "family_name": text(shortest=1, longest=150),
    "name": text(shortest=1, longest=300),
    "nickname": text(shortest=1, longest=300),
    "picture": text("A URI pointing to the user's picture"),
    "verify_email": flag(),
    "password": text(shortest=1),
    "username": text(
        "The user's username. Only valid if the connection requires a username", shortest=1, longest=128
    ),
}
_CREATE: Table = {
    **_PROFILE,
    "connection": text(
        "Name of the connection this user should be created in.", required=True, nullable=False, shortest=1
    ),
    "user_id": text("The external user's id provided by the identity provider.", longest=255),
}
_UPDATE: Table = {
    **_PROFILE,
    "connection": text(),
    "client_id": text(),
    "verify_phone_number": flag(),
    "verify_password": flag(),
}

# What cannot be changed in one call.
_EXCLUSIVE = (
    ("username", "email"),
    ("username", "password"),
    ("password", "email"),
    ("password", "email_verified"),
)


def existing(store: Store, user_id: str) -> Document:
    """The user. Raises ApiError 404 where there is none."""
    user = store.get("user", user_id)
    if user is None:
        raise not_found("The user does not exist.", "inexistent_user")
    return user


def create_user(
    store: Store,
    *,
    connection: str,
    email: str | None = None,
    password: str | None = None,
    **profile: Any,
) -> Document:
    """Create a user in a database connection and return its document (with private keys).

    `profile` holds further properties of the API's creation body (`username`, `user_id` without a prefix,
    `name`, `email_verified`, `user_metadata` …).

    Raises ApiError: 400 for an unknown connection or a weak password, 409 for an e-mail address or a user name
    that the connection has already.
    """
    home = _connection_named(store, connection)
    email = email.strip().lower() if email else None
    username = profile.get("username")
    if home["strategy"] == "auth0":
        if not email and not username and not profile.get("phone_number"):
            raise ValidationFailedError("Missing required property: email")
        if not password:
            raise ValidationFailedError("Missing required property: password")
        if not strong_enough(password, home["options"]):
            raise bad_request("PasswordStrengthError: Password is too weak", "invalid_password")
    if email and not _EMAIL.match(email):
        raise ValidationFailedError(
            f"Object didn't pass validation for format email: {email}", "email", "The user's email"
        )
    hashed = hash_password(password) if password else ""
    with store.lock:
        _refuse_taken(store, connection, email=email, username=username)
        local_id = str(profile.pop("user_id", None) or ids.hex_id())
        user_id = f"auth0|{local_id}"
        if store.get("user", user_id) is not None:
            raise conflict("The user already exists.", "auth0_idp_error")
        now = ids.millis()
        name = email or username or profile.get("phone_number") or local_id
        user: Document = {
            "user_id": user_id,
            "created_at": now,
            "updated_at": now,
            "email_verified": False,
            "identities": [
                {"connection": connection, "user_id": local_id, "provider": "auth0", "isSocial": False}
            ],
            "name": name,
            "nickname": name.partition("@")[0],
            "picture": _picture(name),
            **({"email": email} if email else {}),
            **{
                key: value
                for key, value in profile.items()
                if value is not None and not key.startswith("verify_")
            },
            "_connection": connection,
            "_password_hash": hashed,
        }
        store.put("user", user_id, user)
    return user


def _connection_named(store: Store, name: str) -> Document:
    found = store.find("connection", name=name)
    if not found:
        raise bad_request("The connection does not exist.", "inexistent_connection")
    return found[0]


def _refuse_taken(store: Store, connection: str, **wanted: str | None) -> None:
    for field, value in wanted.items():
        if value and store.find("user", **{field: value, "_connection": connection}):
            message = (
                "The user already exists." if field == "email" else "The username provided is in use already."
            )
            raise conflict(message, "auth0_idp_error")


def _picture(name: str) -> str:
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    fallback = quote(
        f"https://cdn.auth0.com/avatars/{re.sub('[^a-z0-9]', '', name.lower())[:2] or 'u'}.png", safe=""
    )
    return f"https://s.gravatar.com/avatar/{digest}?s=480&r=pg&d={fallback}"


@endpoints(
    "GET",
    "/users",
    _READ,
    (*PAGE, *FIELDS, "sort", "connection", "q", "search_engine", "primary_order"),
    blocking=True,
)
def list_users(call: Call) -> Any:
    """Search users; never past the first 1,000 results, as in the real API."""
    number, size = number_argument(call.query, "page", 0), number_argument(call.query, "per_page", 50, 100)
    if (number + 1) * size > 1000:
        raise bad_request(
            "You can only page through the first 1000 records. "
            "See https://auth0.com/docs/users/search/v3/view-search-results-by-page#limitation",
            "invalid_paging",
        )
    matches = matcher(call.query.get("q", ""))
    only = {"_connection": call.query["connection"]} if "connection" in call.query else {}
    users = call.store.find("user", **only)
    found = [public(user) for user in users if matches(user)]
    found = sort_users(found, call.query.get("sort"))
    return page(call.query, [pick(call.query, user) for user in found], "users")


@endpoints("GET", "/users-by-email", _READ, (*FIELDS, "email"))
def users_by_email(call: Call) -> list[Document]:
    """The users of all connections with that e-mail address, in the case that it is kept in (lower)."""
    if not call.query.get("email"):
        raise ApiError(
            400, "Query validation error: 'Missing required property: email'.", "invalid_query_string"
        )
    return [pick(call.query, public(user)) for user in call.store.find("user", email=call.query["email"])]


@endpoints("POST", "/users", ("create:users",), blocking=True)
def post_user(call: Call) -> Reply:
    """A new user of a database connection."""
    return Reply(201, public(create_user(call.store, **call.checked(_CREATE))))


@endpoints("GET", "/users/{id}", (*_READ, "read:current_user"), FIELDS)
def get_user(call: Call) -> Document:
    """One user, or some fields."""
    return pick(call.query, public(existing(call.store, call.params["id"])))


@endpoints("PATCH", "/users/{id}", ("update:users", "update:users_app_metadata"), blocking=True)
def update_user(call: Call) -> Any:
    """Change what is named."""
    store = call.store
    with store.lock:
        user = existing(store, call.params["id"])
        body = dict(call.checked(_UPDATE, partial=True))
        connection = body.pop("connection", None) or user["_connection"]
        body.pop("client_id", None)
        for first, second in _EXCLUSIVE:
            if first in body and second in body:
                raise bad_request(
                    f"Cannot update {first} and {second} simultaneously", "operation_not_supported"
                )
        if body.get("email"):
            body["email"] = body["email"].strip().lower()
        changed = {key: value for key, value in body.items() if value != user.get(key)}
        _refuse_taken(store, connection, email=changed.get("email"), username=changed.get("username"))
        password = body.pop("password", None)
        if password is not None:
            if not strong_enough(password, _connection_named(store, connection)["options"]):
                raise bad_request("PasswordStrengthError: Password is too weak", "invalid_password")
            user["_password_hash"] = hash_password(password)
        if "email" in changed and "email_verified" not in body:
            user["email_verified"] = False
        for name, value in body.items():
            if name in ("user_metadata", "app_metadata"):
                _merge_metadata(user, name, value)
            elif name.startswith("verify_"):
                continue
            elif value is None:
                user.pop(name, None)
            else:
                user[name] = value
        user["updated_at"] = ids.millis()
        store.put("user", user["user_id"], user)
    return public(user)


@endpoints("DELETE", "/users/{id}", ("delete:users",))
def delete_user(call: Call) -> Reply:
    """Remove a user; 204 where it is gone already."""
    store, user_id = call.store, call.params["id"]
    with store.lock:
        store.delete("user", user_id)
        for kind in ("user_role", "user_permission"):
            for link in store.find(kind, user_id=user_id):
                store.delete(kind, link["id"])
    return Reply(204)


def _merge_metadata(user: Document, name: str, changes: Document | None) -> None:
    merged = {} if not changes else {**user.get(name, {}), **changes}
    merged = {key: value for key, value in merged.items() if value is not None}
    # Emptied, the user's metadata stays as an empty object, the application's goes (recorded).
    if merged or name == "user_metadata":
        user[name] = merged
    else:
        user.pop(name, None)
