"""Triggers and what is bound to them: `/api/v2/actions/triggers`.

`PATCH …/bindings` replaces the trigger's whole list for the whole tenant, and every binding gets a new id.
"""

from __future__ import annotations

from typing import Any

from sandbox.auth0.management import ids
from sandbox.auth0.management.action_store import (
    bindings_of,
    deployed_snapshot,
    existing,
    put_bindings,
    shown,
    summary,
)
from sandbox.auth0.management.endpoints import Call, Endpoints
from sandbox.auth0.management.errors import NotSimulatedError, bad_request, not_found
from sandbox.auth0.management.paging import number_argument
from sandbox.auth0.management.schema import Table, items, json_object, text
from sandbox.auth0.store import Document, Store
from sandbox.auth0.tenant import Tenant

__all__ = ["TRIGGERS", "deployed_actions", "endpoints", "listed"]

endpoints = Endpoints()

# Trigger -> versions, the current one first.
TRIGGERS: dict[str, tuple[str, ...]] = {
    "post-login": ("v3", "v2", "v1"),
    "credentials-exchange": ("v2", "v1"),
    "pre-user-registration": ("v2", "v1"),
    "post-user-registration": ("v2", "v1"),
    "post-change-password": ("v2", "v1"),
    "send-phone-message": ("v2", "v1"),
    "password-reset-post-challenge": ("v1",),
    "custom-phone-provider": ("v1",),
    "custom-email-provider": ("v1",),
    "custom-token-exchange": ("v1",),
    "event-stream": ("v1",),
    "password-hash-migration": ("v1",),
}

_BINDINGS: Table = {
    "bindings": items(
        json_object(
            {
                "ref": json_object(
                    {
                        "type": text(
                            required=True, nullable=False, enum=("binding_id", "action_id", "action_name")
                        ),
                        "value": text(required=True, nullable=False, shortest=1),
                    },
                    required=True,
                    nullable=False,
                ),
                "display_name": text(),
            },
            nullable=False,
        ),
        "The actions that will be bound to this trigger. The order in which they are included will be the order "
        "in which they are executed.",
        longest=20,
    )
}


def deployed_actions(tenant: Tenant, trigger_id: str) -> list[Document]:
    """What runs at a trigger, in the order of its bindings, from the deployed versions (never the drafts).

    Each is `{"id", "name", "code", "secrets": {name: value}, "runtime", "dependencies", "version_id",
    "supported_triggers"}`.
    """
    store = tenant.store
    snapshots = []
    for binding in bindings_of(store, trigger_id):
        action = store.get("action", binding["_action_id"])
        snapshot = deployed_snapshot(store, action) if action is not None else None
        if snapshot is not None:
            snapshots.append(snapshot)
    return snapshots


def listed(query: dict[str, str], documents: list[Document], key: str) -> Document:
    """A page as the Actions API answers it: `page` and `total` are left out where they are zero, and a page
    past the end has no `total` (a client that asks until nothing comes would loop on one)."""
    number = number_argument(query, "page", 0)
    size = number_argument(query, "per_page", 50, 100)
    chunk = documents[number * size : (number + 1) * size]
    answer: Document = {key: chunk}
    if chunk:
        answer["total"] = len(documents)
    if number:
        answer["page"] = number
    return {**answer, "per_page": size}


@endpoints("GET", "/actions/triggers", ("read:actions",))
def list_triggers(call: Call) -> Document:
    """Every trigger in each of its versions."""
    return {
        "triggers": [
            {
                "id": trigger,
                "version": version,
                "status": "CURRENT" if version == versions[0] else "DEPRECATED",
                "runtimes": ["node18-actions", "node22"],
                "default_runtime": "node22",
                "binding_policy": "trigger-bound",
                "compatible_triggers": [],
            }
            for trigger, versions in TRIGGERS.items()
            for version in versions
        ]
    }


@endpoints("GET", "/actions/triggers/{trigger}/bindings", ("read:actions",), ("page", "per_page"))
def list_bindings(call: Call) -> Document:
    """The Actions bound to a trigger, in order."""
    trigger = _known(call.params["trigger"])
    bindings = [_shown(call.store, trigger, item) for item in bindings_of(call.store, trigger)]
    return listed(call.query, bindings, "bindings")


@endpoints("PATCH", "/actions/triggers/{trigger}/bindings", ("update:actions",))
def replace_bindings(call: Call) -> Document:
    """Replace the whole list."""
    store, trigger = call.store, _known(call.params["trigger"])
    body = call.checked(_BINDINGS)
    with store.lock:
        before = bindings_of(store, trigger)
        after: list[Document] = []
        for item in body.get("bindings") or []:
            action, old = _referred(store, item["ref"], before)
            if trigger not in [supported["id"] for supported in action["supported_triggers"]]:
                raise bad_request(
                    "Trying to create a binding between an incompatible action and trigger.", None
                )
            if "_deployed_version_id" not in action:
                raise bad_request(
                    "Trying to create a binding for an action that has not been deployed yet", None
                )
            now = ids.nanos()
            after.append(
                {
                    "id": ids.uuid_id(),
                    "created_at": now,
                    "updated_at": now,
                    "display_name": item.get("display_name")
                    or (old or {}).get("display_name")
                    or action["name"],
                    "_action_id": action["id"],
                }
            )
        put_bindings(store, trigger, after)
    return {"bindings": [_shown(store, trigger, item) for item in after]}


def _known(trigger: str) -> str:
    if trigger not in TRIGGERS:
        raise NotSimulatedError(f"the trigger {trigger}")
    return trigger


def _referred(store: Store, ref: Document, before: list[Document]) -> tuple[Document, Document | None]:
    """The Action that a reference names, and the binding that it names it by."""
    if ref["type"] == "action_id":
        return existing(store, ref["value"]), None
    if ref["type"] == "action_name":
        found = store.find("action", name=ref["value"])
        if not found:
            raise not_found("That action does not exist.")
        return found[0], None
    for binding in before:
        if binding["id"] == ref["value"]:
            return existing(store, binding["_action_id"]), binding
    raise not_found("That binding does not exist.")


def _shown(store: Store, trigger: str, binding: Document) -> Document:
    action = existing(store, binding["_action_id"])
    full: dict[str, Any] = shown(store, action)
    versions = {name: full[name] for name in ("current_version", "deployed_version") if name in full}
    return {
        "id": binding["id"],
        "trigger_id": trigger,
        "action": {**summary(action), **versions},
        "created_at": binding["created_at"],
        "updated_at": binding["updated_at"],
        "display_name": binding["display_name"],
    }
