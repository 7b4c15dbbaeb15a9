"""What a proof makes of answers that a healthy world does not give."""

from __future__ import annotations

import dataclasses
from typing import Any
from weakref import WeakKeyDictionary

import pytest
import requests

from proof import BrokenLinkError, links, prove
from proof.http import Management
from proof.tokens import verification
from tests.proof.services import CHAIN, SECRETS, Answer, Services

GRANTS = "POST /api/v2/client-grants"
QUERY = "POST /v1/graphql"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch):
    """Answers for the requests of the proof; waiting takes no time."""

    def answering(answers: dict[str, Answer | list[Answer]]) -> Services:
        services = Services(answers)
        monkeypatch.setattr("proof.http.requests.request", services.request)
        monkeypatch.setattr("proof.http.time.sleep", lambda seconds: None)
        monkeypatch.setattr("proof.http._MANAGEMENT", WeakKeyDictionary())
        return services

    return answering


def broken(check: Any, *arguments: Any) -> BrokenLinkError:
    with pytest.raises(BrokenLinkError) as caught:
        check(*arguments)
    assert not [secret for secret in SECRETS if secret in str(caught.value)]
    return caught.value


def refusal(code: str, message: str) -> Answer:
    return 200, {"errors": [{"message": message, "extensions": {"code": code, "path": "$"}}]}


JWT: dict[str, Answer] = {"GET /v1alpha1/config": (200, {"is_jwt_set": True, "jwt": [{}]})}
GRANTED: dict[str, Answer] = {
    GRANTS: (201, {"id": "cgr_1"}),
    "DELETE /api/v2/client-grants/cgr_1": (204, None),
}
NO_CLAIMS = refusal("jwt-invalid-claims", "claims key: 'https://hasura.io/jwt/claims' not found")


def test_a_chain_never_shows_its_secrets():
    """Not in a traceback, not in a log."""
    assert not [secret for secret in SECRETS if secret in repr(CHAIN)]


def test_a_proof_stops_at_the_first_broken_link_and_says_what_holds(monkeypatch):
    """Later links rest on the earlier ones."""

    def fails(chain):
        raise BrokenLinkError("two", "it is broken", "mend it")

    chain_of = (
        links.Link("one", lambda chain: "fine"),
        links.Link("two", fails),
        links.Link("three", lambda chain: pytest.fail("asked for")),
    )
    monkeypatch.setattr(links, "LINKS", chain_of)
    said: list[str] = []
    error = broken(lambda: prove(CHAIN, said.append))
    assert said == ["one: fine"]
    assert str(error) == "Broken link “two”: it is broken; mend it"


def test_auth0s_rate_limit_is_waited_for(world):
    """429 is an answer that says: later."""
    services = world({"GET /api/v2/clients/x": [(429, {}), (429, {}), (200, {"name": "x"})]})
    assert Management(CHAIN).call("application", "GET", "clients/x") == {"name": "x"}
    assert services.asked.count("GET /api/v2/clients/x") == 3


def test_a_rate_limit_without_end_is_an_error_in_the_end(world):
    """Five times, then a sentence."""
    services = world({"GET /api/v2/clients/x": (429, {"message": "Global limit has been reached"})})
    error = broken(Management(CHAIN).call, "application", "GET", "clients/x")
    assert "429, “Global limit has been reached”" in str(error)
    assert services.asked.count("GET /api/v2/clients/x") == 5


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (requests.exceptions.SSLError("secret detail"), "the certificate is not trusted"),
        (requests.exceptions.ConnectTimeout("secret detail"), "no answer"),
        (requests.exceptions.ConnectionError("secret detail"), "no answer"),
    ],
)
def test_who_cannot_be_reached_is_named_with_the_reason(world, failure, reason):
    """Without the library's words, which may quote a URL with its parameters."""
    world({"POST /oauth/token": failure})
    error = broken(Management, CHAIN)
    assert error.link == "tenant"
    assert error.found == f"Auth0 cannot be reached at tenant.example.com ({reason})"


def test_a_missing_scope_is_repeated_as_auth0_names_it(world):
    """The user has to give it to the client."""
    world(
        {
            "GET /api/v2/clients/application": (
                403,
                {"message": "Insufficient scope, expected any of: read:clients"},
            )
        }
    )
    error = broken(links.application, CHAIN)
    assert (
        "“Insufficient scope, expected any of: read:clients”; give the Management API client the scope"
        in str(error)
    )


@pytest.mark.parametrize("answer", [NO_CLAIMS, (200, {"data": {"__typename": "query_root"}})])
def test_a_token_that_hasura_believes_holds_whatever_it_opens(world, answer):
    """Claims are looked for after signature, audience and issuer; the grant is taken back, the admin secret stays at home."""
    services = world({**JWT, **GRANTED, QUERY: answer})
    assert (
        verification(CHAIN)
        == "a token for audience https://api.example.com, issuer https://tenant.example.com/ is taken"
    )
    assert services.asked[-3:] == ["POST /oauth/token", "DELETE /api/v2/client-grants/cgr_1", QUERY]
    (sent,) = [arguments["headers"] for what, arguments in services.sent if what == QUERY]
    assert sent == {"Authorization": "Bearer machine-token"}


@pytest.mark.parametrize(
    "message",
    [
        "Could not verify JWT: JWTNotInAudience",
        "Could not verify JWT: JWTNotInIssuer",
        "Could not verify JWT: JWSError JWSInvalidSignature",
    ],
)
def test_a_token_that_hasura_refuses_breaks_the_link(world, message):
    """With Hasura's own word for why."""
    world({**JWT, **GRANTED, QUERY: refusal("invalid-jwt", message)})
    error = broken(verification, CHAIN)
    assert error.link == "token verification" and f"“{message}”" in error.found


def test_no_jwt_configuration_breaks_the_link(world):
    """Nobody's token would open anything."""
    world({"GET /v1alpha1/config": (200, {"is_jwt_set": False})})
    assert "Hasura has no JWT configuration" in str(broken(verification, CHAIN))


def test_without_the_scope_for_grants_the_proof_says_what_it_could_not_try(world):
    """It rests on what Hasura shows of its configuration, and asks for nothing."""
    services = world({**JWT, GRANTS: (403, {"message": "Insufficient scope"})})
    assert "with the scopes create:client_grants and delete:client_grants a token is tried" in verification(
        CHAIN
    )
    assert QUERY not in services.asked


def test_a_grant_that_somebody_else_has_made_stays(world):
    """Only the proof's own goes."""
    services = world({**JWT, GRANTS: (409, {"message": "exists"}), QUERY: NO_CLAIMS})
    verification(CHAIN)
    assert not [what for what in services.asked if what.startswith("DELETE")]


def test_the_grant_of_the_proof_goes_though_the_token_fails(world):
    """Nothing is left behind by a failure."""
    tokens = [(200, {"access_token": "machine-token"}), (401, {"error": "access_denied"})]
    services = world({**JWT, **GRANTED, "POST /oauth/token": tokens})
    assert "gives no token for https://api.example.com" in str(broken(verification, CHAIN))
    assert services.asked[-1] == "DELETE /api/v2/client-grants/cgr_1"


def test_an_unhealthy_engine_breaks_the_link(world):
    """Though it answers."""
    world({"GET /healthz": (500, None)})
    assert "reports an unhealthy engine" in str(broken(links.engine, CHAIN))


def tracked(**permissions: Any) -> Answer:
    table = {"table": {"schema": "public", "name": "users"}, **permissions}
    return 200, {"metadata": {"sources": [{"name": "default", "tables": [table]}]}}


def test_an_inconsistent_users_table_breaks_the_link_with_hasuras_reason(world):
    """It is tracked, and serves nothing."""
    everything = {
        "select_permissions": [{"role": "user"}],
        "insert_permissions": [{"role": "auth0_sync"}],
        "update_permissions": [{"role": "auth0_sync"}],
    }
    inconsistent = {"name": "table users in source default", "reason": 'no such table: "users"'}
    world({"POST /v1/metadata": [tracked(**everything), (200, {"inconsistent_objects": [inconsistent]})]})
    error = broken(links.metadata, CHAIN)
    assert error.link == "Hasura metadata" and 'inconsistent, “no such table: "users"”' in error.found


def test_a_source_that_is_gone_breaks_the_link(world):
    """By its name."""
    world({"POST /v1/metadata": (200, {"metadata": {"sources": []}})})
    assert "Hasura has no source default" in str(broken(links.metadata, CHAIN))


def test_a_proof_needs_a_single_token_of_the_management_api(world):
    """Auth0 meters the tokens of machines."""
    services = world({"GET /api/v2/actions/triggers/post-login/bindings": (200, {"bindings": []})})
    chain = dataclasses.replace(CHAIN)
    broken(links.login_flow, chain)
    broken(links.login_flow, chain)
    assert services.asked.count("POST /oauth/token") == 1
