"""What a person sees: the application as its own process, the test as the browser."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.sandbox_app.fakes import AUDIENCE, CLIENT_ID, CLIENT_SECRET, ME, World, serve

ROOT = Path(__file__).parents[2]


@dataclass
class Browser:
    """A browser that stops at each redirect. Requests go to this machine, so no proxy of the environment counts."""

    base: str
    http: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.http.trust_env = False

    def get(self, path: str, **query: str) -> requests.Response:
        return self.http.get(self.base + path, params=query, allow_redirects=False, timeout=20)

    def post(self, path: str, **form: str) -> requests.Response:
        return self.http.post(self.base + path, data=form, allow_redirects=False, timeout=20)

    def authorization(self) -> dict[str, str]:
        """Starts a login; what it asks of the tenant."""
        answer = self.get("/auth/login")
        assert answer.status_code == 303
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query, strict_parsing=True))

    def log_in(self, world: World) -> requests.Response:
        asked = self.authorization()
        world.codes["code-1"] = asked
        return self.get("/auth/callback", code="code-1", state=asked["state"])


@dataclass
class Process:
    """The running application."""

    port: int
    config: Path
    log: Path
    popen: subprocess.Popen[bytes]

    def browser(self, host: str = "localhost") -> Browser:
        return Browser(f"http://{host}:{self.port}")


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with serve(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("app")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config, log = folder / "app.json", folder / "log"
    command = [sys.executable, "-m", "sandbox.app", "--port", str(port), "--config", str(config)]
    with (
        log.open("wb") as out,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "SANDBOX_EXIT_ON_STDIN_EOF": "1"},
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
        ) as popen,
    ):
        try:
            for _ in range(200):
                assert popen.poll() is None, log.read_text()
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield Process(port, config, log, popen)
            assert popen.stdin is not None
            popen.stdin.close()
            # The promise to the supervisor: no orphan when the other end of stdin is gone.
            popen.wait(20)
        finally:
            popen.kill()


@pytest.fixture
def world(services: World, process: Process) -> World:
    """Services and application in a known state, the application configured for the services."""
    services.codes.clear()
    services.id_claims.clear()
    services.graphql.clear()
    services.opaque, services.tells_rights = False, True
    services.row = {
        "picture": None,
        "display_name": None,
        "name": "Ada <b>Lovelace</b>",
        "federated_id": ME,
        "id": "1",
        "birthday": None,
    }
    process.config.write_text(json.dumps(services.config()))
    return services


@pytest.fixture
def browser(process: Process, world: World) -> Browser:
    return process.browser()


def test_before_the_demo_the_page_says_what_to_run(process: Process, world: World) -> None:
    """Without settings the page answers and names the command; a login does not pretend to start."""
    process.config.unlink()
    browser = process.browser()
    home = browser.get("/")
    assert home.status_code == 200
    assert "./dev demo" in home.text
    assert browser.get("/auth/login").status_code == 503


@pytest.mark.parametrize("text", ["{", "[]", '{"domain": "localhost"}'])
def test_unusable_settings_are_one_sentence(process: Process, world: World, text: str) -> None:
    """Settings that cannot be used are an error with a way out, not a traceback."""
    process.config.write_text(text)
    answer = process.browser().get("/")
    assert answer.status_code == 502
    assert "./dev demo" in answer.text


def test_login_asks_for_a_code_with_pkce(browser: Browser, world: World) -> None:
    """The authorization request is one that Auth0 answers with a JWT for the API."""
    asked = browser.authorization()
    assert {
        name: asked[name] for name in ("response_type", "client_id", "audience", "code_challenge_method")
    } == {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "audience": AUDIENCE,
        "code_challenge_method": "S256",
    }
    assert asked["scope"] == "openid profile email"
    assert asked["redirect_uri"] == f"{browser.base}/auth/callback"
    assert CLIENT_SECRET not in str(asked)
    assert asked != browser.authorization(), "state, nonce and verifier are new each time"
    assert "screen_hint" not in asked
    assert "screen_hint=signup" in browser.get("/auth/login", screen_hint="signup").headers["Location"]


def test_after_login_the_page_shows_row_claims_and_the_closed_door(browser: Browser, world: World) -> None:
    """Own row with the access token, a refusal without one, both tokens' claims; nothing of it as markup."""
    assert browser.log_in(world).headers["Location"] == "/"
    page = browser.get("/").text
    assert "Ada &lt;b&gt;Lovelace&lt;/b&gt;" in page
    assert "<b>Lovelace" not in page
    assert "JWT authentication mode" in page
    assert AUDIENCE in page
    assert "ada@example.com" in page
    (_, _), (with_token, first), (without, second) = world.graphql
    assert (
        "{\n    id\n    federated_id\n    name\n    birthday\n    display_name\n    picture\n  }"
        in first["query"]
    )
    assert with_token is not None and with_token.startswith("Bearer ey")
    assert without is None
    assert first == second
    assert with_token.removeprefix("Bearer ") not in page, "tokens stay on the server"
    assert page.count('class="done"') == 4


def test_the_session_cookie_is_not_for_scripts_and_new_after_login(browser: Browser, world: World) -> None:
    """HttpOnly, SameSite=Lax, and an id from before the login opens nothing after it."""
    before = browser.get("/auth/login").headers["Set-Cookie"]
    answer = browser.log_in(world)
    after = answer.headers["Set-Cookie"]
    for cookie in (before, after):
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie
    assert before.split(";")[0] != after.split(";")[0]


def form_token(browser: Browser) -> str:
    """What the page's form would send along."""
    token = re.search(r'name="form_token" value="([^"]+)"', browser.get("/").text)
    assert token is not None
    return token[1]


def test_the_row_is_changed_through_hasura(browser: Browser, world: World) -> None:
    """The form offers the text columns that the role may write, and writes the own row with the own token."""
    browser.log_in(world)
    page = browser.get("/").text
    assert 'name="display_name"' in page
    assert 'name="birthday"' not in page and 'name="name"' not in page
    token = form_token(browser)
    world.graphql.clear()
    assert browser.post("/row", form_token=token, display_name=" Countess ").headers["Location"] == "/"
    authorization, body = world.graphql[0]
    assert authorization is not None
    assert body["variables"] == {"me": ME, "changes": {"display_name": "Countess"}}
    page = browser.get("/").text
    assert "Countess" in page and "Your row is changed" in page
    assert "Your row is changed" not in browser.get("/").text
    browser.post("/row", form_token=token, display_name="")
    assert world.row["display_name"] is None
    browser.post("/row", form_token=token, display_name="x" * 201)
    assert "at most 200 characters" in browser.get("/").text


def test_an_engine_that_hides_its_schema_still_shows_the_row(browser: Browser, world: World) -> None:
    """Where introspection is off the usual columns are read and nothing is offered for change."""
    world.tells_rights = False
    browser.log_in(world)
    page = browser.get("/").text
    assert "Lovelace" in page and 'id="edit"' not in page


def test_a_form_from_elsewhere_changes_nothing(browser: Browser, world: World) -> None:
    """Without the session's form token nothing is sent to Hasura; without a session neither."""
    assert browser.post("/row", form_token="x", display_name="Mallory").headers["Location"] == "/"
    browser.log_in(world)
    assert browser.post("/row", form_token="x", display_name="Mallory").status_code == 403
    assert world.graphql == []


def test_a_denied_login_shows_auth0s_words(browser: Browser, world: World) -> None:
    """`error` and `error_description` of the callback reach the person, escaped."""
    state = browser.authorization()["state"]
    answer = browser.get(
        "/auth/callback", error="access_denied", error_description="Not <today>.", state=state
    )
    assert answer.status_code == 403
    assert "access_denied" in answer.text
    assert "Not &lt;today&gt;." in answer.text


@pytest.mark.parametrize(
    "query", [{"code": "c"}, {"code": "c", "state": "forged"}, {"error": "call 555-1234", "state": "forged"}]
)
def test_a_callback_nobody_asked_for_is_refused(
    browser: Browser, world: World, query: dict[str, str]
) -> None:
    """A forged state logs nobody in and puts no words into the page."""
    browser.authorization()
    answer = browser.get("/auth/callback", **query)
    assert answer.status_code == 400
    assert "555-1234" not in answer.text


def test_an_answer_is_good_once(browser: Browser, world: World) -> None:
    """The same callback a second time does not log in again."""
    asked = browser.authorization()
    world.codes["once"] = asked
    assert browser.get("/auth/callback", code="once", state=asked["state"]).status_code == 303
    assert browser.get("/auth/callback", code="once", state=asked["state"]).status_code == 400


def test_a_refused_code_says_what_auth0_said(browser: Browser, world: World) -> None:
    """The token endpoint's words are shown, the client's secret is not."""
    answer = browser.get("/auth/callback", code="unknown", state=browser.authorization()["state"])
    assert answer.status_code == 502
    assert "Invalid authorization code" in answer.text
    assert CLIENT_SECRET not in answer.text


@pytest.mark.parametrize(
    "claims",
    [{"nonce": "other"}, {"aud": "another-client"}, {"iss": "https://evil.example.com/"}, {"exp": 1}],
    ids=["nonce", "audience", "issuer", "expired"],
)
def test_an_id_token_that_does_not_hold_logs_nobody_in(
    browser: Browser, world: World, claims: dict[str, object]
) -> None:
    """Nonce, audience, issuer and expiry of the ID token are checked."""
    world.id_claims.update(claims)
    answer = browser.log_in(world)
    assert answer.status_code == 502
    assert "ID token" in answer.text
    assert 'id="login"' in browser.get("/").text


def test_an_id_token_signed_by_another_key_logs_nobody_in(
    browser: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signature by a key that the tenant does not publish is no signature."""
    good = world.sign
    monkeypatch.setattr(world, "sign", lambda claims: good(claims)[:-8] + "AAAAAAAA")
    assert browser.log_in(world).status_code == 502


def test_an_opaque_access_token_is_named(browser: Browser, world: World) -> None:
    """The commonest mistake, a login without the API's audience, is called by its name."""
    world.opaque = True
    browser.log_in(world)
    assert "opaque" in browser.get("/").text


def test_an_unreachable_tenant_and_engine_are_sentences(process: Process, world: World) -> None:
    """The page stands when the services do not."""
    browser = process.browser()
    browser.log_in(world)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{closed.getsockname()[1]}"
        process.config.write_text(
            json.dumps({**world.config(), "hasura_url": f"http://{dead}", "domain": dead})
        )
        page = browser.get("/")
        assert page.status_code == 200
        assert f"Hasura at {dead} cannot be reached" in page.text
        answer = browser.get("/auth/callback", code="c", state=browser.authorization()["state"])
        assert answer.status_code == 502
        assert f"Auth0 at {dead} cannot be reached" in answer.text


def test_logout_ends_the_session_here_and_at_auth0(browser: Browser, world: World) -> None:
    """The cookie opens nothing any more, and the browser goes on to the tenant's logout."""
    browser.log_in(world)
    cookies = browser.http.cookies.copy()
    target = urlsplit(browser.get("/auth/logout").headers["Location"])
    assert (target.netloc, target.path) == (world.domain, "/v2/logout")
    assert dict(parse_qsl(target.query)) == {"client_id": CLIENT_ID, "returnTo": browser.base}
    browser.http.cookies = cookies
    assert 'id="login"' in browser.get("/").text


def test_only_names_of_this_machine_are_served(process: Process, world: World) -> None:
    """Another host name that points here gets nothing."""
    answer = process.browser("127.0.0.1").http.get(
        f"http://127.0.0.1:{process.port}/", headers={"Host": "evil.example.com"}, timeout=20
    )
    assert answer.status_code == 400


def test_the_log_has_one_line_a_request_and_no_code(browser: Browser, process: Process, world: World) -> None:
    """Method, path, status, time. A callback's query stays out."""
    known = len(process.log.read_text())
    browser.log_in(world)
    deadline = time.monotonic() + 10  # a line is written after its answer
    while len(lines := process.log.read_text()[known:].splitlines()) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [re.sub(r"[\d.]+ ms$", "N ms", line) for line in lines] == [
        "GET /auth/login 303 N ms",
        "GET /auth/callback 303 N ms",
    ]
