"""Identifiers and times in the shapes that the tenant invents them in."""

from __future__ import annotations

import secrets
import string
import time
import uuid
from datetime import UTC, datetime

__all__ = ["client_id", "client_secret", "hex_id", "millis", "nanos", "short_id", "uuid_id"]

_ALPHANUMERIC = string.ascii_letters + string.digits


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))


def client_id() -> str:
    """32 letters and digits."""
    return _random(32)


def client_secret() -> str:
    """64 characters of the URL-safe alphabet."""
    return secrets.token_urlsafe(48)


def hex_id() -> str:
    """24 hexadecimal digits that begin with the time, as a document database makes them."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"


def short_id(prefix: str, length: int = 16) -> str:
    """`con_…`, `rol_…`, `cgr_…` and the like."""
    return f"{prefix}_{_random(length)}"


def uuid_id() -> str:
    """Identifiers of Actions, their versions and bindings."""
    return str(uuid.uuid4())


def millis(moment: float | None = None) -> str:
    """An instant as users have it: `2026-05-29T10:45:58.888Z`. `moment` in seconds since 1970."""
    instant = datetime.fromtimestamp(time.time() if moment is None else moment, UTC)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def nanos(moment_ns: int | None = None) -> str:
    """An instant as Actions have it, to the nanosecond. `moment_ns` in nanoseconds since 1970."""
    ns = time.time_ns() if moment_ns is None else moment_ns
    instant = datetime.fromtimestamp(ns // 1_000_000_000, UTC)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ns % 1_000_000_000:09d}Z"
