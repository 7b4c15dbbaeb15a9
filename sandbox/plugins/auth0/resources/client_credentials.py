"""`auth0.ClientCredentials`: how an application authenticates, and its secret."""

from __future__ import annotations

from typing import Any

from providers.kit.resource import Context, Live
from sandbox.plugins.auth0.api import ManagementApi
from sandbox.plugins.kinds import StandInInputs, StandInResource

_PUBLIC = frozenset({"native", "spa"})  # applications that can keep no secret


class ClientCredentialsInputs(StandInInputs):
    """The properties that the stand-in knows."""

    client_id: str
    authentication_method: str


class ClientCredentials(StandInResource[ManagementApi, ClientCredentialsInputs]):
    """The authentication method of an application. The id is the application's."""

    token = "auth0:index/clientCredentials:ClientCredentials"
    inputs = ClientCredentialsInputs
    replace_on = frozenset({"clientId"})
    output_types = {"clientSecret": "string"}
    secret_outputs = frozenset({"clientSecret"})

    def create(self, inputs: ClientCredentialsInputs, context: Context) -> tuple[str, dict[str, Any]]:
        return inputs.client_id, self._set(inputs)

    def read(self, id: str, inputs: ClientCredentialsInputs | None, context: Context) -> Live | None:
        live = self.client.find(f"clients/{id}")
        if live is None:
            return None
        found = {"clientId": id, "authenticationMethod": live.get("token_endpoint_auth_method", "none")}
        return Live(found, _secret(live))

    def update(
        self, id: str, old: ClientCredentialsInputs, new: ClientCredentialsInputs, context: Context
    ) -> dict[str, Any]:
        return self._set(new)

    def delete(self, id: str, inputs: ClientCredentialsInputs, context: Context) -> None:
        live = self.client.find(f"clients/{id}", fields="client_id,app_type", include_fields="true")
        if live is not None:
            default = "none" if live.get("app_type") in _PUBLIC else "client_secret_post"
            self.client.call("GET", f"clients/{id}/credentials", include_totals="true", per_page=50)
            self.client.call("PATCH", f"clients/{id}", {"token_endpoint_auth_method": default})

    def _set(self, inputs: ClientCredentialsInputs) -> dict[str, Any]:
        path = f"clients/{inputs.client_id}"
        self.client.call("GET", path, fields="client_id", include_fields="true")
        self.client.call("PATCH", path, {"token_endpoint_auth_method": inputs.authentication_method})
        return _secret(self.client.call("GET", path))


def _secret(live: dict[str, Any]) -> dict[str, Any]:
    return {"clientSecret": live.get("client_secret", "")}
