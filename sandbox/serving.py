"""What the sandbox's HTTP services have in common: one log line a request, and an end when whoever started them is gone."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["RequestLog", "when_stdin_ends"]


class RequestLog:
    """Middleware that writes `POST /name 303 1.2 ms` to stdout for each request. No query, no body, no secret.

    `prefix` stands before the line. `shown` answers what of a path may be seen.
    """

    def __init__(
        self, app: ASGIApp, prefix: str = "", shown: Callable[[str], str] = lambda path: path
    ) -> None:
        self._app, self._prefix, self._shown = app, prefix and f"{prefix} ", shown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            took = (time.perf_counter() - began) * 1000
            # `repr`: a path with control characters must not forge a second line. One write: parallel lines must not mix.
            path = repr(self._shown(scope["path"]))[1:-1]
            os.write(1, f"{self._prefix}{scope['method']} {path} {status} {took:.1f} ms\n".encode())


def when_stdin_ends(then: Callable[[], object]) -> None:
    """Call `then`, in a thread, when the other end of stdin is closed: the supervisor has ended, be it by kill -9."""

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        then()

    threading.Thread(target=wait, name="stdin", daemon=True).start()
