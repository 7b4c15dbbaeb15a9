"""Resources that are one object under one path: created by POST, read back by GET, changed by PATCH."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import quote

from providers.kit.diffing import Diff
from providers.kit.inputs import Inputs
from providers.kit.resource import Context, InputsT, Live
from providers.kit.values import Props
from sandbox.plugins.auth0.api import ManagementApi
from sandbox.plugins.auth0.fields import from_api, to_api
from sandbox.plugins.kinds import StandInResource


class SimpleResource(StandInResource[ManagementApi, InputsT]):
    """`path` is the collection's, `id_field` holds the id in its objects."""

    path: ClassVar[str]
    id_field: ClassVar[str] = "id"
    create_only: ClassVar[frozenset[str]] = frozenset()
    """API fields that a PATCH must not repeat."""
    unset_silently: ClassVar[frozenset[str]] = frozenset()
    """Properties whose removal from the program is no change."""
    creation_extras: ClassVar[dict[str, Any]] = {}
    """What the published plugin adds to a creation by itself."""

    def diff(self, old: Props, new: Props) -> Diff:
        # As in the published plugin: what the program no longer sets stays as it is in the tenant, and most of it is no change.
        silent = {key: value for key, value in old.items() if key in self.unset_silently and key not in new}
        return super().diff(old, {**silent, **new})

    def create(self, inputs: InputsT, context: Context) -> tuple[str, dict[str, Any]]:
        made = self.client.call("POST", self.path, {**to_api(inputs), **self.creation_extras})
        id = str(made[self.id_field])
        live = self.client.call("GET", self._at(id))
        return id, self.live_outputs(live)

    def read(self, id: str, inputs: InputsT | None, context: Context) -> Live | None:
        live = self.client.find(self._at(id))
        if live is None:
            return None
        model: type[Inputs] = self.inputs
        return Live(from_api(inputs, live, model), self.live_outputs(live))

    def update(self, id: str, old: InputsT, new: InputsT, context: Context) -> dict[str, Any]:
        body = {key: value for key, value in to_api(new).items() if key not in self.create_only}
        self.client.call("PATCH", self._at(id), body)
        return self.live_outputs(self.client.call("GET", self._at(id)))

    def delete(self, id: str, inputs: InputsT, context: Context) -> None:
        self.client.remove(self._at(id))

    def live_outputs(self, live: dict[str, Any]) -> dict[str, Any]:
        """Outputs beyond the inputs."""
        return {}

    def _at(self, id: str) -> str:
        return f"{self.path}/{quote(id, safe='')}"
