"""Typed inputs: pydantic models with the property names that Pulumi programs use, and their failures as check failures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from providers.kit.values import UNKNOWN, Path, Props, format_path, reveal, walk


class Inputs(BaseModel):
    """Base of every input model: `snake_case` in Python, `camelCase` in Pulumi, unknown properties refused.

    A field declared with `json_schema_extra={"secret": True}` is a secret whatever the program says.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


T = TypeVar("T", bound=Inputs)


@dataclass(frozen=True)
class CheckFailure:
    """One problem with one property. `property` is a path in Pulumi's notation, empty for the resource as a whole."""

    property: str
    reason: str


def secret_fields(model: type[Inputs]) -> set[Path]:
    """Paths of the top-level fields that a model declares as secrets."""
    return {
        (field.alias or name,)
        for name, field in model.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("secret")
    }


def validate(model: type[Inputs], props: Props) -> list[CheckFailure]:
    """Everything that is wrong with `props`, all at once. What depends on an unknown value is not judged."""
    plain = reveal(props)
    unknown = [path for path, value, _ in walk(plain) if value is UNKNOWN]
    try:
        model.model_validate(plain)
    except ValidationError as error:
        return list(_failures(error, unknown))
    return []


def _failures(error: ValidationError, unknown: list[Path]) -> Iterator[CheckFailure]:
    # include_input=False: the value may be a secret, and the message goes to the terminal
    for detail in error.errors(include_url=False, include_input=False):
        location = tuple(detail["loc"])
        related = any(path[: len(location)] == location or location[: len(path)] == path for path in unknown)
        if related and unknown:
            continue
        reason = (
            "is not a property of this resource" if detail["type"] == "extra_forbidden" else detail["msg"]
        )
        if detail["type"] == "missing":
            reason = "is required"
        yield CheckFailure(format_path(location), reason.removeprefix("Value error, "))


def parse(model: type[T], props: Props) -> T:
    """The typed form of checked properties. Raises `pydantic.ValidationError` where an unknown is still among them."""
    return model.model_validate(reveal(props))


def dump(inputs: Inputs) -> dict[str, Any]:
    """A model as plain properties, without what was left out."""
    return inputs.model_dump(mode="json", by_alias=True, exclude_none=True)
