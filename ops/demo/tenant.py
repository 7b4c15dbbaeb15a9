"""The tenant's Management API as an administrator uses it: users, and what the demo compares and clears away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

from ops.errors import Problem

_TIMEOUT = 30.0  # seconds


class Tenant:
    """The sandbox's tenant with its machine client. `facts`: the `auth0` part of `./dev sandbox status --json`."""

    def __init__(self, facts: Mapping[str, str]) -> None:
        self._url = facts["url"]
        self._session = requests.Session()
        self._session.verify = facts["ca_file"]
        token = self.token(facts["client_id"], facts["client_secret"])
        self._session.headers["Authorization"] = f"Bearer {token}"
        self.management_token = token

    def token(self, client_id: str, client_secret: str) -> str:
        """An access token for the Management API."""
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            "audience": f"{self._url}/api/v2/",
        }
        answer = self._session.post(f"{self._url}/oauth/token", data=form, timeout=_TIMEOUT)
        if answer.status_code != 200:
            raise Problem(
                f"The tenant gives no token for its Management API ({answer.status_code}): run `./dev sandbox reset`."
            )
        return str(answer.json()["access_token"])

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of an answer, None where it is empty. Raises `Problem` for a status of 400 and above."""
        answer = self._session.request(method, f"{self._url}/api/v2/{path}", json=body, timeout=_TIMEOUT)
        if answer.status_code >= 400:
            raise Problem(
                f"The tenant answers {method} {path.split('?', maxsplit=1)[0]} with {answer.status_code}: {answer.text[:200]}"
            )
        return answer.json() if answer.content else None

    def user(self, email: str) -> dict[str, Any] | None:
        """The account with this e-mail address, None where there is none."""
        found: list[dict[str, Any]] = self.call("GET", f"users-by-email?email={quote(email)}")
        return found[0] if found else None

    def clients(self) -> list[dict[str, Any]]:
        """Applications, as the API lists them."""
        listed: list[dict[str, Any]] = self.call("GET", "clients?per_page=100")
        return listed

    def resource_servers(self) -> list[dict[str, Any]]:
        """APIs."""
        listed: list[dict[str, Any]] = self.call("GET", "resource-servers?per_page=100")
        return listed

    def actions(self) -> list[dict[str, Any]]:
        """Actions."""
        listed: list[dict[str, Any]] = self.call("GET", "actions/actions?per_page=100")["actions"]
        return listed

    def bindings(self) -> list[dict[str, Any]]:
        """What is bound to post-login, in order."""
        listed: list[dict[str, Any]] = self.call("GET", "actions/triggers/post-login/bindings?per_page=50")[
            "bindings"
        ]
        return listed

    def connections(self) -> list[dict[str, Any]]:
        """Connections, each with the clients that it is enabled for as `clients`."""
        listed: list[dict[str, Any]] = self.call(
            "GET", "connections?per_page=100&fields=id,name,strategy&include_fields=true"
        )
        for connection in listed:
            enabled = self.call("GET", f"connections/{connection['id']}/clients")["clients"]
            connection["clients"] = sorted(item["client_id"] for item in enabled)
        return listed
