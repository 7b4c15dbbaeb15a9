"""`auth0.ConnectionClient`: one connection enabled for one application."""

from __future__ import annotations

from typing import Any

from providers.kit.errors import ProviderError
from providers.kit.resource import Context, Live
from sandbox.plugins.auth0.api import ApiError, ManagementApi
from sandbox.plugins.kinds import StandInInputs, StandInResource


class ConnectionClientInputs(StandInInputs):
    """A connection's id and an application's."""

    connection_id: str
    client_id: str


class ConnectionClient(StandInResource[ManagementApi, ConnectionClientInputs]):
    """People can log in to the application through the connection. The id is `connection::client`."""

    token = "auth0:index/connectionClient:ConnectionClient"
    inputs = ConnectionClientInputs
    replace_on = frozenset({"connectionId", "clientId"})
    output_types = {"name": "string", "strategy": "string"}

    def create(self, inputs: ConnectionClientInputs, context: Context) -> tuple[str, dict[str, Any]]:
        self._enable(inputs, status=True)
        live = self._connection(inputs)
        if live is None:
            raise ProviderError(f"Auth0 has no connection {inputs.connection_id}.")
        return f"{inputs.connection_id}::{inputs.client_id}", live

    def read(self, id: str, inputs: ConnectionClientInputs | None, context: Context) -> Live | None:
        connection_id, _, client_id = id.partition("::")
        wanted = inputs or ConnectionClientInputs(connection_id=connection_id, client_id=client_id)
        live = self._connection(wanted)
        return None if live is None else Live({"connectionId": connection_id, "clientId": client_id}, live)

    def update(
        self, id: str, old: ConnectionClientInputs, new: ConnectionClientInputs, context: Context
    ) -> dict[str, Any]:
        raise ProviderError("A connection's application is replaced, never updated.")

    def delete(self, id: str, inputs: ConnectionClientInputs, context: Context) -> None:
        try:
            self._enable(inputs, status=False)
        except ApiError as error:
            if error.status != 404:
                raise

    def _enable(self, inputs: ConnectionClientInputs, *, status: bool) -> None:
        body = [{"client_id": inputs.client_id, "status": status}]
        self.client.call("PATCH", f"connections/{inputs.connection_id}/clients", body)

    def _connection(self, inputs: ConnectionClientInputs) -> dict[str, Any] | None:
        path = f"connections/{inputs.connection_id}"
        clients = self.client.find(f"{path}/clients")
        if clients is None or inputs.client_id not in [item["client_id"] for item in clients["clients"]]:
            return None
        live = self.client.call("GET", path, fields="strategy,name", include_fields="true")
        return {"name": live["name"], "strategy": live["strategy"]}
