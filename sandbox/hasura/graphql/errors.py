"""Errors as graphql-engine words them, and what becomes of an error that Postgres raises.

Codes and texts: facts/hasura.md and graphql-engine `Hasura.Base.Error`,
`Hasura.Backends.Postgres.Execute.Types` (dmlTxErrorHandler).
"""

from __future__ import annotations

import logging
from typing import Any

import psycopg

log = logging.getLogger("sandbox.hasura.graphql")

_INTEGRITY = {
    "23001": ("constraint-violation", "Can not delete or update due to data being referred. "),
    "23502": ("constraint-violation", "Not-NULL violation. "),
    "23503": ("constraint-violation", "Foreign key violation. "),
    "23505": ("constraint-violation", "Uniqueness violation. "),
    "23514": ("permission-error", "Check constraint violation. "),
    "23P01": ("constraint-violation", "Exclusion violation. "),
}
CHECK_FAILED = "check constraint of an insert/update permission has failed"


class GraphQLFault(Exception):  # noqa: N818 - the thing that a GraphQL answer calls an error
    """An error that goes to the client: message, code and JSON path.

    `internal` is shown to admins only.
    """

    def __init__(self, message: str, code: str, path: str = "$", internal: Any = None) -> None:
        super().__init__(message)
        self.message, self.code, self.path, self.internal = message, code, path, internal

    def as_error(self, show_internal: bool = False) -> dict[str, Any]:
        """One entry of a GraphQL answer's `errors`."""
        extensions: dict[str, Any] = {"path": self.path, "code": self.code}
        if show_internal and self.internal is not None:
            extensions["internal"] = self.internal
        return {"message": self.message, "extensions": extensions}

    def as_answer(self, show_internal: bool = False) -> dict[str, Any]:
        """A whole GraphQL answer."""
        return {"errors": [self.as_error(show_internal)]}


def invalid(message: str, path: str = "$") -> GraphQLFault:
    """The request does not fit the role's schema."""
    return GraphQLFault(message, "validation-failed", path)


def not_supported(what: str, path: str = "$") -> GraphQLFault:
    """A feature that the real engine has and this one lacks; it names itself and is logged."""
    log.warning("not supported by this sandbox: %s (%s)", what, path)
    return GraphQLFault(f"not supported by this sandbox: {what}", "not-supported", path)


def from_postgres(error: psycopg.Error, path: str = "$") -> GraphQLFault:
    """Translate what the database says: integrity and data errors are the client's, all others internal."""
    state = error.sqlstate or ""
    if not state and isinstance(error, psycopg.OperationalError):
        log.error("no connection to the source's database: %s", type(error).__name__)
        return GraphQLFault("connection error", "postgres-error", path)
    message = error.diag.message_primary or str(error)
    internal = {
        "error": {
            "exec_status": "FatalError",
            "hint": error.diag.message_hint,
            "message": error.diag.message_primary,
            "status_code": state or None,
            "description": error.diag.message_detail,
        }
    }
    if state.startswith("23"):
        code, prefix = _INTEGRITY.get(state, ("constraint-violation", ""))
        return GraphQLFault(prefix + message, code, path, internal)
    if state == "22025":
        return GraphQLFault(message, "bad-request", path, internal)
    if state.startswith("22"):
        return GraphQLFault(message, "data-exception", path, internal)
    if state == "42P10":
        text = "there is no unique or exclusion constraint on target column(s)"
        return GraphQLFault(text, "constraint-error", path, internal)
    if state == "42704":
        return GraphQLFault(message, "constraint-error", path, internal)
    if state.startswith("40"):
        text = "serialization failure due to concurrent update" if state == "40001" else message
        return GraphQLFault(text, "concurrent-update", path, internal)
    log.error("database query error: %s %s", state, message)
    return GraphQLFault("database query error", "unexpected", path, internal)
