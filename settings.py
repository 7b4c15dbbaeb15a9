"""The stack's configuration, typed and validated: what `Pulumi.<stack>.yaml` may say, and what it means.

`configuration.load()` reads it. A field with `repr=False` is a secret; `examples` are shown with a bad value.
`docs/configuration.md` and `Pulumi.dev.yaml` explain every key.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

import formats

OWN_COLUMNS = frozenset({"id", "federated_id", "created_at", "updated_at"})
"""Columns of the users table that nobody but the stack and the database fills."""
GUARD_COLUMN = "auth0_updated_at"
"""The age of the stored profile: it stops older profiles from overwriting newer ones."""

Path = str | list[str]
Url = Annotated[str, AfterValidator(formats.url)]
SecureUrl = Annotated[str, AfterValidator(formats.secure_url)]
Identifier = Annotated[str, AfterValidator(formats.identifier)]
Role = Annotated[str, AfterValidator(formats.role)]


class _Section(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class Tenant(_Section):
    """Provider settings of Auth0, under their usual names (`auth0:domain` …)."""

    domain: Annotated[str, AfterValidator(formats.domain)] = Field(examples=["your-tenant.eu.auth0.com"])
    client_id: str = Field(min_length=1, examples=["your-management-client-id"])
    client_secret: str = Field(min_length=1, repr=False)


class Roles(_Section):
    """Hasura roles in the token, and which Auth0 role brings which."""

    default: Role = Field(default="user", examples=["user"])
    allowed: tuple[Role, ...] = Field(default=("user",), min_length=1, examples=[["user", "editor"]])
    mapping: dict[str, Role] = Field(default_factory=dict, examples=[{"Editors": "editor"}])

    @model_validator(mode="after")
    def _default_is_allowed(self) -> Self:
        if self.default not in self.allowed:
            raise ValueError(
                f"default is {self.default!r} and must be one of allowed ({', '.join(self.allowed)})"
            )
        return self


class Sync(_Section):
    """What the sync Action writes and what happens when it cannot.

    `columns`: column -> path into the Action's event (`user.name`), or `now`. `time_limit_ms`: for the write with its retry.
    """

    columns: dict[Identifier, Annotated[Path, PlainValidator(formats.synced_path)]] = Field(
        default={
            "email": "user.email",
            "name": "user.name",
            "picture": "user.picture",
            GUARD_COLUMN: "user.updated_at",
            "last_login_at": "now",
        },
        examples=[{"email": "user.email", GUARD_COLUMN: "user.updated_at"}],
    )
    on_failure: Literal["deny", "allow"] = Field(default="deny", examples=["deny"])
    time_limit_ms: int = Field(default=4000, ge=100, le=15000, examples=[4000])
    on_refresh_token_exchange: bool = Field(default=True, examples=[True])

    @field_validator("columns")
    @classmethod
    def _guarded(cls, columns: dict[str, Any]) -> dict[str, Any]:
        if columns.get(GUARD_COLUMN) != "user.updated_at":
            raise ValueError(
                f"must keep {GUARD_COLUMN}: user.updated_at, which stops older profiles from overwriting newer ones"
            )
        if taken := sorted(OWN_COLUMNS & set(columns)):
            raise ValueError(f"must not name {', '.join(taken)}: the stack fills these itself")
        return columns


class Column(_Section):
    """A further column of the users table. `editable`: its owner may change it through Hasura."""

    name: Identifier = Field(examples=["city"])
    type: str = Field(min_length=1, examples=["text"])
    default: str | None = Field(default=None, examples=["'unknown'"])
    comment: str | None = Field(default=None, examples=["Where they live"])
    editable: bool = Field(default=False, examples=[True])


class UsersTable(_Section):
    """Where the rows are."""

    schema_: Annotated[Identifier, AfterValidator(formats.schema)] = Field(
        default="public", alias="schema", examples=["public"]
    )
    # Postgres cuts names off at 63: `<name>_federated_id_key` must stay whole, the upsert names it
    name: Identifier = Field(default="users", max_length=46, examples=["users"])
    columns: tuple[Column, ...] = Field(
        default=(Column(name="display_name", type="text", comment="Chosen by the user", editable=True),),
        examples=[[{"name": "city", "type": "text", "editable": True}]],
    )
    on_destroy: Literal["keep", "drop"] = Field(default="keep", examples=["keep"])
    adopt: bool = Field(default=False, examples=[True])

    @field_validator("columns")
    @classmethod
    def _further(cls, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        names = [column.name for column in columns]
        if taken := sorted((OWN_COLUMNS | {GUARD_COLUMN}) & set(names)):
            raise ValueError(f"must not name {', '.join(taken)}: the stack makes these itself")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"must name each column once, not {', '.join(twice)} twice")
        return columns


class Hasura(_Section):
    """The GraphQL engine: a Hasura Cloud project, or an engine that somebody runs. `database_role`: whom it connects as."""

    kind: Literal["cloud", "self-hosted"] = Field(examples=["cloud"])
    endpoint: Annotated[str, AfterValidator(formats.engine_url)] = Field(
        examples=["https://your-project.hasura.app"]
    )
    admin_secret: Annotated[str, AfterValidator(formats.header)] = Field(repr=False)
    source: str = Field(default="default", pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", examples=["default"])
    project_id: Annotated[str, AfterValidator(formats.uuid)] | None = Field(
        default=None, examples=["00000000-0000-0000-0000-000000000000"]
    )
    cloud_token: Annotated[str, AfterValidator(formats.header)] | None = Field(default=None, repr=False)
    cloud_endpoint: SecureUrl = Field(
        default="https://data.pro.hasura.io/v1/graphql", examples=["https://data.pro.hasura.io/v1/graphql"]
    )
    database_role: Identifier | None = Field(default=None, examples=["hasura_dev"])

    @model_validator(mode="after")
    def _cloud_has_its_project(self) -> Self:
        if self.kind == "cloud" and not (self.project_id and self.cloud_token):
            raise ValueError(
                "kind cloud needs projectId and cloudToken (Hasura Cloud shows them in the project's and in your account's settings)"
            )
        only_cloud = {"project_id", "cloud_token", "cloud_endpoint"} & self.model_fields_set
        if self.kind == "self-hosted" and only_cloud:
            raise ValueError(f"{', '.join(sorted(map(to_camel, only_cloud)))} only go with kind cloud")
        return self


class Database(_Section):
    """A `postgres://` URL taken apart."""

    host: str
    port: int
    name: str
    username: str
    password: str = Field(repr=False)
    sslmode: str
    url: str = Field(repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Take a `postgres://` or `postgresql://` URL apart. Raises `ValueError` without showing the URL: it holds a password.

        Without `sslmode` the connection is encrypted, except to this machine.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or 5432
        except ValueError:
            parts, port = urlsplit(""), 0
        host, path = parts.hostname, parts.path[1:]
        if (
            parts.scheme not in ("postgres", "postgresql")
            or not (host and parts.username and path)
            or "/" in path
        ):
            raise ValueError(
                "must look like postgres://user:password@host:5432/database?sslmode=require, with special characters of the password "
                "percent-encoded"
            )
        default = "disable" if host in formats.LOOPBACK else "require"
        sslmode = parse_qs(parts.query).get("sslmode", [default])[-1]
        if sslmode not in formats.SSLMODES:
            raise ValueError(f"has sslmode={sslmode}; allowed are {', '.join(formats.SSLMODES)}")
        return cls(
            host=host,
            port=port,
            name=unquote(path),
            username=unquote(parts.username),
            password=unquote(parts.password or ""),
            sslmode=sslmode,
            url=url,
        )


def _database_url(value: str) -> str:
    Database.parse(value)
    return value


class Settings(_Section):
    """Everything that the program needs to know."""

    app_name: str = Field(default="My application", min_length=1, examples=["My application"])
    app_urls: tuple[Url, ...] = Field(min_length=1, examples=[["http://localhost:3000"]])
    framework: Literal["nextjs", "nextjs-v3", "spa", "custom"] = Field(default="nextjs", examples=["nextjs"])
    callbacks: tuple[Url, ...] = Field(
        default=(), validate_default=True, examples=[["https://app.example.com/callback"]]
    )
    logout_urls: tuple[Url, ...] = Field(default=(), examples=[["https://app.example.com"]])
    web_origins: tuple[Url, ...] = Field(default=(), examples=[["https://app.example.com"]])
    audience: str = Field(min_length=1, examples=["https://api.example.com"])
    connections: tuple[str, ...] = Field(
        default=("Username-Password-Authentication",),
        min_length=1,
        examples=[["Username-Password-Authentication"]],
    )
    roles: Roles = Roles()
    claims: dict[
        Annotated[str, AfterValidator(formats.claim)],
        Annotated[Path, PlainValidator(formats.trusted_path)],
    ] = Field(default_factory=dict, examples=[{"x-hasura-org-id": "organization.id"}])
    sync: Sync = Sync()
    actions_revision: str = Field(default="1", min_length=1, max_length=100, examples=["2"])
    users_table: UsersTable = UsersTable()
    database_url: Annotated[str, AfterValidator(_database_url)] = Field(repr=False)
    hasura: Hasura

    @field_validator("callbacks", "logout_urls", "web_origins")
    @classmethod
    def _framework_fits(cls, urls: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        framework = info.data.get("framework", "custom" if urls else "nextjs")
        if framework != "custom" and urls:
            raise ValueError("only goes with framework custom: the others have their own paths")
        if framework == "custom" and not urls and info.field_name == "callbacks":
            raise ValueError("must be given with framework custom")
        return urls

    @field_validator("connections")
    @classmethod
    def _once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) != len(names):
            raise ValueError("must name each connection once")
        return names

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        editable = {column.name for column in self.users_table.columns if column.editable}
        if overwritten := sorted(editable & set(self.sync.columns)):
            raise ValueError(
                f"{', '.join(overwritten)} in usersTable.columns must not be editable, or not in sync.columns: every login would "
                "overwrite what its owner wrote"
            )
        if self.hasura.database_role == self.database.username:
            raise ValueError(
                "hasura.databaseRole is the user of databaseUrl itself; say `none` to let Hasura connect as that user"
            )
        return self

    @property
    def database(self) -> Database:
        """The database URL taken apart."""
        return Database.parse(self.database_url)

    def hasura_role(self, stack: str) -> str | None:
        """The Postgres role that Hasura connects as, None where none is to be made."""
        role = self.hasura.database_role or "hasura_" + re.sub(r"[^a-z0-9_]", "_", stack.lower())
        return None if role == "none" else role[:63]

    def callback_urls(self) -> list[str]:
        """Allowed callback URLs. Paths are those of auth0/nextjs-auth0 v4 and v3."""
        path = {"nextjs": "/auth/callback", "nextjs-v3": "/api/auth/callback", "spa": ""}.get(self.framework)
        return list(self.callbacks) if path is None else [f"{url}{path}" for url in self.app_urls]

    def allowed_logout_urls(self) -> list[str]:
        """Where Auth0 may send people after logout."""
        if self.framework == "custom":
            return list(self.logout_urls)
        return [f"{url}/" if self.framework == "nextjs-v3" else url for url in self.app_urls]

    def allowed_web_origins(self) -> list[str]:
        """Origins that may use silent authentication: scheme and host, no path."""
        urls = self.web_origins if self.framework == "custom" else self.app_urls
        return list(dict.fromkeys("/".join(url.split("/", 3)[:3]) for url in urls))
