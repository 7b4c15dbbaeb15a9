"""What a token opens in Hasura, and what stays closed."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import requests

from ops.errors import Problem

_TIMEOUT = 30.0  # seconds


@dataclass(frozen=True)
class Answer:
    """A GraphQL answer: rows, or the message and code of its first error."""

    rows: list[dict[str, Any]] | None
    message: str = ""
    code: str = ""


@dataclass(frozen=True)
class Graphql:
    """Hasura's GraphQL endpoint, and the users table's root field in it."""

    url: str
    table: str
    key: str
    columns: tuple[str, ...] = field(default=("email", "name", "display_name"))

    def own_rows(self, token: str | None) -> Answer:
        """Everything that the bearer of a token may see of the table."""
        return self._send(token, f"{{ rows: {self.table} {{ {self.key} {' '.join(self.columns)} }} }}")

    def rename(self, token: str, display_name: str) -> Answer:
        """Set the display name of every row that the bearer may change."""
        mutation = (
            f"mutation ($name: String!) {{ changed: update_{self.table}(where: {{}}, _set: {{display_name: $name}}) "
            f"{{ rows: returning {{ {self.key} display_name }} }} }}"
        )
        return self._send(token, mutation, {"name": display_name})

    def _send(self, token: str | None, query: str, variables: dict[str, str] | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        try:
            answer = requests.post(
                f"{self.url}/v1/graphql",
                json={"query": query, "variables": variables or {}},
                headers=headers,
                timeout=_TIMEOUT,
            ).json()
        except (requests.RequestException, ValueError):
            raise Problem(
                f"Broken link “Hasura”: {self.url} does not answer; run `./dev sandbox status`."
            ) from None
        if "errors" in answer:
            first = answer["errors"][0]
            return Answer(None, first["message"], first["extensions"]["code"])
        data = answer["data"]
        return Answer(data["rows"] if "rows" in data else data["changed"]["rows"])


def forged(token: str, user_id: str) -> str:
    """The token with somebody else's id in it, the signature left as it was."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    claims["https://hasura.io/jwt/claims"]["x-hasura-user-id"] = user_id
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{header}.{changed}.{signature}"
