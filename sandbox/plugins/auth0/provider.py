"""The stand-in's configuration, resources and data source."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from providers.kit.errors import ProviderError
from sandbox.plugins.auth0.api import ManagementApi
from sandbox.plugins.auth0.resources.action import Action
from sandbox.plugins.auth0.resources.client import Client
from sandbox.plugins.auth0.resources.client_credentials import ClientCredentials
from sandbox.plugins.auth0.resources.connection_client import ConnectionClient
from sandbox.plugins.auth0.resources.resource_server import ResourceServer
from sandbox.plugins.auth0.resources.trigger_action import TriggerAction
from sandbox.plugins.kinds import StandIn, StandInInputs


class Config(StandInInputs):
    """The settings that the stand-in knows."""

    domain: str
    client_id: str = ""
    client_secret: str = Field(default="", json_schema_extra={"secret": True})
    api_token: str | None = Field(default=None, json_schema_extra={"secret": True})
    debug: bool = False
    dynamic_credentials: bool = False


def get_connection(api: ManagementApi, arguments: dict[str, Any]) -> dict[str, Any]:
    """`auth0.getConnection`: a connection by its name or id."""
    listed = api.call("GET", "connections", include_totals="true", per_page=50, take=100)
    connections = listed["connections"] if isinstance(listed, dict) else listed
    wanted = arguments.get("connectionId") or arguments.get("name")
    found = next((item for item in connections if wanted in (item["id"], item["name"])), None)
    if found is None:
        names = ", ".join(sorted(item["name"] for item in connections))
        raise ProviderError(f"Auth0 has no connection {wanted!r}; it has: {names}.")
    clients = api.call("GET", f"connections/{found['id']}/clients")
    return {
        "id": found["id"],
        "connectionId": found["id"],
        "name": found["name"],
        "strategy": found["strategy"],
        "enabledClients": [item["client_id"] for item in clients["clients"]],
    }


class Auth0Provider(StandIn[ManagementApi]):
    """An Auth0 tenant."""

    def connect(self, config: Config) -> ManagementApi:
        return ManagementApi(config.domain, config.client_id, config.client_secret, config.api_token)


PROVIDER = Auth0Provider(
    name="auth0",
    version="3.55.1",
    description="Stand-in for the published plugin, for the resource types that this stack uses.",
    config=Config,
    resources=(Action, Client, ClientCredentials, ConnectionClient, ResourceServer, TriggerAction),
    functions={"auth0:index/getConnection:getConnection": get_connection},
)
