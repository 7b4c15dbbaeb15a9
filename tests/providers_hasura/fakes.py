"""In-process stand-ins for an engine and for Hasura Cloud, just deep enough for the plugin: versions, locks, consistency, faults.

An engine finds a permission's column in `tables`; what it does not find there makes the object inconsistent, as in the real one.
"""

from __future__ import annotations

import copy
import json
import threading
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
SOURCE: Json = {
    "name": "default",
    "kind": "postgres",
    "tables": [],
    "configuration": {
        "connection_info": {
            "database_url": {"from_env": "PG_DATABASE_URL"},
            "isolation_level": "read-committed",
            "use_prepared_statements": False,
        }
    },
}
INTERNAL_ERROR: tuple[int, Json] = (500, {"error": "internal", "code": "unexpected", "path": "$"})


class Service:
    """An HTTP server in a thread. `faults` are answers given in place of the next ones; `requests` is all it was sent."""

    def __init__(self) -> None:
        self.faults: deque[tuple[int, Json] | Callable[[], None]] = deque()
        self.requests: list[Json] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # headers and body in one packet, or each answer waits for a delayed ACK

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._reply(*service.received(self.path, body, dict(self.headers)))

            def do_GET(self) -> None:
                self._reply(*service.got(self.path, dict(self.headers)))

            def _reply(self, status: int, body: Any) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def received(self, path: str, body: Json, headers: dict[str, str]) -> tuple[int, Any]:
        """Answer a POST, or the next fault. A fault that is a function is called, and the request answered after it."""
        self.requests.append(body)
        if self.faults:
            fault = self.faults.popleft()
            if not callable(fault):
                return fault
            fault()
        return self.answer(path, body, {name.lower(): value for name, value in headers.items()})

    def answer(self, path: str, body: Json, headers: dict[str, str]) -> tuple[int, Any]:
        """Answer a POST."""
        raise NotImplementedError

    def got(self, path: str, headers: dict[str, str]) -> tuple[int, Any]:
        """Answer a GET."""
        return 404, {}


class FakeEngine(Service):
    """An engine. `tables`: columns by table of the database behind every source; `environment`: its variables."""

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> None:
        """Forget everything that a test did."""
        self.faults.clear()
        self.requests.clear()
        self.metadata: Json = {"version": 3, "sources": [copy.deepcopy(SOURCE)]}
        self.version = 1
        self.tables = {"users": {"id", "name", "email"}, "posts": {"id", "title"}}
        self.hidden_until_reload: set[str] = set()
        self.environment = {"PG_DATABASE_URL"}
        self.secret = "engine-admin-secret"
        self.jwt = False
        self.healthy = True

    @property
    def writes(self) -> int:
        """How often metadata was written."""
        return sum(1 for request in self.requests if request.get("type") == "replace_metadata")

    def table(self, name: str, source: int = 0) -> Json:
        """A tracked table."""
        return next(t for t in self.metadata["sources"][source]["tables"] if t["table"]["name"] == name)

    def track(self, name: str, **parts: Any) -> None:
        """What somebody else does by hand."""
        tables = self.metadata["sources"][0]["tables"]
        tables.append({"table": {"schema": "public", "name": name}, **parts})
        self.version += 1

    def answer(self, path: str, body: Json, headers: dict[str, str]) -> tuple[int, Any]:
        if headers.get("x-hasura-admin-secret") != self.secret:
            error = 'invalid "x-hasura-admin-secret"/"x-hasura-access-key"'
            return 401, {"error": error, "path": "$", "code": "access-denied"}
        match body["type"]:
            case "export_metadata":
                return 200, {"resource_version": self.version, "metadata": self.metadata}
            case "get_inconsistent_metadata":
                found = self.inconsistent(self.metadata)
                return 200, {"is_consistent": not found, "inconsistent_objects": found}
            case "reload_metadata":
                there = [source["name"] for source in self.metadata["sources"]]
                for name in body["args"].get("reload_sources") or []:
                    if name not in there:
                        error = f'source with name "{name}" does not exist'
                        return 400, {"error": error, "path": "$.args.reload_sources", "code": "not-exists"}
                self.hidden_until_reload.clear()
                return 200, {"message": "success", "is_consistent": True}
            case "replace_metadata":
                return self._replace(body)
        return 501, {"error": body["type"], "code": "not-supported", "path": "$"}

    def _replace(self, body: Json) -> tuple[int, Any]:
        if body["resource_version"] != self.version:
            error = "metadata resource version referenced did not match current version"
            return 409, {"error": error, "path": "$", "code": "conflict"}
        found = self.inconsistent(body["args"]["metadata"])
        if found and not body["args"]["allow_inconsistent_metadata"]:
            error = "cannot continue due to inconsistent metadata"
            return 400, {"error": error, "path": "$.args", "code": "unexpected", "internal": found}
        self.metadata = copy.deepcopy(body["args"]["metadata"])
        self.version += 1
        return 200, {"is_consistent": not found, "inconsistent_objects": found}

    def inconsistent(self, metadata: Json) -> list[Json]:
        """The objects that the database cannot back."""
        found = []
        for source in metadata["sources"]:
            url = source["configuration"]["connection_info"]["database_url"]
            if isinstance(url, dict) and url["from_env"] not in self.environment:
                reason = f"Inconsistent object: environment variable '{url['from_env']}' not set"
                found.append({"name": f"source {source['name']}", "type": "source", "reason": reason})
                continue
            for table in source["tables"]:
                found += self._table_faults(source["name"], table)
        return found

    def _table_faults(self, source: str, table: Json) -> list[Json]:
        name = table["table"]["name"]
        place = f"table {name} in source {source}"
        if name not in self.tables or name in self.hidden_until_reload:
            reason = f'Inconsistent object: no such table/view exists in source: "{name}"'
            return [{"name": place, "type": "table", "reason": reason}]
        return [
            {
                "name": f"{kind} {item['role']} in {place}",
                "type": kind,
                "reason": f'column "{column}" does not exist',
            }
            for kind in ("select_permission", "update_permission")
            for item in table.get(f"{kind}s", [])
            for column in item["permission"].get("columns", [])
            if column not in self.tables[name] and column != "*"
        ]

    def got(self, path: str, headers: dict[str, str]) -> tuple[int, Any]:
        if path == "/healthz":
            return (200, "OK") if self.healthy else (503, "down")
        return 200, {"is_jwt_set": self.jwt}


class FakeCloud(Service):
    """Hasura Cloud with one project whose worker takes a change over after `delay` polls, and then says `message`."""

    def __init__(self, engine: FakeEngine) -> None:
        super().__init__()
        self.engine = engine
        self.project = "0c5e6bd1-6a92-4bd6-9a36-6a3f0b1c7d6e"
        self.token = "cloud-token-of-a-person"
        self.reset()

    def reset(self) -> None:
        """Forget everything that a test did."""
        self.faults.clear()
        self.requests.clear()
        self.variables = {"OTHERS": "untouched"}
        self.delay, self.message = 2, "Service configured successfully"
        self._count, self._live, self._polls = 1, 1, 0

    @property
    def writes(self) -> int:
        """How many changes were asked for."""
        return sum(1 for request in self.requests if "mutation" in request["query"])

    def change(self, **variables: str) -> None:
        """What somebody else does in the console."""
        self.variables |= variables
        self._count += 1

    def answer(self, path: str, body: Json, headers: dict[str, str]) -> tuple[int, Any]:
        if headers.get("authorization") != f"pat {self.token}":
            return _errors("Authentication hook unauthorized this request", "access-denied")
        query, variables = body["query"], body["variables"]
        known = variables["tenantId"] == self.project
        if "tenant_by_pk" in query:
            found = {"id": self.project, "slug": "s", "project": {"id": "p", "endpoint": self.engine.url}}
            return 200, {"data": {"tenant_by_pk": found if known else None}}
        if not known:
            return _errors("tenant not found", "not-found")
        if "config_status" in query:
            return 200, {"data": {"config_status": [self._status()]}}
        name = "getTenantEnv"
        if "mutation" in query:
            name = "updateTenantEnv" if "updateTenantEnv" in query else "deleteTenantEnv"
            if variables["currentHash"] != f"hash-{self._count}":
                return _errors("something about a lock", "unexpected")
            if not self._apply(variables):
                return _errors("no change in the environment variables", "unexpected")
        answer = {"hash": f"hash-{self._count}", "envVars": {"environment": self.variables, "system": {}}}
        return 200, {"data": {name: answer}}

    def _apply(self, variables: Json) -> bool:
        before = dict(self.variables)
        self.variables |= {item["key"]: item["value"] for item in variables.get("envs", [])}
        for name in variables.get("deleteEnvs", []):
            self.variables.pop(name, None)
        self._count += before != self.variables
        return before != self.variables

    def _status(self) -> Json:
        if self._live != self._count:
            self._polls += 1
            if self._polls > self.delay:
                self._live, self._polls = self._count, 0
        return {"hash": f"config-{self._live}", "message": self.message}


def _errors(message: str, code: str) -> tuple[int, Json]:
    return 200, {"errors": [{"message": message, "extensions": {"code": code, "path": "$"}}]}
