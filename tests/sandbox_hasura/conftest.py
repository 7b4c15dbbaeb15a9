"""Databases for the tests of this room, on the server that all tests of a process share."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import psycopg
import pytest

from sandbox.postgres import Server
from tests.sandbox_hasura.blog import Blog


@pytest.fixture(scope="module")
def module_database(postgres_server: Server) -> Iterator[str]:
    """The DSN of a database that one test module has for itself, dropped after its last test."""
    name = f"module_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template1')
    yield postgres_server.url(name)
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def module_blog(module_database: str) -> Blog:
    """The blog, made once a module."""
    return Blog(module_database)


@pytest.fixture
def blog(module_blog: Blog) -> Blog:
    """The blog with its first rows."""
    module_blog.reset()
    return module_blog
