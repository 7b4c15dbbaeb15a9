"""Metadata as a whole: its exported form, replacing it, versions, bulks, and what is inconsistent."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sandbox.hasura.metadata.canonical import canonical_metadata
from sandbox.hasura.metadata.faults import Fault
from sandbox.postgres import Server
from tests.sandbox_hasura.running_engine import Running, running, two_databases

TRACK_USERS = {"type": "pg_track_table", "args": {"table": "users"}}
TRACK_GHOSTS = {"type": "pg_track_table", "args": {"table": "ghosts"}}
GHOST_ERROR = 'Inconsistent object: no such table/view exists in source: "ghosts"'


def source(*tables: dict[str, Any], **more: Any) -> dict[str, Any]:
    info = {"database_url": {"from_env": "PG_DATABASE_URL"}}
    return {
        "name": "default",
        "kind": "postgres",
        "tables": list(tables),
        "configuration": {"connection_info": info},
        **more,
    }


@pytest.fixture(scope="module")
def module_engine(postgres_server: Server) -> Iterator[Running]:
    with two_databases(postgres_server) as urls, running(*urls) as started:
        yield started


@pytest.fixture
def hasura(module_engine: Running) -> Running:
    """An engine with source `default` and no tracked table."""
    module_engine.empty()
    return module_engine


def test_exported_form() -> None:
    """Lists are sorted, names are qualified, defaults are left out or filled in as the real engine does."""
    permission = {
        "columns": ["email"],
        "filter": {"$or": [{"id": "X-Hasura-User-Id"}]},
        "backend_only": False,
        "set": {},
    }
    users = {
        "table": "users",
        "is_enum": False,
        "event_triggers": [],
        "update_permissions": [
            {"role": "b", "permission": permission},
            {"role": "a", "permission": permission},
        ],
        "select_permissions": [
            {
                "role": "u",
                "permission": {"filter": {}, "columns": "*", "allow_aggregations": False, "limit": None},
            }
        ],
        "object_relationships": [{"name": "boss", "using": {"foreign_key_constraint_on": ["manager_id"]}}],
        "configuration": {"custom_root_fields": {"select": None}},
    }
    audit = {"table": {"schema": "audit", "name": "events"}}
    roles = [{"role_name": "z", "role_set": ["b", "a"]}]
    metadata = canonical_metadata(
        {"version": 3, "sources": [source(users, audit)], "inherited_roles": roles, "actions": []}
    )
    stored = {"columns": ["email"], "filter": {"_or": [{"id": "X-Hasura-User-Id"}]}, "check": None}
    assert metadata == {
        "version": 3,
        "sources": [
            {
                "name": "default",
                "kind": "postgres",
                "tables": [
                    {"table": {"name": "events", "schema": "audit"}},
                    {
                        "table": {"name": "users", "schema": "public"},
                        "object_relationships": [
                            {"name": "boss", "using": {"foreign_key_constraint_on": "manager_id"}}
                        ],
                        "select_permissions": [{"role": "u", "permission": {"columns": "*", "filter": {}}}],
                        "update_permissions": [
                            {"role": "a", "permission": stored}, {"role": "b", "permission": stored},
                        ],
                    },
                ],
                "configuration": {
                    "connection_info": {
                        "database_url": {"from_env": "PG_DATABASE_URL"},
                        "isolation_level": "read-committed",
                        "use_prepared_statements": False,
                    }
                },
            }
        ],
        "inherited_roles": [{"role_name": "z", "role_set": ["a", "b"]}],
    }  # fmt: skip
    assert list(metadata["sources"][0]) == ["name", "kind", "tables", "configuration"]


def test_exported_form_is_a_fixed_point() -> None:
    """What was exported and is given back is exported the same."""
    manual = {"remote_table": "notes", "column_mapping": {"id": "user_id"}}
    users = {
        "table": "users",
        "array_relationships": [
            {
                "name": "notes",
                "using": {"foreign_key_constraint_on": {"table": "notes", "column": "user_id"}},
            },
            {"name": "more", "using": {"manual_configuration": manual}, "comment": "by hand"},
        ],
        "computed_fields": [{"name": "loud", "definition": {"function": "shout"}}],
    }
    once = canonical_metadata(
        {"version": 3, "sources": [source(users, functions=[{"function": "search_users"}])]}
    )
    assert canonical_metadata(copy.deepcopy(once)) == once


@pytest.mark.parametrize(
    ("metadata", "code", "path"),
    [
        ({"version": 3}, "parse-failed", "$.args"),
        ({"version": 3, "sources": [{"kind": "postgres"}]}, "parse-failed", "$.args.sources[0]"),
        ({"version": 3, "sources": [source({"table": {}})]}, "parse-failed", "$.args.sources[0].tables[0].table"),
        ({"version": 3, "sources": [source(), source()]}, "parse-failed", "$.args.sources"),
        ({"version": 3, "sources": [], "actions": [{}]}, "not-supported", "$.args.actions"),
        (
            {"version": 3, "sources": [source({"table": "a", "event_triggers": [{}]})]},
            "not-supported", "$.args.sources[0].tables[0].event_triggers",
        ),
        (
            {"version": 3, "sources": [source({"table": "a", "select_permissions": [
                {"role": "u", "permission": {"columns": [1], "filter": {}}}]})]},
            "parse-failed", "$.args.sources[0].tables[0].select_permissions[0].permission.columns[0]",
        ),
    ],
)  # fmt: skip
def test_refused_documents(metadata: Any, code: str, path: str) -> None:
    """A document that is wrongly made, or has parts that are not simulated, is refused with the place."""
    with pytest.raises(Fault) as refusal:
        canonical_metadata(metadata)
    assert (refusal.value.code, refusal.value.path) == (code, path)


def test_versions(hasura: Running) -> None:
    """Every call that changes something makes one new version, a bulk too; reading and refusals make none."""
    start = hasura.version()
    hasura.done("bulk", [TRACK_USERS, {"type": "pg_track_table", "args": {"table": "notes"}}])
    assert hasura.version() == start + 1
    hasura.done("get_inconsistent_metadata")
    hasura.done("bulk", [{"type": "export_metadata", "args": {}}])
    assert hasura.refused("pg_track_table", {"table": "users"})[0] == 400
    assert hasura.version() == start + 1
    hasura.done("reload_metadata")
    assert hasura.version() == start + 2


def test_replace_with_a_version(hasura: Running) -> None:
    """A replacement that names an old version is refused; with the right one it is stored."""
    export = hasura.done("export_metadata", version=2)
    export["metadata"]["sources"][0]["tables"] = [{"table": "users"}]
    args = {"metadata": export["metadata"], "allow_inconsistent_metadata": False}
    stale = export["resource_version"] - 1
    assert hasura.refused("replace_metadata", args, version=2, resource_version=stale) == (
        409, "conflict", f"metadata resource version referenced ({stale}) did not match current version", "$",
    )  # fmt: skip
    answer = hasura.done("replace_metadata", args, version=2, resource_version=stale + 1)
    assert answer == {"is_consistent": True, "inconsistent_objects": []}
    assert hasura.table("users")


def test_only_one_of_many_writers_wins(hasura: Running) -> None:
    """Writers that start from the same version: one is stored, the others hear of the conflict."""
    export = hasura.done("export_metadata", version=2)
    body = {
        "type": "replace_metadata",
        "version": 2,
        "resource_version": export["resource_version"],
        "args": {"metadata": export["metadata"]},
    }
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: hasura.post("/v1/metadata", body).status_code, range(8)))
    assert sorted(answers) == [200] + [409] * 7


def test_inconsistent_metadata(hasura: Running) -> None:
    """What the database lacks is refused, or, where allowed, stored, listed, and left out of what is served."""
    tables = [{"table": "users"}, {"table": "ghosts"}]
    metadata = {"version": 3, "sources": [source(*tables)]}
    assert hasura.refused("replace_metadata", {"metadata": metadata}, version=2) == (
        400, "unexpected", "cannot continue due to inconsistent metadata", "$.args",
    )  # fmt: skip
    ghost = {
        "definition": {"name": "ghosts", "schema": "public"},
        "name": "table ghosts in source default",
        "reason": GHOST_ERROR,
        "type": "table",
    }
    expected = {"is_consistent": False, "inconsistent_objects": [ghost]}
    args = {"metadata": metadata, "allow_inconsistent_metadata": True}
    assert hasura.done("replace_metadata", args, version=2) == expected
    assert hasura.done("get_inconsistent_metadata") == expected
    assert hasura.done("reload_metadata") == {"message": "success", **expected}
    assert hasura.graphql("{users {id}}") == {"data": {"users": []}}
    assert hasura.http.get(hasura.base + "/healthz").text == "WARN: inconsistent objects in schema"
    hasura.sql("CREATE TABLE ghosts (id int PRIMARY KEY)")
    assert hasura.done("get_inconsistent_metadata")["is_consistent"] is True
    hasura.sql("DROP TABLE ghosts", check_metadata_consistency=False)
    assert hasura.done("get_inconsistent_metadata") == expected
    hasura.done("drop_inconsistent_metadata")
    assert hasura.done("get_inconsistent_metadata") == {"is_consistent": True, "inconsistent_objects": []}
    assert [t["table"]["name"] for t in hasura.exported()["sources"][0]["tables"]] == ["users"]


def test_what_rests_on_an_inconsistent_object(hasura: Running) -> None:
    """A relationship to a table that is gone takes the permission that goes through it along."""
    using = {"foreign_key_constraint_on": "user_id"}
    permission = {"columns": "*", "filter": {"user": {"federated_id": {"_eq": "X-Hasura-User-Id"}}}}
    notes = {
        "table": "notes",
        "object_relationships": [{"name": "user", "using": using}],
        "select_permissions": [{"role": "user", "permission": permission}],
    }
    metadata = {"version": 3, "sources": [source(notes)]}
    args = {"metadata": metadata, "allow_inconsistent_metadata": True}
    found = hasura.done("replace_metadata", args, version=2)["inconsistent_objects"]
    assert [(item["type"], item["reason"]) for item in found] == [
        ("object_relation", 'Inconsistent object: table "users" is not tracked'),
        ("select_permission", 'Inconsistent object: in table "notes": in permission for role "user": "user" does not exist'),
    ]  # fmt: skip
    hasura.done("pg_track_table", {"table": "users"})
    assert hasura.done("get_inconsistent_metadata")["is_consistent"] is True


def test_bulk(hasura: Running) -> None:
    """A bulk that fails changes nothing and says which of its commands failed."""
    assert hasura.refused("bulk", [TRACK_USERS, TRACK_GHOSTS]) == (
        400, "invalid-configuration", GHOST_ERROR, "$.args[1].args",
    )  # fmt: skip
    assert hasura.exported()["sources"][0]["tables"] == []
    nested = [{"type": "bulk", "args": [TRACK_USERS]}, {"type": "export_metadata", "args": {}}]
    assert hasura.done("bulk", nested)[0] == [{"message": "success"}]


def test_bulk_keep_going(hasura: Running) -> None:
    """The commands that succeed stay; an error stands in the place of its command's answer."""
    first, second = hasura.done("bulk_keep_going", [TRACK_GHOSTS, TRACK_USERS])
    assert (first["error"], first["code"]) == (GHOST_ERROR, "invalid-configuration")
    assert second == {"message": "success"}
    assert hasura.table("users")


def test_bulk_atomic(hasura: Running) -> None:
    """It takes commands about relationships only."""
    assert hasura.refused("bulk_atomic", [TRACK_USERS])[:3] == (
        500, "unexpected", "Bulk atomic does not support this command",
    )  # fmt: skip
    hasura.done("pg_track_table", {"table": "users"})
    using = {"foreign_key_constraint_on": "manager_id"}
    command = {
        "type": "pg_create_object_relationship",
        "args": {"table": "users", "name": "boss", "using": using},
    }
    assert hasura.done("bulk_atomic", [command]) == {"message": "success"}


def test_clear(hasura: Running) -> None:
    """Clearing leaves source `default` with its connection and nothing else."""
    hasura.done("pg_track_table", {"table": "users"})
    hasura.done("pg_add_source", {"name": "second", "configuration": hasura.configuration()})
    hasura.done("clear_metadata")
    assert [(s["name"], s["tables"]) for s in hasura.exported()["sources"]] == [("default", [])]
    assert (
        hasura.graphql("{users {id}}")["errors"][0]["message"]
        == "field 'users' not found in type: 'query_root'"
    )


def test_not_for_others(hasura: Running) -> None:
    """A role other than admin may not use the API, whatever the command."""
    headers = {"x-hasura-admin-secret": "admin-secret-of-the-tests", "x-hasura-role": "user"}
    answer = hasura.post("/v1/metadata", {"type": "export_metadata", "args": {}}, headers)
    assert (answer.status_code, answer.json()) == (
        400, {"path": "$.args", "error": "restricted access : admin only", "code": "access-denied"},
    )  # fmt: skip
