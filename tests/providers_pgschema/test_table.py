"""The plugin `pgschema` over gRPC against a real Postgres: the life of a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from providers.kit.values import Secret
from tests.plugin import Object, Plugin, PluginError

USERS: dict[str, Any] = {
    "name": "users",
    "columns": [
        {"name": "id", "type": "uuid", "nullable": False, "default": "gen_random_uuid()"},
        {"name": "federated_id", "type": "text", "nullable": False, "comment": "Auth0 user_id"},
        {"name": "email", "type": "varchar(200)"},
        {"name": "state", "type": "text", "default": "'new'"},
        {"name": "created_at", "type": "timestamptz", "nullable": False, "default": "now()"},
    ],
    "primaryKey": ["id"],
    "uniqueConstraints": [{"name": "users_federated_id_key", "columns": ["federated_id"]}],
    "comment": "People",
    "onDelete": "drop",
}


def changed(**changes: Any) -> dict[str, Any]:
    return {**USERS, **changes}


@pytest.fixture
def plugin(database: str) -> Iterator[Plugin]:
    with Plugin("providers/pgschema") as running:
        running.configure({"url": Secret(database)})
        yield running


def run(database: str, statement: str) -> list[Any]:
    with psycopg.connect(database, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def constraints(database: str) -> list[str]:
    rows = run(
        database,
        "SELECT conname FROM pg_constraint WHERE conrelid = 'users'::regclass AND contype IN ('p','u')",
    )
    return sorted(row[0] for row in rows)


def test_a_created_table_has_what_was_declared_and_a_refresh_finds_no_drift(
    plugin: Plugin, database: str
) -> None:
    made = plugin.create("Table", USERS)
    assert made.id == "public.users"
    assert made.state["adopted"] is False
    assert constraints(database) == ["users_federated_id_key", "users_pkey"]
    assert run(database, "INSERT INTO users (federated_id) VALUES ('a') RETURNING state, email") == [
        ("new", None)
    ]
    read = plugin.read("Table", made.id, made)
    assert read is not None
    assert read.inputs == made.inputs
    assert not plugin.diff("Table", read, made.inputs)


def test_a_diff_of_a_table_with_itself_is_empty(plugin: Plugin) -> None:
    checked = plugin.check("Table", USERS).inputs
    assert not plugin.diff("Table", Object("public.users", checked, checked), checked)


def test_a_preview_calls_nothing_outside() -> None:
    with Plugin("providers/pgschema") as unreachable:
        unreachable.configure({"url": Secret("postgres://nobody:secret@127.0.0.1:1/nowhere")})
        previewed = unreachable.create("Table", USERS, preview=True)
        assert previewed.id == ""


def test_an_unreachable_database_is_one_sentence_without_the_password() -> None:
    with Plugin("providers/pgschema") as unreachable:
        unreachable.configure({"url": Secret("postgres://nobody:hunter22@127.0.0.1:1/nowhere")})
        with pytest.raises(PluginError) as failure:
            unreachable.create("Table", USERS)
    assert "Postgres at 127.0.0.1:1/nowhere cannot be used" in failure.value.sentence
    assert "hunter22" not in failure.value.sentence
    assert "\n" not in failure.value.sentence


def test_a_column_put_in_between_is_the_only_change(plugin: Plugin, database: str) -> None:
    made = plugin.create("Table", USERS)
    columns = [USERS["columns"][0], {"name": "nickname", "type": "text"}, *USERS["columns"][1:]]
    new = plugin.check("Table", changed(columns=columns)).inputs
    assert plugin.diff("Table", made, new).changes == {"columns[1]": "ADD"}
    plugin.update("Table", made, changed(columns=columns))
    assert run(
        database, "INSERT INTO users (federated_id, nickname) VALUES ('a', 'b') RETURNING nickname"
    ) == [("b",)]


def test_changes_of_type_default_null_and_comment_are_shown_by_path_and_carried_out(plugin: Plugin) -> None:
    made = plugin.create("Table", USERS)
    columns = [dict(column) for column in USERS["columns"]]
    columns[2] |= {"type": "text", "nullable": False, "default": "''"}
    del columns[1]["comment"]
    new = changed(columns=columns, comment="Everybody")
    assert plugin.diff("Table", made, plugin.check("Table", new).inputs).changes == {
        "columns[1].comment": "DELETE",
        "columns[2].type": "UPDATE",
        "columns[2].nullable": "UPDATE",
        "columns[2].default": "ADD",
        "comment": "UPDATE",
    }
    updated = plugin.update("Table", made, new)
    read = plugin.read("Table", made.id, updated)
    assert read is not None
    assert read.inputs == updated.inputs


def test_dropping_a_column_needs_an_explicit_word_in_the_preview_already(
    plugin: Plugin, database: str
) -> None:
    made = plugin.create("Table", USERS)
    fewer = changed(columns=USERS["columns"][:2] + USERS["columns"][3:])
    with pytest.raises(PluginError, match="drops the column email, which loses data; set allowDataLoss"):
        plugin.update("Table", made, fewer, preview=True)
    plugin.update("Table", made, {**fewer, "allowDataLoss": True})
    with pytest.raises(psycopg.errors.UndefinedColumn):
        run(database, "SELECT email FROM users")


def test_narrowing_a_type_counts_as_a_loss_and_widening_does_not(plugin: Plugin) -> None:
    made = plugin.create("Table", USERS)
    columns = [dict(column) for column in USERS["columns"]]
    columns[2]["type"] = "varchar(10)"
    with pytest.raises(PluginError, match=r"changes the type of email from varchar\(200\) to varchar\(10\)"):
        plugin.update("Table", made, changed(columns=columns))


def test_columns_and_constraints_of_others_are_neither_seen_nor_touched(
    plugin: Plugin, database: str
) -> None:
    made = plugin.create("Table", USERS)
    run(database, "ALTER TABLE users ADD COLUMN theirs text CONSTRAINT theirs_key UNIQUE")
    read = plugin.read("Table", made.id, made)
    assert read is not None
    assert read.inputs == made.inputs
    plugin.update("Table", made, changed(comment="Everybody"))
    assert "theirs_key" in constraints(database)


def test_drift_behind_its_back_is_seen_and_mended(plugin: Plugin, database: str) -> None:
    made = plugin.create("Table", USERS)
    run(database, "ALTER TABLE users DROP CONSTRAINT users_federated_id_key, ALTER state SET DEFAULT 'old'")
    read = plugin.read("Table", made.id, made)
    assert read is not None
    assert plugin.diff("Table", read, made.inputs).changes == {
        "uniqueConstraints[0]": "ADD",
        "columns[3].default": "UPDATE",
    }
    plugin.update("Table", read, USERS)
    assert constraints(database) == ["users_federated_id_key", "users_pkey"]


def test_a_table_that_is_gone_reads_as_gone(plugin: Plugin, database: str) -> None:
    made = plugin.create("Table", USERS)
    run(database, "DROP TABLE users")
    assert plugin.read("Table", made.id, made) is None
    plugin.delete("Table", made)


def test_a_create_that_was_killed_half_way_is_found_again(plugin: Plugin) -> None:
    plugin.create("Table", USERS)
    again = plugin.create("Table", USERS)
    assert again.state["adopted"] is False


def test_somebody_elses_table_is_not_taken_over_without_a_word(plugin: Plugin, database: str) -> None:
    run(
        database,
        "CREATE TABLE users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), federated_id text NOT NULL, theirs int)",
    )
    with pytest.raises(PluginError, match=r"public\.users exists already and differs"):
        plugin.create("Table", USERS)
    adopted = plugin.create("Table", changed(adopt=True))
    assert adopted.state["adopted"] is True
    assert "users_federated_id_key" in constraints(database)
    plugin.delete("Table", adopted)
    assert run(database, "SELECT count(*) FROM users") == [(0,)]


def test_delete_drops_the_table_only_where_that_is_said(plugin: Plugin, database: str) -> None:
    kept = plugin.create("Table", changed(onDelete="keep"))
    plugin.delete("Table", kept)
    assert run(database, "SELECT count(*) FROM users") == [(0,)]
    plugin.delete("Table", plugin.create("Table", USERS))
    assert run(database, "SELECT to_regclass('users')") == [(None,)]


def test_a_rename_keeps_the_rows(plugin: Plugin, database: str) -> None:
    made = plugin.create("Table", USERS)
    run(database, "INSERT INTO users (federated_id) VALUES ('a')")
    plugin.update("Table", made, changed(name="people"))
    assert run(database, "SELECT federated_id FROM people") == [("a",)]


def test_a_failing_change_changes_nothing(plugin: Plugin, database: str) -> None:
    made = plugin.create("Table", USERS)
    run(database, "INSERT INTO users (federated_id, state) VALUES ('a', 'x'), ('b', 'x')")
    both = [*USERS["uniqueConstraints"], {"name": "one_state", "columns": ["state"]}]
    columns = [*USERS["columns"], {"name": "extra", "type": "text"}]
    with pytest.raises(
        PluginError, match=r"could not create unique index .one_state..; remove the duplicate rows first"
    ):
        plugin.update("Table", made, changed(columns=columns, uniqueConstraints=both))
    with pytest.raises(psycopg.errors.UndefinedColumn):
        run(database, "SELECT extra FROM users")


def test_an_import_brings_everything_that_the_table_has(plugin: Plugin, database: str) -> None:
    run(database, "CREATE SCHEMA app")
    run(database, "CREATE TABLE app.users (id int PRIMARY KEY, name text UNIQUE)")
    read = plugin.read("Table", "app.users")
    assert read is not None
    assert [column["name"] for column in read.inputs["columns"]] == ["id", "name"]
    assert read.inputs["uniqueConstraints"] == [{"name": "users_name_key", "columns": ["name"]}]
    assert read.state["adopted"] is True


@pytest.mark.parametrize(
    ("change", "prop", "reason"),
    [
        (
            {"columns": [{"name": "id", "type": "text; DROP TABLE x"}]},
            "columns[0].type",
            "must be a Postgres type",
        ),
        ({"columns": [{"name": "", "type": "text"}]}, "columns[0].name", "must be a Postgres name"),
        ({"primaryKey": ["nope"]}, "", "a key over the column nope"),
        ({"onDelete": "burn"}, "onDelete", "'keep' or 'drop'"),
        ({"colour": "red"}, "colour", "is not a property"),
    ],
)
def test_bad_input_is_refused_by_property(
    plugin: Plugin, change: dict[str, Any], prop: str, reason: str
) -> None:
    failures = plugin.check("Table", changed(**change)).failures
    assert reason in failures[prop]
