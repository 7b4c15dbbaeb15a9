"""The GraphQL half of the engine: a schema per role, its own validation, one SQL statement per root field.

May import: `..catalog`, `..authentication` (Session), psycopg, graphql-core (parser and type classes). It is
handed metadata and a way to get a connection; it neither stores nor fetches either.

Not served, and said so where it is asked for: subscriptions, PostGIS and ltree operators, comparisons with columns
across relationships. Enum tables answer text. Numbers with more than 17 digits lose the rest unless
`stringify_numeric_types` is on (as in Hasura's own test suite; off by default, as in Hasura).

Where cases of that suite are older than Hasura 2.43, the newer behaviour is served: `on_conflict` without
`update_columns` does nothing, comparison types are called `String_comparison_exp`, a mutation is inherited where
the parents agree, a missing session variable is named in the singular, a failed check is "check constraint of an
insert/update permission has failed".

    engine = build(introspect(connection), source_metadata, inherited_roles)
    answer = engine.execute(pool.connection, session, {"query": "{ users { id } }"})
"""

from __future__ import annotations

import os
from typing import Any

from ..catalog import Catalog
from .errors import GraphQLFault
from .execute import Connections, Engine

__all__ = ["Connections", "Engine", "GraphQLFault", "build"]


def build(
    catalog: Catalog,
    source_metadata: dict[str, Any],
    inherited_roles: list[dict[str, Any]] | None = None,
    stringify_numeric_types: bool | None = None,
) -> Engine:
    """An engine over one source. Cheap: role schemas are built when a role first asks.

    `stringify_numeric_types` None means what HASURA_GRAPHQL_STRINGIFY_NUMERIC_TYPES says, as a rule false.
    """
    if stringify_numeric_types is None:
        stringify_numeric_types = os.environ.get("HASURA_GRAPHQL_STRINGIFY_NUMERIC_TYPES", "").lower() in (
            "true", "t", "yes", "y",
        )  # fmt: skip
    return Engine(catalog, source_metadata, inherited_roles, stringify_numeric_types)
