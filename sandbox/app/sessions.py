"""Sessions in this process's memory, found by a random id in a cookie.

A restart logs everybody out, which is what a sandbox may do. Tokens never leave the server.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from sandbox.app.oauth import PendingLogin, Tokens

__all__ = ["Session", "Sessions"]

MAX_SESSIONS = 10_000
LIFETIME_S = 24 * 3600.0


@dataclass
class Session:
    """One browser: on its way to Auth0 (`pending`), or back with `tokens`."""

    pending: PendingLogin | None = None
    tokens: Tokens | None = None
    notice: tuple[str, str] | None = None
    """Kind (`done` or `failed`) and sentence for the next page alone."""
    form_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    """Proves that a form was ours (no request forged by another site)."""
    started: float = field(default_factory=time.monotonic)


class Sessions:
    """The store. Bounded in number and in time; endpoints run in threads, hence the lock."""

    def __init__(self, cookie: str) -> None:
        self._cookie = cookie
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Session] = OrderedDict()

    def of(self, request: Request) -> Session | None:
        """The session of the browser that asks, if it has one."""
        with self._lock:
            session = self._kept.get(request.cookies.get(self._cookie, ""))
        return session if session and time.monotonic() - session.started < LIFETIME_S else None

    def begin(self, request: Request, response: Response, session: Session) -> None:
        """Give the browser a new session under a new id: an id known before a login is worth nothing after it."""
        key = secrets.token_urlsafe(32)
        with self._lock:
            self._kept.pop(request.cookies.get(self._cookie, ""), None)
            self._kept[key] = session
            while len(self._kept) > MAX_SESSIONS:
                self._kept.popitem(last=False)
        response.set_cookie(self._cookie, key, httponly=True, samesite="lax", path="/")

    def end(self, request: Request, response: Response) -> None:
        """Forget the browser."""
        with self._lock:
            self._kept.pop(request.cookies.get(self._cookie, ""), None)
        response.delete_cookie(self._cookie, httponly=True, samesite="lax", path="/")
