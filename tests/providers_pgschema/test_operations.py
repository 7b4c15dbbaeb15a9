"""The SQL of a change, whole, without a database."""

from __future__ import annotations

from providers.pgschema.definition import Column, TableInputs, UniqueConstraint
from providers.pgschema.operations import change, create, drop, losses, render

OLD = TableInputs(
    schema="public",
    name="users",
    columns=[
        Column(name="id", type="uuid", nullable=False, default="gen_random_uuid()"),
        Column(name="federated_id", type="text", nullable=False),
    ],
    primary_key=["id"],
    unique_constraints=[UniqueConstraint(name="users_federated_id_key", columns=["federated_id"])],
)


def squeezed(statements: list[str]) -> list[str]:
    return [" ".join(statement.split()) for statement in statements]


def test_a_table_is_created_in_one_statement() -> None:
    assert squeezed(render(create(OLD))) == [
        "CREATE TABLE public.users ( id uuid DEFAULT gen_random_uuid() NOT NULL, federated_id text NOT NULL, "
        "CONSTRAINT users_pkey PRIMARY KEY (id), CONSTRAINT users_federated_id_key UNIQUE (federated_id) )"
    ]


def test_nothing_to_change_is_no_sql() -> None:
    assert render(change(OLD, OLD)) == []


def test_a_change_names_each_step() -> None:
    new = OLD.model_copy(
        update={
            "columns": [
                *OLD.columns[:1],
                OLD.columns[1].model_copy(update={"type": "varchar(20)", "comment": "key"}),
                Column(name='we"ird', type="text", default="'a'"),
            ],
            "unique_constraints": [],
            "comment": "People",
        }
    )
    assert squeezed(render(change(OLD, new))) == [
        "ALTER TABLE public.users DROP CONSTRAINT users_federated_id_key",
        'ALTER TABLE public.users ALTER COLUMN federated_id TYPE varchar(20) USING "federated_id"::varchar(20)',
        "COMMENT ON COLUMN public.users.federated_id IS 'key'",
        'ALTER TABLE public.users ADD COLUMN "we""ird" text DEFAULT \'a\'',
        "COMMENT ON TABLE public.users IS 'People'",
    ]


def test_a_move_to_another_schema_keeps_the_table() -> None:
    new = OLD.model_copy(update={"schema_": "app", "name": "people"})
    assert render(change(OLD, new)) == [
        'ALTER TABLE "public"."users" SET SCHEMA "app"',
        "ALTER TABLE app.users RENAME TO people",
    ]


def test_a_table_is_dropped_without_cascade() -> None:
    assert squeezed(render(drop(OLD))) == ["DROP TABLE public.users"]


def test_widening_loses_nothing() -> None:
    wide = OLD.model_copy(
        update={"columns": [Column(name="n", type="bigint"), Column(name="t", type="text")]}
    )
    narrow = OLD.model_copy(
        update={"columns": [Column(name="n", type="integer"), Column(name="t", type="varchar(5)")]}
    )
    assert losses(narrow, wide) == []
    assert losses(wide, narrow) == [
        "changes the type of n from bigint to integer",
        "changes the type of t from text to varchar(5)",
    ]
