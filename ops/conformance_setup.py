"""What the recorded tenant and the recorded engine held already: brought about in the sandbox before a replay."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
import requests
from psycopg import sql

from ops.errors import Problem

DATABASE = "conformance"  # the replay empties schema public before every case
NEIGHBOUR = {
    "name": "Test Action Delete With Unbind TestAccAction_DeleteWithUnbind",
    "supported_triggers": [{"id": "post-login", "version": "v3"}],
    "code": "exports.onExecutePostLogin = async (event, api) => {};",
    "runtime": "node18-actions",
}
BUILD_SECONDS = 20
BINDINGS = "/api/v2/actions/triggers/post-login/bindings"


def management_token(auth0: dict[str, str]) -> str:
    """A token for the tenant's Management API. Raises Problem."""
    answer = requests.post(
        f"{auth0['url']}/oauth/token",
        json={
            "grant_type": "client_credentials",
            "client_id": auth0["client_id"],
            "client_secret": auth0["client_secret"],
            "audience": f"{auth0['url']}/api/v2/",
        },
        verify=auth0["ca_file"],
        timeout=20,
    )
    if answer.status_code != 200:
        raise Problem(f"The tenant gives no Management API token: {answer.status_code} {answer.text[:200]}")
    return str(answer.json()["access_token"])


def call(auth0: Mapping[str, str], token: str, method: str, path: str, body: object = None) -> Any:
    """One Management API call; the body of its answer. Raises Problem."""
    answer = requests.request(
        method,
        auth0["url"] + path,
        json=body,
        headers={"Authorization": f"Bearer {token}"},
        verify=auth0["ca_file"],
        timeout=20,
    )
    if not answer.ok:
        raise Problem(f"The tenant refuses {method} {path}: {answer.status_code} {answer.text[:200]}")
    return answer.json() if answer.text else None


@contextmanager
def bound_action(auth0: Mapping[str, str], token: str) -> Iterator[None]:
    """An Action that is deployed and bound while the block runs, as another test's was when the recording was made."""
    made = call(auth0, token, "POST", "/api/v2/actions/actions", NEIGHBOUR)
    path = f"/api/v2/actions/actions/{made['id']}"
    deadline = time.monotonic() + BUILD_SECONDS
    while call(auth0, token, "GET", path)["status"] != "built":
        if time.monotonic() > deadline:
            raise Problem(f"The tenant has not built an Action within {BUILD_SECONDS} s.")
        time.sleep(0.1)
    call(auth0, token, "POST", f"{path}/deploy")
    reference = {"type": "action_id", "value": made["id"]}
    call(auth0, token, "PATCH", BINDINGS, {"bindings": [{"display_name": made["name"], "ref": reference}]})
    yield
    call(auth0, token, "PATCH", BINDINGS, {"bindings": []})
    call(auth0, token, "DELETE", path)


def add_source(facts: dict[str, Any]) -> None:
    """Give the engine a source `default` with an empty database. Raises Problem."""
    server = facts["postgres"]["url"]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    configuration = {"connection_info": {"database_url": f"{server.rsplit('/', 1)[0]}/{DATABASE}"}}
    answer = requests.post(
        f"{facts['hasura']['url']}/v1/metadata",
        json={"type": "pg_add_source", "args": {"name": "default", "configuration": configuration}},
        headers={"X-Hasura-Admin-Secret": facts["hasura"]["admin_secret"]},
        timeout=30,
    )
    if answer.status_code != 200:
        raise Problem(f"The engine does not take the source: {answer.status_code} {answer.text[:200]}")
