"""`/.well-known/openid-configuration` and `/.well-known/jwks.json`: says only what this tenant does."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.auth0.authentication.tokens import public_keys
from sandbox.auth0.tenant import Tenant

__all__ = ["jwks", "openid_configuration"]

_CACHED = {"Cache-Control": "public, max-age=15, stale-while-revalidate=15, stale-if-error=86400"}


async def openid_configuration(tenant: Tenant, request: Request) -> Response:
    """OpenID Provider Metadata."""
    issuer = tenant.issuer
    return JSONResponse(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}authorize",
            "token_endpoint": f"{issuer}oauth/token",
            "userinfo_endpoint": f"{issuer}userinfo",
            "revocation_endpoint": f"{issuer}oauth/revoke",
            "end_session_endpoint": f"{issuer}oidc/logout",
            "jwks_uri": f"{issuer}.well-known/jwks.json",
            "scopes_supported": [
                "openid",
                "profile",
                "offline_access",
                "name",
                "nickname",
                "email",
                "picture",
            ],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": [
                "authorization_code",
                "refresh_token",
                "client_credentials",
                "password",
            ],
            "code_challenge_methods_supported": ["S256", "plain"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["HS256", "RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "claims_supported": [
                *("aud", "auth_time", "email", "email_verified", "exp", "family_name", "given_name", "iat"),
                *("iss", "name", "nickname", "picture", "sub", "updated_at"),
            ],
            "request_uri_parameter_supported": False,
            "request_parameter_supported": False,
        },
        headers=_CACHED,
    )


async def jwks(tenant: Tenant, request: Request) -> Response:
    """The keys that tokens are signed with."""
    return JSONResponse(public_keys(tenant), headers=_CACHED)
