"""Auth0's Management API as the published plugin uses it: a token lazily, waiting on 429, a few retries on 5xx."""

from __future__ import annotations

import os
import random
import threading
import time
from functools import cached_property
from typing import Any

from providers.kit.errors import ProviderError

_TIMEOUT = 30.0  # seconds
_SERVER_ERRORS = frozenset({500, 502, 503, 504, 524})
_RETRIES = 3
_LIMITED = 20  # times that a rate limit is waited for


class ApiError(ProviderError):
    """The API's own answer to a request that it did not like."""

    def __init__(self, status: int, method: str, path: str, message: str) -> None:
        super().__init__(f"Auth0 answered {method} {path} with {status}: {message}")
        self.status = status


class ManagementApi:
    """Calls below `/api/v2` of one tenant."""

    def __init__(self, domain: str, client_id: str, client_secret: str, api_token: str | None = None) -> None:
        self._base = "https://" + domain.removeprefix("https://").removeprefix("http://").rstrip("/")
        self._credentials = (client_id, client_secret)
        self._token = api_token
        self._lock = threading.Lock()

    @cached_property
    def session(self) -> Any:
        """Connections that stay open from call to call, made when the first is needed."""
        import requests  # noqa: PLC0415 — a fifth of a second that a deployment without changes does not need

        return requests.Session()

    def call(self, method: str, path: str, body: object = None, **params: str | int) -> Any:
        """The JSON of an answer (None where it is empty). Raises `ApiError` for a status of 400 and above."""
        with self._lock:
            if self._token is None:
                self._token = self._fetch_token()
        answer = self._send(
            method,
            f"/api/v2/{path}",
            json=body,
            params=params,
            auth=_Bearer(self._token),
        )
        if answer.status_code >= 400:
            raise ApiError(answer.status_code, method, f"/api/v2/{path}", _message(answer))
        return answer.json() if answer.content else None

    def find(self, path: str, **params: str | int) -> Any:
        """GET, with None where there is no such object."""
        try:
            return self.call("GET", path, **params)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def remove(self, path: str) -> None:
        """DELETE; an object that is gone already is no error."""
        try:
            self.call("DELETE", path)
        except ApiError as error:
            if error.status != 404:
                raise

    def _fetch_token(self) -> str:
        form = {"grant_type": "client_credentials", "audience": f"{self._base}/api/v2/"}
        answer = self._send("POST", "/oauth/token", data=form, auth=self._credentials)
        if answer.status_code != 200:
            raise ProviderError(
                f"Auth0 at {self._base} gives no token for the Management API ({answer.status_code}); "
                "check auth0:clientId and auth0:clientSecret."
            )
        return str(answer.json()["access_token"])

    def _send(self, method: str, path: str, **arguments: Any) -> Any:
        import requests  # noqa: PLC0415 — see `session`

        # As Go's default transport does it, and with it the published plugin. Told with each request: a session's own `verify`
        # loses against REQUESTS_CA_BUNDLE.
        arguments["verify"] = os.environ.get("SSL_CERT_FILE") or True
        failures = limits = 0
        while True:
            try:
                answer = self.session.request(method, self._base + path, timeout=_TIMEOUT, **arguments)
            except requests.RequestException as error:
                failures += 1
                if failures > _RETRIES:
                    reason = (
                        "its certificate is not trusted" if "SSL" in type(error).__name__ else "no answer"
                    )
                    raise ProviderError(
                        f"Auth0 at {self._base} cannot be reached ({reason}); check auth0:domain and that the tenant runs."
                    ) from None
                time.sleep(random.uniform(0.2, 0.5 * 2**failures))  # noqa: S311 — jitter
                continue
            if answer.status_code == 429 and limits < _LIMITED:
                limits += 1
                reset = float(answer.headers.get("X-RateLimit-Reset") or time.time() + 5)
                time.sleep(min(max(reset - time.time(), 0.1), 60.0))
            elif answer.status_code in _SERVER_ERRORS and failures < _RETRIES:
                failures += 1
                time.sleep(random.uniform(0.5, 2.0**failures))  # noqa: S311 — jitter
            else:
                return answer


class _Bearer:
    """The token of a request. As a header it would lose against an entry in the user's .netrc."""

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = self._header
        return request


def _message(answer: Any) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return "no reason given"
