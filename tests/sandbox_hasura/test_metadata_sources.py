"""Sources: their connections, and SQL run on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from sandbox.postgres import Server
from tests.sandbox_hasura.running_engine import USERS, Running, running, two_databases


@pytest.fixture(scope="module")
def module_engine(postgres_server: Server) -> Iterator[Running]:
    with two_databases(postgres_server) as urls, running(*urls) as started:
        yield started


@pytest.fixture
def hasura(module_engine: Running) -> Running:
    """An engine with source `default` and no tracked table."""
    module_engine.empty()
    return module_engine


def url_from(variable: str) -> dict[str, Any]:
    return {"connection_info": {"database_url": {"from_env": variable}}}


def test_sources_come_and_go(hasura: Running) -> None:
    """A source is added once, changed, dropped once."""
    settings = {"database_url": hasura.url, "pool_settings": {"max_connections": 3, "retries": None}}
    args = {"name": "second", "configuration": {"connection_info": settings}}
    hasura.done("pg_add_source", args)
    assert hasura.exported()["sources"][1]["configuration"]["connection_info"] == {
        "database_url": hasura.url,
        "isolation_level": "read-committed",
        "pool_settings": {"max_connections": 3},
        "use_prepared_statements": False,
    }
    assert hasura.refused("pg_add_source", args) == (
        400, "already-exists", 'source with name "second" already exists', "$.args",
    )  # fmt: skip
    hasura.done("pg_add_source", {**args, "replace_configuration": True})
    hasura.done("pg_update_source", {"name": "second", "configuration": hasura.configuration()})
    hasura.done("pg_drop_source", {"name": "second"})
    for kind in ("pg_drop_source", "pg_update_source"):
        assert hasura.refused(kind, {"name": "second"}) == (
            400, "not-exists", 'source with name "second" does not exist', "$.args",
        )  # fmt: skip


def test_a_variable_that_is_not_set(hasura: Running) -> None:
    """A source whose variable is not set is inconsistent; nothing can be tracked in it."""
    assert hasura.refused("pg_add_source", {"name": "x", "configuration": url_from("NOT_SET")})[1:3] == (
        "invalid-configuration", 'Inconsistent object: environment variable "NOT_SET" not set',
    )  # fmt: skip
    source = {
        "name": "default",
        "kind": "postgres",
        "tables": [{"table": "users"}],
        "configuration": url_from("NOT_SET"),
    }
    args = {"metadata": {"version": 3, "sources": [source]}, "allow_inconsistent_metadata": True}
    assert hasura.done("replace_metadata", args, version=2)["inconsistent_objects"] == [
        {
            "definition": "default",
            "name": "source default",
            "reason": 'Inconsistent object: environment variable "NOT_SET" not set',
            "type": "source",
        }
    ]
    assert (
        hasura.refused("pg_track_table", {"table": "notes"})[2]
        == 'source with name "default" is inconsistent'
    )
    assert hasura.graphql("{users {id}}")["errors"][0]["extensions"]["code"] == "validation-failed"


def test_a_database_that_does_not_answer(hasura: Running) -> None:
    """A source that cannot be reached is refused without its password."""
    settings = {"database_url": "postgres://someone:hidden@127.0.0.1:1/none"}
    answer = hasura.metadata("pg_add_source", {"name": "x", "configuration": {"connection_info": settings}})
    assert answer.status_code == 400
    assert answer.json()["error"] == "Inconsistent object: connection error"
    assert answer.json()["internal"][0]["message"] == "Connection refused"
    assert "hidden" not in answer.text


def test_tables_made_by_others(hasura: Running) -> None:
    """A table that was made beside the engine can be tracked at once."""
    with psycopg.connect(hasura.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE made_beside (id int PRIMARY KEY)")
    hasura.done("pg_track_table", {"table": "made_beside"})
    assert hasura.graphql("{made_beside {id}}") == {"data": {"made_beside": []}}


def test_two_sources(hasura: Running, postgres_server: Server) -> None:
    """Each request is answered by the source that has its fields; what would need both is refused."""
    with two_databases(postgres_server) as (url, _):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE planets (name text PRIMARY KEY); INSERT INTO planets VALUES ('Mars')"
            )
        settings = {"connection_info": {"database_url": url}}
        hasura.done("pg_add_source", {"name": "sky", "configuration": settings})
        hasura.done("pg_track_table", {"table": "users"})
        hasura.done("pg_track_table", {"source": "sky", "table": "planets"})
        assert hasura.graphql("{planets {name}}") == {"data": {"planets": [{"name": "Mars"}]}}
        assert hasura.graphql("{users {id}}") == {"data": {"users": []}}
        both = hasura.graphql("{users {id} planets {name}}")
        assert both["errors"][0]["message"] == "sandbox: a request over several sources is not simulated"
        hasura.done("pg_drop_source", {"name": "sky"})


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1 AS a, NULL AS b, true AS c", {"result_type": "TuplesOk", "result": [["a", "b", "c"], ["1", "NULL", "t"]]}),
        ("SELECT 1 WHERE false", {"result_type": "TuplesOk", "result": [["?column?"]]}),
        ("INSERT INTO notes (body) VALUES ('x')", {"result_type": "CommandOk", "result": None}),
        ("SELECT 1; CREATE TABLE t (i int)", {"result_type": "CommandOk", "result": None}),
    ],
)  # fmt: skip
def test_run_sql(hasura: Running, sql: str, expected: dict[str, Any]) -> None:
    """Rows come as text under a header, everything else as CommandOk; the last statement answers."""
    answer = hasura.sql(sql)
    assert (answer.status_code, answer.json()) == (200, expected)


def test_run_sql_fails(hasura: Running) -> None:
    """An SQL error is Postgres' own, in Hasura's wrapping, and undoes the statements before it."""
    answer = hasura.sql("INSERT INTO notes (body) VALUES ('x'); SELECT * FROM ghosts")
    assert answer.status_code == 400
    body = answer.json()
    internal = body.pop("internal")
    assert body == {"path": "$.args", "error": "query execution failed", "code": "postgres-error"}
    assert internal["error"]["message"] == 'relation "ghosts" does not exist'
    assert internal["error"]["status_code"] == "42P01"
    assert hasura.sql("SELECT count(*) FROM notes").json()["result"][1] == ["0"]


def test_run_sql_read_only(hasura: Running) -> None:
    """A read-only statement cannot write."""
    answer = hasura.sql("INSERT INTO notes (body) VALUES ('x')", read_only=True)
    assert answer.json()["internal"]["error"]["message"] == "cannot execute INSERT in a read-only transaction"


def test_new_columns_are_served_at_once(hasura: Running) -> None:
    """After DDL the schema is read again."""
    hasura.done("pg_track_table", {"table": "users"})
    hasura.sql("ALTER TABLE users ADD COLUMN name text")
    assert hasura.graphql("{users {name}}") == {"data": {"users": []}}


def test_dropping_what_metadata_rests_on(hasura: Running) -> None:
    """DDL that would break a permission is undone and refused; with `cascade` the permission goes."""
    hasura.done("pg_track_table", {"table": "users"})
    body = {"columns": ["id", "email"], "filter": {}}
    hasura.done("pg_create_select_permission", {"table": "users", "role": "user", "permission": body})
    answer = hasura.sql("ALTER TABLE users DROP COLUMN email CASCADE")
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "path": "$",
            "error": 'cannot drop due to the following dependent objects: permission users.user.select in source "default"',
            "code": "dependency-error",
        },
    )
    assert hasura.graphql("{users {email}}") == {"data": {"users": []}}
    assert hasura.sql("ALTER TABLE users DROP COLUMN email CASCADE", cascade=True).status_code == 200
    assert hasura.table("users") == {"table": {"name": "users", "schema": "public"}}


def test_dropping_a_tracked_table(hasura: Running) -> None:
    """A table that nothing else rests on is untracked when it is dropped; a relationship to it forbids that."""
    for table in ("users", "notes"):
        hasura.done("pg_track_table", {"table": table})
    using = {"foreign_key_constraint_on": "user_id"}
    hasura.done("pg_create_object_relationship", {"table": "notes", "name": "user", "using": using})
    assert hasura.sql("DROP TABLE users CASCADE").json()["error"] == (
        'cannot drop due to the following dependent objects: relationship notes.user in source "default"'
    )
    assert hasura.sql("DROP TABLE notes").status_code == 200
    assert [t["table"]["name"] for t in hasura.exported()["sources"][0]["tables"]] == ["users"]


@pytest.mark.parametrize(
    "sql", ["ALTER TABLE users RENAME TO people", "ALTER TABLE users RENAME COLUMN email TO mail"]
)
def test_renaming(hasura: Running, sql: str) -> None:
    """The real engine carries a rename into its metadata; here it is refused as not simulated, and undone."""
    hasura.done("pg_track_table", {"table": "users"})
    body = {"columns": ["email"], "filter": {}}
    hasura.done("pg_create_select_permission", {"table": "users", "role": "user", "permission": body})
    answer = hasura.sql(sql)
    assert (answer.status_code, answer.json()["code"]) == (501, "not-supported")
    assert hasura.graphql("{users {email}}") == {"data": {"users": []}}


def test_bulk_of_queries(hasura: Running) -> None:
    """A bulk answers in order; other query commands are refused as not simulated."""
    one = {"type": "run_sql", "args": {"sql": "SELECT 1 AS a"}}
    assert hasura.post("/v2/query", {"type": "bulk", "args": [one]}).json() == [
        {"result_type": "TuplesOk", "result": [["a"], ["1"]]}
    ]
    answer = hasura.post("/v2/query", {"type": "pg_select", "args": {}})
    assert (answer.status_code, answer.json()["error"]) == (501, "sandbox: pg_select is not simulated")


def test_the_default_database(postgres_server: Server) -> None:
    """An engine that starts for the first time adds the database of its environment as source `default`."""
    with two_databases(postgres_server) as (url, metadata_url):
        with running(url, metadata_url, HASURA_GRAPHQL_DATABASE_URL=url) as first:
            assert [s["name"] for s in first.exported()["sources"]] == ["default"]
            first.sql(USERS)
            first.done("pg_track_table", {"table": "users"})
        with running(url, metadata_url, HASURA_GRAPHQL_DATABASE_URL=url) as again:
            assert again.graphql("{users {id}}") == {"data": {"users": []}}
