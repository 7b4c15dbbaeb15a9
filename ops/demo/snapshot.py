"""Tenant, Hasura and database as they are, to compare before and after: what is declared, not people and their rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import requests

from ops.demo.tenant import Tenant
from ops.errors import Problem
from ops.stack import Status

_TIMEOUT = 30.0  # seconds
_DATABASE = {
    "roles": "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1",
    "schemas": (
        "SELECT nspname || ' ' || coalesce(nspacl::text, '') FROM pg_namespace "
        "WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1"
    ),
    "tables": (
        "SELECT table_schema || '.' || table_name || ' ' || column_name || ' ' || data_type FROM information_schema.columns "
        "WHERE table_schema !~ '^pg_' AND table_schema <> 'information_schema' ORDER BY 1"
    ),
}
_ENVIRONMENT = "query ($id: uuid!) { getTenantEnv(tenantId: $id) { envVars } }"


def take(status: Status) -> dict[str, Any]:
    """A snapshot as JSON values, comparable with `==`."""
    return {"tenant": _tenant(status), "hasura": _hasura(status), "database": _database(status)}


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What differs, as paths with `+` and `-`; empty where nothing does."""
    old, new = set(_lines(before)), set(_lines(after))
    return [f"- {line}" for line in sorted(old - new)] + [f"+ {line}" for line in sorted(new - old)]


def save(file: Path, snapshot: dict[str, Any]) -> None:
    """Keep a snapshot."""
    file.write_text(json.dumps(snapshot, indent=1, sort_keys=True), encoding="utf-8")


def load(file: Path) -> dict[str, Any] | None:
    """A kept snapshot, None where there is none."""
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _tenant(status: Status) -> dict[str, Any]:
    tenant = Tenant(status["auth0"])
    return {
        "applications": {item["client_id"]: item["name"] for item in tenant.clients()},
        "APIs": {item["id"]: item["identifier"] for item in tenant.resource_servers()},
        "connections": {item["name"]: item["clients"] for item in tenant.connections()},
        "Actions": {item["id"]: item["name"] for item in tenant.actions()},
        "login flow": [item["display_name"] for item in tenant.bindings()],
    }


def _hasura(status: Status) -> dict[str, Any]:
    hasura, cloud = status["hasura"], status["hasura_cloud"]
    exported = requests.post(
        f"{hasura['url']}/v1/metadata",
        json={"type": "export_metadata", "version": 2, "args": {}},
        headers={"x-hasura-admin-secret": hasura["admin_secret"]},
        timeout=_TIMEOUT,
    ).json()
    environment = requests.post(
        f"{cloud['url']}/v1/graphql",
        json={"query": _ENVIRONMENT, "variables": {"id": cloud["project_id"]}},
        headers={"Authorization": f"pat {cloud['token']}"},
        timeout=_TIMEOUT,
    ).json()
    if "metadata" not in exported or "errors" in environment:
        raise Problem("Hasura does not show its metadata or its environment: run `./dev sandbox status`.")
    variables = environment["data"]["getTenantEnv"]["envVars"].get("environment") or {}
    return {"metadata": exported["metadata"], "environment": sorted(variables)}


def _database(status: Status) -> dict[str, list[str]]:
    try:
        with psycopg.connect(status["postgres"]["url"], connect_timeout=10) as connection:
            return {name: [row[0] for row in connection.execute(query)] for name, query in _DATABASE.items()}
    except psycopg.OperationalError:
        raise Problem("The sandbox's database does not answer: run `./dev sandbox status`.") from None


def _lines(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _lines(item, f"{path} > {key}" if path else str(key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            # plain values count by what they are, so that one more in the middle is one difference
            yield from _lines(item, path if isinstance(item, str) else f"{path}[{index}]")
    else:
        yield f"{path}: {json.dumps(value, ensure_ascii=False)}"
