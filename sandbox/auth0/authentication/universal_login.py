"""The login pages: `/u/login` and `/u/signup`, plain HTML forms that need no script.

A form belongs to a login that `/authorize` has begun (`state`) in the same browser (cookie `did`): a form
posted from elsewhere is refused.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from sandbox.auth0.authentication import accounts, directory, sessions
from sandbox.auth0.authentication.authorize import finish, transaction_of
from sandbox.auth0.authentication.errors import PageError
from sandbox.auth0.authentication.events import tenant_name
from sandbox.auth0.authentication.login import refuse_unsimulated_triggers, tenant_log
from sandbox.auth0.authentication.pages import page
from sandbox.auth0.store import Document
from sandbox.auth0.tenant import Tenant

__all__ = ["login_form", "login_post", "signup_form", "signup_post"]

WRONG_PASSWORD = "Wrong email or password"  # noqa: S105 (a text, not a password)


async def login_form(tenant: Tenant, request: Request) -> Response:
    """Show the login form."""
    transaction = transaction_of(tenant, request, request.query_params.get("state"))
    return _form(tenant, "login", transaction, transaction["query"].get("login_hint", ""))


async def signup_form(tenant: Tenant, request: Request) -> Response:
    """Show the sign-up form."""
    transaction = transaction_of(tenant, request, request.query_params.get("state"))
    if not _signup_open(tenant, transaction):
        raise PageError(404, "invalid_request", "Sign-ups are disabled for this application.")
    return _form(tenant, "signup", transaction, transaction["query"].get("login_hint", ""))


async def login_post(tenant: Tenant, request: Request) -> Response:
    """Check e-mail address and password, then go on to the application."""
    fields = await _fields(request)
    transaction = transaction_of(tenant, request, fields.get("state"))
    client, connection = _parties(tenant, transaction)
    username, password = fields.get("username", "").strip(), fields.get("password", "")
    if not username or not password:
        return _form(tenant, "login", transaction, username, "Enter your email address and your password")
    user = await accounts.check_password(tenant, connection, username, password)
    if user is None:
        known = directory.user_in_connection(tenant, username, connection["name"])
        tenant_log(tenant, request, "fp" if known else "fu", client, known, f"{WRONG_PASSWORD}.")
        return _form(tenant, "login", transaction, username, WRONG_PASSWORD)
    return await _enter(tenant, request, transaction, user, connection)


async def signup_post(tenant: Tenant, request: Request) -> Response:
    """Create the account, then go on to the application as after a login."""
    fields = await _fields(request)
    transaction = transaction_of(tenant, request, fields.get("state"))
    client, connection = _parties(tenant, transaction)
    email, password = fields.get("email", "").strip(), fields.get("password", "")
    if not email or not password:
        return _form(tenant, "signup", transaction, email, "Enter your email address and a password")
    refuse_unsimulated_triggers(tenant, "pre-user-registration", "post-user-registration")
    try:
        user = await accounts.sign_up(tenant, connection, email, password)
    except accounts.SignUpError as error:
        tenant_log(tenant, request, "fs", client, None, error.text)
        return _form(tenant, "signup", transaction, email, error.text)
    tenant_log(tenant, request, "ss", client, user)
    return await _enter(tenant, request, transaction, user, connection)


async def _enter(
    tenant: Tenant, request: Request, transaction: Document, user: Document, connection: Document
) -> Response:
    """Begin a session for somebody who has shown who they are; the form is used up."""
    if not tenant.store.delete("login_transaction", transaction["id"]):
        raise PageError(400, "invalid_request", "This login page was used already.")
    former = sessions.current(tenant, request)
    if former is not None:
        tenant.store.delete("session", former["id"])
    session, cookie = sessions.start(tenant, request, user["user_id"], connection["name"])
    return await finish(tenant, request, transaction, session, cookie)


def _form(
    tenant: Tenant,
    kind: str,
    transaction: Document,
    email: str,
    error: str | None = None,
) -> Response:
    """The form, with status 400 where it says what was wrong with the last try, as Auth0 has it."""
    client, connection = _parties(tenant, transaction)
    return page(
        f"{kind}.html",
        status=400 if error else 200,
        state=transaction["id"],
        email=email,
        error=error,
        application=client.get("name") or "the application",
        tenant=tenant_name(tenant),
        password_hint=accounts.password_hint(connection),
        signup_open=_signup_open(tenant, transaction),
    )


def _parties(tenant: Tenant, transaction: Document) -> tuple[Document, Document]:
    """Application and connection of a login. Raises PageError where one was removed since."""
    client = directory.find_client(tenant, transaction["client_id"])
    connection = directory.connection_named(tenant, transaction["connection"])
    if client is None or connection is None:
        raise PageError(400, "invalid_request", "The application or the connection of this login is gone.")
    return client, connection


def _signup_open(tenant: Tenant, transaction: Document) -> bool:
    _, connection = _parties(tenant, transaction)
    return not (connection.get("options") or {}).get("disable_signup")


async def _fields(request: Request) -> dict[str, str]:
    form = await request.form()
    return {key: value for key, value in form.multi_items() if isinstance(value, str)}
