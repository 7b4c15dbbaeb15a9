"""The provider `hasura`: its configuration, its clients, its resource kinds."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from providers.hasura.clients import Clients
from providers.hasura.resources.cloud_environment import CloudEnvironment
from providers.hasura.resources.metadata import Metadata
from providers.kit.inputs import Inputs
from providers.kit.provider import Provider

__all__ = ["PROVIDER"]

CLOUD_ENDPOINT = "https://data.pro.hasura.io/v1/graphql"


class Config(Inputs):
    """The provider's settings."""

    endpoint: str | None = Field(
        None, description="Base URL of the GraphQL engine, e.g. https://my-app.hasura.app."
    )
    admin_secret: str | None = Field(
        None, description="The engine's admin secret.", json_schema_extra={"secret": True}
    )
    cloud_endpoint: str = Field(CLOUD_ENDPOINT, description="GraphQL API of Hasura Cloud.")
    cloud_token: str | None = Field(
        None, description="Personal access token for Hasura Cloud.", json_schema_extra={"secret": True}
    )

    @field_validator("endpoint", "cloud_endpoint")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.startswith(("http://", "https://")):
            raise ValueError("must be a URL that starts with http:// or https://")
        return value.rstrip("/")


class HasuraProvider(Provider[Clients]):
    """Connects lazily: a program that uses the engine alone needs no Cloud token, and the other way round."""

    def connect(self, config: Any) -> Clients:
        """The clients for a configuration."""
        return Clients(
            endpoint=config.endpoint.removesuffix("/v1/graphql") if config.endpoint else None,
            admin_secret=config.admin_secret,
            cloud_endpoint=config.cloud_endpoint,
            cloud_token=config.cloud_token,
        )


PROVIDER = HasuraProvider(
    name="hasura",
    version="0.1.0",
    description="Fragments of Hasura metadata, and the environment of Hasura Cloud projects.",
    config=Config,
    resources=(Metadata, CloudEnvironment),
)
