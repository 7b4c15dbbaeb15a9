"""Queries as an admin sends them: shape of answers, arguments, aggregates, validation."""

from __future__ import annotations

import psycopg
import pytest
from graphql import build_client_schema, get_introspection_query

from sandbox.hasura.authentication import Session
from tests.sandbox_hasura.blog import Blog


def test_nested_rows_come_with_their_arguments(blog: Blog) -> None:
    query = """{ author(order_by: {id: asc}, limit: 2) {
        who: name articles(where: {published: {_eq: true}}, order_by: {score: desc}) { title author { name } } } }"""
    assert blog.data(query) == {
        "author": [
            {"who": "Ann", "articles": [{"title": "One", "author": {"name": "Ann"}}]},
            {"who": "Bob", "articles": [{"title": "Three", "author": {"name": "Bob"}}]},
        ]
    }


def test_by_pk_answers_null_for_a_row_that_is_not_there(blog: Blog) -> None:
    assert blog.data("{ a: author_by_pk(id: 1) { name } b: author_by_pk(id: 9) { name } }") == {
        "a": {"name": "Ann"},
        "b": None,
    }


def test_aggregates_count_sum_and_list_nodes(blog: Blog) -> None:
    query = """{ article_aggregate(where: {author_id: {_eq: 1}}, order_by: {id: desc}) {
        aggregate { count c: count(columns: wordCount, distinct: true) sum { score wordCount } max { title } avg { score } }
        nodes { id } } }"""
    assert blog.data(query) == {
        "article_aggregate": {
            "aggregate": {
                "count": 2,
                "c": 2,
                "sum": {"score": 8, "wordCount": 30},
                "max": {"title": "Two"},
                "avg": {"score": 4},
            },
            "nodes": [{"id": 2}, {"id": 1}],
        }
    }


def test_related_aggregates_select_order_and_filter(blog: Blog) -> None:
    query = """{ author(order_by: {articles_aggregate: {count: desc}},
                        where: {articles_aggregate: {count: {predicate: {_gt: 0}}}}) {
        name articles_aggregate { aggregate { count } } } }"""
    assert blog.data(query)["author"] == [
        {"name": "Ann", "articles_aggregate": {"aggregate": {"count": 2}}},
        {"name": "Bob", "articles_aggregate": {"aggregate": {"count": 1}}},
    ]


def test_groups_of_an_aggregate_have_their_key_and_numbers(blog: Blog) -> None:
    query = """{ article_aggregate { group_by(keys: [{column: author_id}]) {
        group_key { author_id } aggregate { count sum { score } } } } }"""
    groups = blog.data(query)["article_aggregate"]["group_by"]
    assert sorted(groups, key=lambda g: g["group_key"]["author_id"]) == [
        {"group_key": {"author_id": 1}, "aggregate": {"count": 2, "sum": {"score": 8}}},
        {"group_key": {"author_id": 2}, "aggregate": {"count": 1, "sum": {"score": 9}}},
    ]


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ('{name: {_like: "A%"}}', [1]),
        ('{name: {_ilike: "%b%"}}', [2]),
        ('{name: {_regex: "^[AB]"}}', [1, 2]),
        ('{name: {_in: ["Ann", "Cy"]}}', [1, 3]),
        ("{name: {_in: []}}", []),
        ("{name: {_nin: []}}", [1, 2, 3]),
        ("{bio: {_is_null: true}}", [3]),
        ('{bio: {_contains: {city: "Oslo"}}}', [2]),
        ('{bio: {_has_key: "n"}}', [1]),
        ('{bio: {_has_keys_any: ["n", "x"]}}', [1]),
        ('{bio: {_jsonb_path_exists: "$.n.k"}}', [1]),
        ('{bio: {_cast: {String: {_like: "%Rome%"}}}}', [1]),
        ('{tags: {_contains: ["a"]}}', [1]),
        ('{tags: {_eq: ["c"]}}', [2]),
        ("{_or: [{id: {_eq: 1}}, {_not: {id: {_lt: 3}}}]}", [1, 3]),
        ("{articles: {score: {_gt: 4}}}", [1, 2]),
        ("{articles: {}}", [1, 2]),
        ("{_or: []}", []),
        ("{}", [1, 2, 3]),
    ],
)
def test_conditions_choose_rows(blog: Blog, where: str, ids: list[int]) -> None:
    found = blog.data(f"{{ author(where: {where}, order_by: {{id: asc}}) {{ id }} }}")
    assert [row["id"] for row in found["author"]] == ids


def test_json_columns_take_a_path(blog: Blog) -> None:
    assert blog.data('{ author_by_pk(id: 1) { bio(path: "$.n.k") } }') == {"author_by_pk": {"bio": 1}}


def test_functions_and_computed_fields_answer(blog: Blog) -> None:
    assert blog.data('{ search_article(args: {search: "t"}, order_by: {id: asc}) { label } }') == {
        "search_article": [{"label": "Two!"}, {"label": "Three!"}]
    }


def test_distinct_on_keeps_the_first_of_each(blog: Blog) -> None:
    query = "{ article(distinct_on: author_id, order_by: [{author_id: asc}, {score: asc}]) { title } }"
    assert [a["title"] for a in blog.data(query)["article"]] == ["Two", "Three"]
    message = '"distinct_on" columns must match initial "order_by" columns'
    wrong = "{ article(distinct_on: author_id, order_by: [{score: asc}]) { title } }"
    assert blog.error(wrong) == (message, "validation-failed", "$.selectionSet.article.args")


def test_fragments_variables_and_directives_work_together(blog: Blog) -> None:
    query = """query Q($id: Int!, $yes: Boolean = true) { author_by_pk(id: $id) { ...F __typename } }
               fragment F on author { id @skip(if: $yes) name @include(if: $yes) }"""
    assert blog.data(query, variables={"id": 2}) == {"author_by_pk": {"name": "Bob", "__typename": "author"}}


def test_operation_name_chooses_and_a_batch_answers_each(blog: Blog) -> None:
    document = "query A { author(limit: 1) { id } } query B { author(limit: 1) { name } }"
    admin = Session("admin")
    assert blog.body({"query": document, "operationName": "B"}, admin) == {
        "data": {"author": [{"name": "Ann"}]}
    }
    first, second = blog.body([{"query": "{ nope }"}, {"query": "{ author(limit: 1) { id } }"}], admin)
    assert first["errors"][0]["extensions"]["path"] == "$.selectionSet.nope"
    assert second == {"data": {"author": [{"id": 1}]}}


@pytest.mark.parametrize(
    ("query", "variables", "message", "code", "path"),
    [
        ("{ nope { id } }", {}, "field 'nope' not found in type: 'query_root'", "validation-failed", "$.selectionSet.nope"),
        (
            "{ author { foo } }",
            {},
            "field 'foo' not found in type: 'author'",
            "validation-failed",
            "$.selectionSet.author.selectionSet.foo",
        ),
        ("{ author", {}, "not a valid graphql query", "validation-failed", "$.query"),
        (
            "{ author(limit: -1) { id } }",
            {},
            "expected a non-negative 32-bit integer for type 'Int', but found an integer",
            "validation-failed",
            "$.selectionSet.author.args.limit",
        ),
        (
            '{ author(where: {id: {_eq: "1"}}) { id } }',
            {},
            "expected a 32-bit integer for type 'Int', but found a string",
            "validation-failed",
            "$.selectionSet.author.args.where.id._eq",
        ),
        (
            "{ author(where: {name: {_ne: 1}}) { id } }",
            {},
            "field '_ne' not found in type: 'String_comparison_exp'",
            "validation-failed",
            "$.selectionSet.author.args.where.name._ne",
        ),
        (
            "query ($x: String) { author(where: {id: {_eq: $x}}) { id } }",
            {"x": "1"},
            "variable 'x' is declared as 'String', but used where 'Int' is expected",
            "validation-failed",
            "$.selectionSet.author.args.where.id._eq",
        ),
        ("{ author }", {}, "missing selection set for 'author'", "validation-failed", "$.selectionSet.author"),
        (
            '{ author(where: {born: {_eq: "soon"}}) { id } }',
            {},
            'invalid input syntax for type date: "soon"',
            "data-exception",
            "$",
        ),
        ("query ($a: Int!) { author { id } }", {}, "expecting a value for non-nullable variable: 'a'", "validation-failed", "$"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(
    blog: Blog, query: str, *, variables: dict[str, object], message: str, code: str, path: str
) -> None:
    assert blog.error(query, variables=variables) == (message, code, path)


def test_values_never_become_sql(blog: Blog) -> None:
    evil = "x'; DROP TABLE author; --"
    query = "query ($n: String!) { author(where: {name: {_eq: $n}}) { id } }"
    assert blog.data(query, variables={"n": evil}) == {"author": []}
    assert len(blog.data("{ author { id } }")["author"]) == 3


def test_a_database_that_is_not_there_is_a_connection_error(blog: Blog) -> None:
    answer = blog.engine.execute(
        lambda: psycopg.connect("postgres://nobody@127.0.0.1:1/none"),
        Session("admin"),
        {"query": "{ author { id } }"},
    )
    assert answer["errors"][0]["extensions"]["code"] == "postgres-error"


def test_introspection_gives_a_valid_schema_of_what_the_role_may_see(blog: Blog) -> None:
    schema = build_client_schema(blog.data(get_introspection_query()))
    assert "secret" in schema.type_map["author"].fields  # type: ignore[attr-defined]
    limited = build_client_schema(blog.data(get_introspection_query(), role="reader"))
    assert set(limited.type_map["author"].fields) == {"id", "name"}  # type: ignore[attr-defined]
    assert limited.mutation_type is None
