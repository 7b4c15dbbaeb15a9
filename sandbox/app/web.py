"""The routes: `/`, `/auth/login`, `/auth/callback`, `/auth/logout` (where nextjs-auth0 v4 has them) and `/row`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.app import config, oauth, users
from sandbox.app.sessions import Session, Sessions
from sandbox.errors import SandboxError
from sandbox.serving import RequestLog

__all__ = ["build"]

TEMPLATES = Path(__file__).parent / "templates"
MAX_LENGTH = 200
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class App:
    """The application over one settings file. Endpoints are plain functions: they wait for HTTP in threads."""

    def __init__(self, config_file: Path, port: int) -> None:
        self._config_file = config_file
        # Browsers share a host's cookies among its ports; a second sandbox must not log the first one out.
        self._sessions = Sessions(cookie=f"try_your_login_{port}")
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        # Not Jinja's `tojson`: that is for scripts, and shows a person `\u0027` for an apostrophe.
        self._templates.filters["pretty"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False)
        self._style = (TEMPLATES / "style.css").read_text(encoding="utf-8")

    def routes(self) -> list[Route]:
        return [
            Route("/", self.home),
            Route("/style.css", self.style),
            Route("/auth/login", self.login),
            Route("/auth/callback", self.callback),
            Route("/auth/logout", self.logout),
            Route("/row", self.edit, methods=["POST"]),
        ]

    def home(self, request: Request) -> Response:
        """Who is logged in, their row and their token; or an invitation to log in."""
        try:
            settings = config.load(self._config_file)
        except config.ConfigMissingError as error:
            return self._page("start.html", sentence=str(error))
        session = self._sessions.of(request)
        if session is None or session.tokens is None:
            return self._page("welcome.html", config=settings)
        notice, session.notice = session.notice, None
        token = session.tokens.access_token
        rights = users.rights(settings, token)
        query = users.own_row(rights.readable)
        return self._page(
            "account.html",
            config=settings,
            session=session,
            notice=notice,
            id_claims=session.tokens.id_claims,
            access_claims=oauth.peek(token),
            query=query,
            own=users.ask(settings, token, query),
            anonymous=users.ask(settings, None, query),
            editable=rights.editable,
            max_length=MAX_LENGTH,
        )

    def style(self, _request: Request) -> Response:
        return Response(self._style, media_type="text/css", headers={"X-Content-Type-Options": "nosniff"})

    def login(self, request: Request) -> Response:
        """Off to Auth0; with `screen_hint=signup`, as nextjs-auth0 has it, to its sign-up page."""
        settings = config.load(self._config_file)
        pending = oauth.PendingLogin()
        signup = request.query_params.get("screen_hint") == "signup"
        url = oauth.authorize_url(settings, pending, _callback_of(request), signup=signup)
        response = self._redirect(url)
        self._sessions.begin(request, response, Session(pending=pending))
        return response

    def callback(self, request: Request) -> Response:
        """Back from Auth0, with a code or with an error."""
        settings = config.load(self._config_file)
        session, query = self._sessions.of(request), request.query_params
        pending = session.pending if session else None
        if session is None or pending is None or query.get("state") != pending.state:
            # Before anything of the query is shown: anybody can send anybody a link to this path.
            return self._failure(
                "This answer belongs to no login that was started in this browser",
                "The login may have been started long ago or in another window. Please start again.",
                status=400,
            )
        session.pending = None  # an answer is good once
        if "error" in query:
            return self._failure(
                query["error"],
                query.get("error_description", "Auth0 gave no description."),
                status=403 if query["error"] == "access_denied" else 400,
            )
        if not query.get("code"):
            return self._failure("Auth0 sent neither a code nor an error", "Please start again.", status=400)
        tokens = oauth.redeem(settings, pending, query["code"], _callback_of(request))
        response = self._redirect("/")
        self._sessions.begin(request, response, Session(tokens=tokens))
        return response

    def logout(self, request: Request) -> Response:
        """Out here and at Auth0."""
        settings = config.load(self._config_file)
        response = self._redirect(oauth.logout_url(settings, _base_of(request)))
        self._sessions.end(request, response)
        return response

    async def edit(self, request: Request) -> Response:
        """The form: new values for columns of the own row."""
        session = self._sessions.of(request)
        if session is None or session.tokens is None:
            return self._redirect("/")
        async with request.form() as form:
            values = {name: value.strip() for name, value in form.items() if isinstance(value, str)}
        if values.pop("form_token", None) != session.form_token:
            return self._failure(
                "This form is not from this session", "Please go back and reload.", status=403
            )
        session.notice = await run_in_threadpool(self._write, session.tokens, values)
        return self._redirect("/")

    def _write(self, tokens: oauth.Tokens, values: dict[str, str]) -> tuple[str, str]:
        settings = config.load(self._config_file)
        if any(len(value) > MAX_LENGTH for value in values.values()):
            return "failed", f"A value has at most {MAX_LENGTH} characters."
        changes = {column: value or None for column, value in values.items()}
        try:
            users.edit(settings, tokens.access_token, str(tokens.id_claims["sub"]), changes)
        except SandboxError as error:
            return "failed", str(error)
        return "done", "Your row is changed, by your own token."

    def on_error(self, _request: Request, error: Exception) -> Response:
        """What a person can act on; everything else goes on to the log as the mistake that it is."""
        if isinstance(error, config.ConfigMissingError):
            return self._page("start.html", status=503, sentence=str(error))
        return self._failure("This did not work", str(error), status=502)

    def _failure(self, title: str, sentence: str, *, status: int) -> Response:
        return self._page("failure.html", status=status, title=title, sentence=sentence)

    def _page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        return HTMLResponse(self._templates.get_template(template).render(values), status, headers=HEADERS)

    def _redirect(self, url: str) -> Response:
        return RedirectResponse(url, 303, headers={"Cache-Control": "no-store"})


def _base_of(request: Request) -> str:
    """The address as the browser has it: `localhost` and `127.0.0.1` do not share cookies."""
    return f"http://{request.url.netloc}"


def _callback_of(request: Request) -> str:
    return f"{_base_of(request)}/auth/callback"


def build(config_file: Path, port: int) -> Starlette:
    """The ASGI application.

    :param port: where it will listen; part of the cookie's name
    """
    app = App(config_file, port)
    return Starlette(
        routes=app.routes(),
        middleware=[
            Middleware(RequestLog),
            # Another site's name that points at this machine gets nothing (DNS rebinding).
            Middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1"]),
        ],
        exception_handlers={SandboxError: app.on_error},
    )
