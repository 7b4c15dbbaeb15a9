"""`auth0.TriggerAction`: one Action in the tenant's list of those that run at a trigger."""

from __future__ import annotations

from typing import Any

from providers.kit.resource import Context, Live
from sandbox.plugins.auth0.api import ManagementApi
from sandbox.plugins.kinds import StandInInputs, StandInResource


class TriggerActionInputs(StandInInputs):
    """The Action's id and the trigger's name."""

    trigger: str
    action_id: str
    display_name: str | None = None


class TriggerAction(StandInResource[ManagementApi, TriggerActionInputs]):
    """A binding. The API knows only the whole list, so this reads it and writes it back with its own entry. Id: `trigger::action`."""

    token = "auth0:index/triggerAction:TriggerAction"
    inputs = TriggerActionInputs
    replace_on = frozenset({"trigger", "actionId"})

    def create(self, inputs: TriggerActionInputs, context: Context) -> tuple[str, dict[str, Any]]:
        bindings = self.client.call("GET", _path(inputs.trigger), per_page=50)["bindings"]
        if inputs.action_id in [item["action"]["id"] for item in bindings]:
            self._pages(inputs.trigger)  # taken over as it is
        else:
            self._put(inputs, bindings)
        return f"{inputs.trigger}::{inputs.action_id}", {}

    def read(self, id: str, inputs: TriggerActionInputs | None, context: Context) -> Live | None:
        trigger, _, action_id = id.partition("::")
        bindings = self._pages(trigger)
        mine = next((item for item in bindings if item["action"]["id"] == action_id), None)
        if mine is None:
            return None
        found = {"trigger": trigger, "actionId": action_id}
        if inputs is None or inputs.display_name is not None:
            found["displayName"] = mine["display_name"]
        return Live(found)

    def update(
        self, id: str, old: TriggerActionInputs, new: TriggerActionInputs, context: Context
    ) -> dict[str, Any]:
        self._put(new, self._pages(new.trigger))
        return {}

    def delete(self, id: str, inputs: TriggerActionInputs, context: Context) -> None:
        bindings = self.client.call("GET", _path(inputs.trigger), per_page=50)["bindings"]
        others = [item for item in bindings if item["action"]["id"] != inputs.action_id]
        self.client.call("PATCH", _path(inputs.trigger), {"bindings": [_reference(item) for item in others]})

    def _put(self, inputs: TriggerActionInputs, bindings: list[dict[str, Any]]) -> None:
        """Write the list back with the own entry, in its place where it had one."""
        name = inputs.display_name or inputs.action_id
        mine = {"display_name": name, "ref": {"type": "action_id", "value": inputs.action_id}}
        wanted = [mine if item["action"]["id"] == inputs.action_id else _reference(item) for item in bindings]
        if mine not in wanted:
            wanted.append(mine)
        self.client.call("PATCH", _path(inputs.trigger), {"bindings": wanted})
        self._pages(inputs.trigger)

    def _pages(self, trigger: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        page = 0
        while bindings := self.client.call("GET", _path(trigger), page=page, per_page=100)["bindings"]:
            found += bindings
            page += 1
        return found


def _path(trigger: str) -> str:
    return f"actions/triggers/{trigger}/bindings"


def _reference(binding: dict[str, Any]) -> dict[str, Any]:
    return {
        "display_name": binding["display_name"],
        "ref": {"type": "action_id", "value": binding["action"]["id"]},
    }
