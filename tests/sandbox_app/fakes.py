"""As much of an Auth0 tenant and of Hasura as the application asks, on real sockets, steered by the test."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import trustme
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET, AUDIENCE = "client-1", "client-secret-1", "https://api.example.com"
ME = "auth0|ada"


@dataclass
class World:
    """Both services' state, and what they were asked."""

    ca_file: Path
    domain: str = ""
    hasura_url: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"}))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    """Code → what the authorization request held."""
    id_claims: dict[str, Any] = field(default_factory=dict)
    """Overrides, for ID tokens that must not be accepted."""
    opaque: bool = False
    row: dict[str, Any] = field(default_factory=dict)
    tells_rights: bool = True
    """Whether introspection is answered."""
    graphql: list[tuple[str | None, dict[str, Any]]] = field(default_factory=list)

    def config(self) -> dict[str, str]:
        return {
            "domain": self.domain,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "audience": AUDIENCE,
            "ca_file": str(self.ca_file),
            "hasura_url": self.hasura_url,
        }

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.key)

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        good = asked is not None and (
            form["client_id"],
            form["client_secret"],
            form["redirect_uri"],
            challenge.rstrip(b"=").decode(),
        ) == (CLIENT_ID, CLIENT_SECRET, asked["redirect_uri"], asked["code_challenge"])
        if asked is None or not good:
            return 403, {"error": "invalid_grant", "error_description": "Invalid authorization code"}
        claims = {
            "iss": f"https://{self.domain}/",
            "aud": CLIENT_ID,
            "sub": ME,
            "email": "ada@example.com",
            "nonce": asked["nonce"],
            "exp": int(time.time()) + 600,
            **self.id_claims,
        }
        access = "opaque" if self.opaque else self.sign({"sub": ME, "aud": [AUDIENCE], "exp": claims["exp"]})
        return 200, {"access_token": access, "id_token": self.sign(claims), "token_type": "Bearer"}

    def query(self, authorization: str | None, body: dict[str, Any]) -> dict[str, Any]:
        self.graphql.append((authorization, body))
        if not authorization:
            message = "Missing 'Authorization' or 'Cookie' header in JWT authentication mode"
            return {"errors": [{"message": message, "extensions": {"path": "$", "code": "invalid-headers"}}]}
        if "update_users" in body["query"]:
            self.row.update(body["variables"]["changes"])
            return {"data": {"update_users": {"affected_rows": int(body["variables"]["me"] == ME)}}}
        if "__type" in body["query"]:
            return self.rights()
        return {"data": {"users": [self.row]}}

    def rights(self) -> dict[str, Any]:
        """Introspection as the role `user` sees it: reads every column and an object, writes one text and one date."""
        if not self.tells_rights:
            error = {"path": "$.selectionSet.__type", "code": "validation-failed"}
            return {"errors": [{"message": "introspection is disabled", "extensions": error}]}
        scalar = {"kind": "NON_NULL", "ofType": {"kind": "SCALAR"}}
        fields = [{"name": name, "type": scalar} for name in self.row]
        fields.append({"name": "friends", "type": {"kind": "NON_NULL", "ofType": {"kind": "LIST"}}})
        inputs = [
            {"name": "display_name", "type": {"name": "String"}},
            {"name": "birthday", "type": {"name": "date"}},
        ]
        return {"data": {"row": {"fields": fields}, "changes": {"inputFields": inputs}}}


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[World]:
    """Both services, the tenant under a certificate of its own authority, until the block ends."""
    authority = trustme.CA()
    world = World(ca_file=folder / "ca.pem")
    authority.cert_pem.write_to_path(str(world.ca_file))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(tls)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/.well-known/jwks.json"
            self.answer(200, {"keys": [world.key.as_dict(private=False)]})

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if self.path == "/oauth/token":
                self.answer(*world.token({name: values[0] for name, values in parse_qs(text).items()}))
            else:
                assert self.path == "/v1/graphql"
                self.answer(200, world.query(self.headers["Authorization"], json.loads(text)))

        def answer(self, status: int, body: dict[str, Any]) -> None:
            payload = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: Any) -> None:
            """Silence."""

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
    tenant, hasura = servers
    tenant.socket = tls.wrap_socket(tenant.socket, server_side=True)
    world.domain = f"localhost:{tenant.server_port}"
    world.hasura_url = f"http://127.0.0.1:{hasura.server_port}"
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,)) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield world
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()
