"""Inputs of the stand-ins: what they do not know is refused by name, never dropped."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from providers.kit.errors import ProviderError
from providers.kit.inputs import Inputs
from providers.kit.provider import ClientT, Provider
from providers.kit.resource import Resource

# What plugins built by Pulumi's bridge note among the inputs that they keep: state of theirs stays readable.
_NOTES = frozenset({"__defaults", "__meta"})


class StandInInputs(Inputs):
    """Base of every input model of a stand-in."""

    @model_validator(mode="before")
    @classmethod
    def _known_only(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = {field.alias or name for name, field in cls.model_fields.items()} | cls.model_fields.keys()
        given = {key: value for key, value in data.items() if key not in _NOTES}
        unknown = PydanticCustomError(
            "unknown_here",
            "is not known to the sandbox's stand-in for this plugin, which serves what this stack declares",
        )
        failures = [
            InitErrorDetails(type=unknown, loc=(key,), input=None) for key in given if key not in known
        ]
        if failures:
            raise ValidationError.from_exception_data(cls.__name__, failures)
        return given


class StandIn(Provider[ClientT]):
    """A provider that says about a resource it does not have whose lack that is."""

    def kind(self, token: str) -> type[Resource[Any, Any]] | None:
        """The resource class of a type token. Raises `ProviderError` where there is none."""
        found = super().kind(token)
        if found is None:
            raise ProviderError(
                f"The sandbox's stand-in for the plugin {self.name} has no resource {token.rsplit('$', 1)[-1]!r}: it serves what "
                "this stack declares, the published plugin has the rest."
            )
        return found
