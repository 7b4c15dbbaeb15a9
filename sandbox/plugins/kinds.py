"""What the stand-ins have in common: what they do not know is refused by name, and what the published plugins made is theirs."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from providers.kit.diffing import Diff
from providers.kit.errors import ProviderError
from providers.kit.inputs import Inputs
from providers.kit.provider import ClientT, Provider
from providers.kit.resource import InputsT, Resource
from providers.kit.values import Props, Secret

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


class StandInResource(Resource[ClientT, InputsT]):
    """Base of every resource of a stand-in. It takes over what the published plugin made, and the other way round."""

    def diff(self, old: Props, new: Props) -> Diff:
        """What changes, the published plugin's notes in the state aside."""
        return super().diff(_without_notes(old), new)


def _without_notes(value: Any) -> Any:
    if isinstance(value, Secret):
        return Secret(_without_notes(value.value))
    if isinstance(value, dict):
        return {key: _without_notes(item) for key, item in value.items() if key not in _NOTES}
    return [_without_notes(item) for item in value] if isinstance(value, list) else value


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
