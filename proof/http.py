"""HTTP to Auth0's Management API and to Hasura, with failures as broken links."""

from __future__ import annotations

import time
from typing import Any

import requests

from proof.chain import Chain
from proof.errors import BrokenLinkError

_TIMEOUT = 25.0  # seconds; the test call of an Action may take the platform's 20
_ATTEMPTS = 5


def _send(link: str, who: str, method: str, url: str, **arguments: Any) -> requests.Response:
    """One request; waits and tries again where the other side says so (429). Raises `BrokenLinkError` where nobody answers."""
    for attempt in range(_ATTEMPTS):
        try:
            answer = requests.request(method, url, timeout=_TIMEOUT, **arguments)
        except requests.RequestException as error:
            reason = "the certificate is not trusted" if "SSL" in type(error).__name__ else "no answer"
            found = f"{who} cannot be reached at {url.split('/', 3)[2]} ({reason})"
            raise BrokenLinkError(
                link, found, "check that it runs and that its address in the configuration is right"
            ) from None
        if answer.status_code != 429 or attempt == _ATTEMPTS - 1:
            return answer
        reset = float(answer.headers.get("X-RateLimit-Reset") or 0)
        time.sleep(min(max(reset - time.time(), 1.0), 10.0))
    raise AssertionError("unreachable")


class Management:
    """Auth0's Management API with the deployment's own credentials."""

    def __init__(self, chain: Chain) -> None:
        self._base = f"https://{chain.domain}"
        answer = _send(
            "tenant",
            "Auth0",
            "POST",
            f"{self._base}/oauth/token",
            json={
                "grant_type": "client_credentials",
                "client_id": chain.management_client_id,
                "client_secret": chain.management_client_secret,
                "audience": f"{self._base}/api/v2/",
            },
        )
        if answer.status_code != 200:
            raise BrokenLinkError(
                "tenant",
                f"{chain.domain} gives no token for the Management API (HTTP {answer.status_code})",
                "check auth0:clientId and auth0:clientSecret",
            )
        self._headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def call(self, link: str, method: str, path: str, body: object = None) -> Any:
        """The JSON of an answer, None for 404. Raises `BrokenLinkError` for any other failure."""
        answer = _send(link, "Auth0", method, f"{self._base}/api/v2/{path}", json=body, headers=self._headers)
        if answer.status_code == 404:
            return None
        if answer.status_code >= 400:
            message = _json(answer).get("message", "no reason given")
            raise BrokenLinkError(
                link,
                f"Auth0 answers {method} /api/v2/{path.split('?', maxsplit=1)[0]} with {answer.status_code}, “{message}”",
                "give the Management API client the scope that it names, or try again",
            )
        return answer.json()


class Hasura:
    """The engine with its admin secret."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    def call(
        self, link: str, method: str, path: str, body: object = None, **headers: str
    ) -> requests.Response:
        """An answer as it came. `headers`: further ones, `_` for `-`."""
        sent = {"x-hasura-admin-secret": self._chain.hasura_admin_secret}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return _send(link, "Hasura", method, f"{self._chain.hasura_endpoint}{path}", json=body, headers=sent)


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
