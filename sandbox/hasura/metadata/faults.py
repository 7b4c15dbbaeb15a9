"""The one error type of the metadata and query APIs, with the body that Hasura gives it.

Shape: `{"error", "path", "code", "internal"?}` and an HTTP status; `internal` is for admins, who are the only
ones that can use these APIs.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Fault", "already_exists", "key_error", "not_exists", "not_simulated", "parse_failed"]


class Fault(Exception):  # noqa: N818 - what Hasura answers, not a failure of this program
    """A refused command: message, Hasura's error code, JSON path into the request, HTTP status."""

    def __init__(
        self, message: str, code: str, *, path: str = "$.args", status: int = 400, internal: object = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.path = path
        self.status = status
        self.internal = internal

    def body(self) -> dict[str, Any]:
        """The JSON body of the answer."""
        body: dict[str, Any] = {"code": self.code, "error": self.message, "path": self.path}
        if self.internal is not None:
            body["internal"] = self.internal
        return body

    def under(self, prefix: str) -> Fault:
        """The same fault seen from a request in which this one's `$` stands at `prefix`, e.g. `$.args[2]`."""
        return Fault(
            self.message,
            self.code,
            path=prefix + self.path.removeprefix("$"),
            status=self.status,
            internal=self.internal,
        )


def already_exists(message: str, *, path: str = "$.args") -> Fault:
    """What is to be created is there."""
    return Fault(message, "already-exists", path=path)


def not_exists(message: str, *, path: str = "$.args") -> Fault:
    """What the command refers to is not in the metadata."""
    return Fault(message, "not-exists", path=path)


def parse_failed(message: str, *, path: str = "$.args") -> Fault:
    """The arguments do not have the form that the command takes."""
    return Fault(message, "parse-failed", path=path)


def key_error(key: str, *, path: str = "$.args") -> Fault:
    """An object lacks a key that it must have."""
    return parse_failed(f'key "{key}" not found', path=path)


def not_simulated(what: str, *, path: str = "$") -> Fault:
    """A real feature of Hasura that this engine does not have: refused loudly, never imitated."""
    return Fault(f"sandbox: {what} is not simulated", "not-supported", path=path, status=501)
