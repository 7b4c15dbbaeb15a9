"""Login with Auth0 by authorization code and PKCE, and the check of the ID token.

Sources: RFC 6749 section 4.1, RFC 7636 (PKCE), OpenID Connect Core 3.1.3.7 (what to check in an ID token).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from sandbox.app.config import AppConfig
from sandbox.app.http import exchange
from sandbox.errors import SandboxError

__all__ = ["PendingLogin", "Tokens", "authorize_url", "logout_url", "peek", "redeem"]

SCOPE = "openid profile email"
LEEWAY_S = 30


@dataclass(frozen=True)
class PendingLogin:
    """What must come back, or must only be known here, while the person is at Auth0."""

    state: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True)
class Tokens:
    """What a login gave; the ID token's claims are verified."""

    access_token: str = field(repr=False)
    id_claims: dict[str, Any] = field(repr=False)


def authorize_url(
    config: AppConfig, pending: PendingLogin, redirect_uri: str, *, signup: bool = False
) -> str:
    """Where the browser goes to log in."""
    query = {
        "response_type": "code",
        "client_id": config.client_id,
        "redirect_uri": redirect_uri,
        "scope": SCOPE,
        "audience": config.audience,
        "state": pending.state,
        "nonce": pending.nonce,
        "code_challenge": pending.challenge,
        "code_challenge_method": "S256",
    }
    if signup:
        query["screen_hint"] = "signup"
    return f"https://{config.domain}/authorize?{urlencode(query)}"


def logout_url(config: AppConfig, return_to: str) -> str:
    """Where the browser goes to end the session at Auth0 as well."""
    return f"https://{config.domain}/v2/logout?{urlencode({'client_id': config.client_id, 'returnTo': return_to})}"


def redeem(config: AppConfig, pending: PendingLogin, code: str, redirect_uri: str) -> Tokens:
    """Exchange the code of a callback for tokens and verify the ID token.

    :raises SandboxError: Auth0 refused the code, or the ID token is not what this login asked for
    """
    status, body = exchange(
        "POST",
        f"https://{config.domain}/oauth/token",
        what="Auth0",
        ca_file=config.ca_file,
        form={
            "grant_type": "authorization_code",
            "client_id": config.client_id,
            "client_secret": config.client_secret,
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": pending.verifier,
        },
    )
    answer = body if isinstance(body, dict) else {}
    if status != 200:
        said = answer.get("error_description") or answer.get("error") or "nothing readable"
        raise SandboxError(f"Auth0 refused the code of this login (HTTP {status}): {said}")
    access_token, id_token = answer.get("access_token"), answer.get("id_token")
    if not isinstance(access_token, str) or not isinstance(id_token, str):
        raise SandboxError("Auth0's answer to the code lacks an access token or an ID token.")
    return Tokens(access_token, _verified(config, id_token, pending.nonce))


def peek(token: str) -> dict[str, Any] | None:
    """The claims inside an access token, unverified and for display only; None if it is not a JWT.

    An application has no business in checking its access token: that is for whom it is meant, here Hasura.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return None
    return claims if isinstance(claims, dict) else None


def _verified(config: AppConfig, id_token: str, nonce: str) -> dict[str, Any]:
    status, keys = exchange(
        "GET", f"https://{config.domain}/.well-known/jwks.json", what="Auth0", ca_file=config.ca_file
    )
    if status != 200 or not isinstance(keys, dict):
        raise SandboxError(f"Auth0's keys (/.well-known/jwks.json) are not to be had: HTTP {status}.")
    wanted = jwt.JWTClaimsRegistry(
        leeway=LEEWAY_S,
        iss={"essential": True, "value": config.issuer},
        aud={"essential": True, "value": config.client_id},
        nonce={"essential": True, "value": nonce},
        exp={"essential": True},
        sub={"essential": True},
    )
    try:
        token = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=["RS256"])  # type: ignore[arg-type]  # JSON, checked by joserfc itself
        wanted.validate(token.claims)
    except (JoseError, ValueError) as error:
        raise SandboxError(f"The ID token of this login does not hold: {error}") from error
    return dict(token.claims)
