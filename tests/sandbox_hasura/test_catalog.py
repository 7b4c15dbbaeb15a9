"""The catalog says what a database holds."""

from __future__ import annotations

import psycopg

from sandbox.hasura.authentication import Session
from sandbox.hasura.catalog import Constraint, ForeignKey, introspect
from sandbox.hasura.graphql import build

SQL = """
CREATE SCHEMA shop;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE DOMAIN label AS text;
CREATE TABLE shop.customer (
    a integer GENERATED ALWAYS AS IDENTITY, b text DEFAULT 'x', c text[] NOT NULL, d mood, e label, f varchar(3),
    g text GENERATED ALWAYS AS (b || '!') STORED, PRIMARY KEY (a), CONSTRAINT customer_pair UNIQUE (d, b)
);
CREATE TABLE orders (customer integer, n numeric(30, 2) DEFAULT 1.5, big bigint DEFAULT 7,
    CONSTRAINT orders_customer FOREIGN KEY (customer) REFERENCES shop.customer (a));
CREATE VIEW shop.names AS SELECT count(*) FROM shop.customer;
CREATE FUNCTION shop.of_orders(hint text DEFAULT '') RETURNS SETOF orders LANGUAGE sql STABLE AS 'SELECT * FROM orders';
INSERT INTO orders DEFAULT VALUES;
"""


def test_tables_columns_keys_and_functions_are_read(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(SQL)
        catalog = introspect(connection)
    assert set(catalog.tables) == {("shop", "customer"), ("public", "orders"), ("shop", "names")}
    customer = catalog.tables["shop", "customer"]
    assert customer.primary_key == Constraint("customer_pkey", ("a",))
    assert customer.unique_constraints == [Constraint("customer_pair", ("d", "b"))]
    assert {
        c.name: (c.type, c.nullable, c.has_default, c.is_generated) for c in customer.columns.values()
    } == {
        "a": ("int4", False, True, True),
        "b": ("text", True, True, False),
        "c": ("_text", False, False, False),
        "d": ("mood", True, False, False),
        "e": ("label", True, False, False),
        "f": ("varchar", True, False, False),
        "g": ("text", True, False, True),
    }
    assert customer.columns["c"].element == "text"
    assert customer.columns["e"].base_type == "text"
    assert customer.columns["f"].cast == "character varying", "a cast must not cut a value short"
    key = ForeignKey("orders_customer", ("customer",), ("shop", "customer"), ("a",))
    assert catalog.tables["public", "orders"].foreign_keys == [key]
    assert not catalog.tables["shop", "names"].insertable
    function = catalog.functions["shop", "of_orders"]
    assert function.returns_table == ("public", "orders")
    assert [(a.name, a.type, a.has_default) for a in function.arguments] == [("hint", "text", True)]


def test_big_numbers_are_text_where_the_engine_is_told_so(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(SQL)
        catalog = introspect(connection)
    metadata = {"name": "default", "tables": [{"table": {"schema": "public", "name": "orders"}}]}
    for stringify, row in ((True, {"n": "1.50", "big": "7"}), (False, {"n": 1.5, "big": 7})):
        engine = build(catalog, metadata, stringify_numeric_types=stringify)
        answer = engine.execute(
            lambda: psycopg.connect(database), Session("admin"), {"query": "{ orders { n big } }"}
        )
        assert answer == {"data": {"orders": [row]}}
