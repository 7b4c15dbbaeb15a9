"""The demo's two people: accounts in the tenant, passwords kept beside the sandbox, and their logins."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.browser import Application, Browser, LoginError, Tokens
from ops.demo.tenant import Tenant
from ops.errors import Problem

EMAILS = ("alice@example.com", "bob@example.com")


@dataclass(frozen=True)
class Person:
    """Somebody with an account. `password` is random and of this sandbox."""

    email: str
    password: str = field(repr=False)

    @property
    def name(self) -> str:
        """What the demo calls the person."""
        return self.email.split("@")[0].capitalize()


def everybody(state: Path) -> list[Person]:
    """Both people, with the passwords of this sandbox."""
    file = state / "people.json"
    try:
        passwords: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        passwords = {}
    if set(passwords) != set(EMAILS):
        passwords = {email: f"Demo-{secrets.token_urlsafe(9)}1" for email in EMAILS}
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as sink:
            json.dump(passwords, sink)
    return [Person(email, passwords[email]) for email in EMAILS]


def enter(person: Person, app: Application, tenant: Tenant, ca_file: str) -> tuple[str, Tokens]:
    """Sign up, or log in where there is an account; how it was done, and the tokens. Raises `Problem`."""
    browser, known = Browser(ca_file), tenant.user(person.email) is not None
    try:
        if known:
            return "logged in", browser.log_in(app, person.email, person.password)
        return "signed up", browser.sign_up(app, person.email, person.password)
    except LoginError as error:
        raise Problem(f"{person.name} cannot log in: {_explain(error)}") from None


def forget(tenant: Tenant) -> None:
    """Remove the demo's accounts from the tenant."""
    for email in EMAILS:
        user = tenant.user(email)
        if user is not None:
            tenant.call("DELETE", f"users/{user['user_id']}")


def claims(token: str) -> dict[str, Any]:
    """The payload of a JWT, unverified: for showing. Raises `Problem` where the token is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        raise Problem(
            "Broken link “audience”: Auth0 gave an opaque access token, which Hasura cannot read; check `audience`."
        )
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    return found


def _explain(error: LoginError) -> str:
    if "no connections enabled" in error.description:
        return (
            f"broken link “application”: Auth0 says “{error.description}”; run `./dev pulumi up --refresh`."
        )
    if "Service not found" in error.description:
        return f"broken link “audience”: Auth0 says “{error.description}”; run `./dev pulumi up --refresh`."
    if error.error == "access_denied":
        return f"broken link “Actions”: an Action refused the login with “{error.description}”; see `./dev sandbox logs auth0`."
    return f"Auth0 says “{error.description}” ({error.error})."
