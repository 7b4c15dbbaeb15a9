"""`postgresql.Schema`: a schema in a database."""

from __future__ import annotations

from typing import Any

from providers.kit.resource import Context, Live
from sandbox.plugins.kinds import StandInInputs, StandInResource
from sandbox.plugins.postgresql.database import Server


class SchemaInputs(StandInInputs):
    """The properties that the stand-in knows."""

    name: str
    database: str
    if_not_exists: bool = True


class Schema(StandInResource[Server, SchemaInputs]):
    """A schema; one that exists is adopted silently, whatever `ifNotExists` says. The id is `database.schema`."""

    token = "postgresql:index/schema:Schema"
    inputs = SchemaInputs
    replace_on = frozenset({"name", "database"})

    def create(self, inputs: SchemaInputs, context: Context) -> tuple[str, dict[str, Any]]:
        from psycopg import sql  # noqa: PLC0415 — see `database`

        with self.client.transaction(f"create the schema {inputs.name}", inputs.database) as connection:
            if not _exists(connection, inputs.name):
                connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(inputs.name)))
        return f"{inputs.database}.{inputs.name}", {}

    def read(self, id: str, inputs: SchemaInputs | None, context: Context) -> Live | None:
        database, _, name = id.partition(".")
        with self.client.transaction(f"look up the schema {name}", database) as connection:
            found = _exists(connection, name)
        if not found:
            return None
        return Live(
            {"name": name, "database": database, "ifNotExists": inputs.if_not_exists if inputs else True}
        )

    def update(self, id: str, old: SchemaInputs, new: SchemaInputs, context: Context) -> dict[str, Any]:
        return {}

    def delete(self, id: str, inputs: SchemaInputs, context: Context) -> None:
        from psycopg import sql  # noqa: PLC0415 — see `database`

        with self.client.transaction(f"drop the schema {inputs.name}", inputs.database) as connection:
            if _exists(connection, inputs.name):
                # RESTRICT, as the published plugin: what others keep in the schema stops the drop.
                connection.execute(sql.SQL("DROP SCHEMA {} RESTRICT").format(sql.Identifier(inputs.name)))


def _exists(connection: Any, name: str) -> bool:
    query = "SELECT 1 FROM pg_namespace WHERE nspname = %s"
    return connection.execute(query, (name,)).fetchone() is not None
