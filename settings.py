"""The stack's configuration, typed and validated: what `Pulumi.<stack>.yaml` may say, and what it means.

`load()` reads Pulumi's configuration and either returns `Settings` or raises `pulumi.RunError` with one line a problem: the key, the
value (never a secret's), what is allowed, an example. `docs/configuration.md` and `Pulumi.dev.yaml` explain every key.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

import pulumi
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

SECRET_KEYS = frozenset({"databaseUrl", "hasura"})
"""Keys that hold a secret, so that plain text in them is a problem."""

_LIBPQ_SSLMODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http:// or https:// URL, for example https://app.example.com")
    return value.rstrip("/")


def _identifier(value: str) -> str:
    # Hasura exposes tables and columns as GraphQL names; a name that is none would need an alias on the way.
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", value):
        raise ValueError("must be a lower-case SQL name of letters, digits and _, for example users")
    return value


def _claim(value: str) -> str:
    if not re.fullmatch(r"x-hasura-[a-z0-9-]+", value):
        raise ValueError("must be a lower-case session variable, for example x-hasura-org-id")
    return value


Url = Annotated[str, AfterValidator(_http_url)]
Identifier = Annotated[str, AfterValidator(_identifier)]
Claim = Annotated[str, AfterValidator(_claim)]


class _Section(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class Roles(_Section):
    """Hasura roles in the token, and which Auth0 role brings which."""

    default: str = "user"
    allowed: tuple[str, ...] = ("user",)
    mapping: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _default_is_allowed(self) -> Self:
        if self.default not in self.allowed:
            raise ValueError(f"default must be one of allowed ({', '.join(self.allowed)})")
        return self


class Sync(_Section):
    """What the sync Action writes and what happens when it cannot.

    `columns`: column -> path into the Action's event (`user.name`), or `now`. `time_limit_ms`: for the write with its retry.
    """

    columns: dict[Identifier, str] = Field(
        default_factory=lambda: {
            "email": "user.email",
            "name": "user.name",
            "picture": "user.picture",
            "auth0_updated_at": "user.updated_at",
            "last_login_at": "now",
        }
    )
    on_failure: Literal["deny", "allow"] = "deny"
    time_limit_ms: int = Field(default=4000, ge=100, le=15000)
    on_refresh_token_exchange: bool = True

    @model_validator(mode="after")
    def _carries_the_guard(self) -> Self:
        if "auth0_updated_at" not in self.columns:
            raise ValueError(
                "columns must keep auth0_updated_at: it stops older profiles from overwriting newer ones"
            )
        return self


class Column(_Section):
    """A further column of the users table. `editable`: its owner may change it through Hasura."""

    name: Identifier
    type: str
    default: str | None = None
    comment: str | None = None
    editable: bool = False


class UsersTable(_Section):
    """Where the rows are."""

    schema_: Identifier = Field(default="public", alias="schema")
    name: Identifier = "users"
    columns: tuple[Column, ...] = (
        Column(name="display_name", type="text", comment="Chosen by the user", editable=True),
    )
    on_destroy: Literal["keep", "drop"] = "keep"
    adopt: bool = False


class Hasura(_Section):
    """The GraphQL engine: a Hasura Cloud project, or an engine that somebody runs."""

    kind: Literal["cloud", "self-hosted"]
    endpoint: Url
    admin_secret: str = Field(min_length=1, repr=False)
    source: str = "default"
    project_id: str | None = None
    cloud_token: str | None = Field(default=None, repr=False)
    cloud_endpoint: Url = "https://data.pro.hasura.io/v1/graphql"
    database_role: str = ""

    @model_validator(mode="after")
    def _cloud_has_its_project(self) -> Self:
        if self.kind == "cloud" and not (self.project_id and self.cloud_token):
            raise ValueError(
                "kind cloud needs projectId and cloudToken (Hasura Cloud: project > Settings, Access Tokens)"
            )
        return self


class Database(_Section):
    """A `postgres://` URL taken apart. `database_role` in `Hasura` says whom Hasura connects as."""

    host: str
    port: int
    name: str
    username: str
    password: str = Field(repr=False)
    sslmode: str
    url: str = Field(repr=False)


class Settings(_Section):
    """Everything that the program needs to know."""

    app_name: str = Field(default="My application", min_length=1)
    app_urls: tuple[Url, ...] = Field(min_length=1)
    framework: Literal["nextjs", "nextjs-v3", "spa", "custom"] = "nextjs"
    callbacks: tuple[Url, ...] = ()
    logout_urls: tuple[Url, ...] = ()
    web_origins: tuple[Url, ...] = ()
    audience: str = Field(min_length=1)
    connections: tuple[str, ...] = Field(default=("Username-Password-Authentication",), min_length=1)
    roles: Roles = Roles()
    claims: dict[Claim, str] = Field(default_factory=dict)
    sync: Sync = Sync()
    users_table: UsersTable = UsersTable()
    database_url: str = Field(repr=False)
    hasura: Hasura

    @model_validator(mode="after")
    def _framework_fits(self) -> Self:
        explicit = [name for name in ("callbacks", "logout_urls", "web_origins") if getattr(self, name)]
        if self.framework == "custom" and not self.callbacks:
            raise ValueError(
                "framework custom needs callbacks, for example ['https://app.example.com/callback']"
            )
        if self.framework != "custom" and explicit:
            raise ValueError(f"{', '.join(map(to_camel, explicit))} only go with framework custom")
        parse_database_url(self.database_url)
        return self

    @property
    def database(self) -> Database:
        """The database URL taken apart."""
        return parse_database_url(self.database_url)

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
        """Origins that may use silent authentication."""
        return list(self.web_origins if self.framework == "custom" else self.app_urls)


def parse_database_url(url: str) -> Database:
    """Take a `postgres://` or `postgresql://` URL apart. Raises `ValueError` without showing the URL: it holds a password."""
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("postgres", "postgresql") or not (
        parts.hostname and parts.username and parts.path[1:]
    ):
        raise ValueError(
            "databaseUrl must look like postgres://user:password@host:5432/database?sslmode=require"
        )
    sslmode = parse_qs(parts.query).get("sslmode", ["prefer"])[-1]
    if sslmode not in _LIBPQ_SSLMODES:
        raise ValueError(f"databaseUrl has sslmode={sslmode}; allowed are {', '.join(_LIBPQ_SSLMODES)}")
    return Database(
        host=parts.hostname,
        port=port,
        name=unquote(parts.path[1:]),
        username=unquote(parts.username),
        password=unquote(parts.password or ""),
        sslmode=sslmode,
        url=url,
    )


def load() -> Settings:
    """The settings of the current stack. Raises `pulumi.RunError` that lists every problem."""
    config = pulumi.Config()
    problems = list(_unknown_keys(config.name))
    raw: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        key = field.alias or name
        value = config.get(key)
        if value is not None:
            raw[key] = _value(value)
        if (
            key in SECRET_KEYS
            and value is not None
            and not pulumi.runtime.is_config_secret(f"{config.name}:{key}")
        ):
            problems.append(f"{config.name}:{key} holds a secret in plain text; {_secret_advice(key)}")
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        problems += _describe(config.name, error)
    for key in ("domain", "clientId", "clientSecret"):
        if not pulumi.Config("auth0").get(key):
            problems.append(
                f"auth0:{key} is missing; set it with `pulumi config set auth0:{key} ...` (see Pulumi.dev.yaml)"
            )
    if problems:
        raise pulumi.RunError(
            "The configuration of this stack needs a change:\n" + "\n".join(f"  - {p}" for p in problems)
        )
    return settings


def _value(text: str) -> Any:
    if text[:1] in "[{":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _secret_advice(key: str) -> str:
    path = "--path hasura.adminSecret" if key == "hasura" else key
    return f"set it with `pulumi config set --secret {path}`"


def _unknown_keys(namespace: str) -> Iterator[str]:
    known = [field.alias or name for name, field in Settings.model_fields.items()]
    for full in sorted(pulumi.runtime.config.CONFIG.get()):
        prefix, _, key = full.partition(":")
        if prefix == namespace and key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            yield f"{full} is no setting of this stack" + (f"; did you mean {near[0]}?" if near else "")


def _describe(namespace: str, error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_url=False):
        key = ".".join(str(part) for part in detail["loc"])
        top = str(detail["loc"][0]) if detail["loc"] else ""
        reason = detail["msg"].removeprefix("Value error, ")
        value = detail["input"]
        shown = isinstance(value, str | int | float | bool) and top not in SECRET_KEYS
        if detail["type"] == "missing":
            yield f"{namespace}:{key} is missing{_example(top)}"
        elif detail["type"] == "extra_forbidden":
            yield f"{namespace}:{key} is no setting of this stack"
        else:
            yield f"{f'{namespace}:{key}' if key else namespace}{f' is {value!r}' if shown else ''}: {reason}"


_EXAMPLES = {
    "appUrls": "'[\"http://localhost:3000\"]'",
    "audience": "https://api.example.com",
    "databaseUrl": "--secret postgres://user:password@host:5432/database",
    "hasura": "--path hasura.kind cloud",
}


def _example(key: str) -> str:
    value = _EXAMPLES.get(key)
    if value is None:
        return ""
    name = key if not value.startswith("--") else ""
    words = " ".join(word for word in ("pulumi config set", name, value) if word)
    if key == "databaseUrl":
        words = f"pulumi config set --secret {key} postgres://user:password@host:5432/database"
    return f"; for example `{words}`"
