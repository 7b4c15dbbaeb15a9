"""The embedded server as its users see it."""

from __future__ import annotations

import psycopg
import pytest

from sandbox.postgres import Server


def test_a_new_database_is_empty_and_utf8(database):
    """Each test has a database of its own, in UTF8, without tables."""
    with psycopg.connect(database) as connection:
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        assert connection.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchone() == (0,)
        assert connection.execute("SELECT gen_random_uuid() IS NOT NULL").fetchone() == (True,)


def test_a_wrong_password_is_refused(postgres_server: Server):
    """Nobody gets in without the password, loopback or not."""
    url = postgres_server.url("app").replace("postgres://postgres:", "postgres://postgres:x")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_only_the_loopback_is_listened_on(postgres_server: Server):
    """The server is not to be reached from another machine."""
    with psycopg.connect(postgres_server.url("postgres")) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        assert connection.execute("SHOW unix_socket_directories").fetchone() == ("",)
