"""What the engine reads from its environment about who may use it.

Rule (Hasura's `Server/Init`): an engine without an admin secret is open, which a sandbox never is; an invalid
`HASURA_GRAPHQL_JWT_SECRET` keeps the engine from starting.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.hasura.authentication import Authenticator

__all__ = ["ConfigurationError", "authenticator_from", "describe"]

_DEFAULT_NAMESPACE = "https://hasura.io/jwt/claims"


class ConfigurationError(Exception):
    """The environment does not make a working engine; the message holds no secret."""


def authenticator_from(
    environment: Mapping[str, str], *, without_jwt: bool = False
) -> tuple[Authenticator, dict[str, Any]]:
    """The authenticator of `environment`, and its JWT configuration (empty where there is none).

    Raises `ConfigurationError`.
    """
    secret = environment.get("HASURA_GRAPHQL_ADMIN_SECRET")
    if not secret:
        raise ConfigurationError("HASURA_GRAPHQL_ADMIN_SECRET is not set")
    configuration = None
    text = None if without_jwt else environment.get("HASURA_GRAPHQL_JWT_SECRET")
    if text:
        try:
            configuration = json.loads(text)
        except ValueError:
            raise ConfigurationError("HASURA_GRAPHQL_JWT_SECRET is not valid JSON") from None
        if not isinstance(configuration, dict):
            raise ConfigurationError("HASURA_GRAPHQL_JWT_SECRET is not a JSON object")
    try:
        made = Authenticator(
            secret,
            configuration,
            environment.get("HASURA_GRAPHQL_UNAUTHORIZED_ROLE") or None,
            environment.get("SSL_CERT_FILE") or None,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"HASURA_GRAPHQL_JWT_SECRET: {error}") from None
    return made, configuration or {}


def describe(environment: Mapping[str, str], jwt: Mapping[str, Any], version: str) -> dict[str, Any]:
    """The answer of `/v1alpha1/config`."""
    live = [
        {
            "claims_namespace": jwt.get("claims_namespace", _DEFAULT_NAMESPACE),
            "claims_format": jwt.get("claims_format", "json"),
            "claims_map": jwt.get("claims_map"),
        }
    ]
    return {
        "version": version,
        "is_function_permissions_inferred": True,
        "is_remote_schema_permissions_enabled": False,
        "is_admin_secret_set": True,
        "is_auth_hook_set": False,
        "is_jwt_set": bool(jwt),
        "jwt": live if jwt else [],
        "is_allow_list_enabled": False,
        "live_queries": {"batch_size": 100, "refetch_delay": 1},
        "streaming_queries": {"batch_size": 100, "refetch_delay": 1},
        "console_assets_dir": None,
        "experimental_features": [],
        "is_prometheus_metrics_enabled": False,
        "default_naming_convention": environment.get("HASURA_GRAPHQL_DEFAULT_NAMING_CONVENTION"),
    }
