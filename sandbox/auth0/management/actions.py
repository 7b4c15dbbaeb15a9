"""Actions: `/api/v2/actions/actions`, the test call, executions.

An update keeps what it omits and empties what it sends as `[]`. Secret values never leave.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sandbox.auth0.management import ids
from sandbox.auth0.management.action_store import (
    bindings_of,
    bound_triggers,
    build_status,
    existing,
    just_deployed,
    new_version,
    put_bindings,
    shown,
    start_build,
)
from sandbox.auth0.management.endpoints import Call, Endpoints, Reply
from sandbox.auth0.management.errors import (
    NotSimulatedError,
    ValidationFailedError,
    bad_request,
    conflict,
    not_found,
)
from sandbox.auth0.management.schema import Field, Table, flag, items, json_object, text
from sandbox.auth0.management.triggers import TRIGGERS, listed
from sandbox.auth0.store import Document, public

__all__ = ["endpoints"]

endpoints = Endpoints()

_READ = ("read:actions",)
_WRITE = ("update:actions", "create:actions")

_SECRET: Table = {
    "name": text(
        "The name of the particular secret, e.g. API_KEY.",
        required=True,
        nullable=False,
        shortest=1,
        longest=128,
    ),
    "value": text("The value of the particular secret, e.g. secret123.", longest=4096),
    "updated_at": text(),
}
_DEPENDENCY: Table = {
    "name": text(
        "name is the name of the npm module, e.g. lodash", required=True, nullable=False, shortest=1
    ),
    "version": text(
        "description is the version of the npm module, e.g. 4.17.1", required=True, nullable=False
    ),
    "registry_url": text(),
}
_COMMON: dict[str, Field] = {
    "code": text("The source code of the action.", longest=100_000),
    "dependencies": items(
        json_object(_DEPENDENCY, nullable=False),
        "The list of third party npm modules, and their versions, that this action depends on.",
        longest=10,
    ),
    "runtime": text("The Node runtime.", enum=("node12", "node16", "node18", "node18-actions", "node22")),
    "secrets": items(
        json_object(_SECRET, nullable=False),
        "The list of secrets that are included in an action or a version of an action.",
        longest=30,
    ),
}
_TRIGGERS = json_object(
    {"id": text(required=True, nullable=False), "version": text(), "url": text()}, nullable=False
)
_TRIGGER_LIST = "The list of triggers that this action supports. At this time, an action can only target a single trigger at a time."
_CREATE: Table = {
    "name": text("The name of an action.", required=True, nullable=False, shortest=1),
    "supported_triggers": items(
        _TRIGGERS, _TRIGGER_LIST, required=True, nullable=False, shortest=1, longest=1
    ),
    "deploy": flag("True if the action should be deployed after creation."),
    **_COMMON,
}
_UPDATE: Table = {
    "name": text("The name of an action.", nullable=False, shortest=1),
    "supported_triggers": items(_TRIGGERS, _TRIGGER_LIST, shortest=1, longest=1),
    **_COMMON,
}
_ENDED = ("node12", "node16", "node18")


@endpoints(
    "GET", "/actions/actions", _READ, ("triggerId", "actionName", "deployed", "page", "per_page", "installed")
)
def list_actions(call: Call) -> Document:
    """The Actions that fit the filters; counters of zero are left out."""
    found = call.store.all("action")
    if "actionName" in call.query:
        found = [action for action in found if action["name"] == call.query["actionName"]]
    if "triggerId" in call.query:
        wanted = call.query["triggerId"]
        found = [
            action for action in found if wanted in [item["id"] for item in action["supported_triggers"]]
        ]
    if "deployed" in call.query:
        deployed = call.query["deployed"] == "true"
        found = [action for action in found if ("_deployed_version_id" in action) == deployed]
    if call.query.get("installed") == "true":
        found = []
    return listed(call.query, [shown(call.store, action) for action in found], "actions")


@endpoints("POST", "/actions/actions", ("create:actions",))
def create_action(call: Call) -> Reply:
    """A new draft; its build begins."""
    body = call.checked(_CREATE)
    store = call.store
    _check(body)
    with store.lock:
        if store.find("action", name=body["name"]):
            raise conflict(f"An action with name '{body['name']}' already exists")
        now = ids.nanos()
        action: Document = {
            "id": ids.uuid_id(),
            "name": body["name"],
            "supported_triggers": _supported(body["supported_triggers"]),
            "created_at": now,
            "updated_at": now,
            "code": body.get("code") or "",
            "dependencies": body.get("dependencies") or [],
            "runtime": body.get("runtime") or "node22",
            "secrets": _secrets(body.get("secrets") or [], [], now),
        }
        start_build(action)
        store.put("action", action["id"], action)
        if body.get("deploy"):
            new_version(store, action, action)
            action["_all_changes_deployed"] = True
            store.put("action", action["id"], action)
    return Reply(201, shown(store, action, fresh=True))


@endpoints("GET", "/actions/actions/{id}", _READ)
def get_action(call: Call) -> Document:
    """One Action."""
    return shown(call.store, existing(call.store, call.params["id"]))


@endpoints("PATCH", "/actions/actions/{id}", ("update:actions",))
def update_action(call: Call) -> Document:
    """Change the draft and build it anew; what is deployed stays as it is."""
    store = call.store
    with store.lock:
        action = existing(store, call.params["id"])
        body = call.checked(_UPDATE, partial=True)
        _check(body)
        now = ids.nanos()
        others = store.find("action", name=body.get("name", action["name"]))
        if any(other["id"] != action["id"] for other in others):
            raise conflict(f"An action with name '{body['name']}' already exists")
        for name in ("name", "code", "runtime"):
            if body.get(name) is not None:
                action[name] = body[name]
        if body.get("supported_triggers"):
            action["supported_triggers"] = _supported(body["supported_triggers"])
        if body.get("dependencies") is not None:
            action["dependencies"] = body["dependencies"]
        if body.get("secrets") is not None:
            action["secrets"] = _secrets(body["secrets"], action["secrets"], now)
        action["updated_at"] = now
        start_build(action)
        store.put("action", action["id"], action)
    return shown(store, action, fresh=True)


@endpoints("DELETE", "/actions/actions/{id}", ("delete:actions",), ("force",))
def delete_action(call: Call) -> Reply:
    """Remove an Action that is not bound; `force=true` unbinds it first."""
    store = call.store
    with store.lock:
        action = existing(store, call.params["id"])
        for trigger in bound_triggers(store, action):
            if call.query.get("force") != "true":
                raise conflict("Unable to delete an action bound to a trigger.")
            left = [item for item in bindings_of(store, trigger) if item["_action_id"] != action["id"]]
            put_bindings(store, trigger, left)
        for version in store.find("action_version", _action_id=action["id"]):
            store.delete("action_version", version["id"])
        store.delete("action", action["id"])
    return Reply(204)


@endpoints("POST", "/actions/actions/{id}/deploy", _WRITE)
def deploy_action(call: Call) -> Document:
    """Make the built draft the deployed version."""
    store = call.store
    with store.lock:
        action = existing(store, call.params["id"])
        if build_status(action) != "built":
            raise bad_request("A draft must be in the 'built' state before it can be deployed.", None)
        # Set first: new_version writes the Action.
        action["_all_changes_deployed"] = True
        version = new_version(store, action, action)
    return just_deployed(action, version)


@endpoints("POST", "/actions/actions/{id}/test", _WRITE)
async def test_action(call: Call) -> Any:
    """Run the draft with a payload; see the runtime for what the answer holds."""
    action = existing(call.store, call.params["id"])
    body = call.checked({"payload": json_object(required=True, nullable=False)})
    runtime = import_module("sandbox.auth0.runtime")  # late: only this route needs Node
    try:
        return await runtime.run_test(call.tenant, action, body["payload"])
    except ValueError as error:
        raise NotSimulatedError(str(error).removeprefix("sandbox: ")) from error


@endpoints("GET", "/actions/executions/{id}", _READ)
def get_execution(call: Call) -> Any:
    """What the Actions of one run of a trigger did."""
    execution = call.store.get("execution", call.params["id"])
    if execution is None:
        raise not_found("That execution does not exist.")
    return public(execution)


def _check(body: Document) -> None:
    if body.get("runtime") in _ENDED:
        raise bad_request(f"The runtime {body['runtime']} is no longer supported.", None)
    names = [secret["name"] for secret in body.get("secrets") or []]
    for name in names:
        if names.count(name) > 1:
            raise ValidationFailedError(f"Duplicate secret name: {name}", "secrets")


def _supported(triggers: list[Document]) -> list[Document]:
    answer = []
    for trigger in triggers:
        known = TRIGGERS.get(trigger["id"])
        version = trigger.get("version") or (known[0] if known else "")
        if known is None or version not in known:
            raise bad_request(f"Trigger {trigger['id']} {version} does not exist.".replace("  ", " "), None)
        answer.append({"id": trigger["id"], "version": version})
    return answer


def _secrets(given: list[Document], before: list[Document], now: str) -> list[Document]:
    """The new list: known names keep their place, a secret without a value keeps the one it has."""
    known = {secret["name"]: secret for secret in before}
    order = {name: index for index, name in enumerate(known)}
    result = []
    for secret in sorted(given, key=lambda item: order.get(item["name"], len(order))):
        old = known.get(secret["name"])
        if secret.get("value") is None:
            if old is None:
                raise ValidationFailedError("Missing required property: value", "secrets")
            result.append(old)
        else:
            result.append({"name": secret["name"], "updated_at": now, "_value": secret["value"]})
    return result
