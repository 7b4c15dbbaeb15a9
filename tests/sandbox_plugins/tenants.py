"""The sandbox's tenant over TLS in a process of its own, with a record of every request and faults on demand.

`python -m tests.sandbox_plugins.tenants FOLDER PORT` is that process. `GET /_record` gives the requests since the last time,
`PUT /_record` plans faults: answers in the tenant's place.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import trustme
import uvicorn

from sandbox.auth0.app import create_app
from sandbox.auth0.store import Store
from sandbox.auth0.tenant import DEFAULT_CONNECTION, Tenant
from sandbox.ports import random_port
from tests.plugin import ROOT

CLIENT, SECRET = "machine", "machine-secret"
_ASIDE = {"x-aside": "1"}  # marks what somebody else does to the tenant


@dataclass(frozen=True)
class Sent:
    """A request: `GET clients/abc?fields=x`, paths below `/api/v2`, and the JSON of its body."""

    line: str
    body: Any = None


class Recorder:
    """ASGI middleware."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._sent: list[tuple[str, Any]] = []
        self._faults: list[tuple[str, int, dict[str, str]]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Note, then pass on."""
        body, given = b"", False
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        if scope["path"] == "/_record":
            if scope["method"] == "PUT":
                self._faults = json.loads(body)
            answer = json.dumps(self._sent).encode()
            self._sent.clear()
            await _answer(send, 200, {}, answer)
            return

        async def again() -> Any:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        if (b"x-aside", b"1") in scope["headers"]:
            await self._app(scope, again, send)
            return
        query, path = scope["query_string"].decode(), scope["raw_path"].decode().removeprefix("/api/v2/")
        line = f"{scope['method']} {path}" + (f"?{query}" if query else "")
        self._sent.append((line, _json(body)))
        fault = next((fault for fault in self._faults if fault[0] in line), None)
        if fault:
            self._faults.remove(fault)
            _, status, headers = fault
            await _answer(send, status, headers, b'{"message":"a planned fault"}')
        else:
            await self._app(scope, again, send)


async def _answer(send: Any, status: int, headers: dict[str, str], body: bytes) -> None:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode() or None


class Place:
    """A running tenant."""

    def __init__(self, domain: str, ca_file: Path) -> None:
        self.domain, self.ca_file = domain, ca_file
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(ca_file)
        self.session.headers.update(_ASIDE)
        self.connection_id = ""

    @property
    def config(self) -> dict[str, str]:
        """The plugin's settings."""
        return {"domain": self.domain, "clientId": CLIENT, "clientSecret": SECRET}

    @property
    def environment(self) -> dict[str, str]:
        """What a plugin needs to trust the tenant."""
        return {"SSL_CERT_FILE": str(self.ca_file), "NO_PROXY": "localhost,127.0.0.1"}

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """The JSON of an answer."""
        answer = self.session.request(method, f"https://{self.domain}{path}", timeout=20, **arguments)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """What somebody else does to the tenant meanwhile. It leaves no record."""
        return self.call(method, f"/api/v2/{path}", json=body)

    def enter(self) -> None:
        """Get a token and look around."""
        form = {"grant_type": "client_credentials", "audience": f"https://{self.domain}/api/v2/"}
        token = self.call("POST", "/oauth/token", data=form, auth=(CLIENT, SECRET))
        self.session.headers["Authorization"] = f"Bearer {token['access_token']}"
        (connection,) = self.api("GET", f"connections?name={DEFAULT_CONNECTION}")
        self.connection_id = connection["id"]

    def plan(self, *faults: tuple[str, int, dict[str, str]]) -> None:
        """Each once, for the next request whose line contains the text: status and headers of the answer."""
        self.call("PUT", "/_record", json=faults)

    def recorded(self) -> list[Sent]:
        """The requests since the last time, requests for tokens included."""
        return [Sent(line, body) for line, body in self.call("GET", "/_record")]

    def taken(self) -> list[Sent]:
        """The requests since the last time without those for tokens, repeated reads of a poll as one."""
        sent = [item for item in self.recorded() if item.line != "POST /oauth/token"]
        return [item for at, item in enumerate(sent) if at == 0 or item != sent[at - 1]]

    def lines(self) -> list[str]:
        """`taken` without bodies."""
        return [item.line for item in self.taken()]

    def clear(self) -> None:
        """Remove what the test before has left."""
        self.plan()
        self.api("PATCH", "actions/triggers/post-login/bindings", {"bindings": []})
        for action in self.api("GET", "actions/actions")["actions"]:
            self.api("DELETE", f"actions/actions/{action['id']}")
        for client in self.api("GET", "clients"):
            if client["client_id"] != CLIENT:
                self.api("DELETE", f"clients/{client['client_id']}")
        for server in self.api("GET", "resource-servers"):
            if not server["identifier"].endswith("/api/v2/"):
                self.api("DELETE", f"resource-servers/{server['id']}")


@contextlib.contextmanager
def running_tenant(folder: Path) -> Iterator[Place]:
    """A tenant on a port of its own, until the block ends."""
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
    leaf.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    port, log = random_port(), folder / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(folder), str(port)],
            cwd=ROOT,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    place = Place(f"localhost:{port}", folder / "ca.pem")
    try:
        for _ in range(600):
            try:
                place.enter()
                break
            except requests.ConnectionError:
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
        yield place
    finally:
        place.session.close()
        process.kill()
        process.wait(10)


def _serve(folder: Path, port: int) -> None:
    store = Store(folder / "tenant.db")
    tenant = Tenant(store, f"localhost:{port}", Path("/nonexistent/node"), None, CLIENT, SECRET)
    uvicorn.run(
        Recorder(create_app(tenant)),
        host="127.0.0.1",
        port=port,
        ssl_certfile=str(folder / "cert.pem"),
        ssl_keyfile=str(folder / "key.pem"),
        log_level="error",
        lifespan="off",
    )


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]))
