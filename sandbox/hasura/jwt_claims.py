"""From a verified token's claims to Hasura's: namespace, claims map, roles.

Source of rules and texts: facts/hasura.md, graphql-engine `Hasura.Server.Auth.JWT` (parseClaimsMap, parseHasuraClaims).
"""

from __future__ import annotations

import json
from typing import Any

from .graphql.errors import GraphQLFault
from .json_path import json_path

DEFAULT_NAMESPACE = "https://hasura.io/jwt/claims"
ALLOWED_ROLES = "x-hasura-allowed-roles"
DEFAULT_ROLE = "x-hasura-default-role"


def at_path(value: Any, steps: list[str | int]) -> Any:
    """What lies at the path; None when nothing does."""
    for step in steps:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _kind(value: Any) -> str:
    """aeson's name of a JSON value's type."""
    if value is None:
        return "Null"
    names = ((bool, "Boolean"), (str, "String"), (list, "Array"), (dict, "Object"))
    return next((name for kind, name in names if isinstance(value, kind)), "Number")


def _fault(message: str, code: str = "jwt-invalid-claims") -> GraphQLFault:
    return GraphQLFault(message, code)


def roles_of(claims: dict[str, Any]) -> tuple[list[str], str]:
    """Allowed roles and default role. Raises GraphQLFault where they are missing or no roles."""
    for name in (ALLOWED_ROLES, DEFAULT_ROLE):
        if name not in claims:
            raise _fault(f'JWT claim does not contain "{name}"', "jwt-missing-role-claims")
        value = claims[name]
        if name == ALLOWED_ROLES and not isinstance(value, list):
            hint = f"parsing [] failed, expected Array, but encountered {_kind(value)}"
            raise _fault(f'invalid "{name}"; should be a list of roles: {hint}')
        for i, role in enumerate(value if isinstance(value, list) and name == ALLOWED_ROLES else [value]):
            if not isinstance(role, str):
                where = f"[{i}]: " if name == ALLOWED_ROLES else ""
                what = "a list of roles" if name == ALLOWED_ROLES else "a single role name"
                hint = f"{where}parsing Text failed, expected String, but encountered {_kind(role)}"
                raise _fault(f'invalid "{name}"; should be {what}: {hint}')
    return claims[ALLOWED_ROLES], claims[DEFAULT_ROLE]


def variables_of(claims: dict[str, Any]) -> dict[str, str]:
    """The session variables among the claims; their values must be strings."""
    found = {}
    for name, value in claims.items():
        if name in (ALLOWED_ROLES, DEFAULT_ROLE):
            continue
        if not isinstance(value, str):
            hint = f"parsing Text failed, expected String, but encountered {_kind(value)}"
            raise _fault(f'x-hasura-* claims: ["{name}"]: {hint}')
        found[name] = value
    return found


class ClaimsReader:
    """Finds Hasura's claims in a token as the JWT configuration says."""

    def __init__(self, config: dict[str, Any]) -> None:
        """Raises ValueError for a configuration that graphql-engine would refuse."""
        if "claims_namespace" in config and "claims_namespace_path" in config:
            raise ValueError("claims_namespace and claims_namespace_path both cannot be set")
        self._namespace = config.get("claims_namespace", DEFAULT_NAMESPACE)
        self._path_text = config.get("claims_namespace_path")
        self._path = json_path(self._path_text) if self._path_text is not None else None
        self._format = config.get("claims_format", "json")
        if self._format not in ("json", "stringified_json"):
            raise ValueError("claims_format must be 'json' or 'stringified_json'")
        self._map = config.get("claims_map")
        if self._map is not None:
            self._map = {name.lower(): value for name, value in self._map.items()}
            for name in (ALLOWED_ROLES, DEFAULT_ROLE):
                if name not in self._map:
                    raise ValueError(f"{name} is expected but not found")

    def read(self, token: dict[str, Any]) -> dict[str, Any]:
        """`x-hasura-*` claims under lower-case names. Raises GraphQLFault where they cannot be found."""
        if self._map is not None:
            return self._mapped(token, self._map)
        if self._path is not None:
            found = at_path(token, self._path)
            if found is None:
                raise _fault(f"claims not found at claims_namespace_path: '{self._path_text}'")
        else:
            found = token.get(self._namespace)
            if found is None:
                raise _fault(f"claims key: '{self._namespace}' not found")
        if self._format == "stringified_json":
            if not isinstance(found, str):
                raise _fault("expecting a string when claims_format is stringified_json")
            found = self._decoded(found)
        elif not isinstance(found, dict):
            raise _fault("expecting a json object when claims_format is json")
        return {k.lower(): v for k, v in found.items() if k.lower().startswith("x-hasura-")}

    def _decoded(self, text: str) -> dict[str, Any]:
        try:
            decoded = json.loads(text)
        except ValueError:
            decoded = None
        if isinstance(decoded, dict):
            return decoded
        place = (
            f"claims_namespace_path {self._path_text}"
            if self._path is not None
            else f"claims_namespace {self._namespace}"
        )
        raise _fault(f"expecting stringified json at: '{place}', but found: {text}")

    @staticmethod
    def _mapped(token: dict[str, Any], mapping: dict[str, Any]) -> dict[str, Any]:
        claims = {}
        for name, rule in mapping.items():
            if not (isinstance(rule, dict) and "path" in rule):
                claims[name] = rule
                continue
            value = at_path(token, json_path(rule["path"]))
            if value is None:
                value = rule.get("default")
            if value is not None:
                claims[name] = value
            elif name not in (ALLOWED_ROLES, DEFAULT_ROLE):
                raise _fault(f'JWT claim from claims_map, "{name}" not found')
        return claims
