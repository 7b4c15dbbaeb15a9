"""Hasura Cloud's API for the one project that is the sandbox's engine: reading and changing its environment.

Rules (facts, section 'Hasura Cloud'): GraphQL at `/v1/graphql`, `Authorization: pat TOKEN`; every answer is HTTP 200, errors
GraphQL-shaped. A change is stored at once and takes effect when the worker has restarted; `config_status` says when, with
`Service configured successfully`, or with the reason why the new environment does not work. The engine then keeps running
on the environment before.
"""

from __future__ import annotations

import hmac
import json
import logging
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import anyio
from graphql import GraphQLError, graphql_sync
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.hasura.cloud_schema import cloud_schema
from sandbox.hasura.configuration import ConfigurationError
from sandbox.hasura.engine import HasuraEngine
from sandbox.hasura.environment import Environment, hash_of
from sandbox.serving import RequestLog

__all__ = ["CloudProject", "Status", "cloud_app"]

_log = logging.getLogger("sandbox.hasura")
_DONE = "Service configured successfully"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _now() -> str:
    return datetime.now(UTC).isoformat()


@dataclass(frozen=True)
class Status:
    """What the worker last said, and of which set of variables."""

    hash: str
    message: str
    updated_at: str


class CloudProject:
    """The project: its environment, and the worker that brings the engine to it."""

    def __init__(
        self, project_id: str, endpoint: str, environment: Environment, engine: HasuraEngine
    ) -> None:
        self.project_id, self.endpoint, self.created_at = project_id, endpoint, _now()
        self._environment, self._engine = environment, engine
        self._status = Status(hash_of(environment.cloud), _DONE, _now())
        self._restart = threading.Lock()

    def variables(self) -> tuple[str, dict[str, str]]:
        """Hash and variables of the stored environment."""
        variables = self._environment.cloud
        return hash_of(variables), variables

    def status(self) -> Status:
        """How far the worker is."""
        return self._status

    def change(self, current_hash: str, variables: dict[str, str]) -> None:
        """Store `variables` and restart the engine beside the caller.

        Raises ValueError when nothing would change, another writer was faster, or a name cannot be one.
        """
        bad = [name for name in variables if not _NAME.fullmatch(name)]
        if bad:
            raise ValueError(f"invalid environment variable name: {bad[0]}")
        if variables == self._environment.cloud and current_hash == hash_of(variables):
            raise ValueError("no change in the environment variables")
        if not self._environment.replace(variables, current_hash):
            raise ValueError(
                "the environment variables have changed since they were read: currentHash does not match"
            )
        threading.Thread(target=self._apply, name="cloud-worker", daemon=True).start()

    def load_keys(self) -> None:
        """Fetch the keys of a JWT configuration that was there at the start, beside the caller."""
        self._engine.keep_loading_keys_beside()

    def _apply(self) -> None:
        with self._restart:
            wanted = hash_of(self._environment.cloud)
            restarted = False
            try:
                self._engine.restart()
                restarted = True
                self._engine.load_keys()
            except ConfigurationError as error:
                _log.error("environment %s: %s", wanted[:8], error)
                self._status = Status(wanted, f"Service configuration failed: {error}", _now())
            except Exception:
                _log.exception("environment %s: the restart failed", wanted[:8])
                self._status = Status(wanted, "Service configuration failed: internal error", _now())
                return
            else:
                self._live(wanted)
                return
        if (
            restarted
        ):  # only the keys are missing: the worker goes on trying, as a container that starts again
            self._engine.keep_loading_keys()
            with self._restart:
                if self._status.hash == wanted == hash_of(self._environment.cloud):
                    self._live(wanted)

    def _live(self, wanted: str) -> None:
        _log.info("environment %s is live", wanted[:8])
        self._status = Status(wanted, _DONE, _now())


def _error(message: str, code: str, path: str = "$") -> Response:
    return JSONResponse({"errors": [{"message": message, "extensions": {"code": code, "path": path}}]})


def cloud_app(project: CloudProject, token: str) -> ASGIApp:
    """The ASGI application of the Cloud API; `token` is the access token that it takes."""
    schema = cloud_schema(project)

    async def endpoint(request: Request) -> Response:
        sent = request.headers.get("authorization", "")
        if not hmac.compare_digest(sent.encode(), f"pat {token}".encode()):
            return _error("Authentication hook unauthorized this request", "access-denied")
        try:
            body = json.loads(await request.body())
        except ValueError:
            return _error("Error in $: Failed reading: not a valid json value", "invalid-json")
        if not isinstance(body, dict) or not isinstance(body.get("query"), str):
            return _error('key "query" not found', "parse-failed")
        answer = await anyio.to_thread.run_sync(_execute, body)
        return JSONResponse(answer)

    def _execute(body: dict[str, Any]) -> dict[str, Any]:
        result = graphql_sync(
            schema,
            body["query"],
            variable_values=body.get("variables") or {},
            operation_name=body.get("operationName"),
        )
        if result.errors:  # Hasura answers with data or with errors, never with both
            return {"errors": [_shaped(error) for error in result.errors]}
        return {"data": result.data}

    async def unknown(_request: Request) -> Response:
        return JSONResponse(
            {"path": "$", "error": "resource does not exist", "code": "not-found"}, status_code=404
        )

    routes = [
        Route("/v1/graphql", endpoint, methods=["POST"]),
        Route("/{rest:path}", unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    ]
    return RequestLog(Starlette(routes=routes), "cloud")


def _shaped(error: GraphQLError) -> dict[str, Any]:
    extensions = error.extensions or {"code": "validation-failed", "path": "$"}
    return {"message": error.message, "extensions": extensions}
