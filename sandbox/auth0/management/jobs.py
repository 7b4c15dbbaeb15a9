"""Exports of all users: `POST /api/v2/jobs/users-exports`, `GET /api/v2/jobs/{id}`, and the download.

The way past the 1,000 results of a search. The file is made when it is fetched, line by line, so that its
size costs no memory; its address holds a secret, as the real one's signature does.
"""

from __future__ import annotations

import csv
import io
import json
import re
import secrets
import time
import zlib
from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sandbox.auth0.management import connections, ids
from sandbox.auth0.management.endpoints import Call, Endpoints, Reply
from sandbox.auth0.management.errors import not_found
from sandbox.auth0.management.schema import Table, integer, items, json_object, text
from sandbox.auth0.store import Document, Store, public
from sandbox.auth0.tenant import Tenant

__all__ = ["download_route", "endpoints"]

endpoints = Endpoints()

_EXPORT_TIME = 0.05  # seconds until a job is completed
_DEFAULT_FIELDS = (
    *("user_id", "email", "name", "given_name", "family_name", "nickname", "picture"),
    *("email_verified", "created_at", "updated_at"),
)

_EXPORT: Table = {
    "connection_id": text("connection_id of the connection from which users will be exported."),
    "format": text("Format of the file.", enum=("json", "csv")),
    "limit": integer("Limit the number of records.", smallest=1),
    "fields": items(
        json_object({"name": text(required=True, nullable=False), "export_as": text()}, nullable=False),
        "List of fields to be included in the CSV.",
    ),
}


@endpoints("POST", "/jobs/users-exports", ("read:users",))
def export_users(call: Call) -> Document:
    """Begin an export."""
    body = call.checked(_EXPORT)
    if body.get("connection_id"):
        connections.existing(call.store, body["connection_id"])
    job: Document = {
        "type": "users_export",
        "status": "pending",
        "format": body.get("format") or "json",
        **{name: body[name] for name in ("connection_id", "limit", "fields") if body.get(name)},
        "created_at": ids.millis(),
        "id": ids.short_id("job"),
        "_began": time.time(),
        "_key": secrets.token_urlsafe(24),
    }
    call.store.put("job", job["id"], job)
    answer: Document = public(job)
    return answer


@endpoints("GET", "/jobs/{id}", ("read:users", "create:users"))
def get_job(call: Call) -> Document:
    """How far a job is; once completed, where its file is."""
    job = call.store.get("job", call.params["id"])
    if job is None:
        raise not_found("The job does not exist.", "inexistent_job")
    answer: Document = public(job)
    if time.time() - float(job["_began"]) >= _EXPORT_TIME:
        ending = "csv" if job["format"] == "csv" else "json"
        answer |= {
            "status": "completed",
            "percentage_done": 100,
            "location": f"https://{call.tenant.domain}/_sandbox/exports/{job['id']}/{job['_key']}.{ending}.gz",
        }
    return answer


@endpoints("GET", "/jobs/{id}/errors", ("read:users", "create:users"))
def get_job_errors(call: Call) -> Reply:
    """An export that works has none."""
    if call.store.get("job", call.params["id"]) is None:
        raise not_found("The job does not exist.", "inexistent_job")
    return Reply(204)


def download_route(tenant: Tenant) -> Route:
    """Where an export is fetched from, by whoever has its address."""

    async def download(request: Request) -> Response:
        job = tenant.store.get("job", request.path_params["job"])
        key = request.path_params["file"].partition(".")[0]
        if job is None or not secrets.compare_digest(key, job["_key"]):
            return Response("AccessDenied", 403)
        return StreamingResponse(_gzipped(_lines(tenant.store, job)), media_type="application/gzip")

    return Route("/_sandbox/exports/{job}/{file}", download, methods=["GET"])


def _lines(store: Store, job: Document) -> Iterator[str]:
    """The export, one line a user: a copy of one user at a time, however many there are."""
    fields = [(item["name"], item.get("export_as") or item["name"]) for item in job.get("fields", [])]
    fields = fields or [(name, name) for name in _DEFAULT_FIELDS]
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    if job["format"] == "csv":
        writer.writerow([title for _, title in fields])
    wanted = None
    if "connection_id" in job:
        connection = store.get("connection", job["connection_id"])
        wanted = connection["name"] if connection else ""
    left = job.get("limit", -1)
    for ident in store.ids("user"):
        user = store.get("user", ident)
        if left == 0 or user is None:
            continue
        if wanted is not None and user["_connection"] != wanted:
            continue
        left -= 1
        values = {title: _value(public(user), name) for name, title in fields}
        if job["format"] == "csv":
            writer.writerow(["" if value is None else value for value in values.values()])
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
        else:
            yield json.dumps({name: value for name, value in values.items() if value is not None}) + "\n"
    if job["format"] == "csv" and buffer.getvalue():
        yield buffer.getvalue()


def _value(document: Any, path: str) -> Any:
    """`user_metadata.plan`, `identities[0].connection`: what a field's name points at."""
    for part in re.findall(r"[^.\[\]]+", path):
        if isinstance(document, list) and part.isdigit():
            document = document[int(part)] if int(part) < len(document) else None
        elif isinstance(document, dict):
            document = document.get(part)
        else:
            return None
    return document


def _gzipped(lines: Iterator[str]) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=31)
    for line in lines:
        packed = packer.compress(line.encode())
        if packed:
            yield packed
    yield packer.flush()
