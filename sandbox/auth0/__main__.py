"""`python -m sandbox.auth0 --port N --state DIR --tls-cert FILE --tls-key FILE`: the tenant on https://localhost:N.

Environment: SANDBOX_AUTH0_CLIENT_ID, SANDBOX_AUTH0_CLIENT_SECRET (the machine client), SANDBOX_NODE (Node 22),
NODE_EXTRA_CA_CERTS (what the fetch of Actions trusts), SANDBOX_AUTH0_RATE_LIMIT (Management API requests a
second, off by default), SANDBOX_EXIT_ON_STDIN_EOF=1 (end when the supervisor does). Listens on 127.0.0.1 only.
"""

from __future__ import annotations

import argparse
import asyncio.sslproto
import logging
import os
import signal
import sys
from pathlib import Path

import uvicorn

from sandbox.auth0.app import create_app
from sandbox.auth0.store import Store
from sandbox.auth0.tenant import Tenant
from sandbox.serving import when_stdin_ends

_GRACE = 1  # seconds for requests under way at the end
_TLS_BUFFER = 32 * 1024
"""Bytes kept for reading on each TLS connection. asyncio's 256 kB are for bulk data: a crowd that logs in would cost 100 MB."""


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.auth0", description="An Auth0 tenant on localhost."
    )
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument("--state", type=Path, required=True, help="folder for tenant.db")
    parser.add_argument("--tls-cert", type=Path, required=True, help="certificate chain, PEM")
    parser.add_argument("--tls-key", type=Path, required=True, help="its private key, PEM")
    return parser.parse_args(arguments)


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        sys.exit(f"{name} is not set: the sandbox's supervisor passes it to this service.")
    return value


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM."""
    options = _parse(sys.argv[1:] if arguments is None else arguments)
    extra_ca = os.environ.get("NODE_EXTRA_CA_CERTS")
    limit = os.environ.get("SANDBOX_AUTH0_RATE_LIMIT", "0")
    if not limit.isdigit():
        sys.exit(
            f"SANDBOX_AUTH0_RATE_LIMIT is {limit!r}: give a whole number of requests a second, 0 for no limit."
        )
    tenant = Tenant(
        store=Store(options.state / "tenant.db"),
        domain=f"localhost:{options.port}",
        node=Path(_required("SANDBOX_NODE")),
        extra_ca=Path(extra_ca) if extra_ca else None,
        management_client_id=_required("SANDBOX_AUTH0_CLIENT_ID"),
        management_client_secret=_required("SANDBOX_AUTH0_CLIENT_SECRET"),
    )
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    if os.environ.get("SANDBOX_EXIT_ON_STDIN_EOF") == "1":
        when_stdin_ends(lambda: os.kill(os.getpid(), signal.SIGTERM))
    asyncio.sslproto.SSLProtocol.max_size = _TLS_BUFFER
    uvicorn.run(
        create_app(tenant, rate_limit=int(limit)),
        host="127.0.0.1",
        port=options.port,
        ssl_certfile=str(options.tls_cert),
        ssl_keyfile=str(options.tls_key),
        backlog=2048,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )


if __name__ == "__main__":
    main()
