"""Between Pulumi's property names and the API's: `appType` and `app_type`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.alias_generators import to_camel, to_snake

from providers.kit.inputs import Inputs, dump


def to_api(inputs: Inputs, renamed: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The body of a request from inputs. `renamed`: property name -> API name where they differ by more than case."""
    return {(renamed or {}).get(key, to_snake(key)): _snake(value) for key, value in dump(inputs).items()}


def _snake(value: Any) -> Any:
    return {to_snake(key): item for key, item in value.items()} if isinstance(value, dict) else value


def from_api(inputs: Inputs | None, live: Mapping[str, Any], model: type[Inputs]) -> dict[str, Any]:
    """The live values of the properties that `inputs` has set (all that the model knows in an import)."""
    wanted = (
        dump(inputs).keys() if inputs else [field.alias or name for name, field in model.model_fields.items()]
    )
    found: dict[str, Any] = {}
    for key in wanted:
        value = live.get(to_snake(key))
        declared = dump(inputs).get(key) if inputs else None
        if isinstance(value, dict):
            camel = {to_camel(name): item for name, item in value.items()}
            # A nested object is compared by what was declared of it: the API fills in the rest.
            found[key] = {name: camel.get(name) for name in declared} if isinstance(declared, dict) else camel
        elif value is not None:
            found[key] = value
    return found
