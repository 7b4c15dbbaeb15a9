"""A tenant with its Management API alone, for tests: tokens are the scopes that they open, space separated."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx

from sandbox.auth0.app import create_app
from sandbox.auth0.management.catalog import SCOPES
from sandbox.auth0.store import Document, Store
from sandbox.auth0.tenant import Tenant

DOMAIN = "localhost:8443"
ALL_SCOPES = " ".join(SCOPES)
CLIENT, SECRET = "machine", "machine-secret"


def make_tenant(folder: Path) -> Tenant:
    """An empty tenant in a folder; Node is not needed for what these tests do."""
    return Tenant(
        store=Store(folder / "tenant.db"),
        domain=DOMAIN,
        node=Path("/nonexistent/node"),
        extra_ca=None,
        management_client_id=CLIENT,
        management_client_secret=SECRET,
    )


def verify(_: Tenant, bearer: str) -> set[str]:
    """Scopes of a test's token; `bad` opens nothing."""
    if bearer == "bad":
        raise ValueError("bad")
    return set(bearer.split())


class InProcess(httpx.BaseTransport):
    """Sends requests into an ASGI application, without a socket."""

    def __init__(self, app: Any) -> None:
        self._asgi = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._runner = asyncio.Runner()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request, the whole answer."""

        async def send() -> httpx.Response:
            answer = await self._asgi.handle_async_request(request)
            content = await answer.aread()
            return httpx.Response(
                answer.status_code, headers=answer.headers, stream=httpx.ByteStream(content)
            )

        return self._runner.run(send())

    def close(self) -> None:
        """End the event loop."""
        self._runner.close()


def http_client(tenant: Tenant, token: str | None = ALL_SCOPES, rate_limit: int = 0) -> httpx.Client:
    """An HTTP client of the tenant; `token` None sends none."""
    app = create_app(tenant, verify=verify, rate_limit=rate_limit, authentication=False)
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    return httpx.Client(transport=InProcess(app), base_url=f"https://{DOMAIN}", headers=headers)


class Api:
    """Short words for the calls of a test: path below `/api/v2`, expected status, the JSON of the answer."""

    def __init__(self, http: httpx.Client, tenant: Tenant) -> None:
        self.http = http
        self.tenant = tenant

    def __call__(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """Send, assert the status, give the answer."""
        content = {"json": body} if body is not None else {}
        answer = self.http.request(method, f"/api/v2{path}", **content)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def action(self, name: str = "sync", **more: Any) -> Document:
        """A built draft for post-login."""
        body = {"name": name, "supported_triggers": [{"id": "post-login", "version": "v3"}], "code": "// 1"}
        created = self("POST", "/actions/actions", {**body, **more}, status=201)
        return self.built(created["id"])

    def built(self, action_id: str) -> Document:
        """The Action, once its build is over."""
        for _ in range(200):
            action: Document = self("GET", f"/actions/actions/{action_id}")
            if action["status"] == "built":
                return action
            time.sleep(0.01)
        raise AssertionError("the build did not end")

    def deployed(self, name: str = "sync", **more: Any) -> Document:
        """A deployed Action for post-login."""
        action = self.action(name, **more)
        self("POST", f"/actions/actions/{action['id']}/deploy")
        deployed: Document = self("GET", f"/actions/actions/{action['id']}")
        return deployed

    def bind(self, *action_ids: str, status: int = 200) -> Any:
        """Replace the bindings of post-login."""
        bindings = [{"ref": {"type": "action_id", "value": ident}} for ident in action_ids]
        return self("PATCH", "/actions/triggers/post-login/bindings", {"bindings": bindings}, status=status)

    def bound(self, query: str = "") -> Any:
        """The bindings of post-login."""
        return self("GET", f"/actions/triggers/post-login/bindings{query}")
