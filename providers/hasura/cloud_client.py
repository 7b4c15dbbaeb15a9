"""Hasura Cloud's GraphQL API, as far as the environment of a project needs it.

Source: the Cloud console's own queries and https://hasura.io/docs/2.0/api-reference/cloud-api-reference/. Errors come as HTTP 200 with
`errors`; a write names the `currentHash` that it rests on; a set of variables that changes nothing is an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from providers.hasura.transport import Http, Patience
from providers.kit.errors import ProviderError

_GET = "query ($tenantId: uuid!) { getTenantEnv(tenantId: $tenantId) { hash envVars } }"
_UPDATE = (
    "mutation ($tenantId: uuid!, $currentHash: String!, $envs: [UpdateEnvObject!]!) "
    "{ updateTenantEnv(tenantId: $tenantId, currentHash: $currentHash, envs: $envs) { hash envVars } }"
)
_DELETE = (
    "mutation ($tenantId: uuid!, $currentHash: String!, $deleteEnvs: [String!]!) "
    "{ deleteTenantEnv(tenantId: $tenantId, currentHash: $currentHash, deleteEnvs: $deleteEnvs) { hash envVars } }"
)
_STATUS = (
    "query ($tenantId: uuid!) { config_status(where: {tenant_id: {_eq: $tenantId}, is_active: {_eq: true}, "
    'worker_state: {_eq: "live"}}) { hash message } }'
)
_TENANT = "query ($tenantId: uuid!) { tenant_by_pk(id: $tenantId) { id slug project { id endpoint } } }"


class CloudError(ProviderError):
    """The Cloud answered with `errors`; the sentence repeats what it said."""


@dataclass(frozen=True)
class Environment:
    """A project's own variables and the hash that a write must name."""

    hash: str
    variables: dict[str, str] = field(repr=False)


@dataclass(frozen=True)
class WorkerStatus:
    """What one live worker of the project says: the configuration that it has, and how it fared with it."""

    hash: str
    message: str

    @property
    def configured(self) -> bool:
        """Whether the worker serves with that configuration."""
        return self.message.strip().lower().startswith("service configured successfully")

    @property
    def failed(self) -> bool:
        """Whether the worker says that it cannot serve with that configuration."""
        return not self.configured and any(
            word in self.message.lower() for word in ("fail", "error", "invalid")
        )


class CloudClient:
    """Talks to the Cloud API with a personal access token."""

    def __init__(self, endpoint: str, token: str) -> None:
        self._http = Http("Hasura Cloud", endpoint, {"Authorization": f"pat {token}"})

    def environment(self, project: str, patience: Patience) -> Environment:
        """The project's variables."""
        data = self._ask(_GET, {"tenantId": project}, patience)
        return _environment(data.get("getTenantEnv"), project)

    def set(
        self, project: str, current: Environment, values: dict[str, str], patience: Patience
    ) -> Environment:
        """Set these variables, leaving the others. Raises `CloudError`, also when `current` is out of date."""
        envs = [{"key": key, "value": value} for key, value in sorted(values.items())]
        variables = {"tenantId": project, "currentHash": current.hash, "envs": envs}
        return _environment(self._ask(_UPDATE, variables, patience).get("updateTenantEnv"), project)

    def unset(self, project: str, current: Environment, names: list[str], patience: Patience) -> Environment:
        """Remove these variables. Raises `CloudError`, also when `current` is out of date."""
        variables = {"tenantId": project, "currentHash": current.hash, "deleteEnvs": sorted(names)}
        return _environment(self._ask(_DELETE, variables, patience).get("deleteTenantEnv"), project)

    def workers(self, project: str, patience: Patience) -> list[WorkerStatus]:
        """The live workers' statuses; none while the project sleeps or starts."""
        rows = self._ask(_STATUS, {"tenantId": project}, patience).get("config_status") or []
        return [WorkerStatus(str(row.get("hash")), str(row.get("message") or "")) for row in rows]

    def endpoint(self, project: str, patience: Patience) -> str | None:
        """Base URL of the project's engine; None where there is no such project."""
        tenant = self._ask(_TENANT, {"tenantId": project}, patience).get("tenant_by_pk")
        if not isinstance(tenant, dict):
            return None
        endpoint = str((tenant.get("project") or {}).get("endpoint") or "")
        return endpoint.rstrip("/").removesuffix("/v1/graphql")

    def _ask(self, query: str, variables: dict[str, Any], patience: Patience) -> dict[str, Any]:
        answer = self._http.send("POST", "", {"query": query, "variables": variables}, patience)
        errors = answer.part("errors")
        if errors:
            raise CloudError(_sentence(errors))
        if answer.status in (401, 403):
            raise ProviderError(_REFUSED)
        data = answer.part("data")
        if answer.status != 200 or not isinstance(data, dict):
            raise ProviderError(
                f"Hasura Cloud answered {answer.status} and no GraphQL: is the provider's cloudEndpoint right?"
            )
        return data


_REFUSED = "Hasura Cloud refused the token: set the provider's cloudToken to a valid personal access token of the project's owner."


def _sentence(errors: Any) -> str:
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    code = str((first.get("extensions") or {}).get("code") or "")
    message = str(first.get("message") or "an error without a message")
    if code in ("access-denied", "invalid-jwt", "invalid-headers") or "unauthorized" in message.lower():
        return f"{_REFUSED.rstrip('.')} ({message})."
    return f"Hasura Cloud refused the request: {message}."


def _environment(value: Any, project: str) -> Environment:
    if not isinstance(value, dict):
        raise CloudError(f"Hasura Cloud has no project {project}, or the token may not see it.")
    own = (value.get("envVars") or {}).get("environment") or {}
    return Environment(str(value.get("hash")), {str(key): str(item) for key, item in own.items()})
