"""Actions as documents: draft, versions, builds, and what is bound to a trigger.

A build is no background task: its status is worked out from the moment it began, whenever somebody looks.
Syntax is not checked; what fails is a dependency that npm has only as a placeholder (Node's own modules).
"""

from __future__ import annotations

import time

from sandbox.auth0.management import ids
from sandbox.auth0.management.errors import not_found
from sandbox.auth0.store import Document, Store, public

__all__ = [
    "bindings_of",
    "bound_triggers",
    "build_status",
    "deployed_snapshot",
    "existing",
    "just_deployed",
    "new_version",
    "put_bindings",
    "shown",
    "shown_version",
    "start_build",
    "summary",
]

_PLAIN_BUILD = 0.05  # seconds
_INSTALL = 0.4  # seconds for one attempt to install dependencies
_ATTEMPTS = 3

_NODE_MODULES = frozenset(
    [
        "assert",
        "buffer",
        "child_process",
        "cluster",
        "crypto",
        "dgram",
        "dns",
        "domain",
        "fs",
        "http",
        "http2",
        "https",
        "inspector",
        "module",
        "net",
        "os",
        "path",
        "perf_hooks",
        "process",
        "punycode",
        "querystring",
        "readline",
        "repl",
        "stream",
        "string_decoder",
        "sys",
        "timers",
        "tls",
        "tty",
        "url",
        "util",
        "v8",
        "vm",
        "wasi",
        "worker_threads",
        "zlib",
    ]
)


def existing(store: Store, action_id: str) -> Document:
    """The Action, with its private keys. Raises ApiError 404 where there is none."""
    action = store.get("action", action_id)
    if action is None:
        raise not_found("That action does not exist.")
    return action


def start_build(action: Document) -> None:
    """The draft has changed: build it anew."""
    action["_build_began"] = time.time()
    action["_all_changes_deployed"] = False


def build_status(action: Document, *, fresh: bool = False) -> str:
    """`pending`, `building`, `retrying`, `built` or `failed`; `fresh` is the answer to the write itself."""
    if fresh:
        return "pending"
    age = time.time() - float(action["_build_began"])
    names = [dependency["name"] for dependency in action["dependencies"]]
    if not names:
        return "built" if age >= _PLAIN_BUILD else "pending"
    if not _NODE_MODULES.intersection(names):
        return "built" if age >= _INSTALL else "building"
    phase = int(age / _INSTALL)
    if phase >= 2 * _ATTEMPTS - 1:
        return "failed"
    return "retrying" if phase % 2 else "building"


def shown(store: Store, action: Document, *, fresh: bool = False) -> Document:
    """The Action as the API answers it."""
    names = (
        "id",
        "name",
        "supported_triggers",
        "created_at",
        "updated_at",
        "code",
        "dependencies",
        "runtime",
    )
    answer = {name: action[name] for name in names if name in action}
    answer["status"] = build_status(action, fresh=fresh)
    answer["secrets"] = public(action["secrets"])
    answer |= _versions(store, action)
    answer["all_changes_deployed"] = bool(action.get("_all_changes_deployed"))
    return answer


def summary(action: Document) -> Document:
    """The Action inside a version or a binding; `all_changes_deployed` is never true there (recorded)."""
    names = ("id", "name", "supported_triggers", "created_at", "updated_at")
    return {**{name: action[name] for name in names}, "all_changes_deployed": False}


def _versions(store: Store, action: Document) -> Document:
    version = store.get("action_version", action.get("_deployed_version_id") or "")
    if version is None:
        return {}
    current = {
        name: version[name] for name in ("id", "code", "runtime", "number", "created_at", "updated_at")
    }
    current |= {"status": "BUILT", "build_time": version["built_at"]}
    return {"current_version": current, "deployed_version": shown_version(action, version)}


def shown_version(action: Document, version: Document) -> Document:
    """A version as the API answers it."""
    answer: Document = public(version)
    return {**answer, "deployed": version["id"] == action.get("_deployed_version_id")}


def just_deployed(action: Document, version: Document) -> Document:
    """The answer to a deployment, which is not live yet: no build time, `deployed` still false."""
    answer = shown_version(action, version)
    del answer["built_at"]
    return {**answer, "deployed": False, "action": summary(action)}


def new_version(store: Store, action: Document, source: Document) -> Document:
    """Deploy what `source` (the draft, or an earlier version) holds as the Action's next version.

    Writes both documents; gives the version.
    """
    began, ended = time.time_ns(), time.time_ns() + 1
    version: Document = {
        "id": ids.uuid_id(),
        "code": source.get("code", ""),
        "dependencies": source["dependencies"],
        "runtime": source["runtime"],
        "secrets": source["secrets"],
        "supported_triggers": action["supported_triggers"],
        "number": int(action.get("_last_number", 0)) + 1,
        "status": "built",
        "built_at": ids.nanos(ended),
        "created_at": ids.nanos(began),
        "updated_at": ids.nanos(ended),
        "_action_id": action["id"],
    }
    action["_last_number"] = version["number"]
    action["_deployed_version_id"] = version["id"]
    store.put("action_version", version["id"], version)
    store.put("action", action["id"], action)
    return version


def deployed_snapshot(store: Store, action: Document) -> Document | None:
    """What runs: code and secrets of the deployed version, None where nothing is deployed."""
    version = store.get("action_version", action.get("_deployed_version_id") or "")
    if version is None:
        return None
    return {
        "id": action["id"],
        "name": action["name"],
        "code": version["code"],
        "secrets": {secret["name"]: secret.get("_value", "") for secret in version["secrets"]},
        "runtime": version["runtime"],
        "dependencies": version["dependencies"],
        "version_id": version["id"],
        "supported_triggers": version["supported_triggers"],
    }


def bindings_of(store: Store, trigger: str) -> list[Document]:
    """The bindings of a trigger, in order: `{"id", "display_name", "created_at", "updated_at", "_action_id"}`."""
    bindings: list[Document] = store.get_value(f"binding_list:{trigger}") or []
    return bindings


def put_bindings(store: Store, trigger: str, bindings: list[Document]) -> None:
    """Replace the list of a trigger."""
    store.put_value(f"binding_list:{trigger}", bindings)


def bound_triggers(store: Store, action: Document) -> list[str]:
    """Triggers that the Action is bound to."""
    triggers = [trigger["id"] for trigger in action["supported_triggers"]]
    return [
        trigger
        for trigger in triggers
        if any(binding["_action_id"] == action["id"] for binding in bindings_of(store, trigger))
    ]
