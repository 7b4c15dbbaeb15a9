"""No body and no argument makes the tenant fail: whatever is sent, the answer is one of the API's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.auth0.management import (
    actions,
    client_credentials,
    client_grants,
    client_schema,
    connection_schema,
    jobs,
    resource_servers,
    roles,
    tenant_settings,
    triggers,
    users,
)
from sandbox.auth0.management.schema import Field, Table
from tests.sandbox_auth0.management_kit import Api, http_client, make_tenant

ODD: list[Any] = [
    None,
    True,
    -1,
    0.5,
    "",
    "<x>",
    "a" * 400,
    [],
    [None],
    [{}],
    {},
    {"a": None},
    {"a": {"b": [1]}},
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    tenant = make_tenant(tmp_path_factory.mktemp("tenant"))
    with http_client(tenant) as http:
        yield Api(http, tenant)
    tenant.store.close()


def valid(spec: Field) -> Any:
    """A value that the field takes."""
    if spec.enum:
        return spec.enum[0]
    if spec.type == "array":
        return [valid(spec.item)] if spec.item is not None else []
    if spec.type == "object":
        return {name: valid(item) for name, item in spec.table.items()}
    return {"string": "post-login", "boolean": True, "integer": 1}[spec.type]


def bodies(table: Table) -> Iterator[Any]:
    """Bodies of the wrong type, and for each property every odd value beside what is required."""
    yield from (None, [], "x", 1, {})
    needed = {name: valid(spec) for name, spec in table.items() if spec.required}
    yield needed
    yield {name: valid(spec) for name, spec in table.items()}
    for name, spec in table.items():
        for odd in ODD:
            yield {**needed, name: odd}
        for inner in spec.table or (spec.item.table if spec.item is not None else {}):
            for odd in ODD:
                nested = {**valid(spec if spec.table else spec.item or spec), inner: odd}
                yield {**needed, name: nested if spec.table else [nested]}


CASES: list[tuple[str, str, Table]] = [
    ("POST", "/clients", client_schema.CREATE),
    ("PATCH", "/clients/{client}", client_schema.UPDATE),
    ("POST", "/clients/{client}/credentials", client_credentials._CREATE),
    ("POST", "/client-grants", client_grants._CREATE),
    ("POST", "/resource-servers", resource_servers._CREATE),
    ("PATCH", "/resource-servers/{server}", resource_servers._COMMON),
    ("POST", "/connections", connection_schema.CREATE),
    ("PATCH", "/connections/{connection}", connection_schema.UPDATE),
    ("PATCH", "/connections/{connection}/clients", {}),
    ("POST", "/users", users._CREATE),
    ("PATCH", "/users/{user}", users._UPDATE),
    ("POST", "/roles", roles._CREATE),
    ("POST", "/users/{user}/roles", roles._ROLES),
    ("POST", "/users/{user}/permissions", roles._PERMISSIONS),
    ("POST", "/actions/actions", actions._CREATE),
    ("PATCH", "/actions/actions/{action}", actions._UPDATE),
    ("PATCH", "/actions/triggers/post-login/bindings", triggers._BINDINGS),
    ("POST", "/jobs/users-exports", jobs._EXPORT),
    ("PATCH", "/tenants/settings", tenant_settings._UPDATE),
]


@pytest.mark.parametrize(("method", "path", "table"), CASES, ids=[f"{case[0]} {case[1]}" for case in CASES])
def test_no_body_makes_the_tenant_fail(api, method, path, table):
    """Every odd body is answered with success or an error of the API (or 501), and the tenant can still be read."""
    store = api.tenant.store
    if not store.all("action"):
        api.deployed()
        api("POST", "/clients", {"name": "a"}, status=201)
        api("POST", "/resource-servers", {"name": "a", "identifier": "urn:a"}, status=201)
        body = {
            "connection": "Username-Password-Authentication",
            "email": "a@b.example",
            "password": "Correct-horse-7",
        }
        api("POST", "/users", body, status=201)
    place = path.format(
        client=store.all("client")[1]["client_id"],
        server=store.all("resource_server")[1]["id"],
        connection=store.all("connection")[0]["id"],
        user=store.all("user")[0]["user_id"].replace("|", "%7C"),
        action=store.all("action")[0]["id"],
    )
    for body in bodies(table):
        answer = api.http.request(method, f"/api/v2{place}", json=body)
        assert answer.status_code in (200, 201, 204, 400, 404, 409, 501), (body, answer.text)
        assert "internal error" not in answer.text
    for listed in ("/clients", "/resource-servers", "/connections", "/users", "/roles", "/actions/actions"):
        assert api.http.get(f"/api/v2{listed}").status_code == 200, listed
    assert api.http.get("/api/v2/actions/triggers/post-login/bindings").status_code == 200


@pytest.mark.parametrize(
    "path", ["/clients", "/users", "/connections", "/roles", "/logs", "/actions/actions"]
)
@pytest.mark.parametrize(
    "query", ["page=-1", "page=x", "per_page=x", "per_page=1000", "include_totals=maybe"]
)
def test_no_argument_makes_the_tenant_fail(api, path, query):
    """Arguments that make no sense are refused with 400, or 501 where the route has none of that name."""
    assert api.http.get(f"/api/v2{path}?{query}").status_code in (400, 501)
