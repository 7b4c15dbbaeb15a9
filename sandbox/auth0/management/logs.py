"""The tenant's log: `GET /api/v2/logs` and `/logs/{id}`. The authentication half writes the entries."""

from __future__ import annotations

from typing import Any

from sandbox.auth0.management.endpoints import Call, Endpoints
from sandbox.auth0.management.errors import not_found
from sandbox.auth0.management.paging import FIELDS, PAGE, page, pick
from sandbox.auth0.management.user_search import matcher
from sandbox.auth0.store import public

__all__ = ["endpoints"]

endpoints = Endpoints()


@endpoints("GET", "/logs", ("read:logs",), (*PAGE, *FIELDS, "q", "sort"))
def list_logs(call: Call) -> Any:
    """The newest entries first (`sort=date:1`: the oldest)."""
    matches = matcher(call.query.get("q", ""))
    entries = [public(entry) for entry in call.store.all("log") if matches(entry)]
    if call.query.get("sort") != "date:1":
        entries.reverse()
    return page(call.query, [pick(call.query, entry) for entry in entries], "logs")


@endpoints("GET", "/logs/{id}", ("read:logs",))
def get_log(call: Call) -> Any:
    """One entry."""
    entry = call.store.get("log", call.params["id"])
    if entry is None:
        raise not_found("The log does not exist.", "inexistent_log")
    return public(entry)
