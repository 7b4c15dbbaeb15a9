"""An engine and its Cloud API behind HTTP on random ports of the test process, on databases of its own."""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import requests
import uvicorn
from starlette.types import ASGIApp

from sandbox.hasura.cloud import CloudProject, cloud_app
from sandbox.hasura.engine import HasuraEngine
from sandbox.hasura.environment import Environment
from sandbox.hasura.metadata.storage import MetadataStorage
from sandbox.hasura.server import engine_app
from sandbox.postgres import Server

SECRET = "admin-secret-of-the-tests"
TOKEN = "token-of-the-tests"
PROJECT = "5d6cb2b0-3c4e-4a05-9fa9-4d1c8b1e2f00"

USERS = """
CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), federated_id text NOT NULL, email text, manager_id uuid,
  CONSTRAINT users_federated_id_key UNIQUE (federated_id),
  CONSTRAINT users_manager_id_fkey FOREIGN KEY (manager_id) REFERENCES users (id)
);
CREATE TABLE notes (id serial PRIMARY KEY, user_id uuid REFERENCES users (id), body text);
CREATE FUNCTION shout(person users) RETURNS text LANGUAGE sql STABLE AS $$ SELECT upper(person.email) $$;
CREATE FUNCTION search_users(term text) RETURNS SETOF users LANGUAGE sql STABLE
  AS $$ SELECT * FROM users WHERE email LIKE term $$;
"""


class Running:
    """A client of the engine and of its Cloud API."""

    def __init__(self, engine: HasuraEngine, url: str, base: str, cloud_base: str) -> None:
        self.engine, self.url, self.base, self.cloud_base = engine, url, base, cloud_base
        self.http = requests.Session()

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> requests.Response:
        """POST as admin, unless `headers` say otherwise."""
        sent = {"x-hasura-admin-secret": SECRET} if headers is None else dict(headers)
        return self.http.post(self.base + path, json=body, headers=sent, timeout=30)

    def metadata(self, kind: str, args: Any = None, **more: Any) -> requests.Response:
        """A command of the metadata API."""
        return self.post("/v1/metadata", {"type": kind, "args": {} if args is None else args, **more})

    def done(self, kind: str, args: Any = None, **more: Any) -> Any:
        """As `metadata`, for a command that must succeed; its answer."""
        answer = self.metadata(kind, args, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, kind: str, args: Any = None, **more: Any) -> tuple[int, str, str, str]:
        """As `metadata`, for a command that must be refused; status, code, error, path."""
        answer = self.metadata(kind, args, **more)
        body = answer.json()
        return answer.status_code, body["code"], body["error"], body["path"]

    def exported(self) -> dict[str, Any]:
        """The metadata."""
        metadata: dict[str, Any] = self.done("export_metadata", version=2)["metadata"]
        return metadata

    def version(self) -> int:
        """The resource version."""
        return int(self.done("export_metadata", version=2)["resource_version"])

    def table(self, name: str) -> dict[str, Any]:
        """The exported entry of a table in source `default`."""
        [source] = [s for s in self.exported()["sources"] if s["name"] == "default"]
        [entry] = [t for t in source["tables"] if t["table"]["name"] == name]
        return dict(entry)

    def sql(self, sql: str, **args: Any) -> requests.Response:
        """`run_sql` on source `default`."""
        return self.post("/v2/query", {"type": "run_sql", "args": {"source": "default", "sql": sql, **args}})

    def graphql(self, query: str, **headers: str) -> Any:
        """The body of a GraphQL answer to an admin, or to a role (`x_hasura_role=…`)."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.post("/v1/graphql", {"query": query}, {"x-hasura-admin-secret": SECRET, **named})
        return answer.json()

    def cloud(self, query: str, **variables: Any) -> dict[str, Any]:
        """The body of an answer of the Cloud API."""
        answer = self.http.post(
            f"{self.cloud_base}/v1/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"pat {TOKEN}"},
            timeout=30,
        )
        assert answer.status_code == 200
        body: dict[str, Any] = answer.json()
        return body

    def empty(self, schema: str = USERS) -> None:
        """Start over: metadata with source `default` only, database with the tables of `schema` only."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            connection.execute(schema.encode())
        source = {"name": "default", "kind": "postgres", "tables": [], "configuration": self.configuration()}
        self.done("replace_metadata", {"version": 3, "sources": [source]})
        self.done("reload_metadata")

    def configuration(self) -> dict[str, Any]:
        """The configuration of source `default`."""
        return {"connection_info": {"database_url": {"from_env": "PG_DATABASE_URL"}}}


def environment_of(url: str, metadata_url: str, **more: str) -> dict[str, str]:
    """The process environment of an engine of the tests."""
    return {
        "HASURA_GRAPHQL_METADATA_DATABASE_URL": metadata_url,
        "HASURA_GRAPHQL_ADMIN_SECRET": SECRET,
        "PG_DATABASE_URL": url,
        "SANDBOX_HASURA_CLOUD_TOKEN": TOKEN,
        "SANDBOX_HASURA_PROJECT_ID": PROJECT,
        **more,
    }


@contextlib.contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve `app` on a free port; its base URL."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    config = uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(5)
        listener.close()


@contextlib.contextmanager
def two_databases(server: Server) -> Iterator[tuple[str, str]]:
    """DSNs of two empty databases, for data and for metadata; dropped at the end."""
    names = [f"{kind}_{secrets.token_hex(6)}" for kind in ("data", "metadata")]
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for name in names:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template1')
    try:
        yield server.url(names[0]), server.url(names[1])
    finally:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            for name in names:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextlib.contextmanager
def running(url: str, metadata_url: str, **more: str) -> Iterator[Running]:
    """A started engine over the databases; stopped at the end."""
    storage = MetadataStorage(metadata_url)
    environment = Environment(environment_of(url, metadata_url, **more), storage)
    engine = HasuraEngine(environment, storage)
    engine.start()
    project = CloudProject(PROJECT, "http://127.0.0.1:1", environment, engine)
    with serving(engine_app(engine)) as base, serving(cloud_app(project, TOKEN)) as cloud_base:
        client = Running(engine, url, base, cloud_base)
        try:
            yield client
        finally:
            client.http.close()
            engine.stop()


def jwt_secret(**more: Any) -> str:
    """A JWT configuration with a symmetric key."""
    return json.dumps({"type": "HS256", "key": "k" * 32, **more})
