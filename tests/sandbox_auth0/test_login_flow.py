"""From the application's link to tokens: what a login gives, and what is refused on the way."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.sandbox_auth0.login_kit import (
    AUDIENCE,
    CALLBACK,
    DOMAIN,
    PASSWORD,
    Browser,
    answer,
    browser_at,
    challenge,
    claims_of,
    make_tenant,
)

ISSUER = f"https://{DOMAIN}/"


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """A browser without cookies at a tenant without users."""
    tenant = make_tenant(tmp_path)
    with browser_at(tenant, monkeypatch) as browser:
        yield browser
    tenant.store.close()


def test_sign_up_gives_a_code_that_pkce_turns_into_verifiable_tokens(browser: Browser) -> None:
    """A public client signs somebody up and gets an access token for the API and an ID token."""
    verifier, parameters = challenge()
    response = browser.sign_up("ada@example.com", "spa", nonce="n-1", **parameters)
    assert answer(response)["state"] == "app-state"
    reply = browser.redeem(response, "spa", code_verifier=verifier)
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3600
    assert reply.headers["cache-control"] == "no-store"
    keys = KeySet.import_key_set(browser.http.get("/.well-known/jwks.json").json())
    access = jwt.decode(body["access_token"], keys, algorithms=["RS256"]).claims
    assert access["iss"] == ISSUER
    assert access["aud"] == [AUDIENCE, f"{ISSUER}userinfo"]
    assert access["azp"] == "spa"
    assert access["scope"] == "openid profile email"
    assert access["exp"] - access["iat"] == 3600
    assert access["sub"].startswith("auth0|")
    identity = jwt.decode(body["id_token"], keys, algorithms=["RS256"]).claims
    assert identity["aud"] == "spa"
    assert identity["nonce"] == "n-1"
    assert identity["sub"] == access["sub"]
    assert identity["email"] == "ada@example.com"
    assert identity["nickname"] == "ada"
    assert identity["email_verified"] is False
    assert "refresh_token" not in body


def test_a_known_person_logs_in_with_e_mail_and_password(browser: Browser) -> None:
    """The address is compared without regard to case; each login counts."""
    browser.sign_up("bob@example.com")
    browser.http.cookies.clear()
    body = browser.redeem(browser.log_in("Bob@Example.com")).json()
    user = browser.tenant.store.get("user", claims_of(body["access_token"])["sub"])
    assert user is not None
    assert user["logins_count"] == 2
    assert user["last_login"] == user["updated_at"] > user["created_at"]


def test_a_wrong_password_and_an_unknown_person_look_the_same(browser: Browser) -> None:
    """The form comes back with the address and one sentence, and the next try works."""
    browser.sign_up("eve@example.com")
    browser.http.cookies.clear()
    form = browser.authorize()
    for email in ("eve@example.com", "nobody@example.com"):
        response = browser.post_form(form, {"username": email, "password": "wrong"})
        assert response.status_code == 400
        assert "Wrong email or password" in response.text
        assert f'value="{email}"' in response.text
    right = browser.post_form(form, {"username": "eve@example.com", "password": PASSWORD})
    assert "code" in answer(right)


def test_signing_up_twice_or_with_a_weak_password_is_refused_on_the_form(browser: Browser) -> None:
    """Auth0 does not tell that an address is taken."""
    browser.sign_up("dup@example.com")
    browser.http.cookies.clear()
    twice = browser.sign_up("dup@example.com")
    assert twice.status_code == 400
    assert "Something went wrong, please try again later" in twice.text
    weak = browser.sign_up("new@example.com", password="short")
    assert weak.status_code == 400
    assert "At least 8 characters" in weak.text
    assert browser.tenant.store.count("user") == 1


def test_what_a_form_shows_is_escaped(browser: Browser) -> None:
    """Neither the application's name nor the typed address becomes markup."""
    response = browser.log_in('"><script>alert(1)</script>')
    assert "<script>" not in response.text
    assert "Web &lt;shop&gt;" in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_a_form_posted_from_another_browser_is_refused(browser: Browser) -> None:
    """The state alone is not enough: it is bound to the browser that began the login."""
    browser.sign_up("carl@example.com")
    browser.http.cookies.clear()
    location = browser.authorize().headers["location"]
    state = parse_qs(urlsplit(location).query)["state"][0]
    browser.http.cookies.clear()
    fields = {"state": state, "username": "carl@example.com", "password": PASSWORD}
    response = browser.http.post("/u/login", data=fields)
    assert response.status_code == 400
    assert "another browser" in response.text


def test_a_form_is_good_for_one_login(browser: Browser) -> None:
    """Sent again after the login, it is refused."""
    form = browser.authorize(screen_hint="signup")
    browser.post_form(form, {"email": "once@example.com", "password": PASSWORD})
    again = browser.http.get(form.headers["location"])
    assert again.status_code == 400
    assert "used already" in again.text


@pytest.mark.parametrize(
    ("changes", "status", "text"),
    [
        ({"client_id": "nobody"}, 400, "Unknown client: nobody"),
        ({"redirect_uri": "https://evil.example.com/"}, 403, "Callback URL mismatch."),
        ({"redirect_uri": None}, 400, "Missing required parameter: redirect_uri"),
    ],
)
def test_an_untrusted_client_or_callback_is_told_on_a_page(
    browser: Browser, changes: dict[str, str | None], status: int, text: str
) -> None:
    """Nothing is sent to a callback that is not the application's."""
    response = browser.authorize(**changes)  # type: ignore[arg-type]
    assert response.status_code == status
    assert text in response.text


@pytest.mark.parametrize(
    ("client_id", "changes", "error", "description"),
    [
        ("lonely", {}, "invalid_request", "no connections enabled for the client"),
        ("web", {"audience": "https://other"}, "access_denied", "Service not found: https://other"),
        ("web", {"prompt": "none"}, "login_required", "Login required"),
        ("web", {"connection": "nope"}, "invalid_request", "the connection was not found"),
        ("web", {"response_type": None}, "invalid_request", "Missing required parameter: response_type"),
    ],
)
def test_other_errors_reach_the_callback_with_the_state(
    browser: Browser, client_id: str, changes: dict[str, str | None], error: str, description: str
) -> None:
    """`error`, `error_description` and the application's own state, as Auth0 words them."""
    expected = {"error": error, "error_description": description, "state": "app-state"}
    assert answer(browser.authorize(client_id, **changes)) == expected


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"response_type": "token"}, "response_type=token"),
        ({"organization": "org_1"}, "organization"),
        ({"prompt": "consent"}, "prompt=consent"),
    ],
)
def test_what_is_not_simulated_names_itself(browser: Browser, changes: dict[str, str], named: str) -> None:
    """501, never a made-up success."""
    response = browser.authorize(**changes)
    assert response.status_code == 501
    assert named in response.json()["error_description"]


def test_a_session_answers_the_next_login_without_a_form(browser: Browser) -> None:
    """Single sign-on for another application, also silently; `prompt=login` asks again."""
    browser.sign_up("sso@example.com")
    verifier, parameters = challenge()
    silent = browser.authorize("spa", prompt="none", **parameters)
    assert browser.redeem(silent, "spa", code_verifier=verifier).status_code == 200
    assert browser.authorize(prompt="login").headers["location"].startswith("/u/login")
    assert browser.authorize(max_age="0", prompt="none").headers["location"].startswith(CALLBACK)


def test_logging_out_ends_the_session_and_returns_to_a_listed_address(browser: Browser) -> None:
    """An address that is not listed is refused, and the session stays."""
    browser.sign_up("out@example.com")
    bad = browser.http.get("/v2/logout", params={"client_id": "web", "returnTo": "https://evil.example.com"})
    assert bad.status_code == 400
    assert "Allowed Logout URLs" in bad.text
    assert "code" in answer(browser.authorize(prompt="none"))
    good = browser.http.get("/v2/logout", params={"client_id": "web", "returnTo": "https://app.example.com"})
    assert (good.status_code, good.headers["location"]) == (302, "https://app.example.com")
    assert answer(browser.authorize(prompt="none"))["error"] == "login_required"


def test_openid_logout_takes_the_client_from_the_id_token(browser: Browser) -> None:
    """A forged hint is refused."""
    hint = browser.redeem(browser.sign_up("oidc@example.com")).json()["id_token"]
    query = {"post_logout_redirect_uri": "https://app.example.com", "state": "bye"}
    forged = browser.http.get("/oidc/logout", params={**query, "id_token_hint": hint[:-8] + "AAAAAAAA"})
    assert forged.status_code == 400
    response = browser.http.get("/oidc/logout", params={**query, "id_token_hint": hint})
    assert response.headers["location"] == "https://app.example.com?state=bye"


def test_userinfo_answers_both_kinds_of_access_token(browser: Browser) -> None:
    """With an API the token is a JWT, without one it is opaque; a foreign token opens nothing."""
    with_api = browser.redeem(browser.sign_up("info@example.com")).json()["access_token"]
    without = browser.redeem(browser.authorize(audience=None)).json()["access_token"]
    assert with_api.count(".") == 2
    assert without.count(".") == 4
    for token in (with_api, without):
        response = browser.http.get("/userinfo", headers={"Authorization": f"Bearer {token}"})
        assert response.json()["email"] == "info@example.com"
    for header in ({}, {"Authorization": f"Bearer {with_api[:-6]}AAAAAA"}):
        assert browser.http.get("/userinfo", headers=header).status_code == 401


def test_sign_up_without_a_browser_answers_as_the_real_one(browser: Browser) -> None:
    """`POST /dbconnections/signup`, and its error for a client without the connection."""
    body = {
        "client_id": "web",
        "connection": "Username-Password-Authentication",
        "email": f"{secrets.token_hex(4)}@example.com",
        "password": PASSWORD,
    }
    first = browser.http.post("/dbconnections/signup", json=body)
    assert first.json()["email"] == body["email"]
    assert browser.http.post("/dbconnections/signup", json=body).json()["code"] == "invalid_signup"
    refused = browser.http.post("/dbconnections/signup", json={**body, "client_id": "lonely"})
    assert "Connection must be enabled for this client" in refused.json()["error_description"]


def test_a_blocked_user_gets_no_code(browser: Browser) -> None:
    """The callback learns it, also with a session from before."""
    browser.sign_up("blocked@example.com")
    user = browser.tenant.store.all("user")[0]
    browser.tenant.store.put("user", user["user_id"], {**user, "blocked": True})
    expected = {"error": "unauthorized", "error_description": "user is blocked", "state": "app-state"}
    assert answer(browser.authorize()) == expected


def test_only_origins_of_applications_may_read_tokens_in_a_browser(browser: Browser) -> None:
    """CORS for the token endpoint."""
    for origin, allowed in (("https://app.example.com", True), ("https://evil.example.com", False)):
        response = browser.http.options("/oauth/token", headers={"Origin": origin})
        assert (response.headers.get("access-control-allow-origin") == origin) is allowed


def test_discovery_names_the_endpoints_of_this_tenant(browser: Browser) -> None:
    """Every endpoint that it names is there."""
    document = browser.http.get("/.well-known/openid-configuration").json()
    assert document["issuer"] == ISSUER
    for name, url in document.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            assert browser.http.get(url.removeprefix(ISSUER.rstrip("/"))).status_code != 404, name
