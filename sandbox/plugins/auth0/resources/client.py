"""`auth0.Client`: an application."""

from __future__ import annotations

from typing import Any

from providers.kit.values import Props
from sandbox.plugins.auth0.resources.simple import SimpleResource
from sandbox.plugins.kinds import StandInInputs


class JwtConfiguration(StandInInputs):
    """How ID tokens are signed."""

    alg: str | None = None
    lifetime_in_seconds: int | None = None


class RefreshToken(StandInInputs):
    """How refresh tokens rotate and expire."""

    rotation_type: str
    expiration_type: str
    leeway: int | None = None
    token_lifetime: int | None = None
    infinite_token_lifetime: bool | None = None
    infinite_idle_token_lifetime: bool | None = None
    idle_token_lifetime: int | None = None


class ClientInputs(StandInInputs):
    """The properties that the stand-in knows."""

    name: str
    description: str | None = None
    app_type: str | None = None
    callbacks: list[str] | None = None
    allowed_logout_urls: list[str] | None = None
    web_origins: list[str] | None = None
    grant_types: list[str] | None = None
    oidc_conformant: bool | None = None
    jwt_configuration: JwtConfiguration | None = None
    refresh_token: RefreshToken | None = None


class Client(SimpleResource[ClientInputs]):
    """An application of the tenant. Its secret belongs to `ClientCredentials`."""

    token = "auth0:index/client:Client"
    inputs = ClientInputs
    path = "clients"
    id_field = "client_id"
    output_types = {"clientId": "string"}
    unset_silently = frozenset(
        {"callbacks", "grantTypes", "oidcConformant", "jwtConfiguration", "refreshToken"}
    )
    creation_extras = {"token_endpoint_auth_method": "client_secret_post"}

    def normalise(self, props: Props) -> Props:
        return {"description": "Managed by Pulumi", **props}

    def live_outputs(self, live: dict[str, Any]) -> dict[str, Any]:
        return {"clientId": live["client_id"]}
