"""The metadata commands: what they do, and how they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.postgres import Server
from tests.sandbox_hasura.running_engine import Running, running, two_databases

USER_FILTER = {"federated_id": {"_eq": "X-Hasura-User-Id"}}
SELECT = {"table": "users", "role": "user", "permission": {"columns": ["id"], "filter": USER_FILTER}}


@pytest.fixture(scope="module")
def module_engine(postgres_server: Server) -> Iterator[Running]:
    with two_databases(postgres_server) as urls, running(*urls) as started:
        yield started


@pytest.fixture
def hasura(module_engine: Running) -> Running:
    """An engine with source `default` and no tracked table."""
    module_engine.empty()
    return module_engine


def test_tracking(hasura: Running) -> None:
    """A tracked table is served; tracking it again is refused, and so is untracking it twice."""
    assert hasura.done(
        "pg_track_table", {"source": "default", "table": {"schema": "public", "name": "users"}}
    ) == {"message": "success"}
    assert hasura.graphql("{users {id}}") == {"data": {"users": []}}
    assert hasura.refused("pg_track_table", {"table": "users"}) == (
        400, "already-tracked", 'view/table already tracked: "users"', "$.args",
    )  # fmt: skip
    hasura.done("pg_untrack_table", {"table": "users"})
    assert hasura.refused("pg_untrack_table", {"table": "users"}) == (
        400, "already-untracked", 'view/table already untracked: "users"', "$.args",
    )  # fmt: skip


def test_tracking_what_is_not_there(hasura: Running) -> None:
    """A table that the database lacks is refused with the object and the reason, and nothing is stored."""
    before = hasura.version()
    answer = hasura.metadata("pg_track_table", {"table": {"schema": "app", "name": "ghosts"}})
    assert answer.status_code == 400
    reason = 'Inconsistent object: no such table/view exists in source: "app.ghosts"'
    assert answer.json() == {
        "error": reason,
        "code": "invalid-configuration",
        "path": "$.args",
        "internal": [
            {
                "definition": {"name": "ghosts", "schema": "app"},
                "name": "table app.ghosts in source default",
                "reason": reason,
                "type": "table",
            }
        ],
    }
    assert hasura.version() == before


@pytest.mark.parametrize("args", ["users", {"name": "users"}, {"schema": "public", "name": "users"}])
def test_v1_form_of_track_table(hasura: Running, args: Any) -> None:
    """The arguments may be the table itself, as in version 1 of the API."""
    hasura.done("pg_track_table", args)
    assert hasura.table("users") == {"table": {"name": "users", "schema": "public"}}


def test_track_tables_reports_each(hasura: Running) -> None:
    """Of several tables those that fail are warnings; when warnings are not allowed nothing is tracked."""
    tables = [{"table": "users"}, {"table": "ghosts"}]
    warning = {
        "code": "track-table-failed",
        "message": 'Inconsistent object: no such table/view exists in source: "ghosts"',
        "name": "table ghosts in source default",
        "type": "table",
    }
    refused = hasura.metadata("pg_track_tables", {"tables": tables, "allow_warnings": False})
    assert refused.status_code == 400
    assert refused.json() == {
        "code": "metadata-warnings", "error": "failed due to metadata warnings", "path": "$.args", "internal": [warning],
    }  # fmt: skip
    assert hasura.exported()["sources"][0]["tables"] == []
    assert hasura.done("pg_track_tables", {"tables": tables}) == {"message": "success", "warnings": [warning]}
    assert hasura.table("users")


def test_permissions(hasura: Running) -> None:
    """A permission opens the table for the role; a second one and dropping an absent one are refused."""
    hasura.done("pg_track_table", {"table": "users"})
    hasura.done("pg_create_select_permission", SELECT)
    asked = hasura.graphql("{users {id}}", x_hasura_role="user", x_hasura_user_id="a")
    assert asked == {"data": {"users": []}}
    assert hasura.refused("pg_create_select_permission", SELECT) == (
        400, "already-exists", 'select permission already defined on table "users" with role "user"', "$.args",
    )  # fmt: skip
    hasura.done("pg_drop_select_permission", {"table": "users", "role": "user"})
    assert hasura.refused("pg_drop_select_permission", {"table": "users", "role": "user"}) == (
        400, "permission-denied", 'select permission on "users" for role "user" does not exist', "$.args",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "permission"),
    [
        ("select", {"columns": ["nope"], "filter": {}}),
        ("select", {"columns": [], "filter": {"_and": [{"_not": {"nope": {"_eq": 1}}}]}}),
        ("insert", {"check": {"manager": {"nope": {"_eq": 1}}}}),
        ("insert", {"check": {}, "set": {"nope": "x-hasura-user-id"}}),
        ("update", {"columns": ["nope"], "filter": {}, "check": None}),
        ("delete", {"filter": {"nope": {"_is_null": True}}}),
    ],
)
def test_permission_with_an_unknown_column(hasura: Running, kind: str, permission: dict[str, Any]) -> None:
    """A permission that names an absent column, wherever it does, is refused."""
    hasura.done("pg_track_table", {"table": "users"})
    using = {"foreign_key_constraint_on": "manager_id"}
    hasura.done("pg_create_object_relationship", {"table": "users", "name": "manager", "using": using})
    reason = 'Inconsistent object: in table "users": in permission for role "user": "nope" does not exist'
    args = {"table": "users", "role": "user", "permission": permission}
    assert hasura.refused(f"pg_create_{kind}_permission", args) == (
        400,
        "invalid-configuration",
        reason,
        "$.args",
    )


def test_permission_for_admin(hasura: Running) -> None:
    """The role admin has every permission and can be given none."""
    hasura.done("pg_track_table", {"table": "users"})
    _, code, error, _ = hasura.refused("pg_create_select_permission", {**SELECT, "role": "admin"})
    assert (code, error.endswith("cannot define permission for admin role")) == (
        "invalid-configuration",
        True,
    )


def test_relationships(hasura: Running) -> None:
    """Relationships follow foreign keys both ways; an absent key and a taken name are refused."""
    for table in ("users", "notes"):
        hasura.done("pg_track_table", {"table": table})
    array = {
        "table": "users",
        "name": "notes",
        "using": {"foreign_key_constraint_on": {"table": "notes", "column": "user_id"}},
    }
    hasura.done("pg_create_array_relationship", array)
    hasura.done(
        "pg_create_object_relationship",
        {"table": "notes", "name": "user", "using": {"foreign_key_constraint_on": "user_id"}},
    )
    assert hasura.graphql("{users {notes {user {id}}}}") == {"data": {"users": []}}
    assert hasura.refused("pg_create_array_relationship", array)[1:3] == (
        "already-exists", 'field with name "notes" already exists in table "users"',
    )  # fmt: skip
    wrong = {"table": "notes", "name": "other", "using": {"foreign_key_constraint_on": "body"}}
    assert hasura.refused("pg_create_object_relationship", wrong)[1:3] == (
        "invalid-configuration",
        'Inconsistent object: in table "notes": in relationship "other": no foreign constraint exists on the given'
        " column(s)",
    )


def test_relationship_that_a_permission_uses(hasura: Running) -> None:
    """A relationship that a permission goes through is dropped with `cascade` only, and takes it along."""
    hasura.done("pg_track_table", {"table": "users"})
    using = {"manual_configuration": {"remote_table": "users", "column_mapping": {"manager_id": "id"}}}
    hasura.done("pg_create_object_relationship", {"table": "users", "name": "boss", "using": using})
    body = {"columns": "*", "filter": {"boss": {"email": {"_eq": "a@b"}}}}
    hasura.done("pg_create_select_permission", {**SELECT, "permission": body})
    args = {"table": "users", "relationship": "boss"}
    assert hasura.refused("pg_drop_relationship", args) == (
        400,
        "dependency-error",
        'cannot drop due to the following dependent objects: permission users.user.select in source "default"',
        "$.args",
    )
    hasura.done("pg_drop_relationship", {**args, "cascade": True})
    assert hasura.table("users") == {"table": {"name": "users", "schema": "public"}}


def test_untracking_what_others_rest_on(hasura: Running) -> None:
    """A table that a relationship leads to is untracked with `cascade` only."""
    for table in ("users", "notes"):
        hasura.done("pg_track_table", {"table": table})
    using = {"foreign_key_constraint_on": "user_id"}
    hasura.done("pg_create_object_relationship", {"table": "notes", "name": "user", "using": using})
    assert hasura.refused("pg_untrack_table", {"table": "users"})[2] == (
        'cannot drop due to the following dependent objects: relationship notes.user in source "default"'
    )
    hasura.done("pg_untrack_table", {"table": "users", "cascade": True})
    assert hasura.table("notes") == {"table": {"name": "notes", "schema": "public"}}


def test_computed_fields_and_functions(hasura: Running) -> None:
    """Functions become fields of a row or of the query root, and go again."""
    hasura.done("pg_track_table", {"table": "users"})
    field = {
        "table": "users",
        "name": "loud",
        "definition": {"function": "shout", "table_argument": "person"},
    }
    hasura.done("pg_add_computed_field", field)
    hasura.done("pg_track_function", {"function": "search_users"})
    assert hasura.graphql('{search_users(args: {term: "a%"}) {loud}}') == {"data": {"search_users": []}}
    assert hasura.refused("pg_track_function", {"function": "search_users"})[1:3] == (
        "already-tracked", 'function already tracked: "search_users"',
    )  # fmt: skip
    assert hasura.table("users")["computed_fields"] == [
        {
            "name": "loud",
            "definition": {"function": {"name": "shout", "schema": "public"}, "table_argument": "person"},
        }
    ]
    hasura.done("pg_drop_computed_field", {"table": "users", "name": "loud"})
    hasura.done("pg_create_function_permission", {"function": "search_users", "role": "user"})
    hasura.done("pg_drop_function_permission", {"function": "search_users", "role": "user"})
    hasura.done("pg_untrack_function", {"function": "search_users"})
    assert "functions" not in hasura.exported()["sources"][0]


def test_inherited_roles(hasura: Running) -> None:
    """An inherited role has its parents' permissions; it cannot inherit from itself."""
    hasura.done("pg_track_table", {"table": "users"})
    hasura.done("pg_create_select_permission", SELECT)
    hasura.done("add_inherited_role", {"role_name": "both", "role_set": ["user", "editor"]})
    asked = hasura.graphql("{users {id}}", x_hasura_role="both", x_hasura_user_id="a")
    assert asked == {"data": {"users": []}}
    assert hasura.refused("add_inherited_role", {"role_name": "x", "role_set": ["x"]})[0] == 400
    hasura.done("drop_inherited_role", {"role_name": "both"})
    assert "inherited_roles" not in hasura.exported()


def test_customization_names_the_fields(hasura: Running) -> None:
    """Custom names are what GraphQL shows, and are exported in both places where Hasura keeps them."""
    hasura.done("pg_track_table", {"table": "users"})
    configuration = {"custom_name": "people", "custom_column_names": {"federated_id": "subject"}}
    hasura.done("pg_set_table_customization", {"table": "users", "configuration": configuration})
    assert hasura.graphql("{people {subject}}") == {"data": {"people": []}}
    assert hasura.table("users")["configuration"] == {
        "column_config": {"federated_id": {"custom_name": "subject"}},
        "custom_column_names": {"federated_id": "subject"},
        "custom_name": "people",
        "custom_root_fields": {},
    }


BAD_CHECK = {"table": "users", "role": "u", "permission": {"check": []}}
NO_BODY = {"table": "users", "role": "user"}
UNKNOWN = 'unknown metadata command "nope"'


@pytest.mark.parametrize(
    ("kind", "args", "expected"),
    [
        ("nope", {}, ("parse-failed", f'{UNKNOWN}; "nope" was not recognized as a valid backend name', "$")),
        ("pg_nope", {}, ("parse-failed", f"{UNKNOWN} for backend postgres", "$")),
        ("pg_track_table", {}, ("parse-failed", 'key "table" not found', "$.args")),
        ("pg_track_table", {"source": "x", "table": "users"}, ("not-exists", 'source with name "x" does not exist', "$.args")),
        ("pg_create_select_permission", SELECT, ("not-exists", 'table "users" does not exist in source: default', "$.args")),
        ("pg_create_select_permission", NO_BODY, ("parse-failed", 'key "permission" not found', "$.args")),
        (
            "pg_create_insert_permission", BAD_CHECK,
            ("parse-failed", "parsing boolean expression failed, expected Object, but encountered Array",
             "$.args.permission.check"),
        ),
    ],
)  # fmt: skip
def test_refusals(hasura: Running, kind: str, args: Any, expected: tuple[str, str, str]) -> None:
    """A command that is unknown or wrongly made says what is wrong, and where."""
    assert hasura.refused(kind, args) == (400, *expected)


@pytest.mark.parametrize("kind", ["create_action", "pg_set_table_is_enum", "add_remote_schema"])
def test_commands_that_are_not_simulated(hasura: Running, kind: str) -> None:
    """A command of the real engine that this one lacks answers 501 and names itself."""
    assert hasura.refused(kind) == (501, "not-supported", f"sandbox: {kind} is not simulated", "$")
