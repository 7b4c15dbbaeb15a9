"""Who a request runs as: admin secret, tokens, nobody; messages and codes as graphql-engine words them."""

from __future__ import annotations

import base64
import hmac
import http.server
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jwk, jws

from sandbox.hasura.authentication import Authenticator, GraphQLFault, KeysUnavailable
from sandbox.hasura.jwt_keys import RemoteKeys

NAMESPACE = "https://hasura.io/jwt/claims"
KEY = jwk.RSAKey.generate_key(2048, {"kid": "one"})
OTHER = jwk.RSAKey.generate_key(2048, {"kid": "two"})
PUBLIC = KEY.as_pem(private=False).decode()
CLAIMS = {
    "x-hasura-user-id": "1",
    "x-hasura-default-role": "user",
    "x-hasura-allowed-roles": ["user", "editor"],
}


def token(claims: Any = CLAIMS, key: Any = KEY, alg: str = "RS256", **more: Any) -> str:
    body = {"sub": "1", "iat": int(time.time()), "exp": int(time.time()) + 600, NAMESPACE: claims, **more}
    body = {k: v for k, v in body.items() if v is not None}
    return jws.serialize_compact(
        {"alg": alg, "kid": key.kid}, json.dumps(body).encode(), key, algorithms=[alg]
    )


def signed_with_the_public_key() -> str:
    """HS256 with the public key's text as the secret: the classic confusion of key and algorithm."""
    parts = [json.dumps({"alg": "HS256"}).encode(), json.dumps({NAMESPACE: CLAIMS}).encode()]
    encoded = b".".join(base64.urlsafe_b64encode(p).rstrip(b"=") for p in parts)
    mac = base64.urlsafe_b64encode(hmac.digest(PUBLIC.encode(), encoded, "sha256")).rstrip(b"=")
    return (encoded + b"." + mac).decode()


def authenticator(unauthorized_role: str | None = None, **config: Any) -> Authenticator:
    return Authenticator("s3cret", {"type": "RS256", "key": PUBLIC, **config}, unauthorized_role)


def refused(who: Authenticator, headers: dict[str, str]) -> tuple[str, str]:
    with pytest.raises(GraphQLFault) as caught:
        who.authenticate(headers)
    assert caught.value.path == "$"
    return caught.value.message, caught.value.code


def bearer(text: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}", **more}


def test_the_admin_secret_makes_headers_the_session_and_ignores_the_token() -> None:
    headers = {
        "X-Hasura-Admin-Secret": "s3cret",
        "X-Hasura-Role": "r",
        "X-Hasura-User-Id": "9",
        **bearer("junk"),
    }
    session = authenticator().authenticate(headers)
    assert (session.role, session.is_admin) == ("r", False)
    assert session.variables == {"x-hasura-user-id": "9", "x-hasura-role": "r"}
    assert authenticator().authenticate({"x-hasura-admin-secret": "s3cret"}).is_admin


def test_a_wrong_secret_is_refused_without_a_look_at_the_token() -> None:
    message = 'invalid "x-hasura-admin-secret"/"x-hasura-access-key"'
    assert refused(authenticator(), {"x-hasura-admin-secret": "no", **bearer(token())}) == (
        message,
        "access-denied",
    )


def test_a_token_gives_role_and_variables_and_headers_give_none() -> None:
    session = authenticator().authenticate(bearer(token(), **{"X-Hasura-Org-Id": "7"}))
    assert (session.role, session.variables) == ("user", {"x-hasura-user-id": "1", "x-hasura-role": "user"})
    assert authenticator().authenticate(bearer(token(), **{"x-hasura-role": "editor"})).role == "editor"
    assert authenticator().authenticate(bearer(token(alg="RS512"))).role == "user"


def test_a_role_outside_the_token_is_refused() -> None:
    message = "Your requested role is not in allowed roles"
    assert refused(authenticator(), bearer(token(), **{"x-hasura-role": "admin"})) == (
        message,
        "access-denied",
    )


@pytest.mark.parametrize(
    ("headers", "message", "code"),
    [
        ({}, "Missing 'Authorization' or 'Cookie' header in JWT authentication mode", "invalid-headers"),
        ({"Authorization": "Basic x"}, "Malformed Authorization header", "invalid-headers"),
        (bearer(token(exp=int(time.time()) - 60)), "Could not verify JWT: JWTExpired", "invalid-jwt"),
        (bearer(token(key=OTHER)), "Could not verify JWT: JWSError JWSInvalidSignature", "invalid-jwt"),
        (
            bearer(signed_with_the_public_key()),
            "Could not verify JWT: JWSError JWSInvalidSignature",
            "invalid-jwt",
        ),
        (
            bearer("opaque"),
            "Could not verify JWT: JWSError (CompactDecodeError Invalid number of parts: Expected 3 parts; got 1)",
            "invalid-jwt",
        ),
        (bearer(token(None)), f"claims key: '{NAMESPACE}' not found", "jwt-invalid-claims"),
        (
            bearer(token({"x-hasura-default-role": "user"})),
            'JWT claim does not contain "x-hasura-allowed-roles"',
            "jwt-missing-role-claims",
        ),
        (
            bearer(token({"x-hasura-allowed-roles": ["user"]})),
            'JWT claim does not contain "x-hasura-default-role"',
            "jwt-missing-role-claims",
        ),
        (
            bearer(token({**CLAIMS, "x-hasura-allowed-roles": "user"})),
            'invalid "x-hasura-allowed-roles"; should be a list of roles: '
            "parsing [] failed, expected Array, but encountered String",
            "jwt-invalid-claims",
        ),
    ],
)
def test_bad_tokens_are_told_apart(headers: dict[str, str], message: str, code: str) -> None:
    assert refused(authenticator(), headers) == (message, code)


def test_audience_and_issuer_bind_only_tokens_that_have_them() -> None:
    who = authenticator(audience=["a", "b"], issuer="https://t/")
    assert who.authenticate(bearer(token())).role == "user"
    assert who.authenticate(bearer(token(aud=["b", "z"], iss="https://t/"))).role == "user"
    assert refused(who, bearer(token(aud="z")))[0] == "Could not verify JWT: JWTNotInAudience"
    assert refused(who, bearer(token(iss="https://t")))[0] == "Could not verify JWT: JWTNotInIssuer"
    assert authenticator().authenticate(bearer(token(aud="any", iss="any"))).role == "user"


def test_no_expiry_never_expires_and_skew_is_allowed() -> None:
    assert authenticator().authenticate(bearer(token(exp=None))).role == "user"
    late = bearer(token(exp=int(time.time()) - 30))
    assert authenticator(allowed_skew=60).authenticate(late).role == "user"


def test_claims_are_found_where_the_configuration_says() -> None:
    in_path = bearer(token(None, app={"hasura.claims": CLAIMS}))
    assert authenticator(claims_namespace_path="$.app['hasura.claims']").authenticate(in_path).role == "user"
    message = "claims not found at claims_namespace_path: '$.app'"
    assert refused(authenticator(claims_namespace_path="$.app"), bearer(token()))[0] == message
    text = bearer(token(json.dumps(CLAIMS)))
    assert authenticator(claims_format="stringified_json").authenticate(text).role == "user"
    mapping = {
        "x-hasura-allowed-roles": {"path": "$.roles", "default": ["guest"]},
        "x-hasura-default-role": "guest",
        "x-hasura-user-id": {"path": "$.sub"},
    }
    mapped = authenticator(claims_map=mapping).authenticate(bearer(token(None)))
    assert (mapped.role, mapped.variables["x-hasura-user-id"]) == ("guest", "1")


def test_variables_that_are_no_text_are_refused() -> None:
    assert (
        refused(authenticator(), bearer(token({**CLAIMS, "x-hasura-user-id": 1})))[1] == "jwt-invalid-claims"
    )


def test_a_cookie_may_carry_the_token() -> None:
    who = authenticator(header={"type": "Cookie", "name": "sid"})
    assert who.authenticate({"Cookie": f"a=b; sid={token()}"}).role == "user"
    assert refused(who, {"Cookie": "a=b"})[1] == "invalid-headers"


def test_nobody_gets_the_unauthorized_role_if_there_is_one() -> None:
    session = authenticator("anonymous").authenticate({"x-hasura-role": "admin", "x-hasura-x": "1"})
    assert (session.role, session.variables["x-hasura-x"]) == ("anonymous", "1")
    message = '"x-hasura-admin-secret"/"x-hasura-access-key" required, but not found'
    assert refused(Authenticator("s", None), {}) == (message, "access-denied")


def test_backend_permissions_need_the_secret_and_a_boolean() -> None:
    headers = {"x-hasura-admin-secret": "s3cret", "x-hasura-use-backend-only-permissions": "YES"}
    assert authenticator().authenticate(headers).backend_request
    headers["x-hasura-use-backend-only-permissions"] = "random"
    assert refused(authenticator(), headers)[1] == "bad-request"
    sent = {"x-hasura-use-backend-only-permissions": "true"}
    assert not authenticator().authenticate(bearer(token(), **sent)).backend_request


def test_configurations_that_cannot_work_are_refused_at_once() -> None:
    for config in (
        {},
        {"key": PUBLIC, "jwk_url": "http://x", "type": "RS256"},
        {"type": "RS256", "key": "no pem"},
    ):
        with pytest.raises(ValueError, match=r".+"):
            Authenticator("s", config)
    with pytest.raises(ValueError, match="requires --admin-secret"):
        Authenticator(None, {"type": "RS256", "key": PUBLIC})


class _Keys(http.server.BaseHTTPRequestHandler):
    keys: list[Any] = []  # noqa: RUF012 - the server makes one handler a request; the test sets the keys
    fetched = 0

    def do_GET(self) -> None:
        type(self).fetched += 1
        body = json.dumps({"keys": [k.as_dict(private=False) for k in self.keys]}).encode()
        self.send_response(200)
        self.send_header("Cache-Control", "public, max-age=15")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def key_server() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Keys)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    _Keys.keys, _Keys.fetched = [KEY], 0
    yield f"http://127.0.0.1:{server.server_port}/jwks.json"
    server.shutdown()
    server.server_close()
    thread.join()


def test_keys_come_from_the_url_and_an_unknown_one_is_looked_up_once(key_server: str) -> None:
    now = 0.0
    remote = RemoteKeys(key_server, None, clock=lambda: now)
    assert remote.keys == []
    remote.load()
    assert [k.kid for k in remote.current("one")] == ["one"]
    _Keys.keys = [KEY, OTHER]
    assert [k.kid for k in remote.current("two")] == ["one"], "not again within seconds"
    now = 6.0
    assert [k.kid for k in remote.current("two")] == ["one", "two"]
    assert _Keys.fetched == 2


def test_before_the_keys_are_there_no_key_is_usable(key_server: str) -> None:
    who = Authenticator("s", {"jwk_url": key_server})
    _Keys.keys = []
    assert refused(who, bearer(token()))[0] == "Could not verify JWT: JWSError NoUsableKeys"
    _Keys.keys = [KEY]
    who.load_keys()
    assert who.authenticate(bearer(token())).role == "user"


def test_a_url_without_keys_says_so(key_server: str) -> None:
    remote = RemoteKeys(key_server.replace("/jwks.json", "") + "0/", None)
    with pytest.raises(KeysUnavailable, match="fetching JWK from"):
        remote.fetch()
