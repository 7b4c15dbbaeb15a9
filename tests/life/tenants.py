"""The outside world as its other users and its administrators see it: Auth0's tenant, Hasura's engine and Cloud, Postgres.

Tests look through it, and change things behind the stack's back.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg
import requests

Status = dict[str, dict[str, str]]
_TIMEOUT = 30.0


class Tenant:
    """Auth0's Management API with the sandbox's machine client."""

    def __init__(self, status: Status) -> None:
        self._url = status["auth0"]["url"]
        self._session = requests.Session()
        self._session.verify = status["auth0"]["ca_file"]
        answer = self._session.post(
            f"{self._url}/oauth/token",
            json={
                "grant_type": "client_credentials",
                "client_id": status["auth0"]["client_id"],
                "client_secret": status["auth0"]["client_secret"],
                "audience": f"https://{status['auth0']['domain']}/api/v2/",
            },
            timeout=_TIMEOUT,
        )
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer that must not be an error; None where there is no content."""
        answer = self._session.request(method, f"{self._url}/api/v2/{path}", json=body, timeout=_TIMEOUT)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def bindings(self) -> list[dict[str, Any]]:
        """What runs at a login, in order."""
        found: list[dict[str, Any]] = self.call("GET", "actions/triggers/post-login/bindings?per_page=100")[
            "bindings"
        ]
        return found

    def bind(self, actions: list[tuple[str, str]]) -> None:
        """Bind these (action id, display name), in this order, and no others."""
        body = [
            {"ref": {"type": "action_id", "value": action}, "display_name": name} for action, name in actions
        ]
        self.call("PATCH", "actions/triggers/post-login/bindings", {"bindings": body})

    def bound(self) -> list[tuple[str, str]]:
        """The bindings as `bind` takes them."""
        return [(item["action"]["id"], item["display_name"]) for item in self.bindings()]

    def add_action(self, name: str) -> str:
        """Somebody else's Action, deployed; its id."""
        action = self.call(
            "POST",
            "actions/actions",
            {
                "name": name,
                "code": "exports.onExecutePostLogin = async () => {};",
                "runtime": "node22",
                "supported_triggers": [{"id": "post-login", "version": "v3"}],
            },
        )
        self.deploy(action["id"])
        return str(action["id"])

    def change_action(self, action: str, **changes: Any) -> None:
        """Save and deploy a change of an Action, as somebody in the dashboard would."""
        self.call("PATCH", f"actions/actions/{action}", changes)
        self.deploy(action)

    def deploy(self, action: str) -> None:
        """Deploy what was saved, once the platform has built it."""
        for _ in range(200):
            if self.call("GET", f"actions/actions/{action}")["status"] == "built":
                break
            time.sleep(0.02)
        self.call("POST", f"actions/actions/{action}/deploy")


class Hasura:
    """Hasura with the admin secret."""

    def __init__(self, status: Status) -> None:
        self._url, self._secret = status["hasura"]["url"], status["hasura"]["admin_secret"]

    def metadata(self, type: str, args: Any) -> Any:
        """A metadata command that must succeed."""
        return self._post("/v1/metadata", {"type": type, "args": args}, {})

    def export(self) -> dict[str, Any]:
        """The metadata."""
        found: dict[str, Any] = self.metadata("export_metadata", {})
        return found

    def source(self, name: str) -> dict[str, Any] | None:
        """A source in the metadata."""
        return next((item for item in self.export()["sources"] if item["name"] == name), None)

    def graphql(self, query: str, token: str) -> dict[str, Any]:
        """A query with somebody's access token."""
        answer = requests.post(
            f"{self._url}/v1/graphql",
            json={"query": query},
            headers={"Authorization": f"Bearer {token}"},
            timeout=_TIMEOUT,
        )
        found: dict[str, Any] = answer.json()
        return found

    def _post(self, path: str, body: Any, headers: dict[str, str]) -> Any:
        answer = requests.post(
            f"{self._url}{path}",
            json=body,
            headers={"x-hasura-admin-secret": self._secret, **headers},
            timeout=_TIMEOUT,
        )
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()


class Cloud:
    """The environment variables of the sandbox's Hasura Cloud project."""

    def __init__(self, status: Status) -> None:
        facts = status["hasura_cloud"]
        self._url, self._tenant = f"{facts['url']}/v1/graphql", facts["project_id"]
        self._headers = {"Authorization": f"pat {facts['token']}"}

    def _query(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = requests.post(
            self._url, json={"query": query, "variables": variables}, headers=self._headers, timeout=_TIMEOUT
        ).json()
        assert "errors" not in answer, answer
        found: dict[str, Any] = answer["data"]
        return found

    def _environment(self) -> tuple[str, dict[str, str]]:
        query = "query ($id: uuid!) { getTenantEnv(tenantId: $id) { hash envVars } }"
        found = self._query(query, id=self._tenant)["getTenantEnv"]
        return found["hash"], found["envVars"]["environment"]

    def variables(self) -> dict[str, str]:
        """All variables of the project."""
        return self._environment()[1]

    def set(self, **variables: str) -> None:
        """Set variables, and wait until the engine has them."""
        before, _ = self._environment()
        envs = [{"key": key, "value": value} for key, value in variables.items()]
        mutation = (
            "mutation ($id: uuid!, $hash: String!, $envs: [UpdateEnvObject!]!) "
            "{ updateTenantEnv(tenantId: $id, currentHash: $hash, envs: $envs) { hash } }"
        )
        after = self._query(mutation, id=self._tenant, hash=before, envs=envs)["updateTenantEnv"]["hash"]
        status = "query ($id: uuid!) { config_status(where: {tenant_id: {_eq: $id}, is_active: {_eq: true}}) { hash message } }"
        for _ in range(600):
            rows = self._query(status, id=self._tenant)["config_status"]
            if any(row["hash"] == after and "successfully" in row["message"] for row in rows):
                return
            time.sleep(0.05)
        raise AssertionError(f"the engine did not take over {sorted(variables)}")


def sql(url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run a statement as the owner of the database; its rows."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []
