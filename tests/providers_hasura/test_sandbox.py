"""The same life cycles against the sandbox's engine and Cloud API, which check metadata against a real database."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from providers.kit.values import Secret
from sandbox.postgres import Server
from tests.plugin import ROOT, Plugin, PluginError

SECRET, TOKEN = "sandbox-admin-secret", "sandbox-cloud-token"
PROJECT = "3f0e4a60-7f0e-4a4e-9a55-2f4f2f1a0d11"
TABLE = """CREATE TABLE users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), federated_id text NOT NULL UNIQUE,
    name text, auth0_updated_at timestamptz)"""
OWN_ROW = {"federated_id": {"_eq": "X-Hasura-User-Id"}}
FRAGMENT = {
    "sources": [
        {
            "name": "default",
            "kind": "postgres",
            "configuration": {"connection_info": {"database_url": {"from_env": "PG_DATABASE_URL"}}},
            "tables": [
                {
                    "table": {"schema": "public", "name": "users"},
                    "select_permissions": [
                        {
                            "role": "user",
                            "permission": {"columns": ["name", "federated_id"], "filter": OWN_ROW},
                        }
                    ],
                    "insert_permissions": [
                        {
                            "role": "auth0_sync",
                            "permission": {"columns": ["federated_id", "name"], "check": {}},
                        }
                    ],
                    "update_permissions": [
                        {
                            "role": "auth0_sync",
                            "permission": {
                                "columns": ["name"],
                                "filter": {"auth0_updated_at": {"_lte": "X-Hasura-Profile-Updated-At"}},
                                "check": None,
                                "set": {"auth0_updated_at": "now()"},
                            },
                        }
                    ],
                }
            ],
        }
    ]
}


@dataclass(frozen=True)
class Sandbox:
    """A running engine with its Cloud API."""

    url: str
    cloud_url: str
    database: str

    def metadata(self) -> Any:
        """What the engine exports."""
        answer = requests.post(
            f"{self.url}/v1/metadata",
            json={"type": "export_metadata", "version": 2, "args": {}},
            headers={"x-hasura-admin-secret": SECRET},
            timeout=20,
        )
        return answer.json()["metadata"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def sandbox(postgres_server: Server, database: str, tmp_path: Path) -> Iterator[Sandbox]:
    name = f"metadata_{database.rsplit('_', 1)[-1]}"
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(TABLE)
    port, cloud_port = free_port(), free_port()
    environment = {
        **{key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG")},
        "HASURA_GRAPHQL_METADATA_DATABASE_URL": postgres_server.url(name),
        "HASURA_GRAPHQL_ADMIN_SECRET": SECRET,
        "SANDBOX_HASURA_CLOUD_TOKEN": TOKEN,
        "SANDBOX_HASURA_PROJECT_ID": PROJECT,
        "SANDBOX_EXIT_ON_STDIN_EOF": "1",
    }
    arguments = ["--port", str(port), "--cloud-port", str(cloud_port), "--state", str(tmp_path)]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.hasura", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
    running = Sandbox(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{cloud_port}/v1/graphql", database)
    try:
        wait_until_healthy(running.url, process, tmp_path / "log")
        yield running
    finally:
        process.terminate()
        process.wait(15)
        assert process.stdin is not None
        process.stdin.close()
        with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, log.read_text()
        try:
            requests.get(f"{url}/healthz", timeout=5)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the sandbox engine does not answer: " + log.read_text())


def test_environment_and_metadata_come_and_go_and_leave_the_engine_as_it_was(sandbox: Sandbox) -> None:
    before = sandbox.metadata()
    with Plugin("providers/hasura") as plugin:
        plugin.configure(
            {
                "endpoint": sandbox.url,
                "adminSecret": SECRET,
                "cloudEndpoint": sandbox.cloud_url,
                "cloudToken": TOKEN,
            }
        )
        variables = {"PG_DATABASE_URL": sandbox.database, "HASURA_GRAPHQL_UNAUTHORIZED_ROLE": "anonymous"}
        environment = plugin.create("CloudEnvironment", {"projectId": PROJECT, "variables": variables})
        metadata = plugin.create("Metadata", {"fragment": FRAGMENT})

        for kind, made in (("CloudEnvironment", environment), ("Metadata", metadata)):
            live = plugin.read(kind, made.id, made)
            assert live is not None
            assert not plugin.diff(kind, made, live.inputs)
            imported = plugin.read(kind, made.id)
            assert imported is not None
            assert not plugin.diff(kind, imported, made.inputs)

        with pytest.raises(PluginError, match="nothing was written"):
            wrong = json.loads(json.dumps(FRAGMENT).replace('"name", "federated_id"', '"nope"'))
            plugin.update("Metadata", metadata, {"fragment": wrong})

        with psycopg.connect(sandbox.database, autocommit=True) as connection:
            connection.execute("ALTER TABLE users ADD COLUMN nickname text")
        wider = json.loads(json.dumps(FRAGMENT).replace('"name", "federated_id"', '"name", "nickname"'))
        metadata = plugin.update("Metadata", metadata, {"fragment": wider})

        plugin.delete("Metadata", metadata)
        assert sandbox.metadata() == before
        plugin.delete("CloudEnvironment", environment)
        assert plugin.read("CloudEnvironment", environment.id, environment) is None
        assert environment.state["variables"]["PG_DATABASE_URL"] == Secret(sandbox.database)
