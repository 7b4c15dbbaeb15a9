"""The Cloud API: reading and changing the engine's environment, and when a change is live."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.postgres import Server
from tests.sandbox_hasura.running_engine import PROJECT, Running, jwt_secret, running, serving, two_databases

GET = "query ($t: uuid!) {getTenantEnv(tenantId: $t) {hash envVars}}"
UPDATE = """mutation ($t: uuid!, $h: String!, $e: [UpdateEnvObject!]!) {
  updateTenantEnv(tenantId: $t, currentHash: $h, envs: $e) {hash envVars}}"""
DELETE = """mutation ($t: uuid!, $h: String!, $d: [String!]!) {
  deleteTenantEnv(tenantId: $t, currentHash: $h, deleteEnvs: $d) {hash envVars}}"""
STATUS = """query ($t: uuid!) {config_status(
  where: {tenant_id: {_eq: $t}, is_active: {_eq: true}, worker_state: {_eq: "live"}}) {hash message}}"""


@pytest.fixture
def hasura(postgres_server: Server) -> Iterator[Running]:
    with two_databases(postgres_server) as urls, running(*urls) as started:
        yield started


def current(hasura: Running) -> dict[str, Any]:
    answer: dict[str, Any] = hasura.cloud(GET, t=PROJECT)["data"]["getTenantEnv"]
    return answer


def set_variables(hasura: Running, **variables: str) -> dict[str, Any]:
    envs = [{"key": key, "value": value} for key, value in variables.items()]
    return hasura.cloud(UPDATE, t=PROJECT, h=current(hasura)["hash"], e=envs)


def outcome(hasura: Running) -> str:
    """The message of the worker once it speaks of the stored variables."""
    wanted = current(hasura)["hash"]
    for _ in range(200):
        [status] = hasura.cloud(STATUS, t=PROJECT)["data"]["config_status"]
        if status["hash"] == wanted:
            return str(status["message"])
        time.sleep(0.05)
    raise AssertionError("the worker never came to the stored variables")


def test_the_project(hasura: Running) -> None:
    """Tenant and project are found by their id, and by no other."""
    query = "query ($t: uuid!) {tenant_by_pk(id: $t) {id slug project {id endpoint}} projects {id name}}"
    data = hasura.cloud(query, t=PROJECT)["data"]
    assert data["tenant_by_pk"]["project"] == {"id": PROJECT, "endpoint": "http://127.0.0.1:1"}
    assert data["projects"][0]["id"] == PROJECT
    other = "00000000-0000-0000-0000-000000000000"
    assert hasura.cloud(query, t=other)["data"]["tenant_by_pk"] is None
    assert "errors" in hasura.cloud(GET, t=other)


def test_variables_are_merged_and_deleted(hasura: Running) -> None:
    """An update keeps the other variables; a deletion takes only those that it names."""
    assert current(hasura)["envVars"] == {"environment": {}}
    set_variables(hasura, A="1", B="2")
    answer = set_variables(hasura, B="3", C="4")["data"]["updateTenantEnv"]
    assert answer["envVars"] == {"environment": {"A": "1", "B": "3", "C": "4"}}
    assert answer == current(hasura)
    left = hasura.cloud(DELETE, t=PROJECT, h=answer["hash"], d=["A", "C"])["data"]["deleteTenantEnv"]
    assert left["envVars"] == {"environment": {"B": "3"}}
    assert outcome(hasura) == "Service configured successfully"


def test_a_lock_guards_the_variables(hasura: Running) -> None:
    """A change that was made from an older set is refused, and one that changes nothing as well."""
    old = current(hasura)["hash"]
    set_variables(hasura, A="1")
    envs = [{"key": "A", "value": "2"}]
    assert "errors" in hasura.cloud(UPDATE, t=PROJECT, h=old, e=envs)
    assert "errors" in hasura.cloud(DELETE, t=PROJECT, h=old, d=["A"])
    assert "errors" in set_variables(hasura, A="1")
    assert "errors" in hasura.cloud(DELETE, t=PROJECT, h=current(hasura)["hash"], d=["absent"])
    assert current(hasura)["envVars"] == {"environment": {"A": "1"}}


def test_a_source_follows_its_variable(hasura: Running) -> None:
    """A source whose variable is set through the API becomes usable when the change is live."""
    configuration = {"connection_info": {"database_url": {"from_env": "APP_URL"}}}
    source = {"name": "app", "kind": "postgres", "tables": [], "configuration": configuration}
    args = {"metadata": {"version": 3, "sources": [source]}, "allow_inconsistent_metadata": True}
    assert hasura.done("replace_metadata", args, version=2)["is_consistent"] is False
    set_variables(hasura, APP_URL=hasura.url)
    assert outcome(hasura) == "Service configured successfully"
    assert hasura.http.get(hasura.base + "/healthz?strict=true", timeout=30).text == "OK"


def test_tokens_are_accepted_when_the_configuration_is_live(hasura: Running) -> None:
    """With a JWT configuration set, a token opens its role; with it deleted, no more."""
    hasura.done("pg_add_source", {"name": "default", "configuration": hasura.configuration()})
    hasura.sql("CREATE TABLE users (id int PRIMARY KEY)")
    hasura.done("pg_track_table", {"table": "users"})
    permission = {"columns": ["id"], "filter": {}}
    hasura.done("pg_create_select_permission", {"table": "users", "role": "user", "permission": permission})
    set_variables(hasura, HASURA_GRAPHQL_JWT_SECRET=jwt_secret())
    assert outcome(hasura) == "Service configured successfully"
    claims = {
        "https://hasura.io/jwt/claims": {
            "x-hasura-default-role": "user", "x-hasura-allowed-roles": ["user"], "x-hasura-user-id": "a",
        }
    }  # fmt: skip
    token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key("k" * 32))
    headers = {"authorization": f"Bearer {token}"}
    assert hasura.post("/v1/graphql", {"query": "{users {id}}"}, headers).json() == {"data": {"users": []}}
    stored = current(hasura)["hash"]
    hasura.cloud(DELETE, t=PROJECT, h=stored, d=["HASURA_GRAPHQL_JWT_SECRET"])
    assert outcome(hasura) == "Service configured successfully"
    closed = hasura.post("/v1/graphql", {"query": "{users {id}}"}, headers).json()
    assert closed["errors"][0]["extensions"]["code"] == "access-denied"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no json", "HASURA_GRAPHQL_JWT_SECRET is not valid JSON"),
        ("[]", "HASURA_GRAPHQL_JWT_SECRET is not a JSON object"),
        (json.dumps({"type": "HS256", "key": "short"}), "HASURA_GRAPHQL_JWT_SECRET: Invalid JWK"),
    ],
)
def test_a_configuration_that_does_not_work(hasura: Running, value: str, reason: str) -> None:
    """The worker says why; the engine goes on with the configuration before, and takes the corrected one."""
    set_variables(hasura, HASURA_GRAPHQL_JWT_SECRET=value)
    message = outcome(hasura)
    assert message.startswith("Service configuration failed: ")
    assert reason in message
    assert value not in message
    assert hasura.done("get_inconsistent_metadata")["is_consistent"] is True
    set_variables(hasura, HASURA_GRAPHQL_JWT_SECRET=jwt_secret())
    assert outcome(hasura) == "Service configured successfully"


def test_keys_that_come_late(hasura: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """While `jwk_url` gives no keys the worker says so and tokens are refused; when it does, the change is live."""
    monkeypatch.setattr("sandbox.hasura.jwt_keys.TRIES", 1)
    keys: dict[str, list[Any]] = {"keys": []}
    with serving(
        Starlette(routes=[Route("/keys", lambda _: JSONResponse(keys if keys["keys"] else None))])
    ) as base:
        configuration = json.dumps({"jwk_url": f"{base}/keys"})
        set_variables(hasura, HASURA_GRAPHQL_JWT_SECRET=configuration)
        assert outcome(hasura).startswith("Service configuration failed: HASURA_GRAPHQL_JWT_SECRET: ")
        key = RSAKey.generate_key(2048, {"kid": "one"})
        token = jwt.encode({"alg": "RS256", "kid": "one"}, {"sub": "a"}, key)
        headers = {"authorization": f"Bearer {token}"}
        refused = hasura.post("/v1/graphql", {"query": "{a}"}, headers).json()["errors"][0]["message"]
        assert refused == "Could not verify JWT: JWSError NoUsableKeys"
        keys["keys"].append(key.as_dict(private=False))
        for _ in range(200):
            if outcome(hasura) == "Service configured successfully":
                break
            time.sleep(0.05)
        late = hasura.post("/v1/graphql", {"query": "{a}"}, headers).json()["errors"][0]["extensions"]["code"]
        assert late == "jwt-invalid-claims"


def test_variables_survive_a_restart(postgres_server: Server) -> None:
    """Variables are stored with the metadata: an engine that starts again has them."""
    with two_databases(postgres_server) as urls:
        with running(*urls) as first:
            set_variables(first, HASURA_GRAPHQL_JWT_SECRET=jwt_secret())
            outcome(first)
            stored = current(first)
        with running(*urls) as again:
            assert current(again) == stored
            answer = again.post("/v1/graphql", {"query": "{a}"}, {}).json()
            assert answer["errors"][0]["message"].startswith("Missing 'Authorization'")


def test_who_is_not_let_in(hasura: Running) -> None:
    """Without the right token the answer is an error, with status 200 like every answer of the API."""
    for sent in ("pat wrong", "Bearer x", ""):
        answer = hasura.http.post(
            hasura.cloud_base + "/v1/graphql",
            json={"query": "{projects {id}}"},
            headers={"authorization": sent},
        )
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (
            200,
            "access-denied",
        )


def test_what_is_not_simulated(hasura: Running) -> None:
    """Projects are neither made nor deleted: the error says so."""
    for mutation in (
        'mutation {createTenant(cloud: "aws", region: "eu", name: "x") {id}}',
        f'mutation {{deleteTenant(tenantId: "{PROJECT}") {{status}}}}',
    ):
        [error] = hasura.cloud(mutation)["errors"]
        assert error["message"].endswith("is not simulated")
    assert "errors" in hasura.cloud("{ghosts}")
