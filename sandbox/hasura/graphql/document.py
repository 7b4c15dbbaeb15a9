"""A request's document: parsed once, its fragments and directives checked, selections flattened into fields.

graphql-core parses; what is an error and how it is worded follows graphql-engine `Hasura.GraphQL.Execute.Inline`
and `Hasura.GraphQL.Parser.Collect`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    ValueNode,
    ast_to_dict,
    parse,
)

from .errors import GraphQLFault, invalid

_KNOWN_DIRECTIVES = ("include", "skip", "cached")


@dataclass(frozen=True)
class Document:
    """Operations and fragments by name."""

    node: DocumentNode
    operations: tuple[OperationDefinitionNode, ...]
    fragments: dict[str, FragmentDefinitionNode]

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run. Raises GraphQLFault where the request does not say which."""
        if name is not None:
            for operation in self.operations:
                if operation.name is not None and operation.name.value == name:
                    return operation
            raise invalid(f'no such operation found in the document: "{name}"')
        if len(self.operations) == 1:
            return self.operations[0]
        if not self.operations:
            raise invalid("exactly one operation has to be present")
        raise invalid(
            "exactly one operation has to be present in the document when operationName is not specified"
        )


@lru_cache(maxsize=512)
def parse_document(text: str) -> Document:
    """Raises GraphQLFault for bad syntax."""
    try:
        node = parse(text, no_location=True)
    except (GraphQLSyntaxError, RecursionError) as error:
        raise GraphQLFault("not a valid graphql query", "validation-failed", "$.query") from error
    operations, fragments = [], {}
    for definition in node.definitions:
        if isinstance(definition, OperationDefinitionNode):
            operations.append(definition)
        elif isinstance(definition, FragmentDefinitionNode):
            name = definition.name.value
            if name in fragments:
                raise GraphQLFault(f'multiple definitions for fragment "{name}"', "parse-failed")
            fragments[name] = definition
        else:
            raise GraphQLFault("not a valid graphql query", "validation-failed", "$.query")
    return Document(node, tuple(operations), fragments)


@lru_cache(maxsize=1024)
def check_operation(text: str, name: str | None) -> None:
    """Directives and fragments of one operation; graphql-engine looks at them before anything else."""
    document = parse_document(text)
    operation = document.operation(name)
    for directive in operation.directives or ():
        if directive.name.value in ("include", "skip"):
            raise invalid(
                f'directive "{directive.name.value}" is not allowed on a {operation.operation.value}'
            )
    _check_directives(operation.directives, "$")
    _check(document, operation.selection_set.selections, "$", ())


def _check(
    document: Document, selections: Iterable[SelectionNode], path: str, stack: tuple[str, ...]
) -> None:
    path += ".selectionSet"
    for selection in selections:
        _check_directives(selection.directives, path)
        if isinstance(selection, FieldNode):
            if selection.selection_set:
                _check(document, selection.selection_set.selections, f"{path}.{selection.name.value}", stack)
        elif isinstance(selection, InlineFragmentNode):
            _check(document, selection.selection_set.selections, path.removesuffix(".selectionSet"), stack)
        elif isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name in stack:
                cycle = ",".join([*reversed(stack[stack.index(name) + 1 :]), name])
                raise invalid(f'cannot spread fragment "{name}" within itself via {cycle}', path)
            if name not in document.fragments:
                raise invalid(f'reference to undefined fragment "{name}"', path)
            fragment = document.fragments[name]
            _check(document, fragment.selection_set.selections, f"{path}.{name}", (*stack, name))


def _check_directives(directives: Iterable[DirectiveNode] | None, path: str) -> None:
    names = [d.name.value for d in directives or ()]
    for name in names:
        if name not in _KNOWN_DIRECTIVES:
            raise invalid(f'directive "{name}" is not defined in the schema', path)
    twice = [n for n in dict.fromkeys(names) if names.count(n) > 1]
    if twice:
        raise invalid(f"the following directives are used more than once: {', '.join(twice)}", path)


@dataclass
class Field:
    """One field of a flattened selection set; `selections` is None where the request has none."""

    key: str
    name: str
    arguments: dict[str, ValueNode]
    selections: list[SelectionNode] | None
    path: str


def collect(
    document: Document,
    selections: Iterable[SelectionNode],
    type_name: str,
    path: str,
    boolean: Callable[[ValueNode, str], bool],
) -> list[Field]:
    """Flatten fragments, apply @include and @skip, merge fields that answer under the same key.

    `boolean` reads a directive's argument. Raises GraphQLFault for fields that cannot be merged.
    """
    found: dict[str, Field] = {}
    path += ".selectionSet"

    def visit(nodes: Iterable[SelectionNode]) -> None:
        for node in nodes:
            if node.directives and not _included(node.directives, path, boolean):
                continue
            if isinstance(node, FieldNode):
                add(node)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                if condition is None or condition.name.value == type_name:
                    visit(node.selection_set.selections)
            elif isinstance(node, FragmentSpreadNode):
                fragment = document.fragments[node.name.value]
                if fragment.type_condition.name.value == type_name:
                    visit(fragment.selection_set.selections)

    def add(node: FieldNode) -> None:
        name = node.name.value
        key = node.alias.value if node.alias else name
        arguments = {a.name.value: a.value for a in node.arguments or ()}
        selections = list(node.selection_set.selections) if node.selection_set else None
        old = found.get(key)
        if old is None:
            found[key] = Field(key, name, arguments, selections, f"{path}.{name}")
            return
        if old.name != name:
            raise invalid(
                f"selection of both '{old.name}' and '{name}' specify the same response name, '{key}'", path
            )
        if _plain(old.arguments) != _plain(arguments):
            raise invalid(f"inconsistent arguments between multiple selections of field '{name}'", path)
        if selections:
            old.selections = (old.selections or []) + selections

    visit(selections)
    return list(found.values())


def _plain(arguments: dict[str, ValueNode]) -> dict[str, Any]:
    return {name: ast_to_dict(value) for name, value in arguments.items()}


def _included(
    directives: Iterable[DirectiveNode], path: str, boolean: Callable[[ValueNode, str], bool]
) -> bool:
    for directive in directives:
        name = directive.name.value
        if name not in ("include", "skip"):
            continue
        value = next((a.value for a in directive.arguments or () if a.name.value == "if"), None)
        if value is None:
            raise invalid(f'missing "if" argument for "{name}" directive', path)
        if boolean(value, path) is (name == "skip"):
            return False
    return True
