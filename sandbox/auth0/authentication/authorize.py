"""`GET|POST /authorize`: the authorization code flow up to the login form or, with a session, to the code.

Order of the checks and wording of the errors as Auth0 gives them: what concerns the client and its callback is
a page, everything later goes to the callback.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.auth0.authentication import directory, sessions
from sandbox.auth0.authentication.errors import (
    NO_STORE,
    NotSimulatedError,
    PageError,
    RedirectError,
    with_query,
)
from sandbox.auth0.authentication.events import request_part
from sandbox.auth0.authentication.login import Refusal, tenant_log, through_actions
from sandbox.auth0.authentication.scopes import ScopeError, granted_scopes, permitted
from sandbox.auth0.management import triggers
from sandbox.auth0.runtime import Outcome, warm
from sandbox.auth0.store import Document
from sandbox.auth0.tenant import Tenant

__all__ = ["authorize", "finish", "transaction_of"]

TRANSACTION_LIFETIME = 3600  # seconds that a login form stays good
CODE_LIFETIME = 600
_KNOWN = {
    *("response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "audience", "response_mode"),
    *("code_challenge", "code_challenge_method", "prompt", "screen_hint", "connection", "login_hint"),
    *("max_age", "ui_locales", "display", "auth0Client"),
}
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


async def authorize(tenant: Tenant, request: Request) -> Response:
    """Check the request, then log in silently, show the login form or refuse."""
    query = await _parameters(request)
    client = _client(tenant, query)
    redirect_uri = _redirect_uri(client, query)
    state = query.get("state")

    def refuse(error: str, description: str) -> RedirectError:
        tenant_log(tenant, request, "f", client, None, description)
        return RedirectError(redirect_uri, state, error, description)

    _check_supported(client, query, refuse)
    audience = query.get("audience") or directory.default_audience(tenant)
    try:
        scope = granted_scopes(tenant, client, audience, query.get("scope", "").split())
    except ScopeError as error:
        raise refuse(error.error, error.description) from error
    connection = _connection(tenant, client, query, refuse)
    transaction: Document = {
        "id": secrets.token_urlsafe(32),
        "client_id": client["client_id"],
        "connection": connection["name"],
        "redirect_uri": redirect_uri,
        "audience": audience,
        "scope": scope,
        "query": query,
        "browser": sessions.browser_of(request),
        "expires": time.time() + TRANSACTION_LIFETIME,
    }
    session = _usable_session(tenant, request, query, client)
    if session is not None:
        return await finish(tenant, request, transaction, session)
    if query.get("prompt") == "none":
        tenant_log(tenant, request, "fsa", client, None, "Login required")
        raise RedirectError(redirect_uri, state, "login_required", "Login required")
    tenant.store.put("login_transaction", transaction["id"], transaction)
    sessions.sweep(tenant, "login_transaction", lambda doc: doc["expires"] < time.time())
    if triggers.deployed_actions(tenant, "post-login"):
        warm(tenant)  # a Node process starts while the person types
    form = "signup" if query.get("screen_hint") == "signup" else "login"
    response = RedirectResponse(f"/u/{form}?state={transaction['id']}", status_code=302, headers=NO_STORE)
    sessions.remember_browser(response, transaction["browser"])
    return response


async def finish(
    tenant: Tenant, request: Request, transaction: Document, session: Document, cookie: str | None = None
) -> Response:
    """Run a person who is known by a session through the Actions and back to the application with a code."""
    query: dict[str, str] = transaction["query"]
    client = directory.find_client(tenant, transaction["client_id"])
    connection = directory.connection_named(tenant, session["_connection"])
    if client is None or connection is None:
        raise PageError(400, "invalid_request", "The application or the connection of this login is gone.")
    session = sessions.touch(tenant, session, client["client_id"], request)
    redirect_uri, state = transaction["redirect_uri"], query.get("state")
    try:
        user, outcome = await through_actions(
            tenant,
            request,
            user_id=session["user_id"],
            client=client,
            connection=connection,
            request_part=request_part(tenant, request, query),
            transaction=_transaction_part(transaction),
            audience=transaction["audience"],
            session=session,
        )
    except Refusal as refusal:
        error = RedirectError(redirect_uri, state, refusal.error, refusal.description)
        response = error.response()
    else:
        tenant_log(tenant, request, "ssa" if query.get("prompt") == "none" else "s", client, user)
        code = _issue_code(tenant, transaction, session, user, outcome)
        answer = {"code": code} if state is None else {"code": code, "state": state}
        response = RedirectResponse(with_query(redirect_uri, answer), status_code=302, headers=NO_STORE)
    if cookie is not None:
        sessions.set_cookie(response, cookie)
    return response


def transaction_of(tenant: Tenant, request: Request, state: str | None) -> Document:
    """The login that a form belongs to. Raises PageError for a stale one, or one of another browser."""
    transaction = tenant.store.get("login_transaction", state or "")
    if transaction is None or transaction["expires"] < time.time():
        raise PageError(
            400,
            "invalid_request",
            "This login page has expired or was used already. Go back to the application and log in again.",
        )
    if request.cookies.get(sessions.BROWSER_COOKIE) != transaction["browser"]:
        raise PageError(
            400,
            "invalid_request",
            "This login was started in another browser, or cookies are off. Go back and log in again.",
        )
    return transaction


def _issue_code(
    tenant: Tenant, transaction: Document, session: Document, user: Document, outcome: Outcome
) -> str:
    """Keep what the code stands for until it is exchanged; the code itself is not kept."""
    code = secrets.token_urlsafe(36)
    query = transaction["query"]
    scope = permitted(tenant, transaction["audience"], user["user_id"], transaction["scope"])
    document: Document = {
        "id": sessions.digest(code),
        "client_id": transaction["client_id"],
        "redirect_uri": transaction["redirect_uri"],
        "audience": transaction["audience"],
        "scope": outcome.scopes(scope),
        "user_id": user["user_id"],
        "connection": session["_connection"],
        "session_id": session["id"],
        "auth_time": session["_authenticated"] if "max_age" in query else None,
        "nonce": query.get("nonce"),
        "code_challenge": query.get("code_challenge"),
        "code_challenge_method": query.get("code_challenge_method", "plain"),
        "access_token_claims": outcome.access_token_claims,
        "id_token_claims": outcome.id_token_claims,
        "expires": time.time() + CODE_LIFETIME,
    }
    tenant.store.put("authorization_code", document["id"], document)
    sessions.sweep(tenant, "authorization_code", lambda doc: doc["expires"] < time.time())
    return code


async def _parameters(request: Request) -> dict[str, str]:
    items = list(request.query_params.multi_items())
    if request.method == "POST":
        form = await request.form()
        items += [(key, value) for key, value in form.multi_items() if isinstance(value, str)]
    query: dict[str, str] = {}
    for key, value in items:
        if key in query and query[key] != value:
            raise PageError(400, "invalid_request", f"The parameter {key} was sent more than once.")
        query[key] = value
    return query


def _client(tenant: Tenant, query: dict[str, str]) -> Document:
    client_id = query.get("client_id")
    if not client_id:
        raise PageError(400, "invalid_request", "Missing required parameter: client_id")
    client = directory.find_client(tenant, client_id)
    if client is None:
        raise PageError(400, "invalid_request", f"Unknown client: {client_id}")
    return client


def _redirect_uri(client: Document, query: dict[str, str]) -> str:
    redirect_uri = query.get("redirect_uri")
    if not redirect_uri:
        raise PageError(400, "invalid_request", "Missing required parameter: redirect_uri")
    if not directory.allowed_url(redirect_uri, client.get("callbacks")):
        raise PageError(
            403,
            "invalid_request",
            f"Callback URL mismatch. {redirect_uri} is not in the list of allowed callback URLs",
        )
    return redirect_uri


def _check_supported(client: Document, query: dict[str, str], refuse: Any) -> None:
    """What a request may not say, and what this tenant cannot do."""
    response_type = query.get("response_type")
    if not response_type:
        raise refuse("invalid_request", "Missing required parameter: response_type")
    if response_type != "code":
        raise NotSimulatedError(f"response_type={response_type} at /authorize")
    for name in query:
        if name not in _KNOWN and not name.startswith("ext-"):
            raise NotSimulatedError(f"the parameter {name} of /authorize")
    if query.get("response_mode", "query") != "query":
        raise NotSimulatedError(f"response_mode={query['response_mode']} at /authorize")
    if query.get("prompt", "login") not in ("none", "login"):
        raise NotSimulatedError(f"prompt={query['prompt']} at /authorize")
    if client.get("is_first_party") is False:
        raise NotSimulatedError("the consent dialog of a third-party application")
    if "authorization_code" not in directory.grant_types(client):
        raise refuse("unauthorized_client", "Grant type 'authorization_code' not allowed for the client.")
    if "max_age" in query and not query["max_age"].isdigit():
        raise refuse("invalid_request", "Invalid max_age parameter")
    method, challenge = query.get("code_challenge_method"), query.get("code_challenge")
    if method not in (None, "S256", "plain"):
        raise refuse("invalid_request", f"Unsupported code_challenge_method: {method}")
    if method is not None and not challenge:
        raise refuse("invalid_request", "Missing required parameter: code_challenge")
    if challenge is not None and not _VERIFIER.fullmatch(challenge):
        raise refuse("invalid_request", "Invalid code_challenge")


def _connection(tenant: Tenant, client: Document, query: dict[str, str], refuse: Any) -> Document:
    """The database connection to log in with."""
    enabled = directory.enabled_connections(tenant, client["client_id"])
    if not enabled:
        raise refuse("invalid_request", "no connections enabled for the client")
    named = query.get("connection")
    if named is not None:
        if directory.connection_named(tenant, named) is None:
            raise refuse("invalid_request", "the connection was not found")
        enabled = [connection for connection in enabled if connection["name"] == named]
        if not enabled:
            raise refuse("invalid_request", "the connection is not enabled for this client")
    databases = [item for item in enabled if item.get("strategy") == directory.DATABASE_STRATEGY]
    if not databases:
        raise NotSimulatedError(f"logging in with a connection of the strategy {enabled[0].get('strategy')}")
    return databases[0]


def _usable_session(
    tenant: Tenant, request: Request, query: dict[str, str], client: Document
) -> Document | None:
    """The browser's session, where it answers this request without a form."""
    session = sessions.current(tenant, request)
    if session is None or query.get("prompt") == "login":
        return None
    if tenant.store.get("user", session["user_id"]) is None:
        return None
    if "max_age" in query and session["_authenticated"] + int(query["max_age"]) < time.time():
        return None
    names = {item["name"] for item in directory.database_connections(tenant, client["client_id"])}
    wanted = query.get("connection", session["_connection"])
    return session if session["_connection"] in names and wanted == session["_connection"] else None


def _transaction_part(transaction: Document) -> Document:
    """`event.transaction` of a browser login."""
    query: dict[str, str] = transaction["query"]
    part: Document = {
        "id": transaction["id"],
        "protocol": "oidc-basic-profile",
        "redirect_uri": transaction["redirect_uri"],
        "requested_scopes": query.get("scope", "").split(),
        "response_type": ["code"],
        "response_mode": "query",
        "locale": "en",
        "acr_values": [],
        "prompt": query["prompt"].split() if "prompt" in query else [],
        "ui_locales": query.get("ui_locales", "").split(),
    }
    for name in ("state", "login_hint"):
        if name in query:
            part[name] = query[name]
    return part
