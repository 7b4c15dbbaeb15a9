"""What a resource gets to work with: the engine's client and the Cloud's, each made when it is first needed."""

from __future__ import annotations

from functools import cached_property

from providers.hasura.client import EngineClient
from providers.hasura.cloud_client import CloudClient
from providers.kit.errors import ProviderError


class Clients:
    """The provider's configuration as clients. Raises `ProviderError` for the one that is not configured, when it is needed."""

    def __init__(
        self, *, endpoint: str | None, admin_secret: str | None, cloud_endpoint: str, cloud_token: str | None
    ) -> None:
        self.endpoint, self.admin_secret = endpoint, admin_secret
        self._cloud_endpoint, self._cloud_token = cloud_endpoint, cloud_token

    @cached_property
    def engine(self) -> EngineClient:
        """The engine at the configured endpoint."""
        if not self.endpoint:
            raise ProviderError(
                "The provider hasura has no endpoint: set it to the base URL of the GraphQL engine."
            )
        return EngineClient(self.endpoint, self.admin_secret)

    @cached_property
    def cloud(self) -> CloudClient:
        """Hasura Cloud."""
        if not self._cloud_token:
            raise ProviderError(
                "The provider hasura has no cloudToken: make a personal access token in Hasura Cloud's account settings."
            )
        return CloudClient(self._cloud_endpoint, self._cloud_token)
