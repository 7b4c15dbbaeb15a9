"""Routes of the Management API: declared beside their handlers, found by path segments.

A handler takes a `Call` and gives a `Reply`, or a value (200 with that value as JSON). Scopes, arguments of
the query and the route's need of a thread are declared with it, so that one place enforces them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sandbox.auth0.management.schema import Table, check
from sandbox.auth0.store import Store
from sandbox.auth0.tenant import Tenant

__all__ = ["Call", "Endpoint", "Endpoints", "Reply"]


@dataclass(frozen=True)
class Reply:
    """An answer; a body of None is an empty one."""

    status: int
    body: Any = None


@dataclass
class Call:
    """One request, as its handler sees it."""

    tenant: Tenant
    method: str
    path: str
    params: dict[str, str]
    query: dict[str, str]
    body: Any
    scopes: set[str]

    @property
    def store(self) -> Store:
        """The tenant's documents."""
        return self.tenant.store

    def checked(self, table: Table, *, partial: bool = False) -> dict[str, Any]:
        """The body, validated against a field table (see `schema.check`)."""
        return check(self.body, table, method=self.method, path=self.path, partial=partial)


Handler = Callable[[Call], Any]
_H = TypeVar("_H", bound=Handler)


@dataclass(frozen=True)
class Endpoint:
    """One route. Any one of `scopes` opens it; `query` lists the arguments that it knows."""

    method: str
    segments: tuple[str, ...]
    handler: Handler
    scopes: tuple[str, ...]
    query: frozenset[str]
    blocking: bool

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """The values of the path's parameters, None where the path is another one."""
        if len(segments) != len(self.segments):
            return None
        params = {}
        for template, segment in zip(self.segments, segments, strict=True):
            if template.startswith("{"):
                params[template[1:-1]] = segment
            elif template != segment:
                return None
        return params


@dataclass
class Endpoints:
    """The routes of one resource kind, filled by its decorator."""

    routes: list[Endpoint] = field(default_factory=list)

    def __call__(
        self,
        method: str,
        path: str,
        scopes: Iterable[str],
        query: Iterable[str] = (),
        *,
        blocking: bool = False,
    ) -> Callable[[_H], _H]:
        """Declare a route; `blocking` handlers run in a thread (a hash, a Node process, a long list)."""

        def declare(handler: _H) -> _H:
            segments = tuple(path.strip("/").split("/"))
            self.routes.append(Endpoint(method, segments, handler, tuple(scopes), frozenset(query), blocking))
            return handler

        return declare
