"""The service as a process: how it starts, what it says, and that it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from sandbox.postgres import Server
from tests.sandbox_hasura.running_engine import PROJECT, SECRET, TOKEN, environment_of, two_databases


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def environment(postgres_server: Server) -> Iterator[dict[str, str]]:
    with two_databases(postgres_server) as urls:
        yield {"PATH": os.environ["PATH"], **environment_of(*urls), "SANDBOX_EXIT_ON_STDIN_EOF": "1"}


def start(environment: dict[str, str], port: int, cloud_port: int, state: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox.hasura", "--port", str(port), "--cloud-port", str(cloud_port), "--state", str(state)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(300):
        assert process.poll() is None, process.communicate()[0].decode()
        try:
            requests.get(f"http://127.0.0.1:{port}/healthz", timeout=1)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the service did not answer")


@pytest.mark.parametrize("how", ["SIGTERM", "end of stdin"])
def test_life_of_the_process(environment: dict[str, str], tmp_path: Path, how: str) -> None:
    """Both APIs answer; the process ends on SIGTERM or when its starter is gone, and logged no secret."""
    port, cloud_port = free_port(), free_port()
    process = start(environment, port, cloud_port, tmp_path)
    wait_until_ready(process, port)
    answer = requests.post(
        f"http://127.0.0.1:{cloud_port}/v1/graphql",
        json={"query": "{projects {id endpoint}}"},
        headers={"authorization": f"pat {TOKEN}"},
        timeout=5,
    )
    assert answer.json() == {"data": {"projects": [{"id": PROJECT, "endpoint": f"http://127.0.0.1:{port}"}]}}
    if how == "SIGTERM":
        process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=10)  # closes stdin
    assert process.returncode == 0
    log = output.decode()
    assert "engine GET /healthz 200" in log
    assert not any(secret in log for secret in (SECRET, TOKEN, environment["PG_DATABASE_URL"]))


def test_missing_settings(tmp_path: Path) -> None:
    """Without its settings the process says which are missing, and ends."""
    process = start({"PATH": os.environ["PATH"]}, free_port(), free_port(), tmp_path)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "HASURA_GRAPHQL_ADMIN_SECRET" in output.decode()


def test_a_port_that_is_taken(environment: dict[str, str], tmp_path: Path) -> None:
    """A taken port ends the process with a line that names it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start(environment, free_port(), port, tmp_path)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"port {port} of 127.0.0.1 is taken" in output.decode()


def test_a_database_that_does_not_answer(environment: dict[str, str], tmp_path: Path) -> None:
    """Without its metadata database the process ends with a line that says so, without the password."""
    lost = {**environment, "HASURA_GRAPHQL_METADATA_DATABASE_URL": "postgres://u:hidden@127.0.0.1:1/none"}
    process = start(lost, free_port(), free_port(), tmp_path)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "the metadata database cannot be used" in output.decode()
    assert "hidden" not in output.decode()
