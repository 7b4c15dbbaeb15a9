"""Who may call, what is refused, and the sandbox's own control door."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.auth0.management.catalog import ENDPOINTS, support_table
from sandbox.auth0.store import Store
from tests.sandbox_auth0.management_kit import CLIENT, SECRET, Api, http_client, make_tenant


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    tenant = make_tenant(tmp_path)
    with http_client(tenant) as http:
        yield Api(http, tenant)
    tenant.store.close()


def test_every_request_needs_a_token(api):
    """Without a token, or with one that is none of the tenant's, the answer is 401."""
    missing = api.http.get("/api/v2/clients", headers={"Authorization": ""})
    assert missing.status_code == 401
    assert missing.json()["message"] == "Missing authentication"
    bad = api.http.get("/api/v2/clients", headers={"Authorization": "Bearer bad"})
    assert bad.status_code == 401
    assert bad.json()["error"] == "Unauthorized"


def test_token_opens_only_what_its_scopes_name(api):
    """A route that needs another scope answers 403 and names the scopes that would do."""
    answer = api.http.post(
        "/api/v2/clients", json={"name": "x"}, headers={"Authorization": "Bearer read:clients"}
    )
    assert answer.status_code == 403
    assert answer.json() == {
        "statusCode": 403,
        "error": "Forbidden",
        "message": "Insufficient scope, expected any of: create:clients",
        "errorCode": "insufficient_scope",
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "what"),
    [
        ("POST", "/x", {}, "POST /api/v2/x"),
        ("PUT", "/clients", {}, "PUT /api/v2/clients"),
        ("GET", "/clients?colour=red", None, "argument colour of GET /api/v2/clients"),
        ("POST", "/clients", {"name": "a", "nonsense": 1}, "property nonsense of POST /api/v2/clients"),
        ("GET", "/users?q=name:[a TO b]", None, "user search 'name:[a TO b]'"),
    ],
)
def test_what_is_not_simulated_says_so(api, method, path, body, what):
    """An unknown route, argument, property or search answers 501 and names itself."""
    answer = api(method, path, body, status=501)
    message = f"sandbox: {what} is not simulated"
    assert answer == {"statusCode": 501, "error": "Not Implemented", "message": message}


def test_body_that_is_no_json_is_refused(api):
    """A body that cannot be read answers 400."""
    answer = api.http.post("/api/v2/clients", content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


def test_machine_client_has_every_scope_and_cannot_be_deleted(api):
    """The seeded machine client holds a grant for the Management API with all scopes."""
    grants = api("GET", f"/client-grants?client_id={CLIENT}")
    assert grants[0]["audience"] == "https://localhost:8443/api/v2/"
    assert {"read:users", "update:actions", "create:client_grants"} <= set(grants[0]["scope"])
    api("DELETE", f"/clients/{CLIENT}", status=403)


def test_reset_empties_the_tenant_but_keeps_its_keys(api):
    """Reset needs the machine client's credentials; afterwards only the seed is there, under the same keys."""
    api.tenant.store.put_value("_signing_key", {"kid": "k"})
    api("POST", "/clients", {"name": "mine"}, status=201)
    assert api.http.post("/_sandbox/reset").status_code == 401
    assert api.http.post("/_sandbox/reset", auth=(CLIENT, "wrong")).status_code == 401
    assert api.http.post("/_sandbox/reset", auth=(CLIENT, SECRET)).status_code == 204
    assert [client["name"] for client in api("GET", "/clients")] == ["Sandbox Management"]
    assert [item["name"] for item in api("GET", "/connections")] == ["Username-Password-Authentication"]
    assert api.tenant.store.get_value("_signing_key") == {"kid": "k"}


def test_state_counts_what_the_tenant_holds(api):
    """The control door tells how many documents of each kind there are, to the machine client alone."""
    assert api.http.get("/_sandbox/state").status_code == 401
    counts = api.http.get("/_sandbox/state", auth=(CLIENT, SECRET)).json()["documents"]
    assert (counts["client"], counts["user"]) == (1, 0)


def test_tenant_survives_a_restart(api, tmp_path):
    """A second store on the same file holds what the first has written, in the same order."""
    names = [f"client {number}" for number in range(5)]
    for name in names:
        api("POST", "/clients", {"name": name}, status=201)
    again = Store(tmp_path / "tenant.db")
    assert [client["name"] for client in again.all("client")][1:] == names
    assert again.find("client", name="client 3")[0]["name"] == "client 3"
    again.close()


def test_rate_limit_answers_429_with_the_time_of_its_end(tmp_path):
    """Beyond the limit that was asked for, requests answer 429 and say when to come back."""
    tenant = make_tenant(tmp_path)
    with http_client(tenant, rate_limit=2) as http:
        answers = [http.get("/api/v2/clients") for _ in range(4)]
    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited
    assert limited[0].json()["errorCode"] == "too_many_requests"
    assert int(limited[0].headers["X-RateLimit-Reset"]) > 0
    tenant.store.close()


def test_log_has_a_line_a_request_and_no_secret(api, capfd):
    """Each request leaves its method, path, status and time; queries and bodies stay out of the log."""
    api("POST", "/clients", {"name": "a", "client_secret": "do-not-tell"}, status=201)
    api("GET", "/clients?per_page=7")
    out = capfd.readouterr().out
    assert "POST /api/v2/clients 201 " in out
    assert "GET /api/v2/clients 200 " in out
    assert "do-not-tell" not in out
    assert "per_page" not in out


def test_support_table_names_every_route_once(api):
    """The table of what is simulated has a row for each route; no two routes are the same."""
    table = support_table()
    names = [f"`{item.method} /api/v2/{'/'.join(item.segments)}`" for item in ENDPOINTS]
    assert all(table.count(name) == 1 for name in names)
    assert len(set(names)) == len(names)


def test_tenant_settings_are_merged(api):
    """Settings that are named change, flags one by one."""
    api("PATCH", "/tenants/settings", {"default_audience": "urn:api", "flags": {"a": True}})
    changed = api("PATCH", "/tenants/settings", {"flags": {"b": False}})
    assert changed["default_audience"] == "urn:api"
    assert changed["flags"] == {"a": True, "b": False}
    assert api("GET", "/tenants/settings?fields=friendly_name") == {"friendly_name": "Sandbox"}
