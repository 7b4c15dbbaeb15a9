"""Auth0 and Hasura as a table of answers, in the place of `requests.request`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from proof.chain import Chain

CHAIN = Chain(
    domain="tenant.example.com",
    management_client_id="machine",
    management_client_secret="management-secret-77aa",
    client_id="application",
    audience="https://api.example.com",
    connections=["Username-Password-Authentication"],
    sync_action_id="sync",
    claims_action_id="claims",
    hasura_endpoint="https://hasura.example.com",
    hasura_admin_secret="admin-secret-1f0c",
    source="default",
    database_url="postgres://owner:database-pw-5c3e@db.example.com/app",
    schema="public",
    table="users",
    graphql_name="users",
    key_column="federated_id",
    constraint="users_federated_id_key",
    role="user",
    sync_role="auth0_sync",
)
SECRETS = ("management-secret-77aa", "admin-secret-1f0c", "database-pw-5c3e")

Answer = tuple[int, Any] | Callable[[dict[str, Any]], tuple[int, Any]] | Exception


@dataclass
class Services:
    """`answers`: by `METHOD path` without a query; a list is used up from the front, its last item stays."""

    answers: dict[str, Answer | list[Answer]]
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What was asked, with the arguments of `requests.request`."""

    def __post_init__(self) -> None:
        self.answers.setdefault("POST /oauth/token", (200, {"access_token": "machine-token"}))

    @property
    def asked(self) -> list[str]:
        """`METHOD path` of every request."""
        return [what for what, _ in self.sent]

    def request(self, method: str, url: str, **arguments: Any) -> requests.Response:
        """As `requests.request`."""
        what = f"{method} /{url.split('/', 3)[3].split('?', maxsplit=1)[0]}"
        self.sent.append((what, arguments))
        answer = self.answers[what]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        status, body = answer(arguments) if callable(answer) else answer
        response = requests.Response()
        response.status_code, response._content = status, b"" if body is None else json.dumps(body).encode()
        return response
