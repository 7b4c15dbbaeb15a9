"""Which source answers a GraphQL request, where the metadata has several.

Hasura shows the fields of all sources in one schema. This engine has one schema per source: a request goes to the source that
has its root fields. What would need the merged schema (root fields of several sources in one request, introspection) is
refused as not simulated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
)

from sandbox.hasura import graphql
from sandbox.hasura.authentication import Session
from sandbox.hasura.graphql.errors import GraphQLFault

__all__ = ["source_for"]


def source_for(schemas: Mapping[str, graphql.Engine], session: Session, request: object) -> str:
    """The name of the source that answers `request`. Raises `GraphQLFault` for what would need several."""
    first = next(iter(schemas))
    if len(schemas) == 1 or not isinstance(request, dict) or not isinstance(request.get("query"), str):
        return first
    try:
        document = parse(request["query"], no_location=True)
    except GraphQLError:
        return first
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    found: set[str] = set()
    for operation in document.definitions:
        if not isinstance(operation, OperationDefinitionNode):
            continue
        mutation = operation.operation is OperationType.MUTATION
        for name in _root_fields(operation.selection_set, fragments):
            if name in ("__schema", "__type"):
                raise _refused("introspection over several sources")
            found |= {source for source in schemas if name in _fields(schemas[source], session, mutation)}
    if len(found) > 1:
        raise _refused("a request over several sources")
    return found.pop() if found else first


def _refused(what: str) -> GraphQLFault:
    return GraphQLFault(f"sandbox: {what} is not simulated", "not-supported")


def _fields(schema: graphql.Engine, session: Session, mutation: bool) -> Mapping[str, Any]:
    types = schema.types(session.role, session.backend_request)
    root = types.mutation_root() if mutation else types.query_root()
    return root.fields if root is not None else {}


def _root_fields(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], depth: int = 0
) -> Iterator[str]:
    if depth > 20:  # fragments that spread each other: the source says so
        return
    for selection in selections.selections:
        if isinstance(selection, FieldNode):
            yield selection.name.value
        elif isinstance(selection, InlineFragmentNode):
            yield from _root_fields(selection.selection_set, fragments, depth + 1)
        elif isinstance(selection, FragmentSpreadNode) and selection.name.value in fragments:
            yield from _root_fields(fragments[selection.name.value].selection_set, fragments, depth + 1)
