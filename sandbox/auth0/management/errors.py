"""Errors of the Management API: status, text and code as the real API gives them; `response` is the one place
that makes the answer.

ApiError
 ├── UnauthorizedError        401
 ├── InsufficientScopeError   403
 ├── ValidationFailedError    400 invalid_body (the body does not fit the schema)
 ├── QueryInvalidError        400 invalid_query_string
 ├── TooManyRequestsError     429
 └── NotSimulatedError        501 (ours: never made up as a success)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.responses import JSONResponse

__all__ = [
    "ApiError",
    "InsufficientScopeError",
    "NotSimulatedError",
    "QueryInvalidError",
    "TooManyRequestsError",
    "UnauthorizedError",
    "ValidationFailedError",
    "bad_request",
    "conflict",
    "not_found",
]

_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Payload Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
}


class ApiError(Exception):
    """An answer other than success."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        *,
        headers: dict[str, str] | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = headers or {}
        self.extra = extra or {}

    def response(self) -> JSONResponse:
        """The answer as the real API words it."""
        body: dict[str, Any] = {
            "statusCode": self.status,
            "error": _REASONS.get(self.status, "Error"),
            "message": self.message,
        }
        if self.code is not None:
            body["errorCode"] = self.code
        return JSONResponse({**body, **self.extra}, self.status, headers=self.headers)


class UnauthorizedError(ApiError):
    """No token, or one that does not open this API."""

    def __init__(self, message: str = "Invalid token") -> None:
        super().__init__(
            401,
            message,
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            extra={"attributes": {"error": message}} if message != "Missing authentication" else None,
        )


class InsufficientScopeError(ApiError):
    """The token is good, but not for this route."""

    def __init__(self, scopes: Iterable[str]) -> None:
        super().__init__(
            403, f"Insufficient scope, expected any of: {','.join(scopes)}", "insufficient_scope"
        )


class ValidationFailedError(ApiError):
    """The body does not fit the schema; `where` names the property, with its description if there is one."""

    def __init__(self, problem: str, where: str = "", description: str = "") -> None:
        place = f" on property {where}" if where else ""
        place += f" ({description})" if where and description else ""
        super().__init__(400, f"Payload validation error: '{problem}'{place}.", "invalid_body")


class QueryInvalidError(ApiError):
    """An argument of the query has a value that the API refuses."""

    def __init__(self, problem: str, where: str, description: str = "") -> None:
        place = f" on property {where}" + (f" ({description})" if description else "")
        super().__init__(400, f"Query validation error: '{problem}'{place}.", "invalid_query_string")


class TooManyRequestsError(ApiError):
    """The rate limit that the sandbox was asked to imitate."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__(429, "Global limit has been reached", "too_many_requests", headers=headers)


class NotSimulatedError(ApiError):
    """A route, an argument or a property that this simulator does not know."""

    def __init__(self, what: str) -> None:
        super().__init__(501, f"sandbox: {what} is not simulated")


def bad_request(message: str, code: str | None = "invalid_body") -> ApiError:
    """400 with a message of its own."""
    return ApiError(400, message, code)


def not_found(message: str, code: str | None = None) -> ApiError:
    """404 with a message of its own."""
    return ApiError(404, message, code)


def conflict(message: str, code: str | None = None) -> ApiError:
    """409 with a message of its own."""
    return ApiError(409, message, code)
