"""The token endpoint: every grant, and every way to be refused."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from sandbox.auth0.authentication import tokens
from sandbox.auth0.tenant import DEFAULT_CONNECTION
from tests.sandbox_auth0.login_kit import (
    AUDIENCE,
    CALLBACK,
    PASSWORD,
    Browser,
    action,
    answer,
    browser_at,
    challenge,
    claims_of,
    make_tenant,
    raw_action,
)

MACHINE = {"grant_type": "client_credentials", "client_id": "machine", "client_secret": "machine-secret"}
OFFLINE = "openid offline_access read:things"


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """A browser in which somebody has just signed up."""
    tenant = make_tenant(tmp_path)
    with browser_at(tenant, monkeypatch) as browser:
        browser.sign_up("ada@example.com")
        yield browser
    tenant.store.close()


def refused(response: Any) -> tuple[int, str, str]:
    """Status, error and description."""
    body = response.json()
    return response.status_code, body["error"], body["error_description"]


def test_a_code_is_good_once(browser: Browser) -> None:
    """Replayed, it is invalid."""
    response = browser.authorize()
    assert browser.redeem(response).status_code == 200
    assert refused(browser.redeem(response)) == (403, "invalid_grant", "Invalid authorization code")


def test_a_code_of_another_client_is_invalid(browser: Browser) -> None:
    """Also for a client that has proved who it is."""
    _, parameters = challenge()
    code = answer(browser.authorize("spa", **parameters))["code"]
    body = {"code": code, "redirect_uri": CALLBACK, "client_id": "web", "client_secret": "web-secret"}
    response = browser.token(grant_type="authorization_code", **body)
    assert refused(response) == (403, "invalid_grant", "Invalid authorization code")


def test_the_verifier_must_fit_the_challenge(browser: Browser) -> None:
    """A wrong one, a missing one, one without a challenge, and a public client without PKCE."""
    _, parameters = challenge()
    wrong = browser.redeem(browser.authorize("spa", **parameters), "spa", code_verifier="x" * 43)
    assert refused(wrong) == (403, "invalid_grant", "Failed to verify code verifier")
    missing = browser.redeem(browser.authorize("spa", **parameters), "spa")
    assert refused(missing) == (400, "invalid_request", "Parameter 'code_verifier' is required")
    stray = browser.redeem(browser.authorize(), code_verifier="x" * 43)
    assert refused(stray)[1] == "invalid_grant"
    bare = browser.redeem(browser.authorize("spa"), "spa")
    assert refused(bare) == (401, "access_denied", "Unauthorized")


def test_a_plain_challenge_is_compared_as_it_is(browser: Browser) -> None:
    """`code_challenge_method=plain`, which is also what a missing method means."""
    verifier = "v" * 50
    response = browser.authorize("spa", code_challenge=verifier)
    assert browser.redeem(response, "spa", code_verifier=verifier).status_code == 200


def test_the_redirect_uri_must_be_the_one_of_the_login(browser: Browser) -> None:
    """The error names both."""
    status, error, text = refused(browser.redeem(browser.authorize(), redirect_uri="https://other"))
    assert (status, error) == (403, "unauthorized_client")
    assert text == f"The redirect URI is wrong. You sent https://other, and we expected {CALLBACK}"


def test_a_confidential_client_must_know_its_secret(browser: Browser) -> None:
    """In the body or as HTTP Basic; JSON is as good as a form."""
    for secret in ("wrong", ""):
        response = browser.token(**{**MACHINE, "client_secret": secret, "audience": AUDIENCE})
        assert refused(response) == (401, "access_denied", "Unauthorized")
    basic = base64.b64encode(b"machine:machine-secret").decode()
    response = browser.http.post(
        "/oauth/token",
        json={"grant_type": "client_credentials", "audience": AUDIENCE},
        headers={"Authorization": f"Basic {basic}"},
    )
    assert response.status_code == 200, response.text


def test_a_machine_client_gets_the_scopes_of_its_grant(browser: Browser) -> None:
    """`sub` says that it is a machine; an API without a grant is refused."""
    body = browser.token(**MACHINE, audience=AUDIENCE).json()
    claims = claims_of(body["access_token"])
    assert (claims["sub"], claims["azp"], claims["gty"]) == (
        "machine@clients",
        "machine",
        "client-credentials",
    )
    assert claims["aud"] == AUDIENCE
    assert claims["scope"] == body["scope"] == "read:things"
    unknown = refused(browser.token(**MACHINE, audience="https://nothing"))
    assert unknown == (403, "access_denied", "Service not enabled within domain: https://nothing")
    foreign = refused(browser.token(**MACHINE, audience=browser.tenant.management_audience))
    assert foreign[:2] == (403, "access_denied")
    assert 'You need to create a "client-grant"' in foreign[2]
    assert refused(browser.token(**MACHINE))[2].startswith("No audience parameter was provided")


def test_a_management_token_is_checked_by_signature_audience_and_time(browser: Browser) -> None:
    """The scopes of a good one; an API's token and a bent one are refused."""
    tenant = browser.tenant
    server = tenant.store.get("resource_server", "management")
    assert server is not None
    good, _ = tokens.issue_access_token(
        tenant, resource_server=server, client_id="m", subject="m@clients", scope=["read:users"]
    )
    assert tokens.verify_management_token(tenant, good) == {"read:users"}
    late, _ = tokens.issue_access_token(
        tenant, resource_server=server, client_id="m", subject="m@clients", scope=[], lifetime=-5
    )
    other = browser.token(**MACHINE, audience=AUDIENCE).json()["access_token"]
    for bad in (good[:-8] + "AAAAAAAA", late, other, "nonsense", ""):
        with pytest.raises(tokens.InvalidTokenError):
            tokens.verify_management_token(tenant, bad)


def test_a_refresh_token_needs_the_scope_and_an_api_that_allows_it(browser: Browser) -> None:
    """`offline_access` is dropped silently where the API does not allow it."""
    assert "refresh_token" in browser.redeem(browser.authorize(scope=OFFLINE)).json()
    assert "refresh_token" not in browser.redeem(browser.authorize(scope="openid")).json()
    server = browser.tenant.store.get("resource_server", "api") or {}
    browser.tenant.store.put("resource_server", "api", {**server, "allow_offline_access": False})
    body = browser.redeem(browser.authorize(scope=OFFLINE)).json()
    assert "refresh_token" not in body
    assert body["scope"] == "openid read:things"


def test_a_rotating_token_is_replaced_and_its_reuse_revokes_the_family(browser: Browser) -> None:
    """The second use of an old token also ends the newest."""
    verifier, parameters = challenge()
    first = browser.redeem(
        browser.authorize("spa", scope=OFFLINE, **parameters), "spa", code_verifier=verifier
    ).json()["refresh_token"]

    def exchange(token: str) -> Any:
        return browser.token(grant_type="refresh_token", client_id="spa", refresh_token=token)

    body = exchange(first).json()
    second = body["refresh_token"]
    assert second != first
    assert claims_of(body["access_token"])["scope"] == OFFLINE
    assert "id_token" in body
    assert exchange(second).status_code == 200
    unknown = (403, "invalid_grant", "Unknown or invalid refresh token.")
    assert refused(exchange(first)) == unknown
    assert refused(exchange(second)) == unknown
    assert browser.tenant.store.count("refresh_token") == 0


def test_a_token_that_does_not_rotate_stays_and_can_narrow_its_scope(browser: Browser) -> None:
    """Until it is revoked; another client cannot use it."""
    token = browser.redeem(browser.authorize(scope=OFFLINE)).json()["refresh_token"]
    web = {"client_id": "web", "client_secret": "web-secret"}
    body = browser.token(grant_type="refresh_token", refresh_token=token, scope="openid", **web).json()
    assert body["scope"] == "openid"
    assert "refresh_token" not in body
    foreign = browser.token(grant_type="refresh_token", refresh_token=token, client_id="spa")
    assert refused(foreign)[1] == "invalid_grant"
    assert browser.http.post("/oauth/revoke", data={"token": token, **web}).status_code == 200
    gone = browser.token(grant_type="refresh_token", refresh_token=token, **web)
    assert refused(gone)[1] == "invalid_grant"


def test_the_password_grant_needs_a_realm_or_a_default_directory(browser: Browser) -> None:
    """With one it logs in, with Actions, and counts."""
    body = {"client_id": "web", "client_secret": "web-secret", "username": "ada@example.com"}
    realm = "http://auth0.com/oauth/grant-type/password-realm"
    without = browser.token(grant_type="password", password=PASSWORD, **body)
    assert "default connection" in refused(without)[2]
    wrong = browser.token(grant_type=realm, realm=DEFAULT_CONNECTION, password="no", **body)
    assert refused(wrong) == (403, "invalid_grant", "Wrong email or password.")
    browser.bind(
        action(
            "Protocol",
            "api.accessToken.setCustomClaim('https://x/p', event.transaction.protocol); "
            "api.accessToken.setCustomClaim('https://x/body', event.request.body)",
        )
    )
    body |= {"audience": AUDIENCE, "scope": "openid"}
    right = browser.token(grant_type=realm, realm=DEFAULT_CONNECTION, password=PASSWORD, **body)
    claims = claims_of(right.json()["access_token"])
    assert (claims["https://x/p"], claims["gty"]) == ("oauth2-password", "password")
    assert PASSWORD not in str(claims["https://x/body"])


def test_a_refresh_runs_the_actions_and_their_denial_is_a_403(browser: Browser) -> None:
    """The event says that it is a refresh; the login is not counted; a denied token stays usable."""
    token = browser.redeem(browser.authorize(scope=OFFLINE)).json()["refresh_token"]
    body = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "web"}
    count = browser.tenant.store.all("user")[0]["logins_count"]
    browser.bind(
        action(
            "Refresh",
            "api.accessToken.setCustomClaim('https://x/e', [event.transaction.protocol, "
            "event.refresh_token.client_id, event.session.id, event.stats.logins_count])",
        )
    )
    claim = claims_of(browser.token(**body, client_secret="web-secret").json()["access_token"])["https://x/e"]
    assert claim[:2] == ["oauth2-refresh-token", "web"]
    assert claim[2].startswith("sess_")
    assert claim[3] == count
    browser.bind(action("No", "api.access.deny('not today')"))
    denied = browser.token(**body, client_secret="web-secret")
    assert refused(denied) == (403, "access_denied", "not today")
    browser.bind()
    assert browser.token(**body, client_secret="web-secret").status_code == 200


def test_credentials_exchange_actions_set_claims_and_deny(browser: Browser) -> None:
    """The machine client's trigger, with its own handler and error codes."""
    code = (
        "exports.onExecuteCredentialsExchange = async (event, api) => {"
        " if (event.transaction.requested_scopes.includes('no')) return api.access.deny('invalid_scope', 'nope');"
        " api.accessToken.setCustomClaim('https://x/who', event.client.name); };"
    )
    browser.bind(raw_action("Machines", code), trigger="credentials-exchange")
    body = browser.token(**MACHINE, audience=AUDIENCE).json()
    assert claims_of(body["access_token"])["https://x/who"] == "Machine"
    denied = browser.token(**MACHINE, audience=AUDIENCE, scope="no")
    assert refused(denied) == (403, "invalid_scope", "nope")


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "magic"}, 403, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "client_id": "machine"}, 401, "access_denied"),
        ({**MACHINE, "grant_type": "authorization_code"}, 403, "unauthorized_client"),
        ({**MACHINE, "organization": "org_1"}, 501, "not_simulated"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, 501, "not_simulated"),
    ],
)
def test_other_requests_are_refused_by_name(
    browser: Browser, body: dict[str, str], status: int, error: str
) -> None:
    """What the real tenant refuses is refused, what it could do is 501."""
    assert refused(browser.token(**body))[:2] == (status, error)


def test_a_client_whose_id_tokens_are_signed_with_its_secret(browser: Browser) -> None:
    """HS256, the default of a client that is not OIDC conformant and names no algorithm."""
    secret = "a-secret-that-is-long-enough"
    client = browser.tenant.store.get("client", "web") or {}
    changes = {"jwt_configuration": {}, "oidc_conformant": False, "client_secret": secret}
    browser.tenant.store.put("client", "web", {**client, **changes})
    token = browser.redeem(browser.authorize(), client_secret=secret).json()["id_token"]
    claims = jwt.decode(token, OctKey.import_key(secret), algorithms=["HS256"]).claims
    assert claims["aud"] == "web"


def test_an_api_with_policies_gives_only_the_scopes_that_somebody_may_have(browser: Browser) -> None:
    """Role-based access control, with the permissions in the token where the dialect has them."""
    store = browser.tenant.store
    user_id = store.all("user")[0]["user_id"]
    store.put("role", "rol_1", {"id": "rol_1", "name": "reader"})
    store.put("user_role", f"{user_id}/rol_1", {"id": "a", "user_id": user_id, "role_id": "rol_1"})
    held = {"role_id": "rol_1", "resource_server_identifier": AUDIENCE, "permission_name": "read:things"}
    store.put("role_permission", "b", {"id": "b", **held})
    server = store.get("resource_server", "api") or {}
    policies = {"enforce_policies": True, "token_dialect": "access_token_authz"}
    store.put("resource_server", "api", {**server, **policies})
    body = browser.redeem(browser.authorize(scope="openid read:things write:things")).json()
    assert body["scope"] == "openid read:things"
    assert claims_of(body["access_token"])["permissions"] == ["read:things"]
