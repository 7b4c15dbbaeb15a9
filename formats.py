"""What single values of the configuration must look like: each function returns the value, or raises `ValueError` that says what is
allowed. None of them shows the value."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

RESERVED_ROLES = frozenset({"admin", "auth0_sync"})
"""`admin` may do anything in Hasura, `auth0_sync` writes everybody's rows."""
OWN_CLAIMS = frozenset(
    {"x-hasura-default-role", "x-hasura-allowed-roles", "x-hasura-user-id", "x-hasura-role"}
)
EVENT_ROOTS = (
    "authentication",
    "authorization",
    "client",
    "connection",
    "organization",
    "request",
    "resource_server",
    "session",
    "stats",
    "tenant",
    "transaction",
    "user",
)
"""What a path into the event of a login may begin with: the same list as in `actions/*.js`."""
WRITTEN_BY_PEOPLE = ("user.user_metadata", "request.query", "request.body")
"""Parts of the event that a user can fill as they like: nothing that opens data may come from there."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Those that libpq and Go's driver, which the postgresql plugin uses, both know. `prefer` and `allow` would protect nothing either.
SSLMODES = ("disable", "require", "verify-ca", "verify-full")


def url(value: str) -> str:
    """A web address, without a slash at its end."""
    try:
        parts = urlsplit(value)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        fits = False
    if not fits or any(character.isspace() for character in value):
        raise ValueError("must be an http:// or https:// URL")
    if parts.username or parts.password:
        raise ValueError("must carry no user and no password")
    return value.rstrip("/")


def secure_url(value: str) -> str:
    """An address that a secret is sent to: https, or http on this machine."""
    found = url(value)
    if found.startswith("http://") and urlsplit(found).hostname not in LOOPBACK:
        raise ValueError("must begin with https://, because a secret travels there")
    return found


def engine_url(value: str) -> str:
    """Base URL of a GraphQL engine."""
    base = secure_url(value)
    if re.search(r"/v1(alpha1)?(/|$)", base):
        raise ValueError("must be the engine's base URL, without /v1/graphql")
    return base


def identifier(value: str) -> str:
    """Name of a table, column or role in Postgres that needs no quotes and is a GraphQL name, too."""
    # Hasura exposes tables and columns as GraphQL names; a name that is none would need an alias on the way.
    if not re.fullmatch(r"(?!__)[a-z_][a-z0-9_]{0,62}", value):
        raise ValueError("must be a lower-case SQL name of letters, digits and _")
    return value


def schema(value: str) -> str:
    """A schema that is not a system's own."""
    if value.startswith("pg_") or value in ("information_schema", "hdb_catalog"):
        raise ValueError("must not be a schema of Postgres or Hasura itself")
    return value


def claim(value: str) -> str:
    """Name of a further session variable in the token."""
    if not re.fullmatch(r"x-hasura-[a-z0-9-]+", value):
        raise ValueError("must be a lower-case session variable such as x-hasura-org-id")
    if value in OWN_CLAIMS:
        raise ValueError("is set anyway: see roles")
    return value


def role(value: str) -> str:
    """A Hasura role that people may have."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", value):
        raise ValueError("must be a role's name of letters, digits, _ and -")
    if value in RESERVED_ROLES:
        raise ValueError("must not be a role of people: it passes by the permissions of their rows")
    return value


def header(value: str) -> str:
    """A secret that travels in an HTTP header, as it is."""
    if not re.fullmatch(r"[!-~]([ -~]*[!-~])?", value):
        raise ValueError(
            "holds what no HTTP header carries: a space or line break at an end, or a character outside ASCII"
        )
    return value


def event_path(value: Any) -> Any:
    """A path into the event of a login, or a list of which the first present one counts."""
    paths = value if isinstance(value, list) else [value]
    for path in paths:
        root, *rest = path.split(".") if isinstance(path, str) else [""]
        if root not in EVENT_ROOTS or not rest or not all(rest):
            raise ValueError(
                f"must be a path that begins with one of {', '.join(EVENT_ROOTS)}, or a list of such paths"
            )
    if not paths:
        raise ValueError("must name at least one path")
    return value


def synced_path(value: Any) -> Any:
    """Where a synced column comes from: `now`, or a path into the event of a login."""
    try:
        return value if value == "now" else event_path(value)
    except ValueError as error:
        raise ValueError(f"{error}, or `now`") from None


def trusted_path(value: Any) -> Any:
    """Where a claim comes from: a path into the event of a login that leads to nothing the user has written."""
    event_path(value)
    for path in value if isinstance(value, list) else [value]:
        if f"{path}.".startswith(tuple(f"{root}." for root in WRITTEN_BY_PEOPLE)):
            raise ValueError(
                f"must not come from {', '.join(WRITTEN_BY_PEOPLE)}: people write that themselves, and could open what is not theirs"
            )
    return value


def domain(value: str) -> str:
    """Domain of a tenant, with a port where it has one."""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d+)?", value):
        raise ValueError("must be a host name, without https:// and without a path")
    return value.lower()


def uuid(value: str) -> str:
    """Id of a project in Hasura Cloud."""
    try:
        return str(UUID(value))
    except ValueError:
        raise ValueError("must be a UUID (Hasura Cloud: the project's settings show it)") from None
