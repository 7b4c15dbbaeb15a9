"""A person at a browser, without one: follows redirects, fills in forms as HTML describes them, keeps cookies.

The login is OAuth 2.0's authorization code flow with PKCE (RFC 6749 section 4.1, RFC 7636), as an application does it.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import requests

_TIMEOUT = 30.0  # seconds; a login may wait for the Actions' 20
_MAX_STEPS = 10


class LoginError(Exception):
    """A login that did not end with tokens. `error` is OAuth's code, `description` what the person would read."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


@dataclass(frozen=True)
class Application:
    """What an application knows of its tenant. `url`: of the tenant, without a path."""

    url: str
    client_id: str
    client_secret: str | None = field(repr=False)
    redirect_uri: str
    audience: str


@dataclass(frozen=True)
class Tokens:
    """What the token endpoint answered."""

    access_token: str = field(repr=False)
    id_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)


class _Forms(HTMLParser):
    """The page's first form, its links, and what it says as an alert."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.links: list[str] = []
        self.alert = ""
        self._in_alert = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action = found.get("action", "")
        elif tag in ("input", "button") and found.get("name"):
            self.fields.setdefault(found["name"], found.get("value", ""))
        elif tag == "a":
            self.links.append(found.get("href", ""))
        self._in_alert = self._in_alert or found.get("role") == "alert"

    def handle_endtag(self, tag: str) -> None:
        if tag == "p":
            self._in_alert = False

    def handle_data(self, data: str) -> None:
        if self._in_alert:
            self.alert += data


class Browser:
    """One person's browser: its cookies are the person's session at the tenant."""

    def __init__(self, ca_file: str | None = None) -> None:
        self._session = requests.Session()
        self._session.verify = ca_file or True

    def log_in(self, app: Application, email: str, password: str) -> Tokens:
        """Log in through the login page. Raises `LoginError`."""
        return self._flow(app, {"username": email, "password": password}, signup=False)

    def sign_up(self, app: Application, email: str, password: str) -> Tokens:
        """Sign up through the sign-up page. Raises `LoginError`."""
        return self._flow(app, {"email": email, "password": password}, signup=True)

    def refresh(self, app: Application, refresh_token: str) -> Tokens:
        """Exchange a refresh token. Raises `LoginError`."""
        return self._token(app, grant_type="refresh_token", refresh_token=refresh_token)

    def _flow(self, app: Application, entries: dict[str, str], *, signup: bool) -> Tokens:
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": app.client_id,
            "redirect_uri": app.redirect_uri,
            "scope": "openid profile email offline_access",
            "audience": app.audience,
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        if signup:
            query["screen_hint"] = "signup"
        answer = self._get(f"{app.url}/authorize?{urlencode(query)}")
        for _ in range(_MAX_STEPS):
            callback = self._callback(app, answer)
            if callback is not None:
                return self._redeem(app, callback, state, verifier)
            if answer.is_redirect:
                answer = self._get(urljoin(answer.url, answer.headers["location"]))
            else:
                answer = self._submit(answer, entries)
        raise LoginError("too_many_steps", "the login page does not come to an end")

    def _callback(self, app: Application, answer: requests.Response) -> dict[str, str] | None:
        location = urljoin(answer.url, answer.headers.get("location", ""))
        if not answer.is_redirect or location.split("?")[0] != app.redirect_uri:
            return None
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}

    def _submit(self, page: requests.Response, entries: dict[str, str]) -> requests.Response:
        forms = _Forms(page.text)
        if forms.action is None or forms.alert:
            raise LoginError(
                "login_page", forms.alert.strip() or f"a page without a form (HTTP {page.status_code})"
            )
        data = {**forms.fields, **entries}
        return self._session.post(
            urljoin(page.url, forms.action), data=data, allow_redirects=False, timeout=_TIMEOUT
        )

    def _redeem(self, app: Application, callback: dict[str, str], state: str, verifier: str) -> Tokens:
        if "error" in callback:
            raise LoginError(callback["error"], callback.get("error_description", ""))
        if callback.get("state") != state:
            raise LoginError("wrong_state", "the callback carries another login's state")
        return self._token(
            app,
            grant_type="authorization_code",
            code=callback["code"],
            redirect_uri=app.redirect_uri,
            code_verifier=verifier,
        )

    def _token(self, app: Application, **form: str) -> Tokens:
        form["client_id"] = app.client_id
        if app.client_secret is not None:
            form["client_secret"] = app.client_secret
        answer = self._session.post(f"{app.url}/oauth/token", data=form, timeout=_TIMEOUT)
        body: dict[str, Any] = answer.json()
        if answer.status_code != 200:
            raise LoginError(str(body.get("error")), str(body.get("error_description", "")))
        return Tokens(body["access_token"], body["id_token"], body.get("refresh_token"))

    def _get(self, url: str) -> requests.Response:
        return self._session.get(url, allow_redirects=False, timeout=_TIMEOUT)
