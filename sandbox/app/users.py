"""A person's own row, read and changed through Hasura as the person: with their access token, never an admin secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.app.config import AppConfig
from sandbox.app.http import exchange
from sandbox.errors import SandboxError

__all__ = ["OWN_ROW", "RENAME", "Answer", "ask", "rename"]

OWN_ROW = """\
query OwnRow {
  users {
    id
    federated_id
    email
    name
    picture
    created_at
    updated_at
    last_login_at
  }
}"""
"""Asks for *all* users: that one row comes back is the permission's doing."""

RENAME = """\
mutation Rename($me: String!, $name: String!) {
  update_users(where: {federated_id: {_eq: $me}}, _set: {name: $name}) {
    affected_rows
  }
}"""


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


def ask(config: AppConfig, token: str | None) -> Answer:
    """The own row with an access token, or the same query without one.

    Never raises: on the page an unreachable Hasura is one more answer to show.
    """
    try:
        return _graphql(config, token, OWN_ROW, {})
    except SandboxError as error:
        return Answer(None, (str(error),))


def rename(config: AppConfig, token: str, me: str, name: str) -> None:
    """Write a new name into the own row.

    :param me: the person's id at Auth0, the row's `federated_id`
    :raises SandboxError: Hasura refused, or there was no row to change
    """
    answer = _graphql(config, token, RENAME, {"me": me, "name": name})
    if not answer.ok:
        raise SandboxError(f"Hasura did not change the name: {answer.errors[0]}")
    if answer.body["data"]["update_users"]["affected_rows"] != 1:
        raise SandboxError("No row was changed: this token opens none.")


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
