"""The engine's HTTP interface: routes, statuses, who is let in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from sandbox.postgres import Server
from tests.sandbox_hasura.running_engine import SECRET, Running, jwt_secret, running, two_databases

UNKNOWN = {"path": "$", "error": "resource does not exist", "code": "not-found"}


@pytest.fixture(scope="module")
def hasura(postgres_server: Server) -> Iterator[Running]:
    """An engine in JWT mode with the tables of the tests, `users` tracked."""
    with (
        two_databases(postgres_server) as urls,
        running(*urls, HASURA_GRAPHQL_JWT_SECRET=jwt_secret(claims_namespace="https://claims")) as started,
    ):
        started.empty()
        started.done("pg_track_table", {"table": "users"})
        yield started


def get(hasura: Running, path: str, **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return hasura.http.get(hasura.base + path, headers=named, timeout=30)


def test_health_and_version(hasura: Running) -> None:
    """Health is plain text, the version names the release that is imitated; neither asks who wants to know."""
    for path in ("/healthz", "/hasura/healthz", "/healthz?strict=true"):
        assert (get(hasura, path).status_code, get(hasura, path).text) == (200, "OK")
    assert get(hasura, "/v1/version").json() == {"server_type": "ce", "version": "v2.48.16"}


def test_health_of_inconsistent_metadata(hasura: Running) -> None:
    """Something inconsistent is a warning, and an error for those who ask strictly."""
    source = {
        "name": "lost",
        "tables": [],
        "configuration": {"connection_info": {"database_url": {"from_env": "NO"}}},
    }
    before = hasura.exported()
    metadata = {**before, "sources": [*before["sources"], source]}
    hasura.done("replace_metadata", {"metadata": metadata, "allow_inconsistent_metadata": True}, version=2)
    assert (get(hasura, "/healthz").status_code, get(hasura, "/healthz").text) == (
        200, "WARN: inconsistent objects in schema",
    )  # fmt: skip
    strict = get(hasura, "/healthz?strict=true")
    assert (strict.status_code, strict.text) == (500, "ERROR: inconsistent objects in schema")
    hasura.done("drop_inconsistent_metadata")
    assert get(hasura, "/healthz").text == "OK"


def test_configuration(hasura: Running) -> None:
    """An admin sees whether the JWT configuration is live; nobody sees a key."""
    answer = get(hasura, "/v1alpha1/config", x_hasura_admin_secret=SECRET)
    assert answer.json()["is_jwt_set"] is True
    assert answer.json()["jwt"] == [
        {"claims_namespace": "https://claims", "claims_format": "json", "claims_map": None}
    ]
    assert "kkkk" not in answer.text
    assert get(hasura, "/v1alpha1/config").status_code == 400
    other = get(hasura, "/v1alpha1/config", x_hasura_admin_secret=SECRET, x_hasura_role="user")
    assert (other.status_code, other.json()["code"]) == (400, "access-denied")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/graphql"), ("GET", "/v1/metadata"), ("POST", "/healthz"), ("PUT", "/x/y")]
)  # fmt: skip
def test_unknown_routes(hasura: Running, method: str, path: str) -> None:
    """What is no route, or not with this method, is Hasura's 404."""
    answer = hasura.http.request(method, hasura.base + path, timeout=30)
    assert (answer.status_code, answer.json()) == (404, UNKNOWN)


@pytest.mark.parametrize("path", ["/v1/query", "/v1/graphql/explain", "/v1beta1/relay", "/api/rest/users"])
def test_routes_that_are_not_simulated(hasura: Running, path: str) -> None:
    """A route of the real engine that this one lacks answers 501 and names itself."""
    answer = hasura.post(path, {})
    assert (answer.status_code, answer.json()["error"]) == (501, f"sandbox: POST {path} is not simulated")


def test_the_console_is_not_simulated(hasura: Running) -> None:
    """The console's page says what can be used in its place."""
    answer = get(hasura, "/console/data/default")
    assert answer.status_code == 501
    assert "not simulated" in answer.text


def test_errors_of_graphql_come_as_200(hasura: Running) -> None:
    """On /v1/graphql an error is a 200, on /v1alpha1/graphql a 400; the body is the same."""
    body = {"query": "{ghosts {id}}"}
    first, alpha = hasura.post("/v1/graphql", body), hasura.post("/v1alpha1/graphql", body)
    assert (first.status_code, alpha.status_code) == (200, 400)
    assert first.json() == alpha.json() == {
        "errors": [
            {
                "message": "field 'ghosts' not found in type: 'query_root'",
                "extensions": {"path": "$.selectionSet.ghosts", "code": "validation-failed"},
            }
        ]
    }  # fmt: skip
    assert hasura.post("/v1alpha1/graphql", {"query": "{users {id}}"}).status_code == 200


def test_batches(hasura: Running) -> None:
    """A list of requests is answered by a list, errors in their places."""
    answers = hasura.post("/v1/graphql", [{"query": "{users {id}}"}, {"query": "{ghosts {id}}"}]).json()
    assert answers[0] == {"data": {"users": []}}
    assert "errors" in answers[1]


@pytest.mark.parametrize(
    ("headers", "message", "code", "status"),
    [
        (
            {"x-hasura-admin-secret": "x"},
            'invalid "x-hasura-admin-secret"/"x-hasura-access-key"',
            "access-denied",
            401,
        ),
        ({}, "Missing 'Authorization' or 'Cookie' header in JWT authentication mode", "invalid-headers", 400),
        ({"authorization": "Basic x"}, "Malformed Authorization header", "invalid-headers", 400),
    ],
)
def test_who_is_not_let_in(
    hasura: Running, headers: dict[str, str], message: str, code: str, status: int
) -> None:
    """Unknown callers get the same reason everywhere: as 200 from GraphQL, with a status from the other APIs."""
    answer = hasura.post("/v1/graphql", {"query": "{users {id}}"}, headers)
    assert (answer.status_code, answer.json()) == (
        200, {"errors": [{"message": message, "extensions": {"path": "$", "code": code}}]},
    )  # fmt: skip
    for path in ("/v1/metadata", "/v2/query"):
        other = hasura.post(path, {"type": "export_metadata", "args": {}}, headers)
        assert (other.status_code, other.json()) == (status, {"path": "$", "error": message, "code": code})


@pytest.mark.parametrize("body", ["", "{", "not json"])
def test_bodies_that_are_not_json(hasura: Running, body: str) -> None:
    """A body that cannot be read is `invalid-json`, with the status that the route gives to errors."""
    for path, status in (("/v1/graphql", 200), ("/v1/metadata", 400), ("/v2/query", 400)):
        answer = hasura.http.post(
            hasura.base + path, data=body, headers={"x-hasura-admin-secret": SECRET}, timeout=30
        )
        found = answer.json()
        code = found["errors"][0]["extensions"]["code"] if "errors" in found else found["code"]
        assert (answer.status_code, code) == (status, "invalid-json")


def test_browsers_may_call(hasura: Running) -> None:
    """Pages of any origin may call, with credentials, as with the real engine's default."""
    headers = {
        "origin": "http://localhost:3000",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    answer = hasura.http.options(hasura.base + "/v1/graphql", headers=headers, timeout=30)
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert answer.headers["access-control-allow-credentials"] == "true"


def test_the_log_has_no_secrets(hasura: Running, capfd: pytest.CaptureFixture[str]) -> None:
    """One line a request with method, path and status; no body, header or query string."""
    hasura.graphql('{users(where: {email: {_eq: "someone@example.com"}}) {id}}')
    get(hasura, "/healthz?token=hidden")
    out, deadline = "", time.monotonic() + 10  # a line is written after its answer
    while out.count("\n") < 2 and time.monotonic() < deadline:
        out += capfd.readouterr().out
    assert [line.rsplit(" ", 2)[0] for line in out.splitlines()] == [
        "engine POST /v1/graphql 200", "engine GET /healthz 200",
    ]  # fmt: skip


def test_changes_under_load(hasura: Running) -> None:
    """While metadata changes and changes back, every request sees one or the other, whole."""
    hasura.done("pg_track_table", {"table": "notes"})

    def ask(_: int) -> str:
        answer = requests.post(
            hasura.base + "/v1/graphql",
            json={"query": "{users {id} notes {id}}"},
            headers={"x-hasura-admin-secret": SECRET},
            timeout=30,
        )
        body = answer.json()
        return "served" if "data" in body else str(body["errors"][0]["message"])

    with ThreadPoolExecutor(6) as pool:
        asked = pool.map(ask, range(120))
        for _ in range(10):
            hasura.done("pg_untrack_table", {"table": "notes"})
            hasura.done("pg_track_table", {"table": "notes"})
        answers = set(asked)
    assert answers <= {"served", "field 'notes' not found in type: 'query_root'"}
    assert "served" in answers
