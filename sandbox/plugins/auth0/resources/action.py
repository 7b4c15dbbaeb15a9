"""`auth0.Action`: code and secrets, built and deployed."""

from __future__ import annotations

import time
from typing import Any

from pydantic import Field

from providers.kit.errors import PartialError, ProviderError
from providers.kit.inputs import dump
from providers.kit.resource import Context, Live
from providers.kit.values import Props, Secret, Unknown, reveal
from sandbox.plugins.auth0.api import ManagementApi
from sandbox.plugins.kinds import StandInInputs, StandInResource

_DEADLINE = 360.0  # seconds for a build with its deployment, as in the published plugin
_POLL = 0.1


class ActionSecret(StandInInputs):
    """A secret by name."""

    name: str
    value: str


class SupportedTriggers(StandInInputs):
    """The trigger that the Action is made for."""

    id: str
    version: str


class ActionInputs(StandInInputs):
    """The properties that the stand-in knows."""

    name: str
    code: str
    runtime: str | None = None
    deploy: bool = False
    supported_triggers: SupportedTriggers
    secrets: list[ActionSecret] = Field(default_factory=list)


class Action(StandInResource[ManagementApi, ActionInputs]):
    """An Action. Secret values are never returned by the API, so their drift cannot be seen."""

    token = "auth0:index/action:Action"
    inputs = ActionInputs
    output_types = {"versionId": "string"}

    def normalise(self, props: Props) -> Props:
        secrets = props.get("secrets")
        if not isinstance(secrets, list):
            return props
        if not secrets:  # the same as none
            return {key: value for key, value in props.items() if key != "secrets"}
        # Their order says nothing: sorted, the same secrets are the same list.
        return {**props, "secrets": sorted(map(_marked, secrets), key=_sort_key)}

    def create(self, inputs: ActionInputs, context: Context) -> tuple[str, dict[str, Any]]:
        body = _body(inputs)
        if inputs.secrets:
            body["secrets"] = _secrets(inputs)
        made = self.client.call("POST", "actions/actions", body)
        try:
            return made["id"], self._deployed(made["id"], inputs, context)
        except ProviderError as failure:
            raise PartialError(str(failure), id=made["id"], outputs=dump(inputs)) from None

    def read(self, id: str, inputs: ActionInputs | None, context: Context) -> Live | None:
        live = self.client.find(f"actions/actions/{id}")
        if live is None:
            return None
        values = {item.name: item.value for item in inputs.secrets} if inputs else {}
        order = {name: at for at, name in enumerate(values)}
        trigger = live["supported_triggers"][0]
        found: dict[str, Any] = {
            "name": live["name"],
            "code": live["code"],
            "runtime": live.get("runtime"),
            "deploy": inputs.deploy if inputs else bool(live.get("all_changes_deployed")),
            "supportedTriggers": {"id": trigger["id"], "version": trigger["version"]},
            "secrets": [
                {"name": item["name"], "value": values.get(item["name"], "")}
                for item in sorted(
                    live.get("secrets", []), key=lambda item: order.get(item["name"], len(order))
                )
            ],
        }
        if inputs is not None and inputs.runtime is None:
            del found["runtime"]  # the tenant's choice
        return Live({key: value for key, value in found.items() if value is not None}, _version(live))

    def update(self, id: str, old: ActionInputs, new: ActionInputs, context: Context) -> dict[str, Any]:
        body = _body(new)
        if _secrets(old) != _secrets(new):
            self.client.call("GET", f"actions/actions/{id}")
            body["secrets"] = _secrets(new)
        self.client.call("PATCH", f"actions/actions/{id}", body)
        return self._deployed(id, new, context)

    def delete(self, id: str, inputs: ActionInputs, context: Context) -> None:
        self.client.remove(f"actions/actions/{id}")

    def _deployed(self, id: str, inputs: ActionInputs, context: Context) -> dict[str, Any]:
        path, deadline = f"actions/actions/{id}", time.monotonic() + _DEADLINE
        if not inputs.deploy:
            return _version(self.client.call("GET", path))
        self._until(path, deadline, context, lambda live: live["status"] == "built")
        self.client.call("POST", f"{path}/deploy")
        self._until(
            path, deadline, context, lambda live: (live.get("deployed_version") or {}).get("deployed")
        )
        return _version(self.client.call("GET", path))

    def _until(self, path: str, deadline: float, context: Context, done: Any) -> None:
        while True:
            live = self.client.call("GET", path)
            if done(live):
                return
            if live["status"] == "failed":
                raise ProviderError(
                    f"Auth0 could not build the Action {live['name']}; see its page in the dashboard."
                )
            if time.monotonic() > deadline or context.cancelled.wait(_POLL):
                raise ProviderError(
                    f"The Action {live['name']} was not deployed in time; run `pulumi up` again."
                )


def _marked(item: Any) -> Any:
    if not isinstance(item, dict) or "value" not in item or isinstance(item["value"], Secret | Unknown):
        return item
    return {**item, "value": Secret(item["value"])}


def _sort_key(item: Any) -> str:
    return str(reveal(item.get("name"))) if isinstance(item, dict) else ""


def _body(inputs: ActionInputs) -> dict[str, Any]:
    trigger = inputs.supported_triggers
    body = {
        "name": inputs.name,
        "supported_triggers": [{"id": trigger.id, "version": trigger.version}],
        "code": inputs.code,
    }
    return body | ({"runtime": inputs.runtime} if inputs.runtime else {})


def _secrets(inputs: ActionInputs) -> list[dict[str, str]]:
    return [
        {"name": item.name, "value": item.value}
        for item in sorted(inputs.secrets, key=lambda item: item.name)
    ]


def _version(live: dict[str, Any]) -> dict[str, Any]:
    return {"versionId": (live.get("deployed_version") or {}).get("id", "")}
