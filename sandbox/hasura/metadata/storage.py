"""Where metadata lives: schema `hdb_catalog` of the metadata database, tables named as Hasura names them.

Rule: `resource_version` counts modifying calls. A write names the version that it was made from and fails when the
stored one is another (optimistic concurrency, decided by the database so that it holds for several engines too).
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import psycopg
from psycopg.types.json import Json

from sandbox.hasura.metadata.faults import Fault

__all__ = ["MetadataStorage", "empty_metadata"]

_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS hdb_catalog;
CREATE TABLE IF NOT EXISTS hdb_catalog.hdb_version (
    hasura_uuid uuid PRIMARY KEY, version text NOT NULL, upgraded_on timestamptz NOT NULL,
    cli_state jsonb NOT NULL DEFAULT '{}', console_state jsonb NOT NULL DEFAULT '{}'
);
CREATE TABLE IF NOT EXISTS hdb_catalog.hdb_metadata (
    id integer PRIMARY KEY, metadata json NOT NULL, resource_version integer NOT NULL DEFAULT 1 UNIQUE
);
CREATE SCHEMA IF NOT EXISTS sandbox_cloud;
CREATE TABLE IF NOT EXISTS sandbox_cloud.environment (
    id integer PRIMARY KEY CHECK (id = 1), variables json NOT NULL
);
"""
_CATALOG_VERSION = "48"


def empty_metadata() -> dict[str, Any]:
    """Metadata of an engine that nobody has configured."""
    return {"version": 3, "sources": []}


class MetadataStorage:
    """The metadata and the Cloud environment of one engine, in the database at `url` (a DSN, secret)."""

    def __init__(self, url: str) -> None:
        self._url = url

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self._url, autocommit=True, connect_timeout=10, application_name="hasura")

    def prepare(self) -> bool:
        """Create what is missing. True when the metadata is fresh: the engine has never run on this database."""
        with self._connect() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('hdb_catalog'))")
            connection.execute(_SCHEMA)
            connection.execute(
                "INSERT INTO hdb_catalog.hdb_version SELECT %s, %s, now()"
                " WHERE NOT EXISTS (SELECT 1 FROM hdb_catalog.hdb_version)",
                (uuid.uuid4(), _CATALOG_VERSION),
            )
            made = connection.execute(
                "INSERT INTO hdb_catalog.hdb_metadata (id, metadata) VALUES (1, %s) ON CONFLICT (id) DO NOTHING",
                (Json(empty_metadata()),),
            )
            return made.rowcount == 1

    def load(self) -> tuple[dict[str, Any], int]:
        """The stored metadata and its resource version."""
        with self._connect() as connection:
            row = connection.execute(
                "SELECT metadata, resource_version FROM hdb_catalog.hdb_metadata WHERE id = 1"
            ).fetchone()
        assert row is not None, "prepare() has put the row there"  # noqa: S101
        return row[0], row[1]

    def save(self, metadata: dict[str, Any], expected_version: int) -> int:
        """Store `metadata` if the stored version is still `expected_version`; the new version.

        Raises a 409 `Fault` when it is not.
        """
        with self._connect() as connection:
            row = connection.execute(
                "UPDATE hdb_catalog.hdb_metadata SET metadata = %s, resource_version = resource_version + 1"
                " WHERE id = 1 AND resource_version = %s RETURNING resource_version",
                (Json(metadata, dumps=_dumps), expected_version),
            ).fetchone()
        if row is None:
            raise Fault(
                f"metadata resource version referenced ({expected_version}) did not match current version",
                "conflict",
                path="$",
                status=409,
            )
        return int(row[0])

    def reachable(self) -> bool:
        """Whether the metadata database answers."""
        try:
            with self._connect() as connection:
                connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def load_environment(self) -> dict[str, str]:
        """The variables that were set through the Cloud API."""
        with self._connect() as connection:
            row = connection.execute(
                "SELECT variables FROM sandbox_cloud.environment WHERE id = 1"
            ).fetchone()
        return dict(row[0]) if row else {}

    def save_environment(self, variables: dict[str, str]) -> None:
        """Replace the variables that were set through the Cloud API."""
        with self._connect() as connection:
            connection.execute(
                "INSERT INTO sandbox_cloud.environment VALUES (1, %s)"
                " ON CONFLICT (id) DO UPDATE SET variables = excluded.variables",
                (Json(variables),),
            )


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
