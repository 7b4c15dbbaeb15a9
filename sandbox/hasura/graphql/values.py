"""Client values against input types: variables, literals and JSON become plain Python, or an error in Hasura's words.

Source: graphql-engine `Hasura.GraphQL.Parser.Internal.{Input,Scalars,TypeChecking}` and `…Execute.Resolve`.
Enums come out as text, input objects as dicts, scalars as JSON values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    NamedTypeNode,
    NonNullTypeNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    StringValueNode,
    TypeNode,
    Undefined,
    ValueNode,
    VariableNode,
    print_ast,
)

from .errors import GraphQLFault, invalid

_NAME = re.compile(r"^[_A-Za-z][_0-9A-Za-z]*$")
_LITERALS = {
    IntValueNode: "an integer",
    FloatValueNode: "a float",
    StringValueNode: "a string",
    BooleanValueNode: "a boolean",
    NullValueNode: "null",
    EnumValueNode: "an enum value",
    ListValueNode: "a list",
    ObjectValueNode: "an object",
}
_EXPECTED = {"Int": "a 32-bit integer", "Float": "a float", "String": "a string", "Boolean": "a boolean"}
_FREE = frozenset({"json", "jsonb"})
_NUMERIC = frozenset({"smallint", "bigint", "numeric", "float8", "money"})


@dataclass(frozen=True)
class Variable:
    """A declared variable with the request's value (JSON) or its default (a literal)."""

    name: str
    type: TypeNode
    value: Any
    has_default: bool


def read_variables(operation: OperationDefinitionNode, given: Mapping[str, Any]) -> dict[str, Variable]:
    """Match declarations with the request's values. Raises GraphQLFault for missing and unexpected ones."""
    found: dict[str, Variable] = {}
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        default = definition.default_value
        if name in found:
            raise GraphQLFault(f"multiple definitions for variable '{name}'", "parse-failed")
        value: Any = None
        if name in given:
            value = given[name]
        elif default is not None:
            value = default
        elif isinstance(definition.type, NonNullTypeNode):
            raise invalid(f"expecting a value for non-nullable variable: '{name}'")
        has_default = default is not None and not isinstance(default, NullValueNode)
        found[name] = Variable(name, definition.type, value, has_default)
    unexpected = [name for name in given if name not in found]
    if unexpected:
        raise invalid(f"unexpected variables in variableValues: {', '.join(unexpected)}")
    return found


def _describe(value: Any) -> str:
    if isinstance(value, ValueNode):
        return _LITERALS[type(value)]
    if value is None:
        return "null"
    names = ((bool, "a boolean"), (str, "a string"), (list, "a list"), (dict, "an object"))
    return next((name for kind, name in names if isinstance(value, kind)), "a number")


def _mismatch(expected: str, name: str, value: Any, path: str) -> GraphQLFault:
    return invalid(f"expected {expected} for type '{name}', but found {_describe(value)}", path)


def _is_null(value: Any) -> bool:
    return value is None or isinstance(value, NullValueNode)


def names_text(names: list[str]) -> str:
    """`['a', 'b']`, as messages list names."""
    return "[" + ", ".join(f"'{n}'" for n in names) + "]"


class Values:
    """Reads the values of one operation."""

    def __init__(self, variables: dict[str, Variable]) -> None:
        self.variables = variables

    def boolean(self, value: ValueNode, path: str) -> bool:
        """A directive's argument."""
        return bool(self.read(value, GraphQLNonNull(GraphQLBoolean), path))

    def arguments(
        self, given: dict[str, ValueNode], types: Mapping[str, GraphQLArgument], field_name: str, path: str
    ) -> dict[str, Any]:
        """Arguments of a field; those left out are absent from the answer."""
        for name in given:
            if name not in types:
                raise invalid(f"'{field_name}' has no argument named '{name}'", path)
        return self._fields(given, types, f"{path}.args")

    def _fields(
        self, given: Mapping[str, Any], types: Mapping[str, GraphQLArgument | GraphQLInputField], path: str
    ) -> dict[str, Any]:
        found = {}
        for name, field in types.items():
            if name in given:
                found[name] = self.read(given[name], field.type, f"{path}.{name}", field)
            elif field.default_value is not Undefined:
                found[name] = field.default_value
            elif isinstance(field.type, GraphQLNonNull):
                raise invalid(f"missing required field '{name}'", f"{path}.{name}")
        return found

    def read(
        self, value: Any, type_: Any, path: str, field: GraphQLArgument | GraphQLInputField | None = None
    ) -> Any:
        """A value of an input type; None is null. Raises GraphQLFault."""
        extensions = field.extensions if field is not None else {}
        if isinstance(value, VariableNode):
            default = field is not None and field.default_value is not Undefined
            value = self._variable(value, type_, path, default, bool(extensions.get("array")))
        inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if _is_null(value):
            if isinstance(type_, GraphQLNonNull) or extensions.get("no_null"):
                raise self._null_fault(inner, value, path)
            return None
        if isinstance(inner, GraphQLList):
            return self._list(value, inner, path, bool(extensions.get("array")))
        if isinstance(inner, GraphQLInputObjectType):
            return self._object(value, inner, path)
        if isinstance(inner, GraphQLEnumType):
            return self._enum(value, inner, path)
        return self._scalar(value, inner, path, extensions.get("integer"))

    @staticmethod
    def _null_fault(type_: Any, value: Any, path: str) -> GraphQLFault:
        if isinstance(type_, GraphQLList):
            return invalid("expected a list, but found null", path)
        if isinstance(type_, GraphQLScalarType):
            expected = _EXPECTED.get(type_.name)
            if expected is None:
                return invalid(f"unexpected null value for type '{type_.name}'", path)
            return _mismatch(expected, type_.name, value, path)
        expected = "an object" if isinstance(type_, GraphQLInputObjectType) else "an enum value"
        return _mismatch(expected, type_.name, value, path)

    def _variable(self, node: VariableNode, type_: Any, path: str, default: bool, array: bool) -> Any:
        name = node.name.value
        variable = self.variables.get(name)
        if variable is None:
            raise invalid(f"unbound variable '{name}'")
        declared: TypeNode = variable.type
        nullable_there = not isinstance(type_, GraphQLNonNull)
        fits = nullable_there or isinstance(declared, NonNullTypeNode) or default or variable.has_default
        bare = declared.type if isinstance(declared, NonNullTypeNode) else declared
        location = type_ if nullable_there else type_.of_type
        if not (fits and _compatible(location, bare, array)):
            raise invalid(
                f"variable '{name}' is declared as '{print_ast(declared)}', but used where '{type_}' is expected",
                path,
            )
        return variable.value

    def _list(self, value: Any, type_: GraphQLList[Any], path: str, array: bool) -> Any:
        if isinstance(value, ListValueNode):
            return [self.read(v, type_.of_type, f"{path}[{i}]") for i, v in enumerate(value.values)]
        if isinstance(value, list):
            return [self.read(v, type_.of_type, f"{path}[{i}]") for i, v in enumerate(value)]
        text = value.value if isinstance(value, StringValueNode) else value
        if array and isinstance(text, str) and text.startswith("{"):
            return text  # Postgres' own way to write an array
        return [self.read(value, type_.of_type, f"{path}[0]")]

    def _object(self, value: Any, type_: GraphQLInputObjectType, path: str) -> dict[str, Any]:
        if isinstance(value, ObjectValueNode):
            given = {f.name.value: f.value for f in value.fields}
        elif isinstance(value, dict):
            given = value
            for key in given:
                if not _NAME.match(key):
                    raise invalid(
                        f"variable value contains object with key '{key}', which is not a legal GraphQL name",
                        path,
                    )
        else:
            raise _mismatch("an object", type_.name, value, path)
        fields = type_.fields
        for key in given:
            if key not in fields:
                raise invalid(f"field '{key}' not found in type: '{type_.name}'", f"{path}.{key}")
        return self._fields(given, fields, path)

    @staticmethod
    def _enum(value: Any, type_: GraphQLEnumType, path: str) -> str:
        if isinstance(value, EnumValueNode):
            text = value.value
        elif isinstance(value, str) and _NAME.match(value):
            text = value
        else:
            raise _mismatch("an enum value", type_.name, value, path)
        if text not in type_.values:
            listed = names_text(list(type_.values))
            raise invalid(
                f"expected one of the values {listed} for type '{type_.name}', but found '{text}'", path
            )
        return text

    def _scalar(self, value: Any, type_: GraphQLScalarType, path: str, integer: str | None) -> Any:
        name = type_.name
        plain = self.plain(value)
        number = isinstance(plain, int | float) and not isinstance(plain, bool)
        if integer == "limit":
            if not number or plain < 0:
                raise _mismatch("a non-negative 32-bit integer", name, value, path)
            return _integer(plain, 32, path)
        if integer == "offset":
            if isinstance(plain, str) and plain.isdigit():
                return int(plain)
            if not number:
                raise _mismatch(
                    "a 32-bit integer, or a 64-bit integer represented as a string", name, value, path
                )
            return _integer(plain, 64, path)
        if name in _FREE:
            return plain
        is_text = isinstance(plain, str) and not isinstance(value, EnumValueNode)
        fits = {"Int": number, "Float": number, "String": is_text, "Boolean": isinstance(plain, bool)}
        if name in fits:
            if not fits[name] or (name == "Int" and isinstance(value, FloatValueNode)):
                raise _mismatch(_EXPECTED[name], name, value, path)
            return _integer(plain, 32, path) if name == "Int" else plain
        if not isinstance(plain, str) and not (number and name in _NUMERIC):
            wanted = "Number" if name in _NUMERIC else "String"
            kinds = {bool: "Boolean", dict: "Object", list: "Array"}
            found = kinds.get(type(plain), "Number")
            message = f"parsing {name} failed, expected {wanted}, but encountered {found}"
            raise GraphQLFault(message, "parse-failed", path)
        return plain

    def plain(self, value: Any) -> Any:
        """A literal as JSON, variables inside it replaced."""
        if not isinstance(value, ValueNode):
            return value
        if isinstance(value, VariableNode):
            variable = self.variables.get(value.name.value)
            if variable is None:
                raise invalid(f"unbound variable '{value.name.value}'")
            return self.plain(variable.value)
        if isinstance(value, IntValueNode):
            return int(value.value)
        if isinstance(value, FloatValueNode):
            return float(value.value)
        if isinstance(value, StringValueNode | EnumValueNode | BooleanValueNode):
            return value.value
        if isinstance(value, ListValueNode):
            return [self.plain(v) for v in value.values]
        if isinstance(value, ObjectValueNode):
            return {f.name.value: self.plain(f.value) for f in value.fields}
        return None


def _integer(value: float, bits: int, path: str) -> int:
    if value != int(value) or not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        message = f"The value {value} lies outside the bounds or is not an integer. "
        message += "Maybe it is a float, or is there integer overflow?"
        raise GraphQLFault(message, "parse-failed", path)
    return int(value)


def _compatible(location: Any, declared: TypeNode, array: bool) -> bool:
    """Is a variable of this declared type usable at a location of that type (GraphQL, section 5.8.5)?"""
    if isinstance(location, GraphQLNonNull):
        if isinstance(declared, NonNullTypeNode):
            return _compatible(location.of_type, declared.type, array)
        return array and _compatible(location.of_type, declared, array)
    if isinstance(declared, NonNullTypeNode):
        declared = declared.type
    if isinstance(location, GraphQLList):
        if isinstance(declared, ListTypeNode):
            return _compatible(location.of_type, declared.type, array)
        return array and isinstance(declared, NamedTypeNode)
    return isinstance(declared, NamedTypeNode) and declared.name.value == location.name
