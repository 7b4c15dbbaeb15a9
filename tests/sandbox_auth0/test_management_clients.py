"""Clients, their credentials and grants, APIs and connections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import trustme
from auth0.management import ManagementClient
from auth0.management.types import ActionTrigger

from tests.sandbox_auth0.management_kit import ALL_SCOPES, DOMAIN, Api, http_client, make_tenant


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    tenant = make_tenant(tmp_path)
    with http_client(tenant) as http:
        yield Api(http, tenant)
    tenant.store.close()


def test_client_has_the_defaults_of_the_api(api):
    """What is not said is legacy: not OIDC conformant, `implicit` allowed, tokens that do not rotate."""
    client = api("POST", "/clients", {"name": "app"}, status=201)
    assert client["oidc_conformant"] is False
    assert "alg" not in client["jwt_configuration"]
    assert client["grant_types"] == ["authorization_code", "implicit", "refresh_token", "client_credentials"]
    assert client["refresh_token"]["rotation_type"] == "non-rotating"
    assert len(client["client_id"]) == 32
    assert len(client["client_secret"]) == 64


def test_public_client_has_no_client_credentials_grant(api):
    """A client without a secret of its own cannot act for itself."""
    body = {"name": "spa", "app_type": "spa", "token_endpoint_auth_method": "none"}
    assert "client_credentials" not in api("POST", "/clients", body, status=201)["grant_types"]


def test_update_merges_settings_and_removes_with_null(api):
    """`jwt_configuration` and metadata are merged, lists are replaced, null removes."""
    body = {
        "name": "app",
        "client_metadata": {"a": "1", "b": "2"},
        "callbacks": ["https://a"],
        "description": "d",
    }
    client = api("POST", "/clients", body, status=201)
    change = {
        "jwt_configuration": {"alg": "RS256"},
        "client_metadata": {"a": None},
        "callbacks": ["https://b"],
    }
    changed = api("PATCH", f"/clients/{client['client_id']}", {**change, "description": None})
    assert changed["jwt_configuration"] == {
        "secret_encoded": False,
        "lifetime_in_seconds": 36000,
        "alg": "RS256",
    }
    assert changed["client_metadata"] == {"b": "2"}
    assert changed["callbacks"] == ["https://b"]
    assert "description" not in changed


def test_secret_needs_the_scope_for_keys(api):
    """A token with `read:clients` alone sees no secret."""
    client = api("POST", "/clients", {"name": "app"}, status=201)
    path = f"/api/v2/clients/{client['client_id']}"
    assert "client_secret" not in api.http.get(path, headers={"Authorization": "Bearer read:clients"}).json()
    assert api.http.get(path).json()["client_secret"] == client["client_secret"]


def test_fields_cut_the_answer_down(api):
    """`fields` names what is wanted, or with `include_fields=false` what is not."""
    client = api("POST", "/clients", {"name": "app", "app_type": "spa"}, status=201)
    path = f"/clients/{client['client_id']}"
    wanted = api("GET", f"{path}?fields=client_id,app_type&include_fields=true")
    assert wanted == {"client_id": client["client_id"], "app_type": "spa"}
    assert "name" not in api("GET", f"{path}?fields=name&include_fields=false")


def test_missing_client_is_told_and_its_deletion_tolerated(api):
    """GET of an unknown client is 404 `inexistent_client`, DELETE 204."""
    gone = api("GET", "/clients/none", status=404)
    assert (gone["message"], gone["errorCode"]) == ("The client does not exist", "inexistent_client")
    api("DELETE", "/clients/none", status=204)


def test_lists_are_bare_or_with_totals(api):
    """`include_totals` wraps a page and counts; without it a list is bare."""
    for number in range(3):
        api("POST", "/clients", {"name": f"c{number}"}, status=201)
    second = api("GET", "/clients?include_totals=true&page=1&per_page=2")
    assert (second["start"], second["limit"], second["length"], second["total"]) == (2, 2, 2, 4)
    assert len(api("GET", "/clients?per_page=3")) == 3
    refused = api("GET", "/clients?per_page=101", status=400)
    assert refused["errorCode"] == "invalid_query_string"


def test_key_of_a_client_takes_the_place_of_its_secret(api):
    """A client that proves itself with a key shows no secret; back at a secret, it has the old one."""
    client = api("POST", "/clients", {"name": "app"}, status=201)
    path = f"/clients/{client['client_id']}"
    pem = trustme.CA().issue_cert("app.example").cert_chain_pems[0].bytes().decode()
    body = {"credential_type": "public_key", "name": "k", "pem": pem, "parse_expiry_from_cert": True}
    key = api("POST", f"{path}/credentials", body, status=201)
    assert key["alg"] == "RS256"
    assert len(key["kid"]) == 43
    assert key["expires_at"].endswith("Z")
    assert "pem" not in key
    method = {"private_key_jwt": {"credentials": [{"id": key["id"]}]}}
    changed = api(
        "PATCH", path, {"client_authentication_methods": method, "token_endpoint_auth_method": None}
    )
    assert "client_secret" not in changed
    api("DELETE", f"{path}/credentials/{key['id']}", status=409)
    back = {"client_authentication_methods": None, "token_endpoint_auth_method": "client_secret_post"}
    assert api("PATCH", path, back)["client_secret"] == client["client_secret"]
    api("DELETE", f"{path}/credentials/{key['id']}", status=204)
    assert api("GET", f"{path}/credentials?include_totals=true&per_page=50") == []


def test_api_is_found_by_id_and_by_identifier(api):
    """A resource server answers to its id and to its identifier, encoded; the identifier is unique."""
    identifier = "https://api.example.com/v1"
    body = {"name": "API", "identifier": identifier, "signing_alg": "RS256", "allow_offline_access": True}
    server = api("POST", "/resource-servers", body, status=201)
    assert (server["token_lifetime"], server["token_lifetime_for_web"]) == (86400, 7200)
    assert api("GET", f"/resource-servers/{server['id']}") == server
    assert api("GET", f"/resource-servers/{quote(identifier, safe='')}") == server
    assert api("POST", "/resource-servers", body, status=409)["error"] == "Conflict"
    api("DELETE", f"/resource-servers/{server['id']}", status=204)
    assert (
        api("GET", f"/resource-servers/{server['id']}", status=404)["errorCode"]
        == "inexistent_resource_server"
    )


def test_own_api_of_the_tenant_is_not_touched(api):
    """The Management API is listed as a system API and can be neither renamed nor deleted."""
    system = next(item for item in api("GET", "/resource-servers") if item.get("is_system"))
    api("PATCH", f"/resource-servers/{system['id']}", {"name": "mine"}, status=400)
    api("DELETE", f"/resource-servers/{system['id']}", status=400)


def test_grant_lets_a_client_ask_for_an_api_once(api):
    """A client grant needs both sides to exist and is unique; it goes with its client."""
    client = api("POST", "/clients", {"name": "m2m"}, status=201)
    api("POST", "/resource-servers", {"name": "API", "identifier": "urn:api"}, status=201)
    body = {"client_id": client["client_id"], "audience": "urn:api", "scope": []}
    api("POST", "/client-grants", {**body, "audience": "urn:none"}, status=400)
    grant = api("POST", "/client-grants", body, status=201)
    api("POST", "/client-grants", body, status=409)
    api("DELETE", f"/clients/{client['client_id']}", status=204)
    api("GET", f"/client-grants/{grant['id']}", status=404)


def test_new_client_has_no_connection_until_one_is_enabled(api):
    """A connection lists the clients enabled for it; enabling is per client and leaves the others."""
    connection = api("GET", "/connections?name=Username-Password-Authentication")[0]
    first, second = (api("POST", "/clients", {"name": name}, status=201)["client_id"] for name in ("a", "b"))
    path = f"/connections/{connection['id']}/clients"
    assert api("GET", path) == {"clients": []}
    api("PATCH", path, [{"client_id": first, "status": True}], status=204)
    api("PATCH", path, [{"client_id": second, "status": True}], status=204)
    assert api("GET", path) == {"clients": [{"client_id": first}, {"client_id": second}]}
    api("PATCH", path, [{"client_id": first, "status": False}], status=204)
    assert api("GET", f"/connections/{connection['id']}")["enabled_clients"] == [second]
    api("DELETE", f"/clients/{second}", status=204)
    assert api("GET", path) == {"clients": []}
    api("PATCH", path, [{"client_id": "none", "status": True}], status=404)


def test_connections_are_unique_by_name_and_paged_by_checkpoint(api):
    """A second connection of a name is a conflict; `take` and `from` walk through all of them."""
    for number in range(3):
        api("POST", "/connections", {"name": f"db-{number}", "strategy": "auth0"}, status=201)
    conflict = api("POST", "/connections", {"name": "db-0", "strategy": "auth0"}, status=409)
    assert conflict["message"] == "A connection with the same name already exists"
    first = api("GET", "/connections?include_totals=true&per_page=50&take=3")
    rest = api("GET", f"/connections?take=3&from={first['next']}")
    names = [item["name"] for item in first["connections"] + rest["connections"]]
    assert names == ["Username-Password-Authentication", "db-0", "db-1", "db-2"]
    assert "next" not in rest


def test_official_client_library_reads_the_answers(api):
    """auth0-python creates, lists and deploys against the simulator: its models accept what it answers."""
    http = httpx.Client(transport=api.http._transport)
    official = ManagementClient(domain=DOMAIN, token=ALL_SCOPES, httpx_client=http)
    created = official.clients.create(name="library", app_type="regular_web")
    assert created.client_id in [client.client_id for client in official.clients.list()]
    assert [item.name for item in official.connections.list()] == ["Username-Password-Authentication"]
    server = official.resource_servers.create(identifier="urn:library", name="Library")
    assert official.resource_servers.get(id=str(server.id)).identifier == "urn:library"
    trigger = ActionTrigger(id="post-login", version="v3")
    action = official.actions.create(name="library", supported_triggers=[trigger], code="// 1")
    api.built(action.id)
    assert official.actions.deploy(id=str(action.id)).number == 1
    bindings = [{"ref": {"type": "action_id", "value": action.id}, "display_name": "library"}]
    official.actions.triggers.bindings.update_many(trigger_id="post-login", bindings=bindings)
    assert [item.display_name for item in official.actions.triggers.bindings.list("post-login")] == [
        "library"
    ]
