"""Tokens of the tenant: the signing key, access tokens, ID tokens, and the check of Management API tokens.

Claims as Auth0 issues them ("Access Token Profiles", "ID Token Structure"): an access token is a JWT only for an
API; without an audience it is opaque (a JWE that the tenant alone can open) and good for /userinfo only.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from typing import Any

from joserfc import jwe, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, RSAKey

from sandbox.auth0.store import Document
from sandbox.auth0.tenant import Tenant

__all__ = [
    "InvalidTokenError",
    "issue_access_token",
    "issue_id_token",
    "issue_opaque_token",
    "profile_claims",
    "public_keys",
    "read_id_token",
    "read_user_token",
    "verify_management_token",
]

KEY_VALUE = "_signing_key"
OPAQUE_LIFETIME = 86400  # seconds, Auth0's for the userinfo audience
_keys: dict[str, RSAKey] = {}
_lock = threading.Lock()


class InvalidTokenError(Exception):
    """A bearer token that opens nothing; the message is the one that Auth0 gives."""


def _signing_key(tenant: Tenant) -> RSAKey:
    """The tenant's RS256 key, made at its first use and kept in the store."""
    with _lock, tenant.store.lock:
        stored = tenant.store.get_value(KEY_VALUE)
        if stored is None:
            key = RSAKey.generate_key(2048, {"kid": secrets.token_urlsafe(16), "use": "sig", "alg": "RS256"})
            stored = key.as_dict(private=True)
            tenant.store.put_value(KEY_VALUE, stored)
        kid = str(stored["kid"])
        if kid not in _keys:
            _keys[kid] = RSAKey.import_key(stored)
        return _keys[kid]


def public_keys(tenant: Tenant) -> Document:
    """The JSON Web Key Set of `/.well-known/jwks.json`."""
    return {"keys": [_signing_key(tenant).as_dict(private=False)]}


def _sign(tenant: Tenant, claims: Document, *, alg: str, secret: str | None, typ: str = "JWT") -> str:
    if alg == "HS256":
        if not secret:
            raise ValueError("sandbox: a token signed with HS256 needs the secret of its client or API")
        return jwt.encode(
            {"alg": "HS256", "typ": typ}, claims, OctKey.import_key(secret), algorithms=["HS256"]
        )
    key = _signing_key(tenant)
    return jwt.encode({"alg": alg, "typ": typ, "kid": str(key.kid)}, claims, key, algorithms=[alg])


def issue_access_token(
    tenant: Tenant,
    *,
    resource_server: Document,
    client_id: str,
    subject: str,
    scope: list[str],
    custom: Document | None = None,
    grant: str | None = None,
    lifetime: int | None = None,
    permissions: list[str] | None = None,
) -> tuple[str, int]:
    """A JWT for an API, and its lifetime in seconds; `grant` becomes `gty`, as for grants without a browser.

    `permissions` appear where the API's token dialect has them.

    Raises ValueError where the API's signing algorithm or token dialect is not simulated.
    """
    alg = resource_server.get("signing_alg") or "RS256"
    dialect = resource_server.get("token_dialect") or "access_token"
    if alg not in ("RS256", "HS256"):
        raise ValueError(f"sandbox: the signing algorithm {alg} of an API is not simulated")
    profile, with_permissions = dialect.removesuffix("_authz"), dialect.endswith("_authz")
    if profile not in ("access_token", "rfc9068_profile"):
        raise ValueError(f"sandbox: the token dialect {dialect} of an API is not simulated")
    seconds = int(lifetime or resource_server.get("token_lifetime") or 86400)
    issued = int(time.time())
    audience: Any = resource_server["identifier"]
    if "openid" in scope and alg == "RS256":
        audience = [audience, f"{tenant.issuer}userinfo"]
    claims: Document = {**(custom or {}), "iss": tenant.issuer, "sub": subject, "aud": audience}
    claims |= {"iat": issued, "exp": issued + seconds}
    if scope:
        claims["scope"] = " ".join(scope)
    if with_permissions:
        claims["permissions"] = permissions or []
    if profile == "rfc9068_profile":
        claims |= {"client_id": client_id, "jti": secrets.token_urlsafe(16)}
    else:
        if grant is not None:
            claims["gty"] = grant
        claims["azp"] = client_id
    typ = "at+jwt" if profile == "rfc9068_profile" else "JWT"
    return _sign(tenant, claims, alg=alg, secret=resource_server.get("signing_secret"), typ=typ), seconds


def issue_opaque_token(
    tenant: Tenant, *, client_id: str, subject: str, scope: list[str], custom: Document | None = None
) -> tuple[str, int]:
    """An access token without an API: an encrypted JWE that opens /userinfo, and its lifetime in seconds."""
    issued = int(time.time())
    claims = {**(custom or {}), "sub": subject, "azp": client_id, "scope": " ".join(scope)}
    claims |= {"iss": tenant.issuer, "iat": issued, "exp": issued + OPAQUE_LIFETIME}
    header = {"alg": "dir", "enc": "A256GCM"}
    return jwe.encrypt_compact(header, json.dumps(claims), _opaque_key(tenant)), OPAQUE_LIFETIME


def issue_id_token(
    tenant: Tenant,
    *,
    client: Document,
    user: Document,
    scope: list[str],
    nonce: str | None = None,
    session_id: str | None = None,
    auth_time: int | None = None,
    custom: Document | None = None,
) -> str:
    """An ID token for a client: profile claims as the scopes allow, custom claims, `nonce` where one was sent."""
    issued = int(time.time())
    configuration = client.get("jwt_configuration") or {}
    # A client that says nothing and is not OIDC conformant has the secret-based algorithm, as at Auth0.
    alg = configuration.get("alg") or ("RS256" if client.get("oidc_conformant") else "HS256")
    if alg not in ("RS256", "HS256"):
        raise ValueError(f"sandbox: the ID token algorithm {alg} is not simulated")
    claims = profile_claims(user, scope) | (custom or {})
    claims |= {"iss": tenant.issuer, "aud": client["client_id"], "sub": user["user_id"]}
    claims |= {"iat": issued, "exp": issued + int(configuration.get("lifetime_in_seconds") or 36000)}
    if session_id is not None:
        claims["sid"] = session_id
    if nonce is not None:
        claims["nonce"] = nonce
    if auth_time is not None:
        claims["auth_time"] = auth_time
    return _sign(tenant, claims, alg=alg, secret=client.get("client_secret"))


def profile_claims(user: Document, scope: list[str]) -> Document:
    """The user's standard claims that the scopes `profile` and `email` open."""
    names: list[str] = []
    if "profile" in scope:
        names += ["nickname", "name", "given_name", "family_name", "picture", "updated_at"]
    if "email" in scope:
        names += ["email", "email_verified"]
    if "phone" in scope:
        names += ["phone_number", "phone_number_verified"]
    return {name: user[name] for name in names if user.get(name) is not None}


def read_user_token(tenant: Tenant, bearer: str) -> Document:
    """Claims of an access token that is good for /userinfo. Raises InvalidTokenError."""
    if bearer.count(".") == 4:
        try:
            opened = jwe.decrypt_compact(bearer, _opaque_key(tenant))
            claims: Document = json.loads(opened.plaintext or b"{}")
        except (JoseError, ValueError) as error:
            raise InvalidTokenError("Unauthorized") from error
        if int(claims.get("exp", 0)) <= time.time():
            raise InvalidTokenError("Unauthorized")
        return claims
    claims = _verified(tenant, bearer)
    audience = claims.get("aud")
    if f"{tenant.issuer}userinfo" not in (audience if isinstance(audience, list) else [audience]):
        raise InvalidTokenError("Unauthorized")
    return claims


def read_id_token(tenant: Tenant, hint: str) -> Document:
    """Claims of an ID token of this tenant, whether or not it has expired. Raises InvalidTokenError."""
    return _verified(tenant, hint, expired_too=True)


def verify_management_token(tenant: Tenant, bearer: str) -> set[str]:
    """Scopes of a Management API token. Raises InvalidTokenError where signature, audience or time are wrong."""
    claims = _verified(tenant, bearer)
    audience = claims.get("aud")
    if tenant.management_audience not in (audience if isinstance(audience, list) else [audience]):
        raise InvalidTokenError(f"Bad audience: {audience}")
    return set(str(claims.get("scope", "")).split())


def _verified(tenant: Tenant, bearer: str, *, expired_too: bool = False) -> Document:
    """Claims of a JWT that the tenant has signed and that is still good."""
    try:
        token = jwt.decode(bearer, _signing_key(tenant), algorithms=["RS256"])
    except (JoseError, ValueError) as error:
        raise InvalidTokenError("Invalid token") from error
    claims: Document = token.claims
    if claims.get("iss") != tenant.issuer:
        raise InvalidTokenError("Invalid token")
    if not expired_too and int(claims.get("exp", 0)) <= time.time():
        raise InvalidTokenError("Expired token received for JSON Web Token validation")
    return claims


def _opaque_key(tenant: Tenant) -> OctKey:
    """The key of opaque tokens, derived from the signing key: one secret in the store, not two."""
    private = str(_signing_key(tenant).as_dict(private=True)["d"])
    return OctKey.import_key(hashlib.sha256(b"opaque:" + private.encode()).digest())
