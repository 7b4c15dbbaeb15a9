"""A database as the postgresql plugin and as its administrator see it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import pytest

from providers.kit.values import Secret
from tests.plugin import Object
from tests.sandbox_plugins.plugins import Executable

PASSWORD = 'the-role\'s "password"'


def settings_of(url: str) -> dict[str, str | int | bool]:
    """The postgresql plugin's settings for a DSN, as the stack makes them."""
    parts = urlsplit(url)
    return {
        "host": str(parts.hostname),
        "port": int(parts.port or 5432),
        "database": parts.path.removeprefix("/"),
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "sslmode": "disable",
        "superuser": False,
        "connectTimeout": 15,
    }


@dataclass
class Place:
    """A database as the plugin and as its administrator see it."""

    url: str
    plugin: Executable
    administrator: psycopg.Connection[Any]
    role: str
    table: str = "users"

    @property
    def database(self) -> str:
        """Its name."""
        return urlsplit(self.url).path.removeprefix("/")

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """What somebody else does to the database."""
        done = self.administrator.execute(statement.replace("ROLE_", f'"{self.role}"'))
        return done.fetchall() if done.description else []

    def role_inputs(self, **changes: Any) -> dict[str, Any]:
        """As the stack declares it."""
        return {"name": self.role, "login": True, "password": Secret(PASSWORD), **changes}

    def schema_inputs(self) -> dict[str, Any]:
        """As the stack declares it."""
        return {"name": "app", "database": self.database, "ifNotExists": True}

    def grant_inputs(self, kind: str, *privileges: str) -> dict[str, Any]:
        """On the schema or on the table."""
        objects = {"objects": [self.table]} if kind == "table" else {}
        place = {"role": self.role, "database": self.database, "schema": "app", "objectType": kind}
        return {**place, **objects, "privileges": list(privileges)}

    def log_in(self, password: str) -> None:
        """As the role."""
        parts = urlsplit(self.url)
        psycopg.connect(
            host=parts.hostname, port=parts.port, dbname=self.database, user=self.role, password=password
        ).close()

    def privileges(self) -> set[str]:
        """What the role holds on the schema and on its tables."""
        on_schema = "SELECT privilege_type FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'app' AND grantee = 'ROLE_'::regrole"
        on_tables = (
            "SELECT relname || ' ' || privilege_type FROM pg_class, aclexplode(relacl) "
            "WHERE relnamespace = 'app'::regnamespace AND grantee = 'ROLE_'::regrole"
        )
        return {row[0] for query in (on_schema, on_tables) for row in self.sql(query)}


@pytest.fixture(params=["superuser", "owner"])
def place(request: pytest.FixtureRequest, database: str) -> Iterator[Place]:
    """An empty database, the plugin connected to it."""
    url, suffix = database, secrets.token_hex(4)
    owner = f"owner_{suffix}"
    with psycopg.connect(database, autocommit=True) as administrator:
        if request.param == "owner":
            administrator.execute(f"CREATE ROLE {owner} LOGIN CREATEROLE PASSWORD 'owner-password'")
            administrator.execute(f"ALTER DATABASE {urlsplit(database).path[1:]} OWNER TO {owner}")
            parts = urlsplit(database)
            url = f"postgres://{owner}:owner-password@{parts.hostname}:{parts.port}{parts.path}"
        with Executable("postgresql", settings_of(url)) as plugin:
            yield Place(url, plugin, administrator, f"hasura_{suffix}")
        if request.param == "owner":
            administrator.execute(
                f"REASSIGN OWNED BY {owner} TO postgres; DROP OWNED BY {owner}; DROP ROLE {owner}"
            )


@pytest.fixture
def granted(place: Place) -> Iterator[tuple[Place, Object, dict[str, Object]]]:
    """A role, and its grants on a schema with two tables: (place, role, grants)."""
    plugin = place.plugin
    role = plugin.create("Role", place.role_inputs())
    plugin.create("Schema", place.schema_inputs())
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE app.users (id int); CREATE TABLE app.other (id int)")
    grants = {
        "schema": plugin.create("Grant", place.grant_inputs("schema", "USAGE")),
        "table": plugin.create("Grant", place.grant_inputs("table", "SELECT", "INSERT", "UPDATE")),
    }
    yield place, role, grants
    place.sql("DROP OWNED BY ROLE_; DROP ROLE ROLE_") if place.sql(
        f"SELECT 1 FROM pg_roles WHERE rolname = '{place.role}'"
    ) else None
