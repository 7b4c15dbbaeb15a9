"""`__schema` and `__type`: answered by graphql-core over a role's types, so a role sees only what it may."""

from __future__ import annotations

from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    execute_sync,
)

from .errors import invalid
from .outputs import OutputTypes
from .values import Values


def is_introspection(name: str) -> bool:
    """Is it one of the two root fields of introspection?"""
    return name in ("__schema", "__type")


def role_schema(types: OutputTypes) -> GraphQLSchema:
    """The whole schema of a role; made once and kept with its types."""
    found: GraphQLSchema | None = types.__dict__.get("_schema")
    if found is None:
        found = GraphQLSchema(query=types.query_root(), mutation=types.mutation_root())
        types.__dict__["_schema"] = found
    return found


def introspect_fields(
    types: OutputTypes, document: DocumentNode, operation: OperationDefinitionNode, values: Values
) -> dict[str, Any]:
    """Answers of the introspection fields of an operation, by response key."""

    def kept(selection: Any) -> bool:
        return not isinstance(selection, FieldNode) or is_introspection(selection.name.value)

    selections = tuple(s for s in operation.selection_set.selections if kept(s))
    only = OperationDefinitionNode(
        operation=operation.operation,
        name=None,
        variable_definitions=operation.variable_definitions,
        directives=(),
        selection_set=SelectionSetNode(selections=selections),
    )
    others = tuple(d for d in document.definitions if not isinstance(d, OperationDefinitionNode))
    given = {name: values.plain(v.value) for name, v in values.variables.items()}
    result = execute_sync(
        role_schema(types), DocumentNode(definitions=(*others, only)), variable_values=given
    )
    if result.errors:
        raise invalid(result.errors[0].message)
    return dict(result.data or {})
