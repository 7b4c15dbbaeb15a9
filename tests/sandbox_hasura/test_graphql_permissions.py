"""What a role sees: rows, columns, aggregates, inherited roles, session variables."""

from __future__ import annotations

from tests.sandbox_hasura.blog import Blog


def test_rows_outside_the_filter_do_not_exist(blog: Blog) -> None:
    assert blog.data("{ article(order_by: {id: asc}) { id } }", "user", user_id="2") == {
        "article": [{"id": 1}, {"id": 3}]
    }


def test_a_filter_without_its_session_variable_is_an_error(blog: Blog) -> None:
    assert blog.error("{ article { id } }", "user") == (
        'missing session variable: "x-hasura-user-id"',
        "not-found",
        "$",
    )


def test_the_limit_of_a_permission_binds_rows_not_aggregates(blog: Blog) -> None:
    assert len(blog.data("{ author(limit: 9) { id } }", "user")["author"]) == 2


def test_columns_that_are_not_granted_are_unknown_in_every_place(blog: Blog) -> None:
    for query, type_, path in (
        ("{ author { secret } }", "author", "$.selectionSet.author.selectionSet.secret"),
        (
            '{ author(where: {secret: {_eq: "s1"}}) { id } }',
            "author_bool_exp",
            "$.selectionSet.author.args.where.secret",
        ),
        (
            "{ author(order_by: {secret: asc}) { id } }",
            "author_order_by",
            "$.selectionSet.author.args.order_by[0].secret",
        ),
    ):
        assert blog.error(query, "user") == (
            f"field 'secret' not found in type: '{type_}'",
            "validation-failed",
            path,
        )


def test_conditions_on_related_rows_see_only_what_the_role_may_see(blog: Blog) -> None:
    query = "{ author(where: {articles: {score: {_eq: 3}}}) { name } }"
    assert blog.data(query, "user", user_id="2") == {"author": []}
    assert blog.data(query, "user", user_id="1") == {"author": [{"name": "Ann"}]}


def test_filters_compare_columns_look_elsewhere_and_take_lists(blog: Blog) -> None:
    assert len(blog.data("{ article { id } }", "comparer")["article"]) == 3
    assert blog.data("{ article { id } }", "exister", secret="no") == {"article": []}
    assert len(blog.data("{ article { id } }", "exister", secret="s2")["article"]) == 3
    assert blog.data("{ article { id } }", "lister", ids="{2}") == {"article": [{"id": 2}]}


def test_an_inherited_role_sees_the_union_and_no_cell_that_no_parent_shows(blog: Blog) -> None:
    query = "{ author(order_by: {id: asc}) { id name secret } }"
    assert blog.data(query, "both", user_id="1")["author"] == [
        {"id": 1, "name": "Ann", "secret": "s1"},
        {"id": 2, "name": "Bob", "secret": None},
    ]
    hidden = '{ author(where: {secret: {_eq: "s2"}}) { id } }'
    assert blog.data(hidden, "both", user_id="1") == {"author": []}


def test_hidden_cells_stay_hidden_where_rows_are_made_distinct_or_counted(blog: Blog) -> None:
    distinct = "{ author(distinct_on: secret, order_by: [{secret: desc}, {id: asc}]) { secret } }"
    assert blog.data(distinct, "both", user_id="1") == {"author": [{"secret": None}, {"secret": "s1"}]}


def test_a_role_inherits_through_inherited_roles_and_writes_as_its_parents_agree(blog: Blog) -> None:
    query = "{ author(order_by: {id: asc}) { name secret } }"
    assert blog.data(query, "outer", user_id="1") == blog.data(query, "both", user_id="1")
    insert = 'mutation { insert_article(objects: [{title: "I"}]) { affected_rows } }'
    assert blog.data(insert, "outer", user_id="1") == {"insert_article": {"affected_rows": 1}}


def test_aggregates_need_the_permission(blog: Blog) -> None:
    counted = blog.data("{ article_aggregate { aggregate { count } } }", "user", user_id="2")
    assert counted == {"article_aggregate": {"aggregate": {"count": 2}}}
    message = "field 'author_aggregate' not found in type: 'query_root'"
    query = "{ author_aggregate { aggregate { count } } }"
    assert blog.error(query, "user") == (message, "validation-failed", "$.selectionSet.author_aggregate")


def test_a_role_without_any_permission_finds_nothing(blog: Blog) -> None:
    message = "field 'author' not found in type: 'query_root'"
    assert blog.error("{ author { id } }", "nobody") == (
        message,
        "validation-failed",
        "$.selectionSet.author",
    )
    assert blog.error("mutation { delete_article(where: {}) { affected_rows } }", "nobody") == (
        "no mutations exist",
        "validation-failed",
        "$",
    )
