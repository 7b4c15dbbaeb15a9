"""The sandbox as it ships: all services, together, on ports of their own."""

from __future__ import annotations

import json
import os
import signal
import ssl
import urllib.request
from typing import Any

import psycopg
import pytest

from sandbox.memory import memory_by_service
from sandbox.ports import random_ports
from sandbox.supervisor import NotRunningError, Sandbox
from tests.sandbox_supervisor.plans import all_pids, gone


@pytest.fixture
def sandbox(tmp_path):
    sandbox = Sandbox(tmp_path / "state", preferred_ports=random_ports())
    sandbox.start()
    yield sandbox
    sandbox.reset()


def get(url: str, *, ca_file: str | None = None) -> Any:
    context = ssl.create_default_context(cafile=ca_file) if ca_file else None
    with urllib.request.urlopen(url, context=context) as answer:
        return answer.read()


def post(url: str, body: Any, headers: dict[str, str], *, ca_file: str | None = None) -> Any:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
    )
    context = ssl.create_default_context(cafile=ca_file) if ca_file else None
    with urllib.request.urlopen(request, context=context) as answer:
        return json.load(answer)


def test_status_is_enough_to_use_every_service_and_nothing_outlives_the_holder(sandbox):
    """What `status` says opens all five doors; after kill -9 of the holder nothing is left of them."""
    facts = sandbox.status()
    auth0, hasura, cloud = facts["auth0"], facts["hasura"], facts["hasura_cloud"]

    discovery = json.loads(get(f"{auth0['url']}/.well-known/openid-configuration", ca_file=auth0["ca_file"]))
    assert discovery["issuer"] == f"https://{auth0['domain']}/"
    token = post(
        f"{auth0['url']}/oauth/token",
        {
            "grant_type": "client_credentials",
            "client_id": auth0["client_id"],
            "client_secret": auth0["client_secret"],
            "audience": f"https://{auth0['domain']}/api/v2/",
        },
        {},
        ca_file=auth0["ca_file"],
    )
    assert token["token_type"] == "Bearer"

    metadata = post(
        f"{hasura['url']}/v1/metadata",
        {"type": "export_metadata", "args": {}},
        {"x-hasura-admin-secret": hasura["admin_secret"]},
    )
    assert metadata["version"] == 3
    project = post(
        f"{cloud['url']}/v1/graphql",
        {
            "query": "query ($id: uuid!) { projects_by_pk(id: $id) { id } }",
            "variables": {"id": cloud["project_id"]},
        },
        {"Authorization": f"pat {cloud['token']}"},
    )
    assert project["data"]["projects_by_pk"]["id"] == cloud["project_id"]

    with psycopg.connect(facts["postgres"]["url"]) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("app",)
    assert b"<html" in get(facts["app"]["url"])

    assert set(memory_by_service(sandbox.state)) == {"postgres", "auth0", "hasura", "app", "supervisor"}
    pids = all_pids(sandbox)
    os.kill(pids[0], signal.SIGKILL)
    assert gone(pids[1:])
    os.waitpid(pids[0], 0)
    with pytest.raises(NotRunningError):
        sandbox.status()
