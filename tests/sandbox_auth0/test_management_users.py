"""Users, roles, permissions, and the export of all users."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from sandbox.auth0.management.errors import ApiError
from sandbox.auth0.management.users import create_user, verify_password
from sandbox.auth0.store import Document
from tests.sandbox_auth0.management_kit import Api, http_client, make_tenant

CONNECTION = "Username-Password-Authentication"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    tenant = make_tenant(tmp_path)
    with http_client(tenant) as http:
        yield Api(http, tenant)
    tenant.store.close()


def add_user(api: Api, email: str = "ann@example.com", **more: Any) -> Document:
    body = {"connection": CONNECTION, "email": email, "password": "Correct-horse-7", **more}
    user: Document = api("POST", "/users", body, status=201)
    return user


def test_new_user_has_a_profile_and_no_password_in_it(api):
    """A user gets an id with a prefix, a name, a nickname, a picture and one identity."""
    user = add_user(api, "Ann.B@Example.com")
    assert user["user_id"].startswith("auth0|")
    assert (user["email"], user["name"], user["nickname"]) == (
        "ann.b@example.com",
        "ann.b@example.com",
        "ann.b",
    )
    assert user["email_verified"] is False
    assert user["identities"][0]["connection"] == CONNECTION
    assert not [key for key in user if "password" in key or key.startswith("_")]
    stored = api.tenant.store.get("user", user["user_id"])
    assert verify_password("Correct-horse-7", stored["_password_hash"])
    assert not verify_password("correct-horse-7", stored["_password_hash"])


def test_second_user_of_an_address_is_refused(api):
    """An e-mail address is taken once in a connection, whatever its case."""
    add_user(api)
    body = {"connection": CONNECTION, "email": "ANN@example.com", "password": "Correct-horse-7"}
    taken = api("POST", "/users", body, status=409)
    assert (taken["message"], taken["errorCode"]) == ("The user already exists.", "auth0_idp_error")


def test_parallel_sign_ups_of_one_address_make_one_user(api):
    """Of many sign-ups with the same address at once exactly one succeeds."""
    results: list[str] = []

    def sign_up() -> None:
        try:
            create_user(
                api.tenant.store, connection=CONNECTION, email="a@b.example", password="Correct-horse-7"
            )
            results.append("made")
        except ApiError as error:
            results.append(str(error.status))

    threads = [threading.Thread(target=sign_up) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["409"] * 7 + ["made"]


def test_weak_password_and_unknown_connection_are_refused(api):
    """The connection's password policy holds; a connection that is not there is an error."""
    weak = {"connection": CONNECTION, "email": "a@b.example", "password": "short"}
    assert "PasswordStrengthError" in api("POST", "/users", weak, status=400)["message"]
    nowhere = {"connection": "none", "email": "a@b.example", "password": "Correct-horse-7"}
    assert api("POST", "/users", nowhere, status=400)["errorCode"] == "inexistent_connection"


def test_metadata_is_merged_at_its_first_level(api):
    """A PATCH of metadata sets and removes keys, an empty object empties it; the user is newer afterwards."""
    user = add_user(api, user_metadata={"a": 1, "deep": {"x": 1}}, app_metadata={"plan": "free"})
    path = f"/users/{quote(user['user_id'])}"
    changed = api("PATCH", path, {"user_metadata": {"a": None, "deep": {"y": 2}}})
    assert changed["user_metadata"] == {"deep": {"y": 2}}
    assert changed["app_metadata"] == {"plan": "free"}
    assert changed["updated_at"] >= user["updated_at"]
    emptied = api("PATCH", path, {"user_metadata": {}, "app_metadata": {}})
    assert emptied["user_metadata"] == {}
    assert "app_metadata" not in emptied


def test_new_address_is_not_verified(api):
    """Changing the e-mail address takes back its verification, unless said otherwise."""
    user = add_user(api, email_verified=True)
    changed = api("PATCH", f"/users/{quote(user['user_id'])}", {"email": "new@example.com"})
    assert (changed["email"], changed["email_verified"]) == ("new@example.com", False)
    assert api("GET", "/users-by-email?email=ann@example.com") == []
    assert api("GET", "/users-by-email?email=new@example.com")[0]["user_id"] == user["user_id"]


def test_missing_user_is_told_and_its_deletion_tolerated(api):
    """GET of an unknown user is 404 `inexistent_user`, DELETE 204."""
    gone = api("GET", "/users/auth0%7Cnone", status=404)
    assert (gone["message"], gone["errorCode"]) == ("The user does not exist.", "inexistent_user")
    api("DELETE", "/users/auth0%7Cnone", status=204)


def test_search_finds_by_fields(api):
    """Terms are joined by AND and OR, values may be quoted or end with a star."""
    add_user(api, "ann@example.com", app_metadata={"plan": "pro"})
    add_user(api, "bob@example.com", name="Bob Stone")

    def emails(query: str) -> list[str]:
        return [user["email"] for user in api("GET", f"/users?q={quote(query)}&search_engine=v3")]

    assert emails("email:ann@example.com") == ["ann@example.com"]
    assert emails('name:"Bob Stone"') == ["bob@example.com"]
    assert emails("app_metadata.plan:pro AND email:ann*") == ["ann@example.com"]
    assert emails("email:ann* OR email:bob*") == ["ann@example.com", "bob@example.com"]
    assert emails("email:ann* AND NOT app_metadata.plan:pro") == []


def test_search_never_goes_past_a_thousand_users(api):
    """A page beyond the first 1,000 results is refused, as in the real API."""
    refused = api("GET", "/users?page=10&per_page=100", status=400)
    assert "first 1000 records" in refused["message"]


@pytest.mark.parametrize("connection", [None, CONNECTION])
def test_export_gives_all_users_one_a_line(api, connection):
    """A job is pending, then completed with the address of a gzipped file that holds the fields asked for."""
    store = api.tenant.store
    for number in range(1105):
        store.put(
            "user",
            f"auth0|{number}",
            {"user_id": f"auth0|{number}", "_connection": CONNECTION, "n": {"m": number}},
        )
    body = {"format": "json", "fields": [{"name": "user_id"}, {"name": "n.m", "export_as": "number"}]}
    if connection:
        body["connection_id"] = api("GET", f"/connections?name={connection}")[0]["id"]
    job = api("POST", "/jobs/users-exports", body)
    assert (job["status"], job["type"]) == ("pending", "users_export")
    while job["status"] != "completed":
        time.sleep(0.01)
        job = api("GET", f"/jobs/{job['id']}")
    packed = api.http.get(job["location"], headers={"Authorization": "", "Accept-Encoding": "identity"})
    lines = gzip.decompress(packed.content).decode().splitlines()
    assert len(lines) == 1105
    assert json.loads(lines[-1]) == {"user_id": "auth0|1104", "number": 1104}
    assert api.http.get(job["location"].rpartition("/")[0] + "/guess.json.gz").status_code == 403


def test_roles_are_given_and_taken(api):
    """A user has the roles assigned to it, by name, until they are taken or the role is deleted."""
    user = add_user(api)
    path = f"/users/{quote(user['user_id'])}/roles"
    writer, reader = (
        api("POST", "/roles", {"name": name, "description": name}) for name in ("writer", "reader")
    )
    api("POST", path, {"roles": [writer["id"], reader["id"]]}, status=204)
    listed = api("GET", f"{path}?include_totals=true")
    assert ([role["name"] for role in listed["roles"]], listed["total"]) == (["reader", "writer"], 2)
    assert api("GET", f"/roles/{reader['id']}/users?take=10")["users"][0]["email"] == "ann@example.com"
    api("DELETE", path, {"roles": [reader["id"]]}, status=204)
    assert [role["name"] for role in api("GET", path)] == ["writer"]
    api("DELETE", f"/roles/{writer['id']}")
    assert api("GET", path) == []


def test_permissions_say_where_they_come_from(api):
    """What a role allows its users have, with the role as the source; a permission must be a scope of the API."""
    scopes = [{"value": "read:x", "description": "Read x"}]
    api("POST", "/resource-servers", {"name": "API", "identifier": "urn:api", "scopes": scopes}, status=201)
    role = api("POST", "/roles", {"name": "reader"})
    user = add_user(api)
    permission = {"resource_server_identifier": "urn:api", "permission_name": "read:x"}
    api("POST", f"/roles/{role['id']}/permissions", {"permissions": [permission]}, status=201)
    api("POST", f"/users/{quote(user['user_id'])}/roles", {"roles": [role["id"]]}, status=204)
    found = api("GET", f"/users/{quote(user['user_id'])}/permissions")
    assert found[0]["permission_name"] == "read:x"
    assert [source["source_type"] for source in found[0]["sources"]] == ["ROLE"]
    unknown = {**permission, "permission_name": "write:x"}
    api("POST", f"/roles/{role['id']}/permissions", {"permissions": [unknown]}, status=400)
