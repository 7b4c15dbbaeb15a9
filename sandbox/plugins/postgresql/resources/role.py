"""`postgresql.Role`: a role that may log in."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from providers.kit.errors import ProviderError
from providers.kit.resource import Context, Live, Resource
from sandbox.plugins.inputs import StandInInputs
from sandbox.plugins.postgresql.database import Server


class RoleInputs(StandInInputs):
    """The properties that the stand-in knows."""

    name: str
    login: bool = False
    password: str | None = Field(default=None, json_schema_extra={"secret": True})


class Role(Resource[Server, RoleInputs]):
    """A role. Its password cannot be read back, so its drift cannot be seen. The id is the name that it was made with."""

    token = "postgresql:index/role:Role"
    inputs = RoleInputs

    def create(self, inputs: RoleInputs, context: Context) -> tuple[str, dict[str, Any]]:
        from psycopg import sql  # noqa: PLC0415 — see `database`

        name = sql.Identifier(inputs.name)
        statement = sql.SQL(
            "CREATE ROLE {} WITH {} VALID UNTIL 'infinity' CONNECTION LIMIT -1 NOSUPERUSER NOCREATEDB NOCREATEROLE "
            "INHERIT {} NOBYPASSRLS NOREPLICATION"
        ).format(name, _password(inputs), sql.SQL("LOGIN" if inputs.login else "NOLOGIN"))
        with self.client.transaction(f"create the role {inputs.name}") as connection:
            connection.execute(statement)
            connection.execute(sql.SQL("ALTER ROLE {} SET search_path TO DEFAULT").format(name))
        return inputs.name, {}

    def read(self, id: str, inputs: RoleInputs | None, context: Context) -> Live | None:
        name = inputs.name if inputs is not None else id
        with self.client.transaction(f"look up the role {name}") as connection:
            row = connection.execute(
                "SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", (name,)
            ).fetchone()
        if row is None:
            return None
        found: dict[str, Any] = {"name": name, "login": row[0]}
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
            if old.login != new.login:
                word = sql.SQL("LOGIN" if new.login else "NOLOGIN")
                connection.execute(sql.SQL("ALTER ROLE {} {}").format(name, word))
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


def _password(inputs: RoleInputs) -> Any:
    from psycopg import sql  # noqa: PLC0415 — see `database`

    if inputs.password is None:
        return sql.SQL("PASSWORD NULL")
    return sql.SQL("ENCRYPTED PASSWORD {}").format(sql.Literal(inputs.password))
