"""What a provider is: a name, a version, a configuration, and the resource kinds that it offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from providers.kit.inputs import Inputs
from providers.kit.resource import Resource

ClientT = TypeVar("ClientT")


@dataclass(frozen=True)
class Provider(Generic[ClientT]):
    """A plugin's description, independent of the protocol.

    `connect` makes the client that every resource gets from the validated configuration. It is called lazily, before the first
    call that goes outside, so that a preview needs no reachable service. `description` stands in the package schema.
    """

    name: str
    version: str
    description: str
    config: type[Inputs]
    resources: tuple[type[Resource[Any, Any]], ...]
    functions: Mapping[str, Callable[[Any, dict[str, Any]], dict[str, Any]]] = field(default_factory=dict)
    """Data sources by token: they take the client and plain arguments, and return plain values."""

    def connect(self, config: Any) -> ClientT:
        """Make the client for a validated configuration. Overridden by each provider."""
        raise NotImplementedError

    def kind(self, token: str) -> type[Resource[Any, Any]] | None:
        """The resource class of a type token. Under components the token comes as the chain of parents, `A$B`."""
        wanted = token.rsplit("$", 1)[-1]
        return next((kind for kind in self.resources if kind.token == wanted), None)
