"""What the stack declares of Auth0, in short."""

from __future__ import annotations

from typing import Any

from providers.kit.values import Secret

API: dict[str, Any] = {
    "name": "API",
    "identifier": "https://api.example",
    "signingAlg": "RS256",
    "allowOfflineAccess": True,
}
APPLICATION: dict[str, Any] = {
    "name": "Web",
    "appType": "regular_web",
    "callbacks": ["https://app.example/auth/callback"],
    "allowedLogoutUrls": ["https://app.example"],
    "webOrigins": ["https://app.example"],
    "oidcConformant": True,
    "grantTypes": ["authorization_code", "refresh_token"],
    "jwtConfiguration": {"alg": "RS256"},
}
ACTION: dict[str, Any] = {
    "name": "sync",
    "code": "exports.onExecutePostLogin = async () => {};",
    "runtime": "node22",
    "deploy": True,
    "supportedTriggers": {"id": "post-login", "version": "v3"},
    "secrets": [
        {"name": "URL", "value": Secret("https://hasura.example")},
        {"name": "ADMIN_SECRET", "value": Secret("the-admin-secret")},
    ],
}


def action(**changes: Any) -> dict[str, Any]:
    """`ACTION` with other properties."""
    return {**ACTION, **changes}


def secrets(**values: str) -> list[dict[str, Any]]:
    """An Action's secrets."""
    return [{"name": name, "value": Secret(value)} for name, value in values.items()]
