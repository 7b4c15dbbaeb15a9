"""Versions of an Action: `/api/v2/actions/actions/{id}/versions`, and the way back to one."""

from __future__ import annotations

from sandbox.auth0.management import ids
from sandbox.auth0.management.action_store import (
    existing,
    just_deployed,
    new_version,
    shown_version,
    start_build,
    summary,
)
from sandbox.auth0.management.endpoints import Call, Endpoints, Reply
from sandbox.auth0.management.errors import not_found
from sandbox.auth0.management.schema import flag
from sandbox.auth0.management.triggers import listed
from sandbox.auth0.store import Document, Store

__all__ = ["endpoints"]

endpoints = Endpoints()

_READ = ("read:actions",)
_WRITE = ("update:actions", "create:actions")


@endpoints("GET", "/actions/actions/{id}/versions", _READ, ("page", "per_page"))
def list_versions(call: Call) -> Document:
    """All versions, the newest first."""
    action = existing(call.store, call.params["id"])
    versions = call.store.find("action_version", _action_id=action["id"])
    versions.sort(key=lambda version: int(version["number"]), reverse=True)
    shown_versions = [{**shown_version(action, version), "action": summary(action)} for version in versions]
    return listed(call.query, shown_versions, "versions")


@endpoints("GET", "/actions/actions/{id}/versions/{version_id}", _READ)
def get_version(call: Call) -> Document:
    """One version."""
    action, version = _version_of(call.store, call.params)
    return {**shown_version(action, version), "action": summary(action)}


@endpoints("POST", "/actions/actions/{id}/versions/{version_id}/deploy", _WRITE)
def roll_back(call: Call) -> Reply:
    """Deploy an earlier version again, as a new one; `update_draft` makes it the draft, too."""
    store = call.store
    if call.body is not None:
        call.checked({"update_draft": flag()})
    with store.lock:
        action, version = _version_of(store, call.params)
        if (call.body or {}).get("update_draft"):
            for name in ("code", "dependencies", "runtime", "secrets"):
                action[name] = version[name]
            start_build(action)
            action["updated_at"] = ids.nanos()
            action["_all_changes_deployed"] = True
        else:
            same = all(action.get(name) == version[name] for name in ("code", "dependencies", "runtime"))
            action["_all_changes_deployed"] = same
        created = new_version(store, action, version)
    return Reply(202, just_deployed(action, created))


def _version_of(store: Store, params: dict[str, str]) -> tuple[Document, Document]:
    action = existing(store, params["id"])
    version = store.get("action_version", params["version_id"])
    if version is None or version["_action_id"] != action["id"]:
        raise not_found("That action version does not exist.")
    return action, version
