"""What a server leaves behind, and what a start makes of it."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from sandbox.errors import SandboxError
from sandbox.ports import random_port
from sandbox.postgres import Server
from sandbox.postgres.place import remove_tree
from sandbox.processes import command_line


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "pg", port=random_port(), password=secrets.token_hex(8))
    yield server
    server.stop()
    remove_tree(server.directory)


def ended(pid: int) -> bool:
    deadline = time.monotonic() + 20
    while command_line(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_what_was_committed_survives_a_killed_server(server):
    """kill -9 loses nothing that was committed, and the pid file it leaves does not stop the next start."""
    with server:
        with psycopg.connect(server.url()) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        os.kill(server.pid, signal.SIGKILL)
    assert (server.place.data / "postmaster.pid").exists()
    with server, psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_a_pid_file_that_names_a_stranger_is_mended_and_the_stranger_lives(server):
    """The pid of a killed server may belong to another program of the same user by now."""
    with server:
        pass
    account = server.place.account
    identity = {"user": account.uid, "group": account.gid} if account else {}
    with subprocess.Popen(["sleep", "600"], **identity) as stranger:
        left = server.place.data / "postmaster.pid"
        left.write_text(
            f"{stranger.pid}\n{server.place.data}\n0\n{server.port}\n\n127.0.0.1\n0 0\nready   \n"
        )
        assert not server.is_ready()
        with server:
            assert server.is_ready()
        assert command_line(stranger.pid) == "sleep 600"
        stranger.kill()


def test_a_server_that_lost_its_parent_ends_by_itself(tmp_path):
    """kill -9 of whoever started it closes the pipe that it waits at."""
    program = (
        "import sys, time; from pathlib import Path; from sandbox.postgres import Server\n"
        "server = Server(Path(sys.argv[1]), port=int(sys.argv[2]), password='x')\n"
        "server.start(); server.wait_ready(); print(server.pid, flush=True); time.sleep(600)\n"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path / "pg"), str(random_port())]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert "postgres" in command_line(pid)
        parent.kill()
    assert ended(pid)
    remove_tree(tmp_path / "pg")


def test_an_interrupted_first_start_leaves_nothing_that_looks_like_a_database(server):
    """Half an initdb is thrown away by the next start."""
    unfinished = server.place.data.with_name("data.unfinished")
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    with server:
        assert not unfinished.exists()


def test_a_port_that_is_taken_is_a_sentence(server, postgres_server):
    """The start fails at once and says which port."""
    server.port = postgres_server.port
    with (
        pytest.raises(SandboxError, match=f"status 1 instead of taking connections on port {server.port}"),
        server,
    ):
        pass
