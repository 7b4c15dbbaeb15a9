"""HTTP to Auth0's Management API and to Hasura, with failures as broken links."""

from __future__ import annotations

import time
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

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
        self._chain, self._base = chain, f"https://{chain.domain}"
        self._headers = {"Authorization": f"Bearer {self.token('tenant', f'{self._base}/api/v2/')}"}

    def token(self, link: str, audience: str) -> str:
        """A machine's access token for an API. Raises `BrokenLinkError` where there is none."""
        answer = _send(
            link,
            "Auth0",
            "POST",
            f"{self._base}/oauth/token",
            json={
                "grant_type": "client_credentials",
                "client_id": self._chain.management_client_id,
                "client_secret": self._chain.management_client_secret,
                "audience": audience,
            },
        )
        if answer.status_code != 200:
            raise BrokenLinkError(
                link,
                f"{self._chain.domain} gives no token for {audience} (HTTP {answer.status_code})",
                "check auth0:clientId and auth0:clientSecret",
            )
        return str(answer.json()["access_token"])

    def attempt(self, link: str, method: str, path: str, body: object = None) -> requests.Response:
        """An answer as it came."""
        return _send(link, "Auth0", method, f"{self._base}/api/v2/{path}", json=body, headers=self._headers)

    def call(self, link: str, method: str, path: str, body: object = None) -> Any:
        """The JSON of an answer (None where it is empty), None for 404. Raises `BrokenLinkError` for any other failure."""
        answer = self.attempt(link, method, path, body)
        if answer.status_code == 404:
            return None
        if answer.status_code >= 400:
            self.refused(link, method, path, answer)
        return answer.json() if answer.content else None

    def refused(self, link: str, method: str, path: str, answer: requests.Response) -> NoReturn:
        """Raise `BrokenLinkError` for an error of the Management API."""
        message = _json(answer).get("message", "no reason given")
        found = f"Auth0 answers {method} /api/v2/{path.split('?', maxsplit=1)[0]} with {answer.status_code}, “{message}”"
        raise BrokenLinkError(
            link, found, "give the Management API client the scope that it names, or try again"
        )


_MANAGEMENT: WeakKeyDictionary[Chain, Management] = WeakKeyDictionary()


def management_of(chain: Chain) -> Management:
    """The one client of a chain: Auth0 meters the tokens of machines, and a proof needs a single one."""
    if chain not in _MANAGEMENT:
        _MANAGEMENT[chain] = Management(chain)
    return _MANAGEMENT[chain]


class Hasura:
    """The engine with its admin secret, or with other `credentials` (headers)."""

    def __init__(self, chain: Chain, credentials: dict[str, str] | None = None) -> None:
        self._chain = chain
        self._credentials = credentials or {"x-hasura-admin-secret": chain.hasura_admin_secret}

    def call(
        self, link: str, method: str, path: str, body: object = None, **headers: str
    ) -> requests.Response:
        """An answer as it came. `headers`: further ones, `_` for `-`."""
        sent = self._credentials | {name.replace("_", "-"): value for name, value in headers.items()}
        return _send(link, "Hasura", method, f"{self._chain.hasura_endpoint}{path}", json=body, headers=sent)


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
