"""Merging as properties: whatever others have, and whatever we declare, update and delete, theirs is as it was in the end."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from providers.hasura.canonical import canonical
from providers.hasura.fragment import describe, label, objects, problems, project
from providers.hasura.ownership import Memory, Plan, apply, plan_delete, plan_write
from providers.hasura.tree import TREE, identity
from tests.providers_hasura.fakes import SOURCE

Json = dict[str, Any]

_FILTERS = st.sampled_from([{}, {"id": {"_eq": "X-Hasura-User-Id"}}, {"_or": [{"a": {"_is_null": False}}]}])
_PERMISSIONS = st.dictionaries(
    st.sampled_from("abc"), st.fixed_dictionaries({"filter": _FILTERS}), max_size=3
).map(lambda roles: [{"role": role, "permission": permission} for role, permission in sorted(roles.items())])
_TABLES = st.dictionaries(
    st.sampled_from(["users", "posts", "a.b"]),
    st.fixed_dictionaries(
        {},
        optional={
            "select_permissions": _PERMISSIONS,
            "delete_permissions": _PERMISSIONS,
            "is_enum": st.booleans(),
            "configuration": st.sampled_from([{}, {"custom_name": "x"}, {"custom_column_names": {"a": "b"}}]),
        },
    ),
    max_size=3,
).map(lambda tables: [{"table": name, **parts} for name, parts in sorted(tables.items())])
_ROLES = st.sampled_from(
    [[], [{"role_name": "r", "role_set": ["a", "b"]}], [{"role_name": "r", "role_set": ["c"]}]]
)
_FRAGMENTS = st.fixed_dictionaries(
    {
        "sources": st.fixed_dictionaries(
            {"name": st.just("default"), "tables": _TABLES},
            optional={"configuration": st.just(SOURCE["configuration"])},
        ).map(lambda source: [source]),
        "inherited_roles": _ROLES,
    }
)
_METADATA = st.fixed_dictionaries({"tables": _TABLES, "inherited_roles": _ROLES}).map(
    lambda parts: {
        "version": 3,
        "sources": [{**copy.deepcopy(SOURCE), "tables": parts["tables"]}],
        "inherited_roles": parts["inherited_roles"],
    }
)


def write(metadata: Json, old: Json, new: Json, memory: Memory) -> tuple[Json, Plan]:
    plan = plan_write(
        objects(canonical(metadata)), objects(canonical(old)), objects(canonical(new)), memory, adopt=True
    )
    return apply(metadata, plan), plan


@given(_METADATA)
def test_the_canonical_form_is_its_own_canonical_form(metadata: Json) -> None:
    assert canonical(canonical(metadata)) == canonical(metadata)


@given(_METADATA, _FRAGMENTS)
def test_what_is_declared_is_there_and_all_else_is_unchanged(metadata: Json, ours: Json) -> None:
    after, _ = write(metadata, {}, ours, Memory())
    wanted, before = objects(canonical(ours)), objects(canonical(metadata))
    assert objects(canonical(after)) == {**before, **wanted}
    if wanted:
        assert canonical(project(canonical(ours), objects(canonical(after)))) == canonical(ours)


@given(_METADATA, _FRAGMENTS, _FRAGMENTS)
def test_after_create_update_and_delete_everything_is_as_it_was(
    metadata: Json, first: Json, second: Json
) -> None:
    created, plan = write(metadata, {}, first, Memory())
    assume(not plan.recovered)
    updated, plan = write(created, first, second, plan.memory)
    assume(not plan.recovered)
    live, own = objects(canonical(updated)), objects(canonical(second))
    assert {**live, **own} == live
    deleted = apply(updated, plan_delete(live, own, plan.memory))
    assert objects(canonical(deleted)) == objects(canonical(metadata))


@given(_METADATA, _FRAGMENTS)
def test_writing_twice_changes_nothing_the_second_time(metadata: Json, ours: Json) -> None:
    after, plan = write(metadata, {}, ours, Memory())
    _, again = write(after, ours, ours, plan.memory)
    assert not again.changes and again.memory == plan.memory


@given(_METADATA, _FRAGMENTS)
def test_a_plan_never_edits_what_it_was_given(metadata: Json, ours: Json) -> None:
    before = copy.deepcopy((metadata, ours))
    write(metadata, {}, ours, Memory())
    assert (metadata, ours) == before


@given(_FRAGMENTS)
def test_labels_tell_objects_apart(ours: Json) -> None:
    keys = list(objects(canonical(ours)))
    assert len({label(key) for key in keys}) == len(keys)


@pytest.mark.parametrize(
    ("given_form", "canonical_form"),
    [
        ({"foreign_key_constraint_on": ["author_id"]}, {"foreign_key_constraint_on": "author_id"}),
        (
            {"foreign_key_constraint_on": {"table": "posts", "columns": ["author_id"]}},
            {
                "foreign_key_constraint_on": {
                    "table": {"schema": "public", "name": "posts"},
                    "column": "author_id",
                }
            },
        ),
        (
            {
                "manual_configuration": {
                    "remote_table": "posts",
                    "column_mapping": {"a": "b"},
                    "insertion_order": None,
                }
            },
            {
                "manual_configuration": {
                    "remote_table": {"schema": "public", "name": "posts"},
                    "column_mapping": {"a": "b"},
                }
            },
        ),
    ],
)
def test_relationships_have_one_form(given_form: Json, canonical_form: Json) -> None:
    def fragment(using: Json) -> Json:
        table = {"table": "users", "array_relationships": [{"name": "posts", "using": using}]}
        return {"sources": [{"name": "default", "tables": [table]}]}

    [source] = canonical(fragment(given_form))["sources"]
    assert source["tables"][0]["array_relationships"] == [{"name": "posts", "using": canonical_form}]


def test_false_and_empty_stay_where_they_mean_something() -> None:
    permission = {"filter": {"deleted": {"_eq": False}, "_and": []}, "columns": [], "backend_only": False}
    table = {"table": "users", "update_permissions": [{"role": "a", "permission": permission}]}
    [source] = canonical({"sources": [{"name": "default", "tables": [table]}]})["sources"]
    kept = {"filter": {"deleted": {"_eq": False}, "_and": []}, "columns": []}
    assert source["tables"][0]["update_permissions"] == [{"role": "a", "permission": kept}]


def test_a_name_with_a_dot_is_no_schema() -> None:
    tables = TREE["sources"].inner["tables"]
    assert identity(tables, {"table": "a.b"}) == 'public."a.b"'
    assert identity(tables, {"table": {"schema": "a", "name": "b"}}) == "a.b"


def test_objects_are_described_in_words() -> None:
    key = ("sources", "default", "tables", "public.users", "configuration")
    assert describe(key) == "configuration of table public.users of source default"


def test_what_is_no_object_at_all_is_a_problem_of_its_own() -> None:
    found = list(problems({"sources": {"name": "default"}}))
    assert [(item.property, item.reason) for item in found] == [("fragment.sources", "must be a list")]
