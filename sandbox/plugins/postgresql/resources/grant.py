"""`postgresql.Grant`: privileges of a role on a schema or on tables, by name."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from providers.kit.inputs import CheckFailure
from providers.kit.resource import Context, Live
from providers.kit.values import UNKNOWN, Props, reveal
from sandbox.plugins.kinds import StandInInputs, StandInResource
from sandbox.plugins.postgresql.database import Server

_SCHEMA_ACL = """
SELECT a.privilege_type FROM pg_namespace n, aclexplode(n.nspacl) a JOIN pg_roles r ON r.oid = a.grantee
WHERE n.nspname = %s AND r.rolname = %s
"""
_TABLE_ACL = """
SELECT a.privilege_type FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
JOIN pg_roles r ON r.oid = a.grantee WHERE n.nspname = %s AND c.relname = %s AND r.rolname = %s
"""


class GrantInputs(StandInInputs):
    """The properties that the stand-in knows."""

    role: str
    database: str
    schema_: str = Field(alias="schema")
    object_type: Literal["schema", "table"]
    objects: list[str] = Field(default_factory=list)
    privileges: list[
        Literal[
            "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "USAGE", "CREATE"
        ]
    ]


class Grant(StandInResource[Server, GrantInputs]):
    """Privileges. The id is made of the role and of what it may use."""

    token = "postgresql:index/grant:Grant"
    inputs = GrantInputs
    replace_on = frozenset({"role", "database", "schema", "objectType", "objects"})

    def check(self, props: Props) -> list[CheckFailure]:
        if reveal(props.get("objectType")) == "table" and not reveal(props.get("objects", UNKNOWN)):
            return [
                CheckFailure(
                    "objects", "must name the tables: the stand-in does not grant on all of a schema"
                )
            ]
        return []

    def normalise(self, props: Props) -> Props:
        # Sets in the published plugin: sorted, the same privileges on the same tables are the same lists.
        return {key: sorted(value) if _is_names(value) else value for key, value in props.items()}

    def create(self, inputs: GrantInputs, context: Context) -> tuple[str, dict[str, Any]]:
        self._grant(inputs)
        parts = [inputs.role, inputs.database, inputs.schema_, inputs.object_type, *inputs.objects]
        return "_".join(parts), {}

    def read(self, id: str, inputs: GrantInputs | None, context: Context) -> Live | None:
        if inputs is None:
            return None  # the id cannot be taken apart: names may hold its separator
        with self.client.transaction("look up privileges", inputs.database) as connection:
            held = self._held(connection, inputs)
        if held is None:
            return None
        return Live({**inputs.model_dump(by_alias=True, exclude_unset=True), "privileges": sorted(held)})

    def update(self, id: str, old: GrantInputs, new: GrantInputs, context: Context) -> dict[str, Any]:
        self._grant(new, before=old)
        return {}

    def delete(self, id: str, inputs: GrantInputs, context: Context) -> None:
        with self.client.transaction(f"revoke privileges of {inputs.role}", inputs.database) as connection:
            if self._held(connection, inputs):
                connection.execute(_revoke(inputs))

    def _grant(self, inputs: GrantInputs, before: GrantInputs | None = None) -> None:
        what = f"grant {', '.join(inputs.privileges)} to {inputs.role}"
        with self.client.transaction(what, inputs.database) as connection:
            connection.execute("SET LOCAL statement_timeout = 0")
            # Grants to one role exclude each other: two transactions that change one ACL fail with "tuple concurrently updated".
            connection.execute(
                "SELECT pg_advisory_xact_lock(oid::bigint) FROM pg_roles WHERE rolname = %s", (inputs.role,)
            )
            if (before or inputs).privileges:  # none, where a refresh found all of them revoked
                connection.execute(_revoke(before or inputs))
            connection.execute(_statement("GRANT {} ON {} TO {}", inputs))

    def _held(self, connection: Any, inputs: GrantInputs) -> set[str] | None:
        """Privileges held on every object; None where the role is gone."""
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (inputs.role,)).fetchone() is None:
            return None
        if inputs.object_type == "schema":
            return {row[0] for row in connection.execute(_SCHEMA_ACL, (inputs.schema_, inputs.role))}
        each = [
            {row[0] for row in connection.execute(_TABLE_ACL, (inputs.schema_, table, inputs.role))}
            for table in inputs.objects
        ]
        return set.intersection(*each) if each else set()


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _revoke(inputs: GrantInputs) -> Any:
    # As in the published plugin: a schema is cleared of everything, a table of what was granted.
    everything = inputs.object_type == "schema"
    return _statement("REVOKE {} ON {} FROM {}", inputs, ["ALL"] if everything else None)


def _statement(form: str, inputs: GrantInputs, names: list[str] | None = None) -> Any:
    from psycopg import sql  # noqa: PLC0415 — see `database`

    privileges = sql.SQL(", ").join(sql.SQL(privilege) for privilege in names or inputs.privileges)
    if inputs.object_type == "schema":
        objects: sql.Composable = sql.SQL("SCHEMA {}").format(sql.Identifier(inputs.schema_))
    else:
        tables = [sql.Identifier(inputs.schema_, table) for table in inputs.objects]
        objects = sql.SQL("TABLE {}").format(sql.SQL(", ").join(tables))
    return sql.SQL(form).format(privileges, objects, sql.Identifier(inputs.role))
