"""How the process serves: one log line per request, and an end when whoever started it is gone."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["RequestLog", "serve"]

GRACE_S = 1
"""A service ends within 2 s of SIGTERM."""


class RequestLog:
    """Prints `POST /name 303 12 ms` for each request. The path alone: a callback's query holds a code."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        finally:
            took = (time.perf_counter() - began) * 1000
            # `!r` without quotes: a path with control characters must not forge a second line.
            path = repr(scope["path"])[1:-1]
            sys.stdout.write(f"{scope['method']} {path} {status} {took:.0f} ms\n")
            sys.stdout.flush()


def serve(app: ASGIApp, port: int) -> None:
    """Serve on 127.0.0.1 until SIGTERM, or until stdin ends where `SANDBOX_EXIT_ON_STDIN_EOF=1`."""
    if os.environ.get("SANDBOX_EXIT_ON_STDIN_EOF") == "1":
        threading.Thread(target=_end_with_stdin, name="stdin", daemon=True).start()
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACE_S,
    )


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
