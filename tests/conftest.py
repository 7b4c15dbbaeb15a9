"""Fixtures for every room: one Postgres server per test process, one database per test."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Iterator

import psycopg
import pytest

from sandbox.postgres import Server, temporary_server

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A command that a script starts in the background ignores Ctrl-C, and so would all that the tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A database server that belongs to this test process alone."""
    with temporary_server() as server:
        yield server


@pytest.fixture
def database(postgres_server: Server) -> Iterator[str]:
    """The DSN of an empty database, dropped after the test."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template1')
    yield postgres_server.url(name)
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
