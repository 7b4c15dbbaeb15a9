"""Refresh tokens: issue, find, rotate, revoke.

A token is `v1.` and its document's id and a secret; only hashes are kept. A rotating token that is used again
after its leeway revokes its whole family ("Refresh Token Rotation"), which here is its document.
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request

from sandbox.auth0.authentication.errors import OAuthError
from sandbox.auth0.authentication.sessions import client_of, digest
from sandbox.auth0.runtime.executor import now
from sandbox.auth0.store import Document
from sandbox.auth0.tenant import Tenant

__all__ = ["exchanged", "find", "issue", "revoke"]

_UNKNOWN = OAuthError(403, "invalid_grant", "Unknown or invalid refresh token.")
# A client that says nothing has a token that neither rotates nor expires.
_LIFETIME, _IDLE = 31557600, 2592000


def issue(
    tenant: Tenant,
    request: Request,
    *,
    client: Document,
    user_id: str,
    connection: str,
    audience: str | None,
    scope: list[str],
    session_id: str | None,
) -> str:
    """A new refresh token of a person for an application."""
    settings = client.get("refresh_token") or {}
    address, agent = client_of(request)
    ident = "rt_" + secrets.token_hex(12)
    token = _token(ident)
    moment = time.time()
    document: Document = {
        "id": ident,
        "user_id": user_id,
        "client_id": client["client_id"],
        "created_at": now(),
        "rotating": settings.get("rotation_type") == "rotating",
        "resource_servers": [{"audience": audience, "scopes": " ".join(scope)}],
        "device": {
            "initial_ip": address,
            "initial_user_agent": agent,
            "last_ip": address,
            "last_user_agent": agent,
        },
        "_hash": digest(token),
        "_used": [],
        "_connection": connection,
        "_audience": audience,
        "_scope": scope,
        "_expires": None,
        "_idle_expires": None,
    }
    if session_id is not None:
        document["session_id"] = session_id
    if settings.get("expiration_type") == "expiring" and not settings.get("infinite_token_lifetime"):
        document["_expires"] = moment + int(settings.get("token_lifetime") or _LIFETIME)
        document["expires_at"] = _iso(document["_expires"])
    _renew_idle(document, settings)
    tenant.store.put("refresh_token", ident, document)
    return token


def find(tenant: Tenant, client: Document, token: str | None) -> Document:
    """The document of a token that may be exchanged by this client. Raises OAuthError `invalid_grant`."""
    document = tenant.store.get("refresh_token", _ident(token))
    if token is None or document is None or document["client_id"] != client["client_id"]:
        raise _UNKNOWN
    hashed = digest(token)
    if document["_hash"] != hashed:
        leeway = int((client.get("refresh_token") or {}).get("leeway") or 0)
        for used in document["_used"]:
            if used["hash"] == hashed:
                if used["at"] + leeway > time.time():
                    return document
                tenant.store.delete("refresh_token", document["id"])
                break
        raise _UNKNOWN
    moment = time.time()
    if any(
        limit is not None and limit <= moment for limit in (document["_expires"], document["_idle_expires"])
    ):
        tenant.store.delete("refresh_token", document["id"])
        raise _UNKNOWN
    return document


def exchanged(tenant: Tenant, request: Request, client: Document, ident: str, token: str) -> str | None:
    """Note an exchange; gives the next token where the client's tokens rotate.

    Raises OAuthError where the token was revoked or exchanged by somebody else in the meantime.
    """
    settings = client.get("refresh_token") or {}
    address, agent = client_of(request)
    with tenant.store.lock:
        find(tenant, client, token)
        document = tenant.store.get("refresh_token", ident)
        if document is None:
            raise _UNKNOWN
        document["last_exchanged_at"] = now()
        document["device"] |= {"last_ip": address, "last_user_agent": agent}
        _renew_idle(document, settings)
        following = None
        if settings.get("rotation_type") == "rotating":
            following = _token(ident)
            used: list[dict[str, Any]] = [*document["_used"], {"hash": document["_hash"], "at": time.time()}]
            document["_used"] = used[-100:]
            document["_hash"] = digest(following)
            document["rotating"] = True
        tenant.store.put("refresh_token", ident, document)
        return following


def revoke(tenant: Tenant, client: Document, token: str) -> None:
    """Forget a token of this client; an unknown one is no error (RFC 7009)."""
    document = tenant.store.get("refresh_token", _ident(token))
    if document is not None and document["client_id"] == client["client_id"]:
        tenant.store.delete("refresh_token", document["id"])


def _token(ident: str) -> str:
    return f"v1.{ident.removeprefix('rt_')}{secrets.token_urlsafe(32)}"


def _ident(token: str | None) -> str:
    return "rt_" + (token or "").removeprefix("v1.")[:24]


def _renew_idle(document: Document, settings: Document) -> None:
    if settings.get("expiration_type") == "expiring" and not settings.get("infinite_idle_token_lifetime"):
        document["_idle_expires"] = time.time() + int(settings.get("idle_token_lifetime") or _IDLE)
        document["idle_expires_at"] = _iso(document["_idle_expires"])


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
