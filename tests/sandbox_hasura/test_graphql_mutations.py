"""Inserts, upserts, updates and deletes, as admin and as roles."""

from __future__ import annotations

from typing import Any

from tests.sandbox_hasura.blog import Blog

UPSERT = """mutation($object: users_insert_input!, $columns: [users_update_column!]!) {
    insert_users(objects: [$object], on_conflict: {constraint: users_federated_id_key, update_columns: $columns}) {
        affected_rows } }"""


def sync(blog: Blog, email: str, at: str) -> int:
    """Send what the sync Action sends; answers affected_rows."""
    row = {"federated_id": "auth0|1", "email": email, "auth0_updated_at": at}
    variables: dict[str, Any] = {"object": row, "columns": ["email", "auth0_updated_at"]}
    answer = blog.data(UPSERT, "auth0_sync", variables, profile_updated_at=at)
    count: int = answer["insert_users"]["affected_rows"]
    return count


def test_the_sync_role_upserts_and_never_writes_older_over_newer(blog: Blog) -> None:
    assert sync(blog, "first@x", "2026-01-02T00:00:00Z") == 1
    assert sync(blog, "older@x", "2026-01-01T00:00:00Z") == 0
    assert sync(blog, "newer@x", "2026-01-03T00:00:00Z") == 1
    assert blog.data("{ users { email } }") == {"users": [{"email": "newer@x"}]}


def test_the_sync_role_may_not_read(blog: Blog) -> None:
    query = 'mutation { insert_users_one(object: {federated_id: "a"}) { id } }'
    message = "field 'insert_users_one' not found in type: 'mutation_root'"
    assert blog.error(query, "auth0_sync")[0] == message
    query = 'mutation { insert_users(objects: [{federated_id: "a"}]) { returning { id } } }'
    assert (
        blog.error(query, "auth0_sync")[0] == "field 'returning' not found in type: 'users_mutation_response'"
    )


def test_an_unknown_constraint_is_answered_with_the_known_ones(blog: Blog) -> None:
    query = """mutation { insert_users(objects: [{federated_id: "a"}],
               on_conflict: {constraint: bogus, update_columns: []}) { affected_rows } }"""
    assert blog.error(query) == (
        "expected one of the values ['users_pkey', 'users_federated_id_key'] for type 'users_constraint', but found 'bogus'",
        "validation-failed",
        "$.selectionSet.insert_users.args.on_conflict.constraint",
    )


def test_an_unknown_field_of_an_object_is_named_with_its_place(blog: Blog) -> None:
    query = 'mutation { insert_users(objects: [{foo: "a"}]) { affected_rows } }'
    path = "$.selectionSet.insert_users.args.objects[0].foo"
    assert blog.error(query) == (
        "field 'foo' not found in type: 'users_insert_input'",
        "validation-failed",
        path,
    )


def test_no_update_columns_do_nothing_on_conflict(blog: Blog) -> None:
    query = """mutation { insert_author(objects: [{name: "Ann", secret: "new"}, {name: "Dee"}],
               on_conflict: {constraint: author_name_key, update_columns: []}) { affected_rows returning { name } } }"""
    assert blog.data(query) == {"insert_author": {"affected_rows": 1, "returning": [{"name": "Dee"}]}}
    one = """mutation { insert_author_one(object: {name: "Ann"},
             on_conflict: {constraint: author_name_key, update_columns: []}) { id } }"""
    assert blog.data(one) == {"insert_author_one": None}


def test_a_role_without_update_rights_has_only_do_nothing(blog: Blog) -> None:
    query = """mutation { insert_author(objects: [{name: "Ann"}],
               on_conflict: {constraint: author_name_key, update_columns: [name]}) { affected_rows } }"""
    assert blog.error(query, "user")[0] == (
        "expected one of the values ['_PLACEHOLDER'] for type 'author_update_column', but found 'name'"
    )


def test_integrity_errors_speak_as_hasura_does(blog: Blog) -> None:
    path = "$.selectionSet.insert_author.args.objects"
    assert blog.error('mutation { insert_author(objects: [{name: "Ann"}]) { affected_rows } }') == (
        'Uniqueness violation. duplicate key value violates unique constraint "author_name_key"',
        "constraint-violation",
        path,
    )
    assert blog.error('mutation { insert_author(objects: [{secret: "x"}]) { affected_rows } }') == (
        'Not-NULL violation. null value in column "name" of relation "author" violates not-null constraint',
        "constraint-violation",
        path,
    )
    assert blog.error("mutation { delete_author(where: {id: {_eq: 1}}) { affected_rows } }") == (
        'Foreign key violation. update or delete on table "author" violates foreign key constraint '
        '"article_author_id_fkey" on table "article"',
        "constraint-violation",
        "$",
    )


def test_rows_of_a_batch_take_defaults_where_they_leave_columns_out(blog: Blog) -> None:
    query = """mutation { insert_article(objects: [{title: "X", author_id: 1, score: 1}, {author_id: 2, published: true}]) {
        returning { title score published author { name } } } }"""
    assert blog.data(query)["insert_article"]["returning"] == [
        {"title": "X", "score": 1, "published": False, "author": {"name": "Ann"}},
        {"title": None, "score": None, "published": True, "author": {"name": "Bob"}},
    ]


def test_presets_are_set_and_not_offered(blog: Blog) -> None:
    query = 'mutation { insert_article(objects: [{title: "P"}]) { affected_rows } }'
    assert blog.data(query, "batch", user_id="2") == {"insert_article": {"affected_rows": 1}}
    assert blog.data('{ article(where: {title: {_eq: "P"}}) { author_id } }') == {
        "article": [{"author_id": 2}]
    }


def test_a_check_that_fails_undoes_the_whole_document(blog: Blog) -> None:
    query = """mutation { a: insert_article(objects: [{title: "mine", author_id: 1}]) { affected_rows }
                          b: insert_article(objects: [{title: "not mine", author_id: 2}]) { affected_rows } }"""
    assert blog.error(query, "user", user_id="1") == (
        "check constraint of an insert/update permission has failed",
        "permission-error",
        "$.selectionSet.insert_article.args.objects",
    )
    assert len(blog.data("{ article { id } }")["article"]) == 3


def test_nested_inserts_follow_relationships_both_ways(blog: Blog) -> None:
    down = """mutation { insert_author(objects: [{name: "Eve", articles: {data: [{title: "E1"}, {title: "E2"}]}}]) {
        affected_rows returning { name articles(order_by: {id: asc}) { title } } } }"""
    assert blog.data(down)["insert_author"] == {
        "affected_rows": 3,
        "returning": [{"name": "Eve", "articles": [{"title": "E1"}, {"title": "E2"}]}],
    }
    up = """mutation { insert_article_one(object: {title: "F", author: {data: {name: "Ann"},
            on_conflict: {constraint: author_name_key, update_columns: [name]}}}) { title author { id } } }"""
    assert blog.data(up) == {"insert_article_one": {"title": "F", "author": {"id": 1}}}


def test_updates_apply_operators_presets_and_the_filter(blog: Blog) -> None:
    query = """mutation { update_article(where: {}, _inc: {score: 2}, _set: {title: "T"}) {
        affected_rows returning { id title score } } }"""
    assert blog.data(query, "user", user_id="2")["update_article"] == {
        "affected_rows": 1,
        "returning": [{"id": 3, "title": "T", "score": 11}],
    }
    assert blog.data("{ article_by_pk(id: 3) { wordCount } }") == {"article_by_pk": {"wordCount": 99}}


def test_jsonb_operators_change_parts(blog: Blog) -> None:
    query = """mutation { update_author_by_pk(pk_columns: {id: 1}, _append: {bio: {x: 1}}) { bio }
        b: update_author_by_pk(pk_columns: {id: 1}, _delete_key: {bio: "city"}) { bio }
        c: update_author_by_pk(pk_columns: {id: 1}, _delete_at_path: {bio: ["n", "k"]}) { bio } }"""
    assert blog.data(query)["c"] == {"bio": {"n": {}, "x": 1}}


def test_the_check_of_an_update_holds_afterwards(blog: Blog) -> None:
    query = "mutation { update_article(where: {id: {_eq: 1}}, _set: {score: -1}) { affected_rows } }"
    message = "check constraint of an insert/update permission has failed"
    assert blog.error(query, "user", user_id="1") == (message, "permission-error", "$")


def test_a_column_in_two_operators_is_refused(blog: Blog) -> None:
    query = "mutation { update_article(where: {}, _set: {id: 1}, _inc: {id: 2}) { affected_rows } }"
    assert blog.error(query)[0] == 'column found in multiple operators; "id" in _set, _inc'


def test_update_many_answers_one_result_each(blog: Blog) -> None:
    query = """mutation { update_article_many(updates: [
        {where: {id: {_eq: 1}}, _set: {title: "A"}}, {where: {id: {_gt: 1}}, _set: {title: "B"}}]) { affected_rows } }"""
    assert blog.data(query) == {"update_article_many": [{"affected_rows": 1}, {"affected_rows": 2}]}


def test_deletes_answer_what_they_took(blog: Blog) -> None:
    query = "mutation { delete_article(where: {}) { affected_rows returning { id author { name } } } }"
    assert blog.data(query, "user", user_id="2") == {
        "delete_article": {"affected_rows": 1, "returning": [{"id": 3, "author": {"name": "Bob"}}]}
    }
    assert blog.data("mutation { delete_article_by_pk(id: 99) { id } }") == {"delete_article_by_pk": None}


def test_backend_only_permissions_need_a_backend_request(blog: Blog) -> None:
    query = 'mutation { insert_article(objects: [{title: "B", author_id: 1}]) { affected_rows } }'
    assert blog.error(query, "backend")[0] == "no mutations exist"
    assert blog.data(query, "backend", backend="yes") == {"insert_article": {"affected_rows": 1}}


def test_large_batches_are_inserted_whole(blog: Blog) -> None:
    rows = [{"title": f"t{i}", "author_id": 1, "score": i} for i in range(12_000)]
    query = "mutation ($rows: [article_insert_input!]!) { insert_article(objects: $rows) { affected_rows } }"
    assert blog.data(query, variables={"rows": rows}) == {"insert_article": {"affected_rows": 12_000}}


def test_returning_calls_computed_fields_of_the_new_row(blog: Blog) -> None:
    query = 'mutation { insert_article_one(object: {title: "N", author_id: 1}) { label __typename } }'
    assert blog.data(query) == {"insert_article_one": {"label": "N!", "__typename": "article"}}


def test_generated_and_quoted_names_survive(blog: Blog) -> None:
    text = 'a "quoted" \\ text, with {braces}'
    variables = {"rows": [{"name": text, "tags": [text, "b"], "bio": {"k": [text, None]}}]}
    query = "mutation ($rows: [author_insert_input!]!) { insert_author(objects: $rows) { returning { name tags bio } } }"
    assert blog.data(query, variables=variables)["insert_author"]["returning"] == variables["rows"]
