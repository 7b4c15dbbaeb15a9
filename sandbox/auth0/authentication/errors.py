"""Errors of the Authentication API, and the one place that makes responses of them.

AuthenticationError
├── OAuthError       JSON body of RFC 6749: {"error", "error_description"}
├── RedirectError    back to the application's callback with error and error_description
├── PageError        a page for the person in front of the browser
└── NotSimulatedError  501: what the real tenant can do and this one cannot
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from sandbox.auth0.authentication.pages import page

__all__ = [
    "AuthenticationError",
    "NotSimulatedError",
    "OAuthError",
    "PageError",
    "RedirectError",
    "answered",
    "with_query",
]

log = logging.getLogger("sandbox.auth0.authentication")
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class AuthenticationError(Exception):
    """Anything that ends a request of the Authentication API without what was asked for."""

    def response(self) -> Response:
        """The HTTP response that tells of the error."""
        raise NotImplementedError


class OAuthError(AuthenticationError):
    """An error of the token endpoint and its neighbours."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.status, self.error, self.description = status, error, description

    def response(self) -> Response:
        """JSON, never cached."""
        body = {"error": self.error, "error_description": self.description}
        return JSONResponse(body, status_code=self.status, headers=NO_STORE)


class RedirectError(AuthenticationError):
    """An error that the application learns at its callback."""

    def __init__(self, redirect_uri: str, state: str | None, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.redirect_uri, self.state, self.error, self.description = redirect_uri, state, error, description

    def response(self) -> Response:
        """302 to the callback with the error and the application's own state."""
        query = {"error": self.error, "error_description": self.description}
        if self.state is not None:
            query["state"] = self.state
        return RedirectResponse(with_query(self.redirect_uri, query), status_code=302, headers=NO_STORE)


class PageError(AuthenticationError):
    """An error that must not be sent to a callback, because the callback is not to be trusted."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.status, self.error, self.description = status, error, description

    def response(self) -> Response:
        """An HTML page that names the error."""
        return page("error.html", status=self.status, error=self.error, description=self.description)


class NotSimulatedError(AuthenticationError):
    """Something that the real tenant knows and this one refuses, rather than pretend."""

    def __init__(self, what: str) -> None:
        super().__init__(f"sandbox: {what} is not simulated")

    def response(self) -> Response:
        """501 with the name of what is missing."""
        return JSONResponse(
            {"error": "not_simulated", "error_description": str(self)}, status_code=501, headers=NO_STORE
        )


def answered(
    handler: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """Make a route's errors its responses, and log each of them with one line."""

    @functools.wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except AuthenticationError as error:
            level = logging.ERROR if isinstance(error, NotSimulatedError) else logging.INFO
            log.log(level, "%s %s: %s", request.method, request.url.path, error)
            return error.response()

    return answer


def with_query(url: str, query: dict[str, str]) -> str:
    """The URL with further query parameters behind those that it has."""
    parts = urlsplit(url)
    joined = "&".join(filter(None, (parts.query, urlencode(query))))
    return urlunsplit(parts._replace(query=joined))
