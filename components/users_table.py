"""Postgres: the users table, and the role that Hasura connects as with the privileges that it needs, by name."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import pulumi
import pulumi_postgresql as postgresql

from providers.pgschema.sdk import ColumnArgs, Table, UniqueConstraintArgs
from settings import Database
from settings import UsersTable as UsersTableSettings

KEY_COLUMN = "federated_id"
"""The column that holds Auth0's `user_id`. One row a user is guaranteed by its unique constraint, not by code that looks first."""

_TYPES = {"auth0_updated_at": "timestamptz", "last_login_at": "timestamptz"}
_PRIVILEGES = ("INSERT", "SELECT", "UPDATE")


@dataclass(frozen=True, kw_only=True)
class UsersTableArgs:
    """`synced_columns`: the columns that the sync Action writes. `hasura_role`: Postgres role of Hasura, None to make none."""

    settings: UsersTableSettings
    database: Database
    synced_columns: Sequence[str]
    hasura_role: str | None
    hooks: pulumi.ResourceHookBinding | None = None


class UsersTable(pulumi.ComponentResource):
    """The users table and Hasura's way to it.

    `schema`, `table_name`, `constraint`: names in Postgres; `graphql_name`: root field in Hasura.
    `hasura_database_url`: secret, as Hasura connects. `ready`: what must exist before somebody uses the table.
    """

    schema: str
    table_name: str
    constraint: str
    graphql_name: str
    hasura_database_url: pulumi.Output[str]
    column_names: list[str]
    ready: list[pulumi.Resource]

    def __init__(self, name: str, args: UsersTableArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("auth0-hasura:index:UsersTable", name, None, opts)
        settings, database = args.settings, args.database
        # A kept table keeps what it stands on: dropping its schema would fail. The role goes in any case: it is a credential of this
        # deployment, and the next one makes its own.
        child = pulumi.ResourceOptions(parent=self, hooks=args.hooks)
        kept = pulumi.ResourceOptions.merge(
            child, pulumi.ResourceOptions(retain_on_delete=settings.on_destroy == "keep")
        )
        self.schema, self.table_name = settings.schema_, settings.name
        self.constraint = f"{settings.name}_{KEY_COLUMN}_key"
        # Hasura's default name of a table: https://hasura.io/docs/2.0/schema/postgres/tables/
        self.graphql_name = (
            settings.name if settings.schema_ == "public" else f"{settings.schema_}_{settings.name}"
        )
        columns = users_columns(settings, args.synced_columns)
        self.column_names = list(columns)

        schema = None
        if settings.schema_ != "public":  # every database has `public`, and it is not ours to drop
            schema = postgresql.Schema(
                f"{name}-schema", name=settings.schema_, database=database.name, if_not_exists=True, opts=kept
            )
        table = Table(
            name,
            schema=settings.schema_,
            name=settings.name,
            columns=list(columns.values()),
            primary_key=["id"],
            unique_constraints=[UniqueConstraintArgs(name=self.constraint, columns=[KEY_COLUMN])],
            comment="One row for everybody who has logged in through Auth0. Managed by Pulumi.",
            adopt=settings.adopt,
            on_delete=settings.on_destroy,
            opts=pulumi.ResourceOptions.merge(
                kept, pulumi.ResourceOptions(depends_on=[schema] if schema else [])
            ),
        )
        self.ready = [table]
        if args.hasura_role is None:
            self.hasura_database_url = pulumi.Output.secret(database.url)
        else:
            self._grant_hasura(name, args.hasura_role, database, table, child)
        self.register_outputs(
            {"schema": self.schema, "table": self.table_name, "constraint": self.constraint}
        )

    def _grant_hasura(
        self, name: str, role_name: str, database: Database, table: Table, opts: pulumi.ResourceOptions
    ) -> None:
        # A stash keeps the first value that it was given: the password is made once and changes only with the stash.
        password = pulumi.Stash(
            f"{name}-hasura-password",
            input=pulumi.Output.secret(secrets.token_urlsafe(32)),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["input"]),
        ).output
        role = postgresql.Role(f"{name}-hasura", name=role_name, login=True, password=password, opts=opts)
        usage = postgresql.Grant(
            f"{name}-hasura-schema",
            database=database.name,
            schema=self.schema,
            role=role.name,
            object_type="schema",
            privileges=["USAGE"],
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[table])),
        )
        rows = postgresql.Grant(
            f"{name}-hasura-rows",
            database=database.name,
            schema=self.schema,
            role=role.name,
            object_type="table",
            objects=[self.table_name],
            privileges=list(_PRIVILEGES),
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[table, usage])),
        )
        self.ready += [usage, rows]
        self.hasura_database_url = pulumi.Output.secret(
            pulumi.Output.all(role.name, password).apply(
                lambda values: _url(database, username=values[0], password=values[1])
            )
        )


def users_columns(settings: UsersTableSettings, synced: Sequence[str]) -> dict[str, ColumnArgs]:
    """The columns of the users table by name: the key, what is synced, times, and what the configuration adds."""
    further = {column.name: column for column in settings.columns}
    columns = [
        ColumnArgs(name="id", type="uuid", nullable=False, default="gen_random_uuid()"),
        ColumnArgs(name=KEY_COLUMN, type="text", nullable=False, comment="Auth0 user_id"),
        *(
            ColumnArgs(name=column, type=_TYPES.get(column, "text"))
            for column in synced
            if column not in further
        ),
        ColumnArgs(name="created_at", type="timestamptz", nullable=False, default="now()"),
        ColumnArgs(name="updated_at", type="timestamptz", nullable=False, default="now()"),
    ]
    columns += [
        ColumnArgs(name=column.name, type=column.type, default=column.default, comment=column.comment)
        for column in further.values()
    ]
    return {str(column.name): column for column in columns}


def _url(database: Database, *, username: str, password: str) -> str:
    query = urlencode({"sslmode": database.sslmode})
    return (
        f"postgres://{quote(username, safe='')}:{quote(password, safe='')}"
        f"@{database.host}:{database.port}/{quote(database.name, safe='')}?{query}"
    )
