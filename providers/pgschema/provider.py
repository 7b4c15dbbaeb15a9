"""The provider `pgschema`: its configuration and its resources."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from providers.kit.inputs import Inputs
from providers.kit.provider import Provider
from providers.pgschema.database import Database
from providers.pgschema.resources.table import Table


class Config(Inputs):
    """`url`: `postgres://user:password@host:port/database?sslmode=...` of a role that may create tables."""

    url: str = Field(json_schema_extra={"secret": True})

    @field_validator("url")
    @classmethod
    def _is_a_postgres_url(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("postgres", "postgresql"):
            raise ValueError("must begin with postgres:// or postgresql://")
        return value


class PgschemaProvider(Provider[Database]):
    """Tables of one Postgres database."""

    def connect(self, config: Config) -> Database:
        return Database(config.url)


PROVIDER = PgschemaProvider(
    name="pgschema",
    version="0.1.0",
    description="Tables of a Postgres database: columns, keys and comments, with the SQL in the preview.",
    config=Config,
    resources=(Table,),
)
