"""How the process serves."""

from __future__ import annotations

import os
import signal

import uvicorn
from starlette.types import ASGIApp

from sandbox.serving import when_stdin_ends

__all__ = ["serve"]

GRACE_S = 1
"""A service ends within 2 s of SIGTERM."""


def serve(app: ASGIApp, port: int) -> None:
    """Serve on 127.0.0.1 until SIGTERM, or until stdin ends where `SANDBOX_EXIT_ON_STDIN_EOF=1`."""
    if os.environ.get("SANDBOX_EXIT_ON_STDIN_EOF") == "1":
        when_stdin_ends(lambda: os.kill(os.getpid(), signal.SIGTERM))
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
