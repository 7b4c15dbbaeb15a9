"""HTTP as both of Hasura's APIs need it: JSON in and out, bounded patience, errors as sentences."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from providers.kit.errors import ProviderError

if TYPE_CHECKING:
    import requests

WONDERING = 3.0  # seconds of waiting after which a line says what for
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Patience:
    """How long a call may wait for the other side. Ends early when the user cancels the deployment.

    `say` hears one line when the wait is long enough for the user to wonder.
    """

    def __init__(self, seconds: float, cancelled: Event, say: Callable[[str], None] | None = None) -> None:
        self._start = time.monotonic()
        self._end = self._start + seconds
        self._cancelled = cancelled
        self._say = say
        self._tries = 0

    @property
    def left(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - time.monotonic())

    def pause(
        self, at_least: float = 0.0, *, longest: float = 3.0, reason: str = "Hasura is not ready"
    ) -> bool:
        """Wait a little, longer each time, with jitter; False when there is no time left. `reason` is what `say` hears.

        Raises `ProviderError` when the deployment was cancelled.
        """
        self._tries += 1
        wait = max(at_least, min(longest, 0.1 * 1.6**self._tries) * random.uniform(0.5, 1.0))  # noqa: S311 — jitter
        if wait >= self.left:
            return False
        if self._say is not None and time.monotonic() + wait - self._start > WONDERING:
            self._say(f"{reason}; waiting up to {self.left:.0f} s more for it.")
            self._say = None
        if self._cancelled.wait(wait):
            raise ProviderError("The deployment was cancelled while waiting for Hasura.")
        return True


@dataclass(frozen=True)
class Answer:
    """Status and decoded JSON (None where the body is none) of an answer."""

    status: int
    body: Any = field(repr=False)

    def part(self, *path: str) -> Any:
        """What lies at `path` of the body; None where there is nothing."""
        value = self.body
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value


class Http:
    """Sends requests to one service. `name` is how sentences call it; `headers` may hold secrets."""

    def __init__(self, name: str, url: str, headers: dict[str, str]) -> None:
        self.name, self.url = name, url.rstrip("/")
        self._headers = headers
        self._session: requests.Session | None = None

    def _sender(self) -> requests.Session:
        if self._session is None:
            import requests  # noqa: PLC0415 — a tenth of a second that previews need not pay

            session = requests.Session()
            # a proxy of the environment is for the outside world, and .netrc must never replace our authorization
            session.trust_env = urlsplit(self.url).hostname not in _LOOPBACK
            session.auth = lambda request: request
            self._session = session
        return self._session

    def send(self, method: str, path: str, payload: Any, patience: Patience) -> Answer:
        """Send, again after 429, 5xx and broken connections as long as there is patience."""
        import requests  # noqa: PLC0415 — see above

        while True:
            delay = 0.0
            try:
                response = self._sender().request(
                    method,
                    self.url + path,
                    json=payload,
                    headers=self._headers,
                    timeout=(5, max(10.0, patience.left)),
                    allow_redirects=False,
                )
            except requests.exceptions.SSLError:
                raise ProviderError(f"{self.name} has a certificate that is not trusted here.") from None
            except requests.exceptions.RequestException as error:
                reached = not isinstance(error, requests.ConnectionError)
                reason = f"{self.name} {'gave no answer' if reached else 'is not reachable'}"
                if isinstance(error, ValueError) or not patience.pause(reason=reason):
                    raise ProviderError(f"{reason}: is it running, and is the address right?") from None
                continue
            if response.status_code == 429 or response.status_code >= 500:
                after = response.headers.get("Retry-After", "")
                delay = float(after) if after.isdigit() else 0.0
                if patience.pause(delay, reason=f"{self.name} answers {response.status_code}"):
                    continue
            try:
                body = response.json()
            except ValueError:
                body = None
            return Answer(response.status_code, body)
