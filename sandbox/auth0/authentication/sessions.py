"""Sessions of people at the tenant (single sign-on) and the cookies that carry them.

Cookie `auth0`: the session. Cookie `did`: the browser, so that a login form that was sent to somebody else
cannot be posted from their browser. Only the hash of the session cookie is kept.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.auth0.runtime.executor import now
from sandbox.auth0.store import Document
from sandbox.auth0.tenant import Tenant

__all__ = [
    "browser_of",
    "current",
    "digest",
    "end",
    "remember_browser",
    "set_cookie",
    "start",
    "sweep",
    "touch",
]

SESSION_COOKIE = "auth0"
BROWSER_COOKIE = "did"
LIFETIME = 7 * 86400  # seconds; Auth0's defaults: 168 hours at most, 72 hours idle
IDLE_LIFETIME = 3 * 86400


def digest(secret: str) -> str:
    """What is stored in a secret's place."""
    return hashlib.sha256(secret.encode()).hexdigest()


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def start(tenant: Tenant, request: Request, user_id: str, connection: str) -> tuple[Document, str]:
    """Begin a session after a password was checked; gives the session and its cookie's value."""
    cookie = secrets.token_urlsafe(32)
    moment = now()
    address, agent = client_of(request)
    session: Document = {
        "id": "sess_" + secrets.token_urlsafe(16),
        "user_id": user_id,
        "created_at": moment,
        "authenticated_at": moment,
        "updated_at": moment,
        "last_interacted_at": moment,
        "clients": [],
        "device": {
            "initial_ip": address,
            "initial_user_agent": agent,
            "last_ip": address,
            "last_user_agent": agent,
        },
        "_cookie": digest(cookie),
        "_connection": connection,
        "_authenticated": int(time.time()),
        "_used": int(time.time()),
    }
    tenant.store.put("session", session["id"], session)
    sweep(tenant, "session", _expired)
    return session, cookie


def current(tenant: Tenant, request: Request) -> Document | None:
    """The session of the browser that asks, if it has one that is still good."""
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie:
        return None
    session = next(iter(tenant.store.find("session", _cookie=digest(cookie))), None)
    if session is None or _expired(session):
        return None
    return session


def touch(tenant: Tenant, session: Document, client_id: str, request: Request) -> Document:
    """Note that an application has used the session."""
    address, agent = client_of(request)
    with tenant.store.lock:
        stored = tenant.store.get("session", session["id"])
        if stored is None:
            return session
        stored["last_interacted_at"] = stored["updated_at"] = now()
        stored["_used"] = int(time.time())
        stored["device"] |= {"last_ip": address, "last_user_agent": agent}
        if not any(client["client_id"] == client_id for client in stored["clients"]):
            stored["clients"].append({"client_id": client_id})
        tenant.store.put("session", stored["id"], stored)
        return stored


def end(tenant: Tenant, request: Request, response: Response) -> None:
    """Log the browser out."""
    session = current(tenant, request)
    if session is not None:
        tenant.store.delete("session", session["id"])
    response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="none")


def set_cookie(response: Response, cookie: str) -> None:
    """Hand the session's cookie to the browser."""
    response.set_cookie(
        SESSION_COOKIE, cookie, max_age=LIFETIME, path="/", secure=True, httponly=True, samesite="none"
    )


def browser_of(request: Request) -> str:
    """The mark of the browser that asks; a new one where it has none."""
    return request.cookies.get(BROWSER_COOKIE) or secrets.token_urlsafe(16)


def remember_browser(response: Response, browser: str) -> None:
    """Leave the mark with the browser."""
    response.set_cookie(
        BROWSER_COOKIE, browser, max_age=365 * 86400, path="/", secure=True, httponly=True, samesite="none"
    )


def client_of(request: Request) -> tuple[str, str]:
    """Address and user agent of the caller."""
    return (request.client.host if request.client else "127.0.0.1"), request.headers.get("user-agent", "")


def sweep(tenant: Tenant, kind: str, expired: Any, every: int = 200) -> None:
    """Remove what has expired, once in `every` documents of a kind."""
    if tenant.store.count(kind) % every == 0:
        for doc in tenant.store.all(kind):
            if expired(doc):
                tenant.store.delete(kind, doc["id"])


def _expired(session: Document) -> bool:
    moment = time.time()
    return bool(session["_authenticated"] + LIFETIME <= moment or session["_used"] + IDLE_LIFETIME <= moment)
