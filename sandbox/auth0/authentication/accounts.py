"""People's accounts: the password check and the sign-up, on top of what the Management API half keeps."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool

from sandbox.auth0.authentication.directory import user_in_connection
from sandbox.auth0.management.errors import ApiError
from sandbox.auth0.management.passwords import hash_password, strong_enough, verify_password
from sandbox.auth0.management.users import create_user
from sandbox.auth0.store import Document
from sandbox.auth0.tenant import Tenant

__all__ = ["SignUpError", "check_password", "password_hint", "sign_up"]

_CLASSES = "lower case letters, upper case letters, numbers and special characters"
_POLICIES = {
    "none": (1, ""),
    "low": (6, ""),
    "fair": (8, ", with lower case letters, upper case letters and numbers"),
    "good": (8, f", with three of: {_CLASSES}"),
    "excellent": (10, f", with three of: {_CLASSES}, and no character three times in a row"),
}
# Compared for an unknown user, so that the answer takes as long as for a wrong password.
_NOBODY = hash_password("nobody")


def password_hint(connection: Document) -> str:
    """What a password for this connection needs, as a sentence; empty where anything goes."""
    options = connection.get("options") or {}
    shortest, rest = _POLICIES.get(options.get("passwordPolicy") or "good", _POLICIES["good"])
    for named in ("password_complexity_options", "password_options"):
        given = options.get(named) or {}
        shortest = int(
            given.get("min_length") or (given.get("complexity") or {}).get("min_length") or shortest
        )
    return f"At least {shortest} characters{rest}." if shortest > 1 else ""


class SignUpError(Exception):
    """A sign-up that cannot be: `code` as `/dbconnections/signup` names it, the text for the person."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


async def check_password(tenant: Tenant, connection: Document, login: str, password: str) -> Document | None:
    """The user whom e-mail address (or user name) and password name; None where they are wrong."""
    user = user_in_connection(tenant, login, connection["name"])
    hashed = str(user.get("_password_hash") or _NOBODY) if user else _NOBODY
    good = await run_in_threadpool(verify_password, password, hashed)
    return user if good and user is not None and user.get("_password_hash") else None


async def sign_up(
    tenant: Tenant, connection: Document, email: str, password: str, **profile: Any
) -> Document:
    """Create a user through the application's sign-up. Raises SignUpError."""
    options = connection.get("options") or {}
    if options.get("disable_signup"):
        raise SignUpError("public_signup_disabled", "Sign-ups are disabled.")
    if not strong_enough(password, options):
        raise SignUpError("invalid_password", f"Your password is too weak. {password_hint(connection)}")
    try:
        return await run_in_threadpool(
            create_user,
            tenant.store,
            connection=connection["name"],
            email=email,
            password=password,
            **profile,
        )
    except ApiError as error:
        if error.status == 409:
            raise SignUpError("invalid_signup", "Something went wrong, please try again later") from error
        raise SignUpError("invalid_signup", "Email is not valid.") from error
