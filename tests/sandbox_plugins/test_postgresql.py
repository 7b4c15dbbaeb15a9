"""Role, schema and grants in a real Postgres: made, read, changed by hand and by the program, removed without a trace.

Every test runs twice: as superuser, and as the owner of the database who may make roles, which is what managed Postgres gives.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from providers.kit.values import UNKNOWN, Secret, reveal
from tests.plugin import Object, PluginError
from tests.sandbox_plugins.databases import PASSWORD, Place, settings_of
from tests.sandbox_plugins.plugins import Executable, settled, stand_in_only


def changes(place: Place, kind: str, known: Object, declared: dict[str, Any]) -> set[str]:
    """The properties that a refresh and a diff show."""
    found = place.plugin.read(kind, known.id, known)
    assert found is not None
    checked = place.plugin.check(kind, declared, olds=found.inputs)
    assert not checked.failures
    return {path.split("[")[0] for path in place.plugin.diff(kind, found, checked.inputs).changes}


def test_role(place: Place):
    """It may log in with its password and nothing else; its password changes in place; afterwards it is gone."""
    plugin = place.plugin
    made = plugin.create("Role", place.role_inputs())
    flags = "rolcanlogin, rolinherit, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolconnlimit"
    query = f"SELECT {flags}, rolvaliduntil::text FROM pg_roles WHERE rolname = '{place.role}'"
    assert place.sql(query) == [(True, True, False, False, False, False, False, -1, "infinity")]
    place.log_in(PASSWORD)
    made = settled(plugin, "Role", made)
    changed = place.role_inputs(password=Secret("another-password"))
    assert changes(place, "Role", made, changed) == {"password"}
    made = plugin.update("Role", made, changed)
    place.log_in("another-password")
    by_hand = {"NOLOGIN": "login", "SUPERUSER": "superuser", "CONNECTION LIMIT 1": "connectionLimit"}
    for words in by_hand:
        place.sql(f"ALTER ROLE ROLE_ {words}")
    assert changes(place, "Role", made, changed) == set(by_hand.values())
    place.sql("ALTER ROLE ROLE_ NOSUPERUSER")  # only a superuser can take it back
    found = plugin.read("Role", made.id, made)
    assert found is not None
    made = plugin.update("Role", found, changed)
    assert changes(place, "Role", made, changed) == set()
    place.log_in("another-password")
    plugin.delete("Role", made)
    assert place.sql(query) == []
    assert plugin.read("Role", made.id, made) is None


def test_a_renamed_role_is_the_same_role(place: Place):
    """Its password and what it owns stay."""
    plugin = place.plugin
    made = plugin.create("Role", place.role_inputs())
    oid = place.sql(f"SELECT oid FROM pg_roles WHERE rolname = '{place.role}'")
    renamed = place.role_inputs(name=f"{place.role}_new")
    checked = plugin.check("Role", renamed, olds=made.inputs)
    assert not plugin.diff("Role", made, checked.inputs).replaces
    made = plugin.update("Role", made, renamed)
    place.role += "_new"
    assert place.sql(f"SELECT oid FROM pg_roles WHERE rolname = '{place.role}'") == oid
    place.log_in(PASSWORD)
    found = plugin.read("Role", made.id, made)
    assert found is not None
    plugin.delete("Role", found)
    assert place.sql(f"SELECT oid FROM pg_roles WHERE rolname = '{place.role}'") == []


def test_grants_are_what_is_declared(granted: tuple[Place, Object, dict[str, Object]]):
    """By name, on the named table alone; a refresh finds no difference, in whatever order they are named."""
    place, role, grants = granted
    assert place.privileges() == {"USAGE", "users SELECT", "users INSERT", "users UPDATE"}
    assert grants["schema"].id == f"{place.role}_{place.database}_app_schema"
    assert grants["table"].id == f"{place.role}_{place.database}_app_table_users"
    for made in (role, *grants.values()):
        settled(place.plugin, "Role" if made is role else "Grant", made)
    assert (
        changes(place, "Grant", grants["table"], place.grant_inputs("table", "UPDATE", "INSERT", "SELECT"))
        == set()
    )


def test_privileges_that_were_changed_by_hand_are_seen_and_put_right(
    granted: tuple[Place, Object, dict[str, Object]],
):
    """Fewer, none, more than declared."""
    place, _, grants = granted
    declared = place.grant_inputs("table", "SELECT", "INSERT", "UPDATE")
    known = grants["table"]
    for by_hand in (
        "REVOKE UPDATE ON {} FROM ROLE_",
        "REVOKE ALL ON {} FROM ROLE_",
        "GRANT DELETE ON {} TO ROLE_",
    ):
        place.sql(by_hand.format("app.users"))
        assert changes(place, "Grant", known, declared) == {"privileges"}
        found = place.plugin.read("Grant", known.id, known)
        assert found is not None
        known = place.plugin.update("Grant", found, declared)
        assert place.privileges() == {"USAGE", "users SELECT", "users INSERT", "users UPDATE"}


def test_a_grant_is_narrowed_and_taken_back(granted: tuple[Place, Object, dict[str, Object]]):
    """What the program no longer grants is revoked; a schema is cleared of what others granted, a table is not."""
    place, _, grants = granted
    place.sql("GRANT CREATE ON SCHEMA app TO ROLE_; GRANT DELETE ON app.users TO ROLE_")
    table = place.plugin.update("Grant", grants["table"], place.grant_inputs("table", "SELECT"))
    assert place.privileges() == {"USAGE", "CREATE", "users SELECT", "users DELETE"}
    place.plugin.delete("Grant", table)
    place.plugin.delete("Grant", grants["schema"])
    assert place.privileges() == {"users DELETE"}


def test_a_grant_to_somebody_else_is_another_grant(granted: tuple[Place, Object, dict[str, Object]]):
    """Role, schema and tables are its identity."""
    place, _, grants = granted
    old = grants["table"]
    others: list[dict[str, Any]] = [{"role": "another"}, {"schema": "other"}, {"objects": ["other"]}]
    for other in others:
        declared = {**place.grant_inputs("table", "SELECT", "INSERT", "UPDATE"), **other}
        news = place.plugin.check("Grant", declared, olds=old.inputs)
        replaced = place.plugin.diff("Grant", old, news.inputs).replaces
        assert {path.split("[")[0] for path in replaced} == set(other)


def test_a_role_leaves_with_everything_it_holds(granted: tuple[Place, Object, dict[str, Object]]):
    """What it owns goes to the one who deletes it, with the rows; grants that were left behind do not hold it back."""
    place, role, _ = granted
    place.sql("GRANT CREATE ON SCHEMA app TO ROLE_")
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute(f'GRANT "{place.role}" TO CURRENT_USER')
        connection.execute(f'SET ROLE "{place.role}"')
        connection.execute("CREATE TABLE app.mine AS SELECT 1 AS id")
    place.plugin.delete("Role", role)
    assert place.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{place.role}'") == []
    assert place.sql("SELECT id FROM app.mine") == [(1,)]
    assert place.sql(
        "SELECT DISTINCT relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user) FROM pg_class WHERE relname = 'mine'"
    )


def test_schema(place: Place):
    """Made, read, dropped; one that exists is taken over."""
    plugin = place.plugin
    made = plugin.create("Schema", place.schema_inputs())
    assert made.id == f"{place.database}.app"
    made = settled(plugin, "Schema", made)
    assert plugin.create("Schema", place.schema_inputs()).id == made.id
    plugin.delete("Schema", made)
    assert plugin.read("Schema", made.id, made) is None
    plugin.delete("Schema", made)


def test_a_schema_with_others_tables_stays(place: Place):
    """Nobody's table is dropped with it: the deployment fails and says why."""
    made = place.plugin.create("Schema", place.schema_inputs())
    place.sql("CREATE TABLE app.theirs (id int)")
    with pytest.raises(PluginError, match="cannot drop schema app because other objects depend on it"):
        place.plugin.delete("Schema", made)
    place.sql("SELECT * FROM app.theirs")


def test_the_password_is_secret(place: Place):
    """In the state after create, read and update; in no log line and in no failure."""
    made = place.plugin.create("Role", place.role_inputs())
    with pytest.raises(PluginError) as failed:
        place.plugin.create("Role", place.role_inputs())
    assert "already exists" in str(failed.value)
    assert PASSWORD not in str(failed.value)
    assert not [line for line in place.plugin.engine.lines if PASSWORD in line]
    found = place.plugin.read("Role", made.id, made)
    assert found is not None
    if place.plugin.flags.acceptSecrets:  # else the engine wraps it
        for props in (made.state, found.inputs, found.state):
            assert isinstance(props["password"], Secret)
    assert reveal(found.state["password"]) == PASSWORD
    place.plugin.delete("Role", made)


def test_a_preview_connects_to_nothing():
    """Unknown values and a database that does not exist yet are no hindrance."""
    with Executable("postgresql", {**settings_of("postgres://a:b@127.0.0.1:9/c")}) as plugin:
        plugin.create("Role", {"name": "r", "login": True, "password": UNKNOWN}, preview=True)
        grant = {
            "role": UNKNOWN,
            "database": "c",
            "schema": "s",
            "objectType": "schema",
            "privileges": ["USAGE"],
        }
        plugin.create("Grant", grant, preview=True)
        with pytest.raises(PluginError, match=r"127\.0\.0\.1"):
            plugin.create("Role", {"name": "r", "login": True})


@stand_in_only
def test_what_is_gone_is_no_failure_to_delete(granted: tuple[Place, Object, dict[str, Object]]):
    """A destroy after somebody has dropped the role by hand goes through (the published plugin needs a refresh first)."""
    place, role, grants = granted
    place.sql("DROP OWNED BY ROLE_; DROP ROLE ROLE_")
    for made in grants.values():
        assert place.plugin.read("Grant", made.id, made) is None
        place.plugin.delete("Grant", made)
    place.plugin.delete("Role", role)


@stand_in_only
def test_what_the_stand_in_does_not_know_is_refused_by_name(place: Place):
    """Nothing that the program sets is dropped silently."""
    unknown = "is not known to the sandbox's stand-in for this plugin, which serves what this stack declares"
    assert place.plugin.check("Role", place.role_inputs(assumeRole="x")).failures == {"assumeRole": unknown}
    everything = {**place.grant_inputs("table", "SELECT"), "objects": []}
    assert "must name the tables" in place.plugin.check("Grant", everything).failures["objects"]
    assert place.plugin.check("Grant", place.grant_inputs("table", "ALL")).failures.keys() == {
        "privileges[0]"
    }
    with pytest.raises(PluginError, match="stand-in for the plugin postgresql has no resource"):
        place.plugin.check("Database", {"name": "d"})


@stand_in_only
def test_a_server_that_refuses_says_why_and_where(database: str):
    """The sentence names server and database, and what to check; not the password."""
    with (
        Executable("postgresql", {**settings_of(database), "password": "wrong-password"}) as plugin,
        pytest.raises(
            PluginError, match=r"cannot be used, .*password authentication failed.*; check databaseUrl"
        ) as failed,
    ):
        plugin.create("Role", {"name": "r"})
    assert "wrong-password" not in str(failed.value)
