"""The demo's deployment: the sandbox, and the stack on it through the real engine."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import requests
from psycopg import sql

from ops.console import console, say
from ops.demo import snapshot
from ops.demo.tenant import Tenant
from ops.environment import trust_sandbox
from ops.errors import Problem
from ops.stack import APP_NAME, AUDIENCE, Stack, Status, settings_for
from ops.toolchain import Toolchain, ensure
from sandbox.errors import SandboxError
from sandbox.supervisor import Sandbox

STACK = "sandbox"
_DATABASE_ROLE = f"hasura_{STACK}"


@dataclass(frozen=True)
class Deployment:
    """A running sandbox and the stack that belongs on it."""

    sandbox: Sandbox
    status: Status
    stack: Stack
    toolchain: Toolchain
    state: Path

    @property
    def before(self) -> Path:
        """The snapshot from before the first deployment."""
        return self.state / "before.json"

    def chain(self) -> dict[str, Any]:
        """What the proof needs to know. Raises `Problem` where nothing is deployed."""
        chain = self.stack.chain()
        if chain is None:
            raise Problem("Nothing is deployed yet: run `./dev demo`.")
        return chain


def prepare(state: Path) -> Deployment:
    """Tools, sandbox and stack, whatever state they are in. Raises `Problem`."""
    toolchain = ensure(console)
    sandbox = Sandbox(state)
    try:
        started = sandbox.start(say)
        status = sandbox.status()
    except SandboxError as error:
        raise Problem(str(error)) from None
    if started.already:
        say("The sandbox is already running.")
    trust_sandbox(status["auth0"]["ca_file"])
    stack = Stack.open(toolchain, state, status["auth0"]["ca_file"], STACK)
    return Deployment(sandbox, status, stack, toolchain, state)


def deploy(deployment: Deployment) -> None:
    """Configure the stack and run `pulumi up`. Raises `Problem` where it fails."""
    stack = deployment.stack
    stack.configure(*settings_for(deployment.status))
    clear_leftovers(deployment)
    if not deployment.before.exists():
        snapshot.save(deployment.before, snapshot.take(deployment.status))
    stack.run("up", "--yes", "--skip-preview")


def write_app_settings(deployment: Deployment) -> dict[str, Any]:
    """Tell the application 'Try your login' about the deployment; the stack's outputs."""
    outputs, status = deployment.stack.outputs(), deployment.status
    settings = {
        "domain": status["auth0"]["domain"],
        "ca_file": status["auth0"]["ca_file"],
        "client_id": outputs["clientId"],
        "client_secret": outputs["clientSecret"],
        "audience": outputs["audience"],
        "hasura_url": outputs["hasuraEndpoint"],
    }
    file = deployment.state / "app.json"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as sink:
        json.dump(settings, sink)
    return outputs


def clear_leftovers(deployment: Deployment) -> None:
    """Remove what an engine that was killed had made and could not note down: objects with the demo's names and unknown ids."""
    if deployment.stack.forget_pending():
        say("The last run was killed in the middle: what it had begun is cleared away.")
    known = {str(item.get("id")) for item in deployment.stack.resources()}
    tenant = Tenant(deployment.status["auth0"])
    for action in tenant.actions():
        if action["name"].startswith(f"{APP_NAME}: ") and action["id"] not in known:
            tenant.call("DELETE", f"actions/actions/{action['id']}?force=true")
    for client in tenant.clients():
        if client["name"] == APP_NAME and client["client_id"] not in known:
            tenant.call("DELETE", f"clients/{client['client_id']}")
    for api in tenant.resource_servers():
        if api["identifier"] == AUDIENCE and api["id"] not in known:
            tenant.call("DELETE", f"resource-servers/{api['id']}")
    if _DATABASE_ROLE not in known:
        _drop_role(deployment.status["postgres"]["url"])
    cloud = deployment.status["hasura_cloud"]
    if cloud["project_id"] not in known:
        _clear_environment(cloud)


def _clear_environment(cloud: Mapping[str, str]) -> None:
    project, variables = {"id": cloud["project_id"]}, ["PG_DATABASE_URL", "HASURA_GRAPHQL_JWT_SECRET"]
    found = _cloud(cloud, "query ($id: uuid!) { getTenantEnv(tenantId: $id) { hash envVars } }", project)[
        "getTenantEnv"
    ]
    ours = [name for name in variables if name in (found["envVars"].get("environment") or {})]
    if ours:
        mutation = (
            "mutation ($id: uuid!, $hash: String!, $keys: [String!]!) "
            "{ deleteTenantEnv(tenantId: $id, currentHash: $hash, deleteEnvs: $keys) { hash } }"
        )
        _cloud(cloud, mutation, {**project, "hash": found["hash"], "keys": ours})


def _cloud(cloud: Mapping[str, str], query: str, variables: dict[str, Any]) -> dict[str, Any]:
    answer = requests.post(
        f"{cloud['url']}/v1/graphql",
        json={"query": query, "variables": variables},
        headers={"Authorization": f"pat {cloud['token']}"},
        timeout=30,
    ).json()
    if "errors" in answer:
        raise Problem(f"Hasura Cloud's API refuses: {answer['errors'][0]['message']}")
    found: dict[str, Any] = answer["data"]
    return found


def _drop_role(url: str) -> None:
    role = sql.Identifier(_DATABASE_ROLE)
    with psycopg.connect(url, connect_timeout=10) as connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (_DATABASE_ROLE,)).fetchone():
            connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
            connection.execute(sql.SQL("DROP ROLE {}").format(role))
