"""Who sends a request: admin secret, JWT or nobody; the role and session variables that follow.

Source of rules and texts: facts/hasura.md, conformance/hasura/JWT-CASES.md, graphql-engine `Hasura.Server.Auth`,
`Hasura.Server.Auth.JWT` and `Hasura.Session`.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from .graphql.errors import GraphQLFault
from .jwt_claims import ClaimsReader, roles_of, variables_of
from .jwt_keys import Key, KeysUnavailable, RemoteKeys, key_from_config

__all__ = ["Authenticator", "GraphQLFault", "KeysUnavailable", "Session"]

_SECRET_HEADERS = ("x-hasura-admin-secret", "x-hasura-access-key")
_BACKEND_HEADER = "x-hasura-use-backend-only-permissions"
_TRUE, _FALSE = ("true", "t", "yes", "y"), ("false", "f", "no", "n")
_ALGORITHMS: dict[type, tuple[str, ...]] = {
    RSAKey: ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ECKey: ("ES256", "ES384", "ES512"),
    OctKey: ("HS256", "HS384", "HS512"),
    OKPKey: ("EdDSA", "Ed25519"),
}


@dataclass(frozen=True)
class Session:
    """The role that a request runs as; `variables` has lower-case names, all beginning with `x-hasura-`."""

    role: str
    variables: dict[str, str] = field(default_factory=dict)
    backend_request: bool = False
    """May use permissions that are marked backend_only."""

    @property
    def is_admin(self) -> bool:
        """Does the request run as `admin`?"""
        return self.role == "admin"


class Authenticator:
    """Turns a request's headers into a session, as the engine's configuration says."""

    def __init__(
        self,
        admin_secret: str | None,
        jwt_config: dict[str, Any] | None,
        unauthorized_role: str | None = None,
        ca_file: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`ca_file`: PEM of the authority that signed `jwk_url`'s certificate. Raises ValueError for a
        configuration that the engine would not start with.
        """
        if jwt_config is not None and admin_secret is None:
            raise ValueError(
                "Fatal Error: --jwt-secret (HASURA_GRAPHQL_JWT_SECRET) requires --admin-secret "
                "(HASURA_GRAPHQL_ADMIN_SECRET) or --access-key (HASURA_GRAPHQL_ACCESS_KEY) to be set"
            )
        self._secret, self._unauthorized_role, self._clock = admin_secret, unauthorized_role, clock
        self._jwt = jwt_config
        self._key: Key | None = None
        self._remote: RemoteKeys | None = None
        if jwt_config is not None:
            self._read_config(jwt_config, ca_file)

    def _read_config(self, config: dict[str, Any], ca_file: str | None) -> None:
        if ("key" in config) == ("jwk_url" in config):
            both = "key" in config
            raise ValueError(
                "key, jwk_url both cannot be present" if both else "key and jwk_url both cannot be empty"
            )
        if "jwk_url" in config:
            self._remote = RemoteKeys(config["jwk_url"], ca_file)
        else:
            self._key = key_from_config(config)
        self._claims = ClaimsReader(config)
        header = config.get("header") or {"type": "Authorization"}
        self._header_type = str(header.get("type")).lower()
        self._header_name = header.get("name", "")
        if self._header_type not in ("authorization", "cookie", "customheader"):
            raise ValueError("expected 'type' is 'Authorization', 'Cookie' or 'CustomHeader'")
        self._skew = float(config.get("allowed_skew") or 0)

    def load_keys(self) -> None:
        """Fetch `jwk_url` if there is one. Raises KeysUnavailable after a few tries."""
        if self._remote is not None:
            self._remote.load()

    def authenticate(self, headers: Mapping[str, str]) -> Session:
        """The session of a request. Raises GraphQLFault with the engine's message and code."""
        lower = {name.lower(): value for name, value in headers.items()}
        if self._secret is None:
            return self._from_headers(lower, "admin")
        sent = next((lower[name] for name in _SECRET_HEADERS if name in lower), None)
        if sent is not None:
            if not hmac.compare_digest(sent.encode(), self._secret.encode()):
                raise GraphQLFault('invalid "x-hasura-admin-secret"/"x-hasura-access-key"', "access-denied")
            return self._from_headers(lower, "admin")
        if self._jwt is not None:
            return self._from_token(lower)
        if self._unauthorized_role is not None:
            return self._unauthorized(lower)
        raise GraphQLFault(
            '"x-hasura-admin-secret"/"x-hasura-access-key" required, but not found', "access-denied"
        )

    @staticmethod
    def _variables(headers: Mapping[str, str]) -> dict[str, str]:
        hidden = (*_SECRET_HEADERS, _BACKEND_HEADER, "x-hasura-role")
        return {n: v for n, v in headers.items() if n.startswith("x-hasura-") and n not in hidden}

    def _from_headers(self, headers: Mapping[str, str], fallback: str) -> Session:
        role = headers.get("x-hasura-role") or fallback
        return Session(role, {**self._variables(headers), "x-hasura-role": role}, _backend_requested(headers))

    def _unauthorized(self, headers: Mapping[str, str]) -> Session:
        role = self._unauthorized_role or ""
        return Session(role, {**self._variables(headers), "x-hasura-role": role})

    def _from_token(self, headers: Mapping[str, str]) -> Session:
        token = self._token(headers)
        if token is None:
            if self._unauthorized_role is not None:
                return self._unauthorized(headers)
            raise GraphQLFault(
                "Missing 'Authorization' or 'Cookie' header in JWT authentication mode", "invalid-headers"
            )
        claims = self._claims.read(self._verified(token))
        allowed, default = roles_of(claims)
        role = headers.get("x-hasura-role") or default
        if role not in allowed:
            raise GraphQLFault("Your requested role is not in allowed roles", "access-denied")
        return Session(role, {**variables_of(claims), "x-hasura-role": role})

    def _token(self, headers: Mapping[str, str]) -> str | None:
        if self._header_type == "customheader":
            return headers.get(self._header_name.lower())
        raw = headers.get(self._header_type)
        if raw is None:
            return None
        if self._header_type == "authorization":
            parts = raw.split()
            if len(parts) != 2 or parts[0] != "Bearer":
                raise GraphQLFault("Malformed Authorization header", "invalid-headers")
            return parts[1]
        try:
            cookies = SimpleCookie(raw)
        except CookieError:
            cookies = SimpleCookie()
        if self._header_name not in cookies:
            raise GraphQLFault(f"Could not find '{self._header_name}' in Cookie header", "invalid-headers")
        return cookies[self._header_name].value

    def _verified(self, token: str) -> dict[str, Any]:
        header = _header(token)
        keys = [self._key] if self._key is not None else []
        if self._remote is not None:
            keys = list(self._remote.current(header.get("kid")))
        if not keys:
            raise _not_verified("JWSError NoUsableKeys")
        payload = next(
            (p for p in (_payload(token, k, header.get("alg")) for k in keys) if p is not None), None
        )
        if payload is None:
            raise _not_verified("JWSError JWSInvalidSignature")
        try:
            claims = json.loads(payload)
        except ValueError:
            claims = None
        if not isinstance(claims, dict):
            raise _not_verified('JWTClaimsSetDecodeError "the payload is not a JSON object"')
        self._check(claims)
        return claims

    def _check(self, claims: dict[str, Any]) -> None:
        now = self._clock()
        for name in ("exp", "iat", "nbf"):
            if name in claims and (
                isinstance(claims[name], bool) or not isinstance(claims[name], int | float)
            ):
                raise _not_verified(f'JWTClaimsSetDecodeError "{name} is not a number"')
        if "exp" in claims and now >= claims["exp"] + self._skew:
            raise _not_verified("JWTExpired")
        if "iat" in claims and claims["iat"] > now + self._skew + 1:  # iat has whole seconds
            raise _not_verified("JWTIssuedAtFuture")
        if "nbf" in claims and now < claims["nbf"] - self._skew:
            raise _not_verified("JWTNotYetValid")
        config = self._jwt or {}
        if config.get("issuer") is not None and "iss" in claims and claims["iss"] != config["issuer"]:
            raise _not_verified("JWTNotInIssuer")
        wanted = config.get("audience")
        if wanted is not None and "aud" in claims:
            accepted = wanted if isinstance(wanted, list) else [wanted]
            have = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
            if not set(map(str, accepted)) & set(map(str, have)):
                raise _not_verified("JWTNotInAudience")


def _not_verified(reason: str) -> GraphQLFault:
    return GraphQLFault(f"Could not verify JWT: {reason}", "invalid-jwt")


def _header(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        raise _not_verified(
            f"JWSError (CompactDecodeError Invalid number of parts: Expected 3 parts; got {len(parts)})"
        )
    try:
        header = json.loads(base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)))
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise _not_verified('JWSError (JSONDecodeError "the header is not a JSON object")')
    return header


def _payload(token: str, key: Key, algorithm: Any) -> bytes | None:
    """The token's payload if this key signed it with an algorithm of the key's own kind."""
    if algorithm not in _ALGORITHMS[type(key)]:
        return None
    try:
        return jws.deserialize_compact(token, key, algorithms=[algorithm]).payload
    except (JoseError, ValueError):
        return None


def _backend_requested(headers: Mapping[str, str]) -> bool:
    value = headers.get(_BACKEND_HEADER)
    if value is None or value.lower() in _FALSE:
        return False
    if value.lower() in _TRUE:
        return True
    raise GraphQLFault(
        f"{_BACKEND_HEADER}:  Not a valid boolean text. True values are "
        '["true","t","yes","y"] and  False values are ["false","f","no","n"]. All values are case insensitive',
        "bad-request",
    )
