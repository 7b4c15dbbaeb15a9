"""Actions at a login: what they see and what they change."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trustme

from sandbox.auth0.runtime import run_test, run_trigger
from tests.sandbox_auth0.login_kit import (
    AUDIENCE,
    CALLBACK,
    Browser,
    action,
    browser_at,
    claims_of,
    event_of,
    login,
    make_tenant,
)

CLAIM = "https://hasura.io/jwt/claims"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser in which somebody has just signed up; the tenant is shared by the module."""
    with pytest.MonkeyPatch.context() as patch:
        tenant = make_tenant(tmp_path_factory.mktemp("tenant"))
        with browser_at(tenant, patch) as browser:
            browser.sign_up("ada@example.com")
            yield browser
        tenant.store.close()


def test_claims_of_both_tokens_come_from_the_actions(browser: Browser) -> None:
    """A later Action overrides an earlier one; restricted names are dropped silently."""
    browser.bind(
        action(
            "First", f"api.idToken.setCustomClaim('{CLAIM}', {{a: '1'}}); api.idToken.setCustomClaim('x', 1)"
        ),
        action(
            "Second",
            f"api.idToken.setCustomClaim('{CLAIM}', {{b: ['2']}}).accessToken.setCustomClaim('{CLAIM}', {{c: '3'}});"
            "for (const name of ['iss', 'sub', 'aud', 'roles']) api.accessToken.setCustomClaim(name, 'forged');"
            "api.accessToken.setCustomClaim('https://auth0.com/x', 1)",
        ),
    )
    body = browser.redeem(browser.authorize()).json()
    access, identity = claims_of(body["access_token"]), claims_of(body["id_token"])
    assert identity[CLAIM] == {"b": ["2"]}
    assert identity["x"] == 1
    assert access[CLAIM] == {"c": "3"}
    assert "forged" not in json.dumps(access)
    assert "https://auth0.com/x" not in access


def test_the_event_is_like_the_real_one(browser: Browser) -> None:
    """User, client, connection, request, transaction, session and statistics, without anything private."""
    event = event_of(browser, "JSON.parse(JSON.stringify(event))")
    assert isinstance(event, dict)
    user = event["user"]
    assert user["email"] == "ada@example.com"
    assert user["identities"][0]["connection"] == "Username-Password-Authentication"
    assert (user["app_metadata"], user["user_metadata"]) == ({}, {})
    assert user["last_login"] == user["updated_at"] > user["created_at"]
    assert not [name for name in user if name.startswith("_") or name == "logins_count"]
    assert event["client"] == {"client_id": "web", "name": "Web <shop>", "metadata": {}}
    assert event["connection"]["strategy"] == "auth0"
    assert event["transaction"]["protocol"] == "oidc-basic-profile"
    assert event["transaction"]["requested_scopes"] == ["openid", "profile", "email"]
    assert event["transaction"]["redirect_uri"] == CALLBACK
    assert event["resource_server"] == {"identifier": AUDIENCE}
    assert event["request"]["query"]["client_id"] == "web"
    assert event["authentication"]["methods"][0]["name"] == "pwd"
    assert event["session"]["user_id"] == user["user_id"]
    assert event["authorization"] == {"roles": []}
    assert event["stats"]["logins_count"] >= 2
    assert event["tenant"] == {"id": "localhost"}
    assert "organization" not in event


def test_the_first_login_has_no_last_login(browser: Browser) -> None:
    """And counts as the first."""
    cookies = dict(browser.http.cookies)
    browser.http.cookies.clear()
    browser.bind(
        action(
            "First",
            "api.accessToken.setCustomClaim('https://x/f', [event.user.last_login ?? null, event.stats.logins_count])",
        )
    )
    body = browser.redeem(browser.sign_up("first@example.com")).json()
    assert claims_of(body["access_token"])["https://x/f"] == [None, 1]
    browser.http.cookies.clear()
    browser.http.cookies.update(cookies)


def test_roles_are_names(browser: Browser) -> None:
    """`event.authorization.roles`."""
    store = browser.tenant.store
    user_id = store.find("user", email="ada@example.com")[0]["user_id"]
    store.put("role", "rol_1", {"id": "rol_1", "name": "editor"})
    store.put("user_role", f"{user_id}/rol_1", {"id": "x", "user_id": user_id, "role_id": "rol_1"})
    assert event_of(browser, "event.authorization.roles") == ["editor"]
    store.delete("user_role", f"{user_id}/rol_1")


def test_each_action_sees_its_own_secrets_and_an_event_of_its_own(browser: Browser) -> None:
    """What one Action does to its event does not reach the next."""
    browser.bind(
        action("One", "event.user.email = 'changed'; event.secrets.OTHER = 'x'", KEY="first"),
        action(
            "Two",
            "api.accessToken.setCustomClaim('https://x/s', [event.secrets, event.user.email])",
            KEY="2nd",
        ),
    )
    body = browser.redeem(browser.authorize()).json()
    assert claims_of(body["access_token"])["https://x/s"] == [{"KEY": "2nd"}, "ada@example.com"]


def test_metadata_is_seen_by_later_actions_and_written_once_at_the_end(browser: Browser) -> None:
    """`null` takes a key away."""
    seen = "api.accessToken.setCustomClaim('https://x/m', event.user.app_metadata)"
    browser.bind(
        action("Set", "api.user.setAppMetadata('plan', 'gold'); api.user.setAppMetadata('tmp', 1)"),
        action("See", f"{seen}; api.user.setAppMetadata('tmp', null); api.user.setUserMetadata('t', 'dark')"),
    )
    body = browser.redeem(browser.authorize()).json()
    claims = claims_of(body["access_token"])
    assert claims["https://x/m"] == {"plan": "gold", "tmp": 1}
    user = browser.tenant.store.get("user", claims["sub"]) or {}
    assert user["app_metadata"] == {"plan": "gold"}
    assert user["user_metadata"] == {"t": "dark"}


def test_fetch_trusts_the_certificate_authority_of_the_sandbox(tmp_path: Path) -> None:
    """`NODE_EXTRA_CA_CERTS` is read although the Action may not read the disk; other servers stay untrusted."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    tenant = replace(make_tenant(tmp_path), extra_ca=tmp_path / "ca.pem")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        code = f"await fetch('https://localhost:{server.server_port}/')"
        trusted = asyncio.run(run_trigger(tenant, "post-login", [action("Fetch", code)], {"user": {}}))
        plain = replace(tenant, extra_ca=None)
        refused = asyncio.run(run_trigger(plain, "post-login", [action("Fetch", code)], {"user": {}}))
        server.shutdown()
    tenant.store.close()
    assert trusted.failure is None
    assert refused.failure == "fetch failed"


def test_scopes_can_be_added_and_removed(browser: Browser) -> None:
    """On the access token, and in the answer."""
    browser.bind(action("Scopes", "api.accessToken.addScope('extra'); api.accessToken.removeScope('email')"))
    body = browser.redeem(browser.authorize()).json()
    assert body["scope"] == claims_of(body["access_token"])["scope"] == "openid profile extra"


def test_the_cache_lasts_from_one_login_to_the_next(browser: Browser) -> None:
    """Records with a value and an expiry; limits are errors, not exceptions."""
    set_it = "api.cache.set('k', 'v', {ttl: 60000}).type, api.cache.set('k'.repeat(65), 'v').code"
    assert event_of(browser, f"[{set_it}]") == ["success", "CacheKeySizeExceeded"]
    assert event_of(browser, "[api.cache.get('k').value, api.cache.get('other') ?? null]") == ["v", None]
    assert event_of(browser, "[api.cache.delete('k').type, api.cache.delete('k').code]") == [
        "success",
        "CacheKeyDoesNotExist",
    ]


def test_a_denial_reaches_the_callback_and_stops_later_actions(browser: Browser) -> None:
    """Its metadata changes are kept all the same."""
    refused = login(
        browser,
        action("Deny", "api.user.setAppMetadata('denied', 'yes'); api.access.deny('Not on a Sunday.')"),
        action("Never", "api.user.setAppMetadata('denied', 'no')"),
    )
    expected = {"error": "access_denied", "error_description": "Not on a Sunday.", "state": "app-state"}
    assert refused == expected
    user = browser.tenant.store.find("user", email="ada@example.com")[0]
    assert user["app_metadata"]["denied"] == "yes"


def test_actions_may_use_the_network_and_nodes_own_modules(browser: Browser) -> None:
    """`fetch` with a body, and `require('node:crypto')`."""
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"ok": true}')

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        code = (
            f"const reply = await fetch('{url}', {{method: 'POST', body: event.user.email}});"
            "const { createHash } = require('node:crypto');"
            "api.accessToken.setCustomClaim('https://x/r', [await reply.json(), createHash('md5').digest('hex').length])"
        )
        browser.bind(action("Fetch", code))
        body = browser.redeem(browser.authorize()).json()
        server.shutdown()
    assert claims_of(body["access_token"])["https://x/r"] == [{"ok": True}, 32]
    assert received == [b"ada@example.com"]


def test_the_test_call_runs_the_draft_and_tells_what_it_did(browser: Browser) -> None:
    """Secrets of the payload win; nothing is recorded."""
    document = {
        "id": "a1",
        "name": "Draft",
        "supported_triggers": [{"id": "post-login", "version": "v3"}],
        "code": "exports.onExecutePostLogin = async (event, api) => {"
        " console.log(event.user.email); api.idToken.setCustomClaim('k', Object.keys(event.secrets)); };",
        "_secrets": {"A": "aaaa"},
    }
    before = browser.tenant.store.count("execution")
    event = {"user": {"email": "probe@example.com"}, "secrets": {"B": "bbbb"}}
    payload = asyncio.run(run_test(browser.tenant, document, {"event": event}))["payload"]
    assert payload["error"] is None
    assert payload["logs"] == ["probe@example.com"]
    assert payload["commands"] == [{"type": "idToken.setCustomClaim", "key": "k", "value": ["A", "B"]}]
    failing = {**document, "code": "exports.onExecutePostLogin = async (event) => { event.missing.x; };"}
    error = asyncio.run(run_test(browser.tenant, failing, event))["payload"]["error"]
    assert error["name"] == "TypeError"
    assert "reading 'x'" in error["message"]
    assert browser.tenant.store.count("execution") == before
