"""`python -m sandbox.hasura --port N --cloud-port M --state DIR`: the engine and its Cloud API in one process.

Settings come through the environment (never argv): `HASURA_GRAPHQL_METADATA_DATABASE_URL`,
`HASURA_GRAPHQL_ADMIN_SECRET`, `SANDBOX_HASURA_CLOUD_TOKEN`, `SANDBOX_HASURA_PROJECT_ID`, `SSL_CERT_FILE` and what the
real engine reads. Ends on SIGTERM, and on the end of stdin where `SANDBOX_EXIT_ON_STDIN_EOF=1`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import uvicorn
from starlette.types import ASGIApp

from sandbox.hasura.cloud import CloudProject, cloud_app
from sandbox.hasura.configuration import ConfigurationError
from sandbox.hasura.engine import HasuraEngine
from sandbox.hasura.environment import Environment
from sandbox.hasura.metadata.storage import MetadataStorage
from sandbox.hasura.server import engine_app
from sandbox.serving import when_stdin_ends

_log = logging.getLogger("sandbox.hasura")
_NEEDED = (
    "HASURA_GRAPHQL_METADATA_DATABASE_URL",
    "HASURA_GRAPHQL_ADMIN_SECRET",
    "SANDBOX_HASURA_CLOUD_TOKEN",
    "SANDBOX_HASURA_PROJECT_ID",
)


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the process: two of them run in it."""

    def install_signal_handlers(self) -> None:
        """Nothing to install."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing to capture."""
        yield


def _server(app: ASGIApp) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            server_header=False,
        )
    )


def _listen(port: int) -> socket.socket:
    """Take the port, so that a taken one is known before anything else starts. Raises OSError."""
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it each answer waits 40 ms
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise OSError(f"port {port} of 127.0.0.1 is taken ({error.strerror})") from error
    return listener


async def _serve(servers: list[tuple[_Server, socket.socket]], engine: HasuraEngine) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if os.environ.get("SANDBOX_EXIT_ON_STDIN_EOF") == "1":
        when_stdin_ends(lambda: loop.call_soon_threadsafe(stop.set))
    running = [asyncio.create_task(server.serve(sockets=[listener])) for server, listener in servers]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
    failed = not stop.is_set()  # a server has ended by itself
    for server, _ in servers:
        server.should_exit = True
    await asyncio.gather(*running, return_exceptions=True)
    stopping.cancel()
    engine.stop()
    return 1 if failed else 0


def main(arguments: list[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Run until told to stop; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.hasura", description="A Hasura v2 engine on localhost."
    )
    parser.add_argument("--port", type=int, required=True, help="port of the engine")
    parser.add_argument("--cloud-port", type=int, required=True, help="port of the Cloud API")
    parser.add_argument("--state", type=Path, required=True, help="folder for files of this service")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(message)s")
    for library in ("psycopg.pool", "httpx", "urllib3"):
        logging.getLogger(library).setLevel(logging.ERROR)
    missing = [name for name in _NEEDED if not environment.get(name)]
    if missing:
        _log.error("these environment variables must be set: %s", ", ".join(missing))
        return 2
    options.state.mkdir(parents=True, exist_ok=True)
    storage = MetadataStorage(environment["HASURA_GRAPHQL_METADATA_DATABASE_URL"])
    settings = Environment(environment, storage)
    engine = HasuraEngine(settings, storage)
    try:
        listeners = [_listen(options.port), _listen(options.cloud_port)]
        engine.start()
    except psycopg.Error as error:
        _log.error("the metadata database cannot be used: %s", type(error).__name__)
        return 1
    except (ConfigurationError, OSError) as error:
        _log.error("%s", error)
        return 1
    project = CloudProject(
        project_id=environment["SANDBOX_HASURA_PROJECT_ID"],
        endpoint=f"http://127.0.0.1:{options.port}",
        environment=settings,
        engine=engine,
    )
    project.load_keys()
    apps = [engine_app(engine), cloud_app(project, environment["SANDBOX_HASURA_CLOUD_TOKEN"])]
    servers = list(zip(map(_server, apps), listeners, strict=True))
    _log.info("engine on http://127.0.0.1:%d, Cloud API on port %d", options.port, options.cloud_port)
    return asyncio.run(_serve(servers, engine))


if __name__ == "__main__":
    sys.exit(main())
