"""`postgresql.Role`: a role that may log in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from providers.kit.errors import ProviderError
from providers.kit.resource import Context, Live
from providers.kit.values import Props
from sandbox.plugins.kinds import StandInInputs, StandInResource
from sandbox.plugins.postgresql.database import Server

# Property -> words for yes and for no, in the order of the published plugin's statement and of `_LIVE`.
_FLAGS = {
    "superuser": ("SUPERUSER", "NOSUPERUSER"),
    "createDatabase": ("CREATEDB", "NOCREATEDB"),
    "createRole": ("CREATEROLE", "NOCREATEROLE"),
    "inherit": ("INHERIT", "NOINHERIT"),
    "login": ("LOGIN", "NOLOGIN"),
    "bypassRowLevelSecurity": ("BYPASSRLS", "NOBYPASSRLS"),
    "replication": ("REPLICATION", "NOREPLICATION"),
}
# The published plugin keeps these among the inputs where the program leaves them out.
_DEFAULTS = {"connectionLimit": -1, "encryptedPassword": True, "inherit": True, "validUntil": "infinity"}
_LIVE = """
SELECT rolsuper, rolcreatedb, rolcreaterole, rolinherit, rolcanlogin, rolbypassrls, rolreplication, rolconnlimit, rolvaliduntil::text
FROM pg_roles WHERE rolname = %s
"""


class RoleInputs(StandInInputs):
    """The properties that the stand-in knows."""

    name: str
    login: bool = False
    password: str | None = Field(default=None, json_schema_extra={"secret": True})
    superuser: bool = False
    create_database: bool = False
    create_role: bool = False
    inherit: bool = True
    bypass_row_level_security: bool = False
    replication: bool = False
    connection_limit: int = -1
    valid_until: str = "infinity"
    encrypted_password: Literal[True] = True


class Role(StandInResource[Server, RoleInputs]):
    """A role. Its password cannot be read back, so its drift cannot be seen. The id is the name that it was made with."""

    token = "postgresql:index/role:Role"
    inputs = RoleInputs

    def normalise(self, props: Props) -> Props:
        return {**_DEFAULTS, **props}

    def create(self, inputs: RoleInputs, context: Context) -> tuple[str, dict[str, Any]]:
        from psycopg import sql  # noqa: PLC0415 — see `database`

        name = sql.Identifier(inputs.name)
        clauses = [_password(inputs), *_clauses(None, inputs)]
        with self.client.transaction(f"create the role {inputs.name}") as connection:
            connection.execute(sql.SQL("CREATE ROLE {} WITH {}").format(name, sql.SQL(" ").join(clauses)))
            connection.execute(sql.SQL("ALTER ROLE {} SET search_path TO DEFAULT").format(name))
        return inputs.name, {}

    def read(self, id: str, inputs: RoleInputs | None, context: Context) -> Live | None:
        name = inputs.name if inputs is not None else id
        with self.client.transaction(f"look up the role {name}") as connection:
            row = connection.execute(_LIVE, (name,)).fetchone()
        if row is None:
            return None
        *flags, limit, until = row
        # A flag that the program leaves out is shown where it is not the default: somebody has set it by hand.
        said = (
            inputs.model_dump(by_alias=True, exclude_unset=True) if inputs is not None else {"login": False}
        )
        found: dict[str, Any] = {"name": name, "connectionLimit": limit, "validUntil": until or "infinity"}
        found |= {
            flag: value
            for flag, value in zip(_FLAGS, flags, strict=True)
            if flag in said or value != (flag == "inherit")
        }
        if inputs is not None and inputs.password is not None:
            found["password"] = inputs.password
        return Live(found)

    def update(self, id: str, old: RoleInputs, new: RoleInputs, context: Context) -> dict[str, Any]:
        from psycopg import sql  # noqa: PLC0415 — see `database`

        name = sql.Identifier(new.name)
        with self.client.transaction(f"change the role {old.name}") as connection:
            if old.name != new.name:
                connection.execute(
                    sql.SQL("ALTER ROLE {} RENAME TO {}").format(sql.Identifier(old.name), name)
                )
            if old.password != new.password:
                connection.execute(sql.SQL("ALTER ROLE {} {}").format(name, _password(new)))
            for clause in _clauses(old, new):
                connection.execute(sql.SQL("ALTER ROLE {} {}").format(name, clause))
        return {}

    def delete(self, id: str, inputs: RoleInputs, context: Context) -> None:
        from psycopg import sql  # noqa: PLC0415 — see `database`

        name = sql.Identifier(inputs.name)
        with self.client.transaction(f"drop the role {inputs.name}") as connection:
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (inputs.name,)).fetchone()
            if known is None:  # the published plugin fails here, until a refresh
                return
            row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
            if row is None:
                raise ProviderError("Postgres does not know the role that it has let in; check databaseUrl.")
            if not row[0]:  # only a member may give away what the role owns
                connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(name))
            connection.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(name))
            connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
            connection.execute(sql.SQL("DROP ROLE {}").format(name))


def _clauses(old: RoleInputs | None, new: RoleInputs) -> Iterator[Any]:
    """What `CREATE ROLE` (all of it, `old` None) or `ALTER ROLE` (what differs) is told."""
    from psycopg import sql  # noqa: PLC0415 — see `database`

    if old is None or old.valid_until != new.valid_until:
        yield sql.SQL("VALID UNTIL {}").format(sql.Literal(new.valid_until))
    if old is None or old.connection_limit != new.connection_limit:
        yield sql.SQL("CONNECTION LIMIT {}").format(sql.Literal(new.connection_limit))
    before, after = old.model_dump(by_alias=True) if old else {}, new.model_dump(by_alias=True)
    for flag, (yes, no) in _FLAGS.items():
        if before.get(flag) != after[flag]:
            yield sql.SQL(yes if after[flag] else no)


def _password(inputs: RoleInputs) -> Any:
    from psycopg import sql  # noqa: PLC0415 — see `database`

    if inputs.password is None:
        return sql.SQL("PASSWORD NULL")
    return sql.SQL("ENCRYPTED PASSWORD {}").format(sql.Literal(inputs.password))
