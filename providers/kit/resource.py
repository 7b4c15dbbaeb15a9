"""What one kind of resource is: a class with check, diff, create, read, update and delete over typed inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Any, ClassVar, Generic, TypeVar

from providers.kit.diffing import Diff, structural
from providers.kit.inputs import CheckFailure, Inputs
from providers.kit.values import Props

InputsT = TypeVar("InputsT", bound=Inputs)
ClientT = TypeVar("ClientT")


@dataclass(frozen=True)
class Context:
    """What a call may use beside its inputs.

    `urn` names the resource; `info` and `warn` show a line in the preview or the update; `cancelled` is set on Ctrl-C, and
    whoever waits must look at it; `timeout` is in seconds, 0 where the user set none. `state` holds the properties in the
    state, outputs included, as plain values: empty on create and import.
    """

    urn: str
    info: Callable[[str], None] = field(repr=False)
    warn: Callable[[str], None] = field(repr=False)
    cancelled: Event = field(repr=False)
    timeout: float = 0.0
    state: Props = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The resource's name in the program: the last part of its URN."""
        return self.urn.rsplit("::", 1)[-1]


@dataclass(frozen=True)
class Live:
    """An object as it is in the outside world: its inputs (plain values), and outputs beyond them."""

    inputs: dict[str, Any]
    outputs: dict[str, Any] = field(default_factory=dict)


class Resource(Generic[ClientT, InputsT]):
    """Base of every resource kind. One subclass a kind, in a file of its own.

    The kit takes care of secrets (what was secret stays secret, in inputs and outputs), of unknowns (a preview calls only
    `check`, `diff` and `preview`), of outputs (the inputs, plus what `outputs` and the calls return) and of error texts.
    """

    token: ClassVar[str]
    """Pulumi's type token, `package:index:Kind`."""
    inputs: ClassVar[type[Inputs]]
    """The model of the inputs."""
    replace_on: ClassVar[frozenset[str]] = frozenset()
    """Top-level properties whose change means another object."""
    output_types: ClassVar[dict[str, str]] = {}
    """JSON type of each output that is no input, for `pulumi package get-schema`."""
    secret_outputs: ClassVar[frozenset[str]] = frozenset()
    """Outputs (beyond the inputs) that are secret."""
    changed_at: ClassVar[bool] = False
    """Whether the kit adds the output `changedAt`: when a deployment last made or changed the object (ISO 8601, UTC)."""

    def __init__(self, client: ClientT) -> None:
        self.client = client

    def check(self, props: Props) -> list[CheckFailure]:
        """Problems beyond what the model finds. `props` may hold unknowns and secrets. Calls nothing outside."""
        return []

    def normalise(self, props: Props) -> Props:
        """The inputs to keep in the state: defaults filled in, values in canonical form, secrets marked. Pure."""
        return props

    def diff(self, old: Props, new: Props) -> Diff:
        """What changes between two sets of normalised inputs. Calls nothing outside."""
        return structural(old, new, self.replace_on)

    def outputs(self, inputs: InputsT) -> dict[str, Any]:
        """Outputs that follow from the inputs alone: known in a preview already."""
        return {}

    def preview(self, old: InputsT | None, new: InputsT, context: Context) -> None:
        """Say in the preview what an update (a creation where `old` is None) will do. Calls nothing outside."""

    def create(self, inputs: InputsT, context: Context) -> tuple[str, dict[str, Any]]:
        """Make the object and return its id and further outputs. Must find an own object left by a crash half-way."""
        raise NotImplementedError

    def read(self, id: str, inputs: InputsT | None, context: Context) -> Live | None:
        """The object as it is, projected onto `inputs` (None in an import: everything); None where it is gone."""
        raise NotImplementedError

    def update(self, id: str, old: InputsT, new: InputsT, context: Context) -> dict[str, Any]:
        """Change the object and return further outputs."""
        raise NotImplementedError

    def delete(self, id: str, inputs: InputsT, context: Context) -> None:
        """Remove the object. What is gone already is no error."""
        raise NotImplementedError
