"""`hasura:index:Metadata` over gRPC against a small engine: the life of a fragment, and its manners among others' objects."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from providers.kit.values import UNKNOWN, Secret
from tests.plugin import Object, Plugin, PluginError
from tests.providers_hasura.fakes import INTERNAL_ERROR, SOURCE, FakeEngine

OWN_ROW = {"id": {"_eq": "X-Hasura-User-Id"}}


def select(role: str, *columns: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "permission": {"columns": sorted(columns), "filter": OWN_ROW, **more}}


def users(**parts: Any) -> dict[str, Any]:
    """A fragment about the table `users` of the existing source."""
    return {"fragment": {"sources": [{"name": "default", "tables": [{"table": "users", **parts}]}]}}


BASIC = users(select_permissions=[select("user", "id", "name")])


def live(plugin: Plugin, known: Object) -> Object:
    found = plugin.read("Metadata", known.id, known)
    assert found is not None
    return found


def test_a_fragment_lives_from_create_to_delete_and_leaves_nothing(
    plugin: Plugin, engine: FakeEngine
) -> None:
    before = copy.deepcopy(engine.metadata)
    made = plugin.create("Metadata", BASIC)
    assert made.id == "default" and made.state["adopted"] == []
    assert engine.table("users")["select_permissions"] == [select("user", "id", "name")]
    assert not plugin.diff("Metadata", made, live(plugin, made).inputs)
    changed = plugin.update("Metadata", made, users(select_permissions=[select("user", "id")]))
    assert engine.table("users")["select_permissions"] == [select("user", "id")]
    plugin.delete("Metadata", changed)
    assert engine.metadata == before
    assert plugin.read("Metadata", changed.id, changed) is None


def test_every_spelling_of_the_same_metadata_is_the_same(plugin: Plugin, engine: FakeEngine) -> None:
    table = {
        "table": {"schema": "public", "name": "users"},
        "is_enum": False,
        "configuration": {"custom_root_fields": {}, "column_config": {}, "custom_column_names": {}},
        "object_relationships": [],
        "update_permissions": [
            {"role": "b", "permission": {"columns": ["name", "id"], "filter": {"$and": []}, "check": None}},
            {"role": "a", "permission": {"columns": "*", "filter": {}, "set": {}, "backend_only": False}},
        ],
    }
    short = {
        "table": "users",
        "update_permissions": [
            {"role": "a", "permission": {"columns": "*", "filter": {}}},
            {"role": "b", "permission": {"columns": ["id", "name"], "filter": {"_and": []}}},
        ],
    }
    made = plugin.create(
        "Metadata", {"fragment": {"version": 3, "sources": [{"name": "default", "tables": [table]}]}}
    )
    same = plugin.check("Metadata", {"fragment": {"sources": [{"name": "default", "tables": [short]}]}})
    assert not plugin.diff("Metadata", made, same.inputs)


def test_objects_of_others_stay_through_create_update_and_delete(plugin: Plugin, engine: FakeEngine) -> None:
    engine.track("posts", select_permissions=[select("editor", "id")])
    engine.track("users", select_permissions=[select("admin2", "id")], is_enum=True)
    engine.metadata["actions"] = [{"name": "somebody's"}]
    before = copy.deepcopy(engine.metadata)
    made = plugin.create("Metadata", BASIC)
    assert made.state["adopted"] == ["sources/default/tables/public.users"]
    changed = plugin.update(
        "Metadata", made, users(insert_permissions=[{"role": "user", "permission": {"check": {}}}])
    )
    assert engine.table("users")["select_permissions"] == [select("admin2", "id")]
    plugin.delete("Metadata", changed)
    assert engine.metadata == before


def test_a_permission_of_somebody_else_is_not_overwritten(plugin: Plugin, engine: FakeEngine) -> None:
    engine.track("users", select_permissions=[select("user", "email")])
    with pytest.raises(
        PluginError, match=r"select permission of role user on table public\.users of source default"
    ):
        plugin.create("Metadata", BASIC)
    assert engine.writes == 0


def test_what_adopt_overwrites_is_put_back_on_delete(plugin: Plugin, engine: FakeEngine) -> None:
    engine.track("users", select_permissions=[select("user", "email")])
    before = copy.deepcopy(engine.metadata)
    made = plugin.create("Metadata", {**BASIC, "adopt": True})
    assert engine.table("users")["select_permissions"] == [select("user", "id", "name")]
    assert isinstance(made.state["replaced"], Secret)
    changed = plugin.update(
        "Metadata", made, {**users(select_permissions=[select("user", "id")]), "adopt": True}
    )
    plugin.delete("Metadata", changed)
    assert engine.metadata == before


def test_a_deployment_that_broke_off_after_the_write_is_taken_up_again(
    plugin: Plugin, engine: FakeEngine
) -> None:
    before = copy.deepcopy(engine.metadata)
    plugin.create("Metadata", BASIC)  # and the state of this one is lost
    writes = engine.writes
    again = plugin.create("Metadata", BASIC)
    assert engine.writes == writes and again.state["adopted"] == []
    plugin.delete("Metadata", again)
    assert engine.metadata == before


def test_a_table_of_ours_with_somebody_elses_permission_stays(plugin: Plugin, engine: FakeEngine) -> None:
    made = plugin.create("Metadata", BASIC)
    engine.table("users")["select_permissions"].append(select("admin2", "id"))
    engine.version += 1
    plugin.delete("Metadata", made)
    assert engine.table("users")["select_permissions"] == [select("admin2", "id")]


def test_a_source_of_ours_goes_with_the_fragment_unless_others_use_it(
    plugin: Plugin, engine: FakeEngine
) -> None:
    engine.metadata["sources"] = []
    source = {"name": "mine", "configuration": SOURCE["configuration"], "tables": [{"table": "users"}]}
    made = plugin.create("Metadata", {"fragment": {"sources": [source]}})
    assert engine.metadata["sources"][0]["kind"] == "postgres"
    plugin.delete("Metadata", made)
    assert engine.metadata["sources"] == []
    made = plugin.create("Metadata", {"fragment": {"sources": [source]}})
    engine.track("posts")
    plugin.delete("Metadata", made)
    assert [table["table"]["name"] for table in engine.metadata["sources"][0]["tables"]] == ["posts"]


def test_a_source_that_is_only_referred_to_must_exist(plugin: Plugin, engine: FakeEngine) -> None:
    with pytest.raises(PluginError, match="has no source other, and the fragment gives no configuration"):
        plugin.create(
            "Metadata", {"fragment": {"sources": [{"name": "other", "tables": [{"table": "users"}]}]}}
        )


def test_a_refresh_sees_what_changed_and_what_is_gone(plugin: Plugin, engine: FakeEngine) -> None:
    made = plugin.create(
        "Metadata", users(select_permissions=[select("a", "id"), select("b", "id")], is_enum=True)
    )
    table = engine.table("users")
    table["select_permissions"] = [select("b", "id", "email"), select("foreign", "id")]
    found = live(plugin, made)
    seen = found.inputs["fragment"]["sources"][0]["tables"][0]
    assert seen["select_permissions"] == [select("b", "id", "email")] and seen["is_enum"] is True
    assert plugin.diff("Metadata", found, made.inputs).changes == {
        "fragment.sources[0].tables[0].select_permissions[0]": "ADD",
        "fragment.sources[0].tables[0].select_permissions[1].permission.columns[0]": "UPDATE",
        "fragment.sources[0].tables[0].select_permissions[1].permission.columns[1]": "DELETE",
    }
    plugin.update("Metadata", found, made.inputs)
    roles = [item["role"] for item in engine.table("users")["select_permissions"]]
    assert sorted(roles) == ["a", "b", "foreign"]


def test_one_more_role_is_one_change(plugin: Plugin) -> None:
    old = plugin.check("Metadata", users(select_permissions=[select("m", "id"), select("z", "id")])).inputs
    new = plugin.check(
        "Metadata", users(select_permissions=[select("a", "id"), select("m", "id"), select("z", "id")])
    ).inputs
    changes = plugin.diff("Metadata", Object("default", old, old), new).changes
    assert changes == {"fragment.sources[0].tables[0].select_permissions[0]": "ADD"}


def test_an_import_takes_everything_of_a_source(plugin: Plugin, engine: FakeEngine) -> None:
    engine.track("users", select_permissions=[select("user", "id")])
    engine.metadata["sources"][0]["configuration"]["connection_info"]["database_url"] = "postgres://u:pw@h/d"
    found = plugin.read("Metadata", "default")
    assert found is not None
    source = found.inputs["fragment"]["sources"][0]
    assert source["configuration"]["connection_info"] == {"database_url": Secret("postgres://u:pw@h/d")}
    assert source["tables"][0]["select_permissions"] == [select("user", "id")]
    assert plugin.read("Metadata", "nothing") is None


def test_an_inconsistency_is_an_error_and_nothing_is_written(plugin: Plugin, engine: FakeEngine) -> None:
    before = copy.deepcopy(engine.metadata)
    with pytest.raises(
        PluginError, match=r'nothing was written: select_permission user in table users .*"nope"'
    ):
        plugin.create("Metadata", users(select_permissions=[select("user", "nope")]))
    assert engine.metadata == before


def test_inconsistencies_of_others_do_not_block(plugin: Plugin, engine: FakeEngine) -> None:
    engine.track("vanished")
    made = plugin.create("Metadata", BASIC)
    assert engine.table("users")["select_permissions"]
    plugin.delete("Metadata", made)
    assert [table["table"]["name"] for table in engine.metadata["sources"][0]["tables"]] == ["vanished"]


def test_a_new_inconsistency_among_old_ones_is_an_error_and_nothing_is_written(
    plugin: Plugin, engine: FakeEngine
) -> None:
    engine.track("vanished")
    before = copy.deepcopy(engine.metadata)
    with pytest.raises(PluginError, match="nope"):
        plugin.create("Metadata", users(select_permissions=[select("user", "nope")]))
    assert engine.metadata == before


def test_own_objects_that_are_inconsistent_already_are_a_failure_even_without_a_change(
    plugin: Plugin, engine: FakeEngine
) -> None:
    made = plugin.create("Metadata", BASIC)
    del engine.tables["users"]
    with pytest.raises(PluginError, match="no such table"):
        plugin.update("Metadata", made, BASIC)
    plugin.delete("Metadata", made)
    assert engine.metadata["sources"][0]["tables"] == []


def test_a_table_made_since_the_engine_looked_is_found_by_a_reload(
    plugin: Plugin, engine: FakeEngine
) -> None:
    engine.hidden_until_reload = {"users"}
    plugin.create("Metadata", BASIC)
    assert engine.table("users")["select_permissions"]


def test_an_engine_that_has_its_environment_only_soon_is_waited_for(
    plugin: Plugin, engine: FakeEngine
) -> None:
    engine.environment.clear()
    engine.faults.extend([lambda: None] * 12 + [lambda: engine.environment.add("PG_DATABASE_URL")])
    plugin.create("Metadata", BASIC)
    assert engine.table("users")


def test_a_variable_that_never_comes_is_named(plugin: Plugin, engine: FakeEngine) -> None:
    """For a source that the engine has and for one that it would get: it cannot be asked to look at that one again."""
    engine.environment.clear()
    mine = {"name": "mine", "configuration": SOURCE["configuration"], "tables": [{"table": "users"}]}
    for fragment in (BASIC, {"fragment": {"sources": [mine]}}):
        with pytest.raises(PluginError) as failure:
            plugin.create("Metadata", fragment, timeout=0.5)
        assert "environment variable 'PG_DATABASE_URL' not set" in failure.value.sentence
        assert "restart the engine, and deploy again" in failure.value.sentence


def test_a_faster_writer_is_met_with_another_try(plugin: Plugin, engine: FakeEngine) -> None:
    def interfere() -> None:
        engine.track(f"posts{engine.version}")
        engine.tables[f"posts{engine.version - 1}"] = {"id"}

    engine.faults.extend([lambda: None, interfere, lambda: None, interfere])
    plugin.create("Metadata", BASIC)
    names = [table["table"]["name"] for table in engine.metadata["sources"][0]["tables"]]
    assert len(names) == 3 and "users" in names


def test_an_answer_that_got_lost_after_the_write_is_no_failure(plugin: Plugin, engine: FakeEngine) -> None:
    def write_and_fail() -> None:
        request = engine.requests[-1]
        engine.answer("", request, {"x-hasura-admin-secret": engine.secret})
        engine.faults.appendleft(INTERNAL_ERROR)

    engine.faults.extend([lambda: None, write_and_fail])
    made = plugin.create("Metadata", BASIC)
    assert made.state["adopted"] == []
    assert engine.table("users")["select_permissions"] == [select("user", "id", "name")]


def test_a_busy_engine_is_asked_again(plugin: Plugin, engine: FakeEngine) -> None:
    engine.faults.extend([(429, {}), (503, {}), INTERNAL_ERROR])
    assert plugin.create("Metadata", BASIC).id == "default"


def test_a_preview_calls_nothing_outside(plugin: Plugin, engine: FakeEngine) -> None:
    plugin.create("Metadata", BASIC, preview=True)
    unknown = {"fragment": {"sources": [{"name": UNKNOWN, "tables": UNKNOWN}]}}
    assert plugin.create("Metadata", unknown, preview=True).state["fragment"] == unknown["fragment"]
    assert engine.requests == []


def test_check_names_every_problem_with_its_path(plugin: Plugin) -> None:
    tables: list[Any] = [
        {"table": "users", "select_permission": []},
        {"table": {"schema": "public", "name": "users"}},
        {"select_permissions": [{"role": "user"}, {"permission": {}}, 3]},
    ]
    failures = plugin.check(
        "Metadata", {"fragment": {"sources": [{"name": "default", "tables": tables}], "action": []}}
    ).failures
    path = "fragment.sources[0].tables"
    assert set(failures) == {
        "fragment.action",
        f"{path}[0].select_permission",
        f"{path}[1]",
        f"{path}[2].table",
        f"{path}[2].select_permissions[0].permission",
        f"{path}[2].select_permissions[1].role",
        f"{path}[2].select_permissions[2]",
    }
    assert failures[f"{path}[1]"] == "declares the table public.users a second time"
    assert "names no object" in plugin.check("Metadata", {"fragment": {}}).failures["fragment"]


def test_a_connection_string_is_a_secret_without_being_declared_one(plugin: Plugin) -> None:
    configuration = {"connection_info": {"database_url": "postgres://u:pw@h/d"}}
    checked = plugin.check(
        "Metadata", {"fragment": {"sources": [{"name": "default", "configuration": configuration}]}}
    )
    info = checked.inputs["fragment"]["sources"][0]["configuration"]["connection_info"]
    assert info == {"database_url": Secret("postgres://u:pw@h/d")}


def test_a_refused_admin_secret_and_an_unreachable_engine_are_one_sentence_each(engine: FakeEngine) -> None:
    with Plugin("providers/hasura") as plugin:
        plugin.configure({"endpoint": engine.url, "adminSecret": "wrong-secret"})
        with pytest.raises(PluginError, match=f"Hasura at {engine.url} refused the admin secret") as failure:
            plugin.create("Metadata", BASIC)
        assert "wrong-secret" not in failure.value.sentence
    with Plugin("providers/hasura") as plugin:
        plugin.configure({"endpoint": "http://127.0.0.1:9", "adminSecret": "x"})
        with pytest.raises(PluginError, match=r"127\.0\.0\.1:9 is not reachable"):
            plugin.create("Metadata", BASIC, timeout=0.3)


def test_a_missing_endpoint_is_named(engine: FakeEngine) -> None:
    with Plugin("providers/hasura") as plugin:
        plugin.configure({})
        with pytest.raises(PluginError, match="has no endpoint"):
            plugin.create("Metadata", BASIC)
        assert "http" in plugin.check_config({"endpoint": "my-app.hasura.app"}).failures["endpoint"]


def test_inherited_roles_are_objects_of_their_own(plugin: Plugin, engine: FakeEngine) -> None:
    engine.metadata["inherited_roles"] = [{"role_name": "theirs", "role_set": ["a", "b"]}]
    made = plugin.create(
        "Metadata", {"fragment": {"inherited_roles": [{"role_name": "ours", "role_set": ["b", "a"]}]}}
    )
    assert made.id == "inherited_roles"
    assert [role["role_name"] for role in engine.metadata["inherited_roles"]] == ["theirs", "ours"]
    plugin.delete("Metadata", made)
    assert engine.metadata["inherited_roles"] == [{"role_name": "theirs", "role_set": ["a", "b"]}]


def test_the_schema_knows_both_resources_and_the_secrets(plugin: Plugin) -> None:
    schema = json.loads(plugin.schema())
    assert set(schema["resources"]) == {"hasura:index:Metadata", "hasura:index:CloudEnvironment"}
    secrets = [name for name, item in schema["provider"]["inputProperties"].items() if item.get("secret")]
    assert sorted(secrets) == ["adminSecret", "cloudToken"]


def test_a_fragment_that_is_secret_as_a_whole_stays_so(plugin: Plugin) -> None:
    made = plugin.create("Metadata", {"fragment": Secret(BASIC["fragment"])})
    assert isinstance(made.inputs["fragment"], Secret) and isinstance(made.state["fragment"], Secret)
    found = live(plugin, made)
    assert isinstance(found.inputs["fragment"], Secret) and not plugin.diff("Metadata", made, found.inputs)
    other = plugin.check("Metadata", {"fragment": Secret(users(is_enum=True)["fragment"])}).inputs
    assert plugin.diff("Metadata", made, other).changes == {"fragment": "UPDATE"}
