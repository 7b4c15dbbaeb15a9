"""How an application proves at the token endpoint that it is itself.

Auth0 takes a confidential client's secret from the header (HTTP Basic) and from the body alike; a public client
(`token_endpoint_auth_method` none) has nothing to prove but the PKCE verifier.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from urllib.parse import unquote

from starlette.requests import Request

from sandbox.auth0.authentication.directory import find_client
from sandbox.auth0.authentication.errors import NotSimulatedError, OAuthError
from sandbox.auth0.store import Document
from sandbox.auth0.tenant import Tenant

__all__ = ["authenticate_client", "is_public"]

_SECRET_METHODS = (None, "client_secret_post", "client_secret_basic")


def is_public(client: Document) -> bool:
    """True for an application that cannot keep a secret."""
    method = client.get("token_endpoint_auth_method")
    if method is None:
        return client.get("app_type") in ("spa", "native")
    return bool(method == "none")


def authenticate_client(tenant: Tenant, request: Request, body: dict[str, str]) -> Document:
    """The application that asks. Raises OAuthError 401 where the secret is wrong or missing."""
    if "client_assertion" in body or "client_assertion_type" in body:
        raise NotSimulatedError("client authentication with private_key_jwt")
    client_id, secret = _basic(request) or (body.get("client_id"), body.get("client_secret"))
    if not client_id:
        raise OAuthError(401, "access_denied", "Unauthorized")
    if body.get("client_id", client_id) != client_id:
        raise OAuthError(400, "invalid_request", "The client_id of the body is not the one of the header")
    client = find_client(tenant, client_id)
    if client is None:
        raise OAuthError(401, "access_denied", "Unauthorized")
    if is_public(client):
        return client
    if client.get("token_endpoint_auth_method") not in _SECRET_METHODS or client.get(
        "client_authentication_methods"
    ):
        raise NotSimulatedError("client authentication other than by client secret")
    if not secret or not secrets.compare_digest(secret.encode(), str(client.get("client_secret")).encode()):
        raise OAuthError(401, "access_denied", "Unauthorized")
    return client


def _basic(request: Request) -> tuple[str, str] | None:
    """Client id and secret of an HTTP Basic header, form-decoded as RFC 6749 has it."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise OAuthError(401, "access_denied", "Unauthorized") from error
    return unquote(name), unquote(secret)
