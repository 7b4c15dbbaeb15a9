"""A small blog with roles: the schema that tests of the GraphQL half work on."""

from __future__ import annotations

from typing import Any

import psycopg

from sandbox.hasura.authentication import Session
from sandbox.hasura.catalog import introspect
from sandbox.hasura.graphql import Engine, build

SQL = """
CREATE TABLE author (
    id serial PRIMARY KEY, name text UNIQUE NOT NULL, bio jsonb, tags text[], born date, secret text
);
CREATE TABLE article (
    id serial PRIMARY KEY, title text, author_id integer NOT NULL REFERENCES author (id),
    published boolean NOT NULL DEFAULT false, score integer, words integer, big bigint DEFAULT 12
);
CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), federated_id text NOT NULL,
    email text, auth0_updated_at timestamptz, updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_federated_id_key UNIQUE (federated_id)
);
CREATE FUNCTION article_label(article_row article) RETURNS text LANGUAGE sql STABLE AS $$ SELECT article_row.title || '!' $$;
CREATE FUNCTION search_article(search text) RETURNS SETOF article LANGUAGE sql STABLE AS
    $$ SELECT * FROM article WHERE title ILIKE '%' || search || '%' $$;
"""

ROWS = """
TRUNCATE author, article, users RESTART IDENTITY;
INSERT INTO author (name, bio, tags, secret) VALUES
    ('Ann', '{"city": "Rome", "n": {"k": 1}}', '{a,b}', 's1'), ('Bob', '{"city": "Oslo"}', '{c}', 's2'), ('Cy', NULL, NULL, 's3');
INSERT INTO article (title, author_id, published, score, words) VALUES
    ('One', 1, true, 5, 10), ('Two', 1, false, 3, 20), ('Three', 2, true, 9, NULL);
"""

_OWN = {"author_id": {"_eq": "X-Hasura-User-Id"}}
_FRESH = {
    "_or": [
        {"auth0_updated_at": {"_is_null": True}},
        {"auth0_updated_at": {"_lte": "X-Hasura-Profile-Updated-At"}},
    ]
}


def table(name: str, **more: Any) -> dict[str, Any]:
    """A tracked table in metadata."""
    return {"table": {"schema": "public", "name": name}, **more}


METADATA: dict[str, Any] = {
    "name": "default",
    "kind": "postgres",
    "tables": [
        table(
            "author",
            array_relationships=[
                {
                    "name": "articles",
                    "using": {"foreign_key_constraint_on": {"table": "article", "column": "author_id"}},
                }
            ],
            select_permissions=[
                {"role": "user", "permission": {"columns": ["id", "name", "bio"], "filter": {}, "limit": 2}},
                {
                    "role": "reader",
                    "permission": {"columns": ["id", "name"], "filter": {"name": {"_like": "B%"}}},
                },
                {
                    "role": "clerk",
                    "permission": {"columns": ["id", "name", "secret"], "filter": {"id": "X-Hasura-User-Id"}},
                },
            ],
            insert_permissions=[{"role": "user", "permission": {"check": {}, "columns": ["name"]}}],
        ),
        table(
            "article",
            configuration={"custom_column_names": {"words": "wordCount"}},
            object_relationships=[{"name": "author", "using": {"foreign_key_constraint_on": "author_id"}}],
            computed_fields=[
                {"name": "label", "definition": {"function": {"schema": "public", "name": "article_label"}}}
            ],
            select_permissions=[
                {
                    "role": "user",
                    "permission": {
                        "columns": ["id", "title", "author_id", "score"],
                        "filter": {"_or": [_OWN, {"published": {"_eq": True}}]},
                        "allow_aggregations": True,
                    },
                },
                {
                    "role": "comparer",
                    "permission": {"columns": ["id"], "filter": {"score": {"_cgt": "author_id"}}},
                },
                {
                    "role": "exister",
                    "permission": {
                        "columns": ["id"],
                        "filter": {"_exists": {"_table": "author", "_where": {"secret": "X-Hasura-Secret"}}},
                    },
                },
                {
                    "role": "lister",
                    "permission": {"columns": ["id"], "filter": {"id": {"_in": "X-Hasura-Ids"}}},
                },
            ],
            insert_permissions=[
                {
                    "role": "user",
                    "permission": {
                        "check": _OWN,
                        "columns": ["id", "title", "author_id"],
                        "set": {"score": 7},
                    },
                },
                {
                    "role": "batch",
                    "permission": {
                        "check": {},
                        "columns": ["title"],
                        "set": {"author_id": "x-hasura-user-id"},
                    },
                },
                {"role": "backend", "permission": {"check": {}, "columns": "*", "backend_only": True}},
            ],
            update_permissions=[
                {
                    "role": "user",
                    "permission": {
                        "columns": ["title", "score", "published"],
                        "filter": _OWN,
                        "check": {"score": {"_gte": 0}},
                        "set": {"words": 99},
                    },
                }
            ],
            delete_permissions=[{"role": "user", "permission": {"filter": _OWN}}],
        ),
        table(
            "users",
            insert_permissions=[
                {
                    "role": "auth0_sync",
                    "permission": {"check": {}, "columns": ["federated_id", "email", "auth0_updated_at"]},
                }
            ],
            update_permissions=[
                {
                    "role": "auth0_sync",
                    "permission": {
                        "columns": ["email", "auth0_updated_at"],
                        "filter": _FRESH,
                        "set": {"updated_at": "now()"},
                    },
                }
            ],
        ),
    ],
    "functions": [{"function": {"schema": "public", "name": "search_article"}}],
}
INHERITED = [
    {"role_name": "both", "role_set": ["reader", "clerk"]},
    {"role_name": "outer", "role_set": ["both", "batch"]},
]


class Blog:
    """The engine over a database with the blog, and a way to ask it."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        with psycopg.connect(dsn) as connection:
            connection.execute(SQL)
            self.engine: Engine = build(introspect(connection), METADATA, INHERITED)
        self.reset()

    def reset(self) -> None:
        """The rows as they were in the beginning."""
        with psycopg.connect(self.dsn) as connection:
            connection.execute(ROWS)

    def ask(
        self, query: str, role: str = "admin", variables: dict[str, Any] | None = None, **session: str
    ) -> Any:
        """Answer of a request; keywords become session variables (`user_id` → x-hasura-user-id)."""
        named = {f"x-hasura-{k.replace('_', '-')}": v for k, v in session.items() if k != "backend"}
        who = Session(role, named, backend_request="backend" in session)
        return self.body({"query": query, "variables": variables}, who)

    def body(self, body: Any, session: Session) -> Any:
        """Answer of a whole body."""
        return self.engine.execute(lambda: psycopg.connect(self.dsn), session, body)

    def data(
        self, query: str, role: str = "admin", variables: dict[str, Any] | None = None, **session: str
    ) -> Any:
        """The answer's data; fails on errors."""
        answer = self.ask(query, role, variables, **session)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def error(
        self, query: str, role: str = "admin", variables: dict[str, Any] | None = None, **session: str
    ) -> tuple[str, str, str]:
        """(message, code, path) of the answer's one error."""
        [error] = self.ask(query, role, variables, **session)["errors"]
        return error["message"], error["extensions"]["code"], error["extensions"]["path"]
