"""`__schema` and `__type`: answered by graphql-core over a role's types, so a role sees only what it may."""

from __future__ import annotations

from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableDefinitionNode,
    execute_sync,
)

from .document import Field
from .errors import invalid
from .outputs import OutputTypes
from .select import Request

Variables = tuple[VariableDefinitionNode, ...] | None


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
    types: OutputTypes, request: Request, variables: Variables, asked: list[Field]
) -> dict[str, Any]:
    """Answers of the introspection fields `asked`, by response key."""
    nodes = [
        FieldNode(
            alias=NameNode(value=field.key),
            name=NameNode(value=field.name),
            arguments=tuple(
                ArgumentNode(name=NameNode(value=n), value=v) for n, v in field.arguments.items()
            ),
            directives=(),
            selection_set=SelectionSetNode(selections=tuple(field.selections or ())),
        )
        for field in asked
    ]
    only = OperationDefinitionNode(
        operation=OperationType.QUERY,
        name=None,
        variable_definitions=variables,
        directives=(),
        selection_set=SelectionSetNode(selections=tuple(nodes)),
    )
    document = DocumentNode(definitions=(*request.document.fragments.values(), only))
    given = {name: request.values.plain(v.value) for name, v in request.values.variables.items()}
    result = execute_sync(role_schema(types), document, variable_values=given)
    if result.errors:
        raise invalid(result.errors[0].message)
    return dict(result.data or {})
