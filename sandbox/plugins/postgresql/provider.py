"""The stand-in's configuration and resources."""

from __future__ import annotations

from pydantic import Field

from sandbox.plugins.kinds import StandIn, StandInInputs
from sandbox.plugins.postgresql.database import Server
from sandbox.plugins.postgresql.resources.grant import Grant
from sandbox.plugins.postgresql.resources.role import Role
from sandbox.plugins.postgresql.resources.schema import Schema


class Config(StandInInputs):
    """The settings that the stand-in knows. `superuser` decides nothing here: it asks the server."""

    host: str
    port: int = 5432
    database: str = "postgres"
    username: str
    password: str = Field(default="", json_schema_extra={"secret": True})
    sslmode: str = "prefer"
    superuser: bool = True
    connect_timeout: int = 180


class PostgresqlProvider(StandIn[Server]):
    """A Postgres server."""

    def connect(self, config: Config) -> Server:
        return Server(
            host=config.host,
            port=config.port,
            database=config.database,
            username=config.username,
            password=config.password,
            sslmode=config.sslmode,
            connect_timeout=config.connect_timeout,
        )


PROVIDER = PostgresqlProvider(
    name="postgresql",
    version="3.18.2",
    description="Stand-in for the published plugin, for the resource types that this stack uses.",
    config=Config,
    resources=(Grant, Role, Schema),
)
