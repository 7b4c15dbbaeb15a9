"""Runs requests: picks the role's schema, compiles the root fields, executes them, shapes the answer.

Rules: GraphQL over HTTP as graphql-engine does it (`Hasura.GraphQL.Transport.HTTP`): batches, operationName,
one transaction per mutation, `data` or `errors` but never both.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import psycopg
from graphql import OperationDefinitionNode, OperationType
from psycopg import RawCursor

from ..catalog import Catalog
from .delete import compile_delete
from .document import Field, check_operation, collect, parse_document
from .errors import GraphQLFault, from_postgres, invalid
from .insert import compile_insert
from .introspection import introspect_fields, is_introspection
from .mutation import Cursor, Plan, run
from .outputs import OutputTypes
from .permissions import Permissions
from .schema import Context, RoleSchema, RootField
from .select import Request, Select
from .source import read_source
from .update import compile_update
from .values import Values, read_variables

if TYPE_CHECKING:
    from ..authentication import Session

log = logging.getLogger("sandbox.hasura.graphql")
Connections = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]
"""Gives a connection for one request, `pool.connection` for example."""

_COMPILERS = {"insert": compile_insert, "update": compile_update, "delete": compile_delete}


class Engine:
    """Answers GraphQL requests over one source."""

    def __init__(
        self,
        catalog: Catalog,
        source_metadata: dict[str, Any],
        inherited_roles: list[dict[str, Any]] | None = None,
        stringify_numeric_types: bool = False,
    ) -> None:
        """`stringify_numeric_types`: HASURA_GRAPHQL_STRINGIFY_NUMERIC_TYPES, bigint, numeric and float8 as text."""
        self._tables, self._functions = read_source(catalog, source_metadata)
        self._parents = {r["role_name"]: list(r["role_set"]) for r in inherited_roles or []}
        self._stringify = stringify_numeric_types
        self._types: dict[tuple[str, bool], OutputTypes] = {}

    def types(self, role: str, backend: bool = False) -> OutputTypes:
        """The role's schema, built on first use."""
        found = self._types.get((role, backend))
        if found is None:
            permissions = Permissions(role, self._parents)
            schema = RoleSchema(role, self._tables, self._functions, permissions, backend)
            found = self._types[(role, backend)] = OutputTypes(schema)
        return found

    def execute(self, connections: Connections, session: Session, body: Any) -> Any:
        """Answer a request's body, or a list of them; every error becomes an answer."""
        if isinstance(body, list):
            return [self._answer(connections, session, one) for one in body]
        return self._answer(connections, session, body)

    def _answer(self, connections: Connections, session: Session, body: Any) -> dict[str, Any]:
        try:
            return {"data": self._execute(connections, session, body)}
        except GraphQLFault as fault:
            return fault.as_answer(session.is_admin)
        except psycopg.Error as error:
            return from_postgres(error).as_answer(session.is_admin)
        except Exception:
            log.exception("internal error while answering a GraphQL request")
            return GraphQLFault("internal error, see the engine's log", "unexpected").as_answer()

    def _execute(self, connections: Connections, session: Session, body: Any) -> dict[str, Any]:
        text, name, variables = _read_body(body)
        document = parse_document(text)
        operation = document.operation(name)
        if operation.operation is OperationType.SUBSCRIPTION:
            raise GraphQLFault(
                "subscriptions are not supported over HTTP, use websockets instead", "unexpected"
            )
        check_operation(text, name)
        values = Values(read_variables(operation, variables))
        types = self.types(session.role, session.backend_request)
        request = Request(types.schema, types, document, values)
        mutation = operation.operation is OperationType.MUTATION
        if mutation and types.mutation_root() is None:
            raise invalid("no mutations exist")
        plans = self._plans(request, operation, session, mutation)
        return _run(connections, plans, mutation)

    def _plans(
        self, request: Request, operation: OperationDefinitionNode, session: Session, mutation: bool
    ) -> list[tuple[str, Plan]]:
        types, schema = request.types, request.schema
        root_type = types.mutation_root() if mutation else types.query_root()
        roots = schema.mutation_fields if mutation else schema.query_fields
        if root_type is None:  # pragma: no cover - handled by the caller
            raise invalid("no mutations exist")
        selections = operation.selection_set.selections
        fields = collect(request.document, selections, root_type.name, "$", request.values.boolean)
        plans: list[tuple[str, Plan]] = []
        asked = [f for f in fields if is_introspection(f.name)]
        if asked and not mutation:
            answers = introspect_fields(types, request, operation.variable_definitions, asked)
            plans += [(f.key, _constant(answers.get(f.key))) for f in asked]
        for field in fields:
            if field.name == "__typename":
                plans.append((field.key, _constant(root_type.name)))
            elif field not in asked or mutation:
                if field.name not in root_type.fields:
                    raise invalid(f"field '{field.name}' not found in type: '{root_type.name}'", field.path)
                if field.name not in roots:
                    text = root_type.fields[field.name].description
                    plans.append((field.key, _constant(text)))
                    continue
                arguments = request.arguments(field, root_type)
                plans.append((field.key, self._plan(request, roots[field.name], field, arguments, session)))
        order = [f.key for f in fields]
        return sorted(plans, key=lambda plan: order.index(plan[0]))

    def _plan(
        self, request: Request, root: RootField, field: Field, arguments: dict[str, Any], session: Session
    ) -> Plan:
        def new_context() -> Context:
            return Context(session, self._stringify)

        kind = root.kind.split("_")[0]
        if kind in _COMPILERS:
            return _COMPILERS[kind](request, root, field, arguments, new_context)
        context = new_context()
        select = Select(request, context)
        if root.function is not None:
            source, alias = select.function(root.function, arguments, field.path), context.alias()
            make = select.aggregate if root.kind == "function_aggregate" else select.rows
            expression = make(root.view, field, arguments, source, alias)
        else:
            expression = select.root(root.kind, root.view, field, arguments)
        return lambda cursor: run(cursor, f"SELECT {expression}", context.params)[0]


def _constant(value: Any) -> Plan:
    return lambda cursor: value


def _run(connections: Connections, plans: list[tuple[str, Plan]], mutation: bool) -> dict[str, Any]:
    with connections() as connection:
        cursor: Cursor = RawCursor(connection)
        if mutation:
            with connection.transaction():
                return {key: plan(cursor) for key, plan in plans}
        return {key: plan(cursor) for key, plan in plans}


def _read_body(body: Any) -> tuple[str, str | None, dict[str, Any]]:
    if not isinstance(body, dict):
        raise GraphQLFault("the request is neither an object nor a list of objects", "bad-request")
    extensions = body.get("extensions")
    if isinstance(extensions, dict) and extensions.get("persistedQuery"):
        raise GraphQLFault("Automatic Persisted Queries is not enabled", "not-supported")
    text = body.get("query")
    if text is None:
        raise GraphQLFault('the key "query" was not present', "parse-failed")
    if not isinstance(text, str):
        raise GraphQLFault("parsing Text failed, expected String", "parse-failed", "$.query")
    variables = body.get("variables") or {}
    if not isinstance(variables, dict):
        raise GraphQLFault("parsing HashMap failed, expected Object", "parse-failed", "$.variables")
    return text, body.get("operationName") or None, variables
