"""A person's own row, read and changed through Hasura as the person: with their access token, never an admin secret.

Which columns there are to see and to change is the stack's configuration. Hasura answers introspection for the role that
asks, so the application learns it from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.app.config import AppConfig
from sandbox.app.http import exchange
from sandbox.errors import SandboxError

__all__ = ["Answer", "Rights", "ask", "edit", "own_row", "rights"]

RIGHTS = """\
query Rights {
  row: __type(name: "users") { fields { name type { kind ofType { kind } } } }
  changes: __type(name: "users_set_input") { inputFields { name type { name } } }
}"""

EDIT = """\
mutation Edit($me: String!, $changes: users_set_input!) {
  update_users(where: {federated_id: {_eq: $me}}, _set: $changes) {
    affected_rows
  }
}"""

FIRST = ("id", "federated_id", "email", "name")
"""Columns that every stack has, and that come first on the page."""


@dataclass(frozen=True)
class Rights:
    """Columns of the own row that this token's role may read, and text columns that it may write."""

    readable: tuple[str, ...] = FIRST
    editable: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What Hasura said, and what to make of it."""

    body: Any
    """The whole answer, for the page to show."""
    errors: tuple[str, ...] = ()
    rows: tuple[dict[str, Any], ...] = ()

    @property
    def ok(self) -> bool:
        return not self.errors


def rights(config: AppConfig, token: str) -> Rights:
    """What the token's role may do with its row; the usual columns, read only, where the engine does not tell."""
    answer = ask(config, token, RIGHTS)
    if not answer.ok or not answer.body["data"].get("row"):
        return Rights()
    readable = {each["name"] for each in answer.body["data"]["row"]["fields"] if _is_scalar(each["type"])}
    changes = answer.body["data"].get("changes") or {"inputFields": []}
    editable = sorted(each["name"] for each in changes["inputFields"] if each["type"]["name"] == "String")
    first = [name for name in FIRST if name in readable]
    return Rights((*first, *sorted(readable.difference(first))), tuple(editable))


def own_row(columns: Iterable[str]) -> str:
    """A query that asks for *all* users: that one row comes back is the permission's doing."""
    return "query OwnRow {\n  users {\n" + "".join(f"    {column}\n" for column in columns) + "  }\n}"


def ask(config: AppConfig, token: str | None, query: str) -> Answer:
    """Hasura's answer to a query, with an access token or without one.

    Never raises: on the page an unreachable Hasura is one more answer to show.
    """
    try:
        return _graphql(config, token, query, {})
    except SandboxError as error:
        return Answer(None, (str(error),))


def edit(config: AppConfig, token: str, me: str, changes: Mapping[str, str | None]) -> None:
    """Write values into the own row.

    :param me: the person's id at Auth0, the row's `federated_id`
    :param changes: column → text, None for null
    :raises SandboxError: Hasura refused, or there was no row to change
    """
    answer = _graphql(config, token, EDIT, {"me": me, "changes": dict(changes)})
    if not answer.ok:
        raise SandboxError(f"Hasura did not change the row: {answer.errors[0]}")
    if answer.body["data"]["update_users"]["affected_rows"] != 1:
        raise SandboxError("No row was changed: this token opens none.")


def _is_scalar(kind: Mapping[str, Any]) -> bool:
    inner = kind["ofType"] if kind["kind"] == "NON_NULL" else kind
    return inner["kind"] in {"SCALAR", "ENUM"}


def _graphql(config: AppConfig, token: str | None, query: str, variables: dict[str, Any]) -> Answer:
    status, body = exchange(
        "POST",
        config.graphql_url,
        what="Hasura",
        headers={"Authorization": f"Bearer {token}"} if token else {},
        json={"query": query, "variables": variables},
    )
    if not isinstance(body, dict):
        raise SandboxError(f"Hasura answered HTTP {status} without JSON.")
    if status != 200 or "errors" in body or not isinstance(body.get("data"), dict):
        # GraphQL errors arrive as HTTP 200, so the body decides.
        found = body.get("errors") or [{"message": body.get("error") or f"HTTP {status}"}]
        return Answer(body, tuple(str(each.get("message", each)) for each in found))
    return Answer(body, rows=tuple(body["data"].get("users", ())))
