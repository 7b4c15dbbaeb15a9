"""The part of the user search syntax that is simulated: `field:value` terms joined by AND or OR.

A value may be quoted and may end with `*`; `_exists_:field` asks for a field. Anything else answers 501.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.auth0.management.errors import NotSimulatedError, bad_request
from sandbox.auth0.store import Document

__all__ = ["matcher", "sort_users"]

_TERM = re.compile(r'^(?P<negated>-|NOT\s+)?(?P<field>[\w.]+):(?P<value>"(?:[^"\\]|\\.)*"|[^\s()\[\]{}]+)$')


def matcher(query: str) -> Callable[[Document], bool]:
    """A test for users, from the argument `q`. Raises NotSimulatedError for syntax beyond the docstring above."""
    if not query.strip() or query.strip() == "*":
        return lambda _: True
    options = [
        [_term(part) for part in re.split(r"\s+AND\s+", option.strip())]
        for option in re.split(r"\s+OR\s+", query.strip())
    ]
    return lambda user: any(all(term(user) for term in terms) for terms in options)


def _term(text: str) -> Callable[[Document], bool]:
    match = _TERM.match(text.strip())
    if match is None:
        raise NotSimulatedError(f"user search {text!r}")
    field, value = match["field"], match["value"]
    if value.startswith('"'):
        value = value[1:-1]
    value = re.sub(r"\\(.)", r"\1", value)
    negated = bool(match["negated"])

    def holds(user: Document) -> bool:
        if field == "_exists_":
            return bool(_values(user, value))
        return any(_equal(found, value) for found in _values(user, field))

    return (lambda user: not holds(user)) if negated else holds


def _equal(found: Any, wanted: str) -> bool:
    text = str(found).lower() if isinstance(found, bool) else str(found)
    if wanted.endswith("*"):
        return text.lower().startswith(wanted[:-1].lower())
    return text.lower() == wanted.lower()


def _values(user: Document, field: str) -> list[Any]:
    values: list[Any] = [user]
    for part in field.split("."):
        following = [value.get(part) for value in values if isinstance(value, dict)]
        values = []
        for value in following:
            values.extend(value if isinstance(value, list) else [value])
    return [value for value in values if value is not None]


def sort_users(users: list[Document], order: str | None) -> list[Document]:
    """Users sorted by `field:1` or `field:-1`; in order of creation without it."""
    if not order:
        return users
    field, _, direction = order.partition(":")
    if direction not in ("1", "-1"):
        raise bad_request(
            "Query validation error: 'String does not match pattern' on property sort.",
            "invalid_query_string",
        )
    return sorted(
        users,
        key=lambda user: [str(value) for value in _values(user, field)],
        reverse=direction == "-1",
    )
